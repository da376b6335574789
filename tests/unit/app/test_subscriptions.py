"""Subscriptions: what is asked of Graph, what its answers mean, and what a pass has to do."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.dataverse.mailboxes import MailboxRow, MailboxState, ReadyMailbox
from shared.graph.client import GraphResponse
from shared.graph.client_state import Subject
from shared.graph.subscriptions import (
    HALF_LIFE,
    LIFETIME,
    create_subscription,
    existing_subscription,
    expiry_of,
    renew_subscription,
)
from shared.identifiers import Kind, MailboxId, SystemUserId
from shared.sync.enrolment import Difference

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
ID = "b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01"
EXISTS = f"Subscription Id {ID} already exists for the requested combination"


def refusal(status: int, message: str) -> GraphResponse:
    return GraphResponse(status, {"error": {"code": "ObjectIdentifierInUse", "message": message}})


def test_it_asks_for_no_longer_than_graph_takes_and_for_immutable_ids() -> None:
    request = create_subscription(
        Subject(MailboxId("m"), Kind.MAIL),
        webhook_base_url="https://tether.example",
        client_state="sealed",
        expires=NOW + LIFETIME,
    )
    assert timedelta(minutes=10_070) > LIFETIME
    assert request.headers == {"Prefer": 'IdType="ImmutableId"'}
    assert request.body is not None
    assert request.body["resource"] == "users/m/messages?$filter=isDraft eq false"
    assert request.body["expirationDateTime"] == "2026-11-09T06:40:00Z"
    assert request.body["lifecycleNotificationUrl"] == "https://tether.example/api/graph/lifecycle"


def test_the_subscription_that_is_there_is_adopted_by_the_id_graph_names() -> None:
    assert existing_subscription(refusal(409, EXISTS)) == ID
    assert existing_subscription(refusal(409, EXISTS.replace(ID, ID.upper()))) == ID.upper()


@pytest.mark.parametrize(
    ("status", "message"),
    [(409, "Some other conflict"), (400, EXISTS), (201, EXISTS), (409, "Subscription Id 1234")],
)
def test_any_other_refusal_names_none(status: int, message: str) -> None:
    assert existing_subscription(refusal(status, message)) is None


@pytest.mark.parametrize(
    "written",
    ["2026-11-09T06:40:00Z", "2026-11-09T06:40:00.0000000Z", "2026-11-08T22:40:00.0000000-08:00"],
)
def test_the_expiry_is_the_same_moment_however_it_is_written(written: str) -> None:
    answer = GraphResponse(201, {"id": ID, "expirationDateTime": written})
    assert expiry_of(answer) == datetime(2026, 11, 9, 6, 40, tzinfo=UTC)


def test_a_renewal_gives_nothing_but_the_new_expiry() -> None:
    assert renew_subscription(ID, NOW).body == {"expirationDateTime": "2026-11-02T08:00:00Z"}


def ready(name: str) -> ReadyMailbox:
    return ReadyMailbox(MailboxId(name), SystemUserId(f"user of {name}"), name)


def enrolled(
    name: str,
    expires: datetime | None = NOW + LIFETIME,
    *,
    state: MailboxState = MailboxState.ENROLLED,
    subscription: str | None = ID,
    key: str = "k2",
) -> MailboxRow:
    return MailboxRow(
        id=MailboxId(name),
        systemuser=SystemUserId("u"),
        state=state,
        subscription=subscription,
        subscription_seal=key,
        expires=expires,
    )


def names(difference: Difference) -> tuple[list[str], list[str], list[str]]:
    return (
        [one.id for one in difference.to_enrol],
        [one.id for one in difference.to_renew],
        [one.id for one in difference.to_suspend],
    )


def todo(
    wanted: list[ReadyMailbox], rows: list[MailboxRow]
) -> tuple[list[str], list[str], list[str]]:
    return names(Difference.between(wanted, rows, NOW, "k2"))


def test_a_ready_mailbox_with_a_live_subscription_needs_nothing() -> None:
    assert todo([ready("a")], [enrolled("a")]) == ([], [], [])


def test_a_ready_mailbox_nobody_knows_is_enrolled() -> None:
    assert todo([ready("a"), ready("b")], [enrolled("a")]) == (["b"], [], [])


@pytest.mark.parametrize(
    "row",
    [
        enrolled("a", NOW),
        enrolled("a", NOW - timedelta(seconds=1)),
        enrolled("a", None),
        enrolled("a", subscription=None),
        enrolled("a", state=MailboxState.SUSPENDED),
        enrolled("a", key="k1"),
    ],
)
def test_without_a_live_subscription_it_is_enrolled_anew(row: MailboxRow) -> None:
    assert todo([ready("a")], [row]) == (["a"], [], [])


@pytest.mark.parametrize(
    ("left", "renewed"), [(HALF_LIFE, []), (HALF_LIFE - timedelta(seconds=1), ["a"])]
)
def test_it_is_renewed_once_half_its_life_is_over(left: timedelta, renewed: list[str]) -> None:
    assert todo([ready("a")], [enrolled("a", NOW + left)]) == ([], renewed, [])


def test_a_mailbox_that_is_no_longer_ready_is_suspended_once() -> None:
    rows = [enrolled("a"), enrolled("b", state=MailboxState.SUSPENDED)]
    assert todo([], rows) == ([], [], ["a"])
