"""Subscriptions: what is asked of Graph, what its answers mean, and what a pass has to do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.dataverse.mailboxes import MailboxRow, MailboxState, ReadyMailbox
from shared.dataverse.subscriptions import KINDS, Subscription
from shared.graph.client import GraphResponse
from shared.graph.client_state import Subject
from shared.graph.subscriptions import (
    HALF_LIFE,
    LIFETIME,
    SUBSCRIBED_KINDS,
    create_subscription,
    existing_subscription,
    expiry_of,
    renew_subscription,
)
from shared.identifiers import Kind, MailboxId, SystemUserId
from shared.sync.difference import Difference
from shared.sync.gaps import Gap, to_be_noted

BOTH = (Kind.MAIL, Kind.CALENDAR)
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


def one(expires: datetime = NOW + LIFETIME, seal: str = "k2") -> Subscription:
    return Subscription(ID, expires, seal)


def enrolled(
    name: str,
    mail: Subscription | None = None,
    calendar: Subscription | None = None,
    *,
    state: MailboxState = MailboxState.ENROLLED,
) -> MailboxRow:
    held = {Kind.MAIL: mail, Kind.CALENDAR: calendar}
    return MailboxRow(
        id=MailboxId(name),
        systemuser=SystemUserId("u"),
        state=state,
        subscriptions={kind: found for kind, found in held.items() if found},
    )


def todo(
    wanted: list[ReadyMailbox], rows: list[MailboxRow], kinds: Sequence[Kind] = (Kind.MAIL,)
) -> tuple[list[str], list[str], list[str]]:
    """Return what is to be enrolled, made or renewed, and suspended."""
    found = Difference.between(wanted, rows, kinds=kinds, now=NOW, seal="k2")
    return (
        [one.id for one in found.to_enrol],
        [f"make {one.mailbox} {one.kind}" for one in found.to_subscribe]
        + [f"renew {one.mailbox} {one.kind}" for one in found.to_renew],
        [one.id for one in found.to_suspend],
    )


def test_a_ready_mailbox_with_a_live_subscription_needs_nothing() -> None:
    assert todo([ready("a")], [enrolled("a", one())]) == ([], [], [])


def test_a_ready_mailbox_nobody_knows_is_enrolled() -> None:
    assert todo([ready("a"), ready("b")], [enrolled("a", one())]) == (["b"], [], [])


@pytest.mark.parametrize(
    "row",
    [
        enrolled("a", one(NOW)),
        enrolled("a", one(NOW - timedelta(seconds=1))),
        enrolled("a"),
        enrolled("a", one(), state=MailboxState.SUSPENDED),
        enrolled("a", one(seal="k1")),
    ],
)
def test_without_a_live_subscription_it_is_enrolled_anew(row: MailboxRow) -> None:
    assert todo([ready("a")], [row]) == (["a"], [], [])


@pytest.mark.parametrize(
    ("left", "renewed"), [(HALF_LIFE, []), (HALF_LIFE - timedelta(seconds=1), ["renew a mail"])]
)
def test_it_is_renewed_once_half_its_life_is_over(left: timedelta, renewed: list[str]) -> None:
    assert todo([ready("a")], [enrolled("a", one(NOW + left))]) == ([], renewed, [])


def test_a_mailbox_that_is_no_longer_ready_is_suspended_once() -> None:
    rows = [enrolled("a", one()), enrolled("b", state=MailboxState.SUSPENDED)]
    assert todo([], rows) == ([], [], ["a"])


@pytest.mark.parametrize(
    "calendar",
    [None, one(NOW), one(seal="k1")],
    ids=["none", "expired", "former key"],
)
def test_where_one_kind_lives_only_the_other_is_made(calendar: Subscription | None) -> None:
    rows = [enrolled("a", one(), calendar)]
    assert todo([ready("a")], rows, BOTH) == ([], ["make a calendar"], [])


def test_each_kind_is_renewed_in_its_own_time() -> None:
    old = one(NOW + HALF_LIFE - timedelta(seconds=1))
    rows = [enrolled("a", one(), old), enrolled("b", old, None), enrolled("c", one(), one())]
    wanted = [ready("a"), ready("b"), ready("c")]
    asked = ["make b calendar", "renew a calendar", "renew b mail"]
    assert todo(wanted, rows, BOTH) == ([], asked, [])


def test_a_mailbox_of_which_no_kind_lives_is_enrolled_anew() -> None:
    rows = [enrolled("a", one(NOW), one(seal="k1"))]
    assert todo([ready("a")], rows, BOTH) == (["a"], [], [])


def test_a_kind_that_is_not_subscribed_to_is_nobodys_business() -> None:
    assert todo([ready("a")], [enrolled("a", one(), one(NOW))]) == ([], [], [])


def test_every_kind_subscribed_to_has_its_columns() -> None:
    assert {*SUBSCRIBED_KINDS} <= {*KINDS}


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        (Kind.MAIL, "users/m/messages?$filter=isDraft eq false"),
        (Kind.CALENDAR, "users/m/events"),
        (Kind.CONTACTS, "users/m/contacts"),
    ],
)
def test_each_kind_is_watched_where_it_lives(kind: Kind, resource: str) -> None:
    request = create_subscription(
        Subject(MailboxId("m"), kind),
        webhook_base_url="https://tether.example",
        client_state="sealed",
        expires=NOW,
    )
    assert request.body is not None
    assert request.body["resource"] == resource


def gap(mailbox: str, hours: int, why: str) -> Gap:
    return Gap(MailboxId(mailbox), NOW - timedelta(hours=hours), why)


def test_of_several_gaps_the_earliest_is_noted() -> None:
    gaps = [gap("a", 1, "mail"), gap("a", 3, "calendar"), gap("b", 2, "contacts")]
    noted = to_be_noted(gaps, {})
    assert {mailbox: gap.why for mailbox, gap in noted.items()} == {
        "a": "calendar",
        "b": "contacts",
    }


@pytest.mark.parametrize(("hours", "is_noted"), [(1, False), (2, False), (3, True)])
def test_a_gap_is_noted_over_a_later_one_alone(hours: int, is_noted: bool) -> None:
    since = NOW - timedelta(hours=2)
    row = replace(enrolled("a"), catch_up_needed_since=since)
    assert (row.id in to_be_noted([gap("a", hours, "mail")], {row.id: row})) is is_noted
