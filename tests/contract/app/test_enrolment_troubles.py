"""One mailbox's trouble stays its own, and every gap is told from when it began."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.graph.client_state import Subject
from shared.graph.messages import Folder
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import Kind, MailboxId
from tests.contract.app.enrolling import KEYS, Enrolling, enrolling
from tests.contract.app.test_rotation import NEW_KEY

LIFETIME = timedelta(minutes=10_000)
ENROLLED, SUSPENDED = 1, 2


@pytest.fixture
async def office() -> AsyncIterator[Enrolling]:
    async with enrolling(3) as running:
        yield running


def now(office: Enrolling) -> datetime:
    return office.services.surroundings.clock.now()


async def moment(office: Enrolling, person: str, column: str) -> datetime:
    return datetime.fromisoformat((await office.row(person))[column]).astimezone(UTC)


def is_close(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(minutes=1)


async def test_a_mailbox_syncs_from_its_first_enrolment_whatever_comes_after(
    office: Enrolling,
) -> None:
    person = office.people[0]
    first = now(office)
    await office.enrolment.enrol_and_renew()
    since = await moment(office, person, "tether_syncfrom")
    assert is_close(since, first)
    office.set_mailbox(person, enabledforincomingemail=False)
    for advance, ready in [(1, False), (2, True)]:  # suspended, and back
        office.advance(timedelta(hours=advance))
        office.set_mailbox(person, enabledforincomingemail=ready)
        await office.enrolment.enrol_and_renew()
        assert await moment(office, person, "tether_syncfrom") == since
    office.advance(2 * LIFETIME)  # expired
    await office.enrolment.enrol_and_renew()
    await office.with_keys({**NEW_KEY, **KEYS}).enrolment.enrol_and_renew()
    assert await moment(office, person, "tether_syncfrom") == since


@pytest.mark.parametrize(
    "oops",
    [
        {"tether_folders": "oops"},
        {"tether_folders": "[]"},
        {"tether_folders": '{"inbox": ["x"]}'},
        {"tether_state": 7},
    ],
    ids=str,
)
async def test_a_row_nobody_can_read_harms_nobody_and_is_written_afresh(
    office: Enrolling, oops: dict[str, object]
) -> None:
    person, other, gone = office.people
    await office.enrolment.enrol_and_renew()
    (made,) = office.subscriptions(person)
    office.set_row(person, **oops)
    office.set_mailbox(gone, statecode=1)
    office.advance(LIFETIME / 2 + timedelta(hours=1))
    await office.enrolment.enrol_and_renew()
    row = await office.row(person)
    mailbox = office.services.graph.mailboxes.mailbox(person)
    assert json.loads(row["tether_folders"])["inbox"] == mailbox.folder(Folder.INBOX)["id"]
    assert row["tether_state"] == ENROLLED
    assert row["tether_mailsubscriptionid"] == made["id"]
    expires = await moment(office, other, "tether_mailsubscriptionexpireson")
    assert is_close(expires, now(office) + LIFETIME)
    assert (await office.row(gone))["tether_state"] == SUSPENDED


async def test_a_row_that_dataverse_refuses_stops_no_other(office: Enrolling) -> None:
    office.fault("dataverse", "PATCH tether_mailboxes", 400, code="0x80040265", skip=1)
    await office.enrolment.enrol_and_renew()
    enrolled = await office.enrolled()
    assert len(enrolled) == 2
    subscribed = {person for person in office.people if office.subscriptions(person)}
    assert subscribed == enrolled.keys()
    await office.enrolment.enrol_and_renew()
    assert (await office.enrolled()).keys() == set(office.people)
    assert all(office.subscriptions(person) for person in office.people)


@pytest.mark.parametrize(("status", "skip"), [(403, 0), (404, 8), (429, 17)])
async def test_a_mailbox_whose_folders_graph_refuses_says_so_and_is_tried_again(
    office: Enrolling, status: int, skip: int
) -> None:
    folder = "GET /users/{id}/mailFolders/{id}"
    office.fault("graph", folder, status, skip=skip, code="AccessDenied", message="not this one")
    await office.enrolment.enrol_and_renew()
    rows = await office.enrolled()
    (refused,) = [person for person in rows if rows[person]["tether_lasterror"]]
    assert f"Graph {status}" in rows[refused]["tether_lasterror"]
    assert "not this one" in rows[refused]["tether_lasterror"]
    assert rows[refused]["tether_state"] == SUSPENDED
    for person in office.people:
        assert len(office.subscriptions(person)) == (person != refused)
    await office.enrolment.enrol_and_renew()
    row = await office.row(refused)
    assert (row["tether_state"], row["tether_lasterror"]) == (ENROLLED, None)
    assert len(office.subscriptions(refused)) == 1


def lifecycle(event: str) -> Callable[[Enrolling, str], Awaitable[None]]:
    async def happen(office: Enrolling, person: str) -> None:
        told = {
            "event": event,
            "subscription": office.subscriptions(person)[0]["id"],
            "subject": Subject(MailboxId(person), Kind.MAIL),
            "noticed": now(office),
        }
        await office.enrolment.react(LifecycleEvent.model_validate(told))

    return happen


async def not_ready(office: Enrolling, person: str) -> None:
    office.set_mailbox(person, statecode=1)
    await office.enrolment.enrol_and_renew()


async def gone_at_renewal(office: Enrolling, person: str) -> None:
    (row,) = office.subscriptions(person)
    office.services.graph.lifecycle.announce(row["id"], "subscriptionRemoved")
    office.advance(LIFETIME / 2)
    await office.enrolment.enrol_and_renew()


async def rotated(office: Enrolling, _: str) -> None:
    await office.with_keys({**NEW_KEY, **KEYS}).enrolment.enrol_and_renew()


async def expired(office: Enrolling, _: str) -> None:
    office.advance(2 * LIFETIME)
    await office.enrolment.enrol_and_renew()


@pytest.mark.parametrize(
    ("happens", "reason", "after_renewal"),
    [
        (lifecycle("missed"), "missed", timedelta(0)),
        (lifecycle("subscriptionRemoved"), "removed", timedelta(0)),
        (not_ready, "ready", timedelta(0)),
        (gone_at_renewal, "gone", timedelta(0)),
        (rotated, "former key", timedelta(0)),
        (expired, "expired", LIFETIME),
    ],
    ids=["missed", "removed", "not ready", "gone", "rotated", "expired"],
)
async def test_a_gap_begins_when_the_subscription_was_last_known_to_live(
    office: Enrolling,
    happens: Callable[[Enrolling, str], Awaitable[None]],
    reason: str,
    after_renewal: timedelta,
) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    office.advance(LIFETIME / 2 + timedelta(hours=1))
    renewed = now(office)
    await office.enrolment.enrol_and_renew()
    office.advance(timedelta(hours=5))
    await happens(office, person)
    since = await moment(office, person, "tether_catchupneededsince")
    assert is_close(since, renewed + after_renewal)
    assert reason in (await office.row(person))["tether_catchupreason"]
    office.advance(timedelta(hours=5))
    await rotated(office, person)
    assert await moment(office, person, "tether_catchupneededsince") == since


async def test_an_enrolled_mailbox_keeps_syncing_while_graph_does_not_show_its_folders(
    office: Enrolling,
) -> None:
    person = office.people[0]
    await office.enrolment.enrol_and_renew()
    office.fault("graph", "GET /users/{id}/mailFolders/{id}", 503, times=None)
    await office.with_keys({**NEW_KEY, **KEYS}).enrolment.enrol_and_renew()
    row = await office.row(person)
    assert row["tether_state"] == ENROLLED
    assert "503" in row["tether_lasterror"]
