"""Several kinds of item in each mailbox: each has its own subscription and its own trouble."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.errors import Transient
from shared.graph.client import GraphResponse
from shared.graph.messages import Folder
from shared.graph.subscriptions import LIFETIME
from shared.identifiers import Kind
from tests.unit.app.sides import Ground
from tests.unit.app.watching import KINDS, NEW_KEY, OLD_KEY, ZONE, Watching, kind_of, refusal

HOUR = timedelta(hours=1)
BOTH_KEYS = {**NEW_KEY, **OLD_KEY}


@pytest.fixture
def office(ground: Ground) -> Iterator[Watching]:
    rows = ground.organization.rows
    before = dict(rows.all("mailbox"))
    yield Watching(ground)
    for key, row in before.items():
        rows.put("mailbox", key, row)


def made(office: Watching) -> list[Kind]:
    """Return the kinds of the subscriptions that were asked for."""
    asked = [one for call in office.graph.asked for one in call if one.method == "POST"]
    return [kind_of((one.body or {})["resource"]) for one in asked]


def moment(value: Any) -> datetime:  # noqa: ANN401 - a row's
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


async def test_every_ready_mailbox_has_a_subscription_to_each_kind(office: Watching) -> None:
    await office.enrol()
    for person in office.people:
        assert office.graph.of(person).keys() == {*KINDS}
        assert office.noted(person) == office.graph.of(person)
        row = office.row(person)
        for kind in KINDS:
            assert moment(row[f"tether_{kind}subscriptionexpireson"]) == office.now + LIFETIME
            assert row[f"tether_{kind}subscriptionseal"].startswith("k1@")
        assert row["tether_timezone"] == ZONE
        assert row.get("tether_lasterror") is row.get("tether_catchupneededsince") is None


async def test_round_trips_are_shared_by_mailboxes_and_kinds(office: Watching) -> None:
    await office.enrol()
    count = len(office.people)
    assert [len(call) for call in office.graph.asked] == [
        count * (len(Folder) + 1),  # with the time zones
        count * len(KINDS),
    ]
    assert office.dataverse.writes == [count, count]
    office.now += LIFETIME / 2 + HOUR
    await office.enrol()
    assert [len(call) for call in office.graph.asked] == [count, count * len(KINDS)]
    assert office.dataverse.writes == [count]


async def test_a_second_pass_asks_and_writes_nothing(office: Watching) -> None:
    await office.enrol()
    await office.enrol()
    assert office.graph.asked == []
    assert office.dataverse.writes == []


@pytest.mark.parametrize("status", [400, 403, 503])
async def test_a_kind_that_graph_refuses_keeps_no_other_from_syncing(
    office: Watching, status: int
) -> None:
    person = office.people[0]
    office.graph.refused = {Kind.CALENDAR: status}
    await office.enrol()
    assert office.noted(person).keys() == {Kind.MAIL, Kind.CONTACTS}
    assert office.row(person)["tether_lasterror"] == (
        f"calendar: Graph {status} Refused: Access is denied."
    )
    living = office.graph.of(person)
    await office.enrol()
    assert made(office) == [Kind.CALENDAR] * len(office.people)
    assert not any("mailFolders" in url for url in office.graph.urls())
    office.graph.refused = {}
    await office.enrol()
    assert office.graph.of(person).items() > living.items()
    assert office.noted(person) == office.graph.of(person)
    assert office.row(person)["tether_lasterror"] is None


async def test_all_that_is_refused_is_told(office: Watching) -> None:
    office.graph.refused = {Kind.CALENDAR: 403, Kind.CONTACTS: 429}
    await office.enrol()
    calendar, contacts = office.row(office.people[0])["tether_lasterror"].splitlines()
    assert calendar.startswith("calendar: Graph 403")
    assert contacts.startswith("contacts: Graph 429")


async def test_one_kinds_success_does_not_hide_anothers_trouble(office: Watching) -> None:
    person = office.people[0]
    office.graph.refused = {Kind.CALENDAR: 403}
    await office.enrol()
    trouble = office.row(person)["tether_lasterror"]
    event = office.event(person, Kind.MAIL, "reauthorizationRequired")
    await office.enrolment().react(event)
    assert office.row(person)["tether_lasterror"] == trouble


async def test_kinds_that_are_turned_on_later_join_the_others(office: Watching) -> None:
    person = office.people[0]
    await office.enrol(kinds=[Kind.MAIL])
    mail = office.graph.of(person)
    assert mail.keys() == {Kind.MAIL}
    await office.enrol()
    assert office.graph.of(person).keys() == {*KINDS}
    assert office.graph.of(person).items() > mail.items()
    assert office.row(person).get("tether_catchupneededsince") is None


@pytest.mark.parametrize("kind", KINDS)
async def test_a_removed_subscription_is_made_anew_for_its_kind_alone(
    office: Watching, kind: Kind
) -> None:
    person = office.people[0]
    await office.enrol()
    before = office.graph.of(person)
    event = office.event(person, kind, "subscriptionRemoved")
    del office.graph.subscriptions[before[kind]]
    for _ in range(2):
        await office.enrolment().react(event)
    after = office.graph.of(person)
    assert {one for one in KINDS if after[one] != before[one]} == {kind}
    assert office.noted(person) == after
    assert office.row(person)["tether_catchupreason"] == f"{kind}: Graph removed the subscription"


async def test_reauthorization_extends_its_kind_alone_and_asks_for_the_zone_again(
    office: Watching,
) -> None:
    person = office.people[0]
    await office.enrol()
    enrolled = office.now
    office.now += HOUR
    office.graph.time_zone = GraphResponse(200, {"value": "Tokyo Standard Time"})
    event = office.event(person, Kind.CONTACTS, "reauthorizationRequired")
    await office.enrolment().react(event)
    row = office.row(person)
    ends = {kind: moment(row[f"tether_{kind}subscriptionexpireson"]) - LIFETIME for kind in KINDS}
    assert ends == {Kind.MAIL: enrolled, Kind.CALENDAR: enrolled, Kind.CONTACTS: office.now}
    assert row["tether_timezone"] == "Tokyo Standard Time"


async def test_the_earliest_gap_is_kept_and_its_kind_named(office: Watching) -> None:
    person = office.people[0]
    await office.enrol()
    enrolled = office.now
    office.now += HOUR
    extended = office.event(person, Kind.MAIL, "reauthorizationRequired")
    await office.enrolment().react(extended)
    expected = [(Kind.MAIL, office.now), (Kind.CALENDAR, enrolled), (Kind.CALENDAR, enrolled)]
    for kind, (named, since) in zip(KINDS, expected, strict=True):
        await office.enrolment().react(office.event(person, kind, "missed"))
        row = office.row(person)
        assert row["tether_catchupreason"] == f"{named}: Graph reported missed notifications"
        assert moment(row["tether_catchupneededsince"]) == since


async def test_an_event_of_a_kind_not_subscribed_to_does_nothing(office: Watching) -> None:
    person = office.people[0]
    await office.enrol()
    event = office.event(person, Kind.CALENDAR, "subscriptionRemoved")
    row = office.row(person)
    office.graph.asked.clear()
    await office.enrolment(kinds=[Kind.MAIL]).react(event)
    assert office.graph.asked == []
    assert office.row(person) == row


async def test_an_event_whose_kind_is_refused_must_come_again(office: Watching) -> None:
    person = office.people[0]
    await office.enrol()
    event = office.event(person, Kind.CALENDAR, "subscriptionRemoved")
    del office.graph.subscriptions[office.graph.of(person)[Kind.CALENDAR]]
    office.graph.refused = {Kind.CALENDAR: 403}
    with pytest.raises(Transient, match="calendar: Graph 403"):
        await office.enrolment().react(event)
    assert office.noted(person).keys() == {Kind.MAIL, Kind.CONTACTS}


async def test_a_kind_gone_at_its_renewal_is_made_alone(office: Watching) -> None:
    person = office.people[0]
    await office.enrol()
    before = office.graph.of(person)
    del office.graph.subscriptions[before[Kind.CALENDAR]]
    office.now += LIFETIME / 2 + HOUR
    await office.enrol()
    assert made(office) == [Kind.CALENDAR]
    after = office.graph.of(person)
    assert office.noted(person) == after
    assert {kind for kind in KINDS if after[kind] != before[kind]} == {Kind.CALENDAR}
    assert office.row(person)["tether_catchupreason"] == "calendar: the subscription was gone"


async def test_a_kind_whose_id_was_never_saved_is_adopted(office: Watching) -> None:
    person = office.people[0]
    await office.enrol()
    before = office.graph.of(person)
    office.set_row(person, tether_calendarsubscriptionid=None)
    await office.enrol()
    assert office.graph.of(person) == office.noted(person) == before
    assert office.row(person).get("tether_catchupneededsince") is None


async def test_a_kind_that_another_watches_in_our_name_is_replaced_alone(
    office: Watching,
) -> None:
    person = office.people[0]
    await office.enrol()
    before = office.graph.of(person)
    mail, calendar = (office.graph.subscriptions[before[one]] for one in KINDS[:2])
    calendar["clientState"] = mail["clientState"]  # genuine, but of another kind
    office.set_row(person, tether_calendarsubscriptionid=None)
    await office.enrol()
    after = office.graph.of(person)
    assert {kind for kind in KINDS if after[kind] != before[kind]} == {Kind.CALENDAR}
    assert office.noted(person) == after
    assert office.row(person)["tether_catchupreason"] == (
        "calendar: another subscription stood in the place of ours"
    )


async def test_a_new_key_replaces_every_kind(office: Watching) -> None:
    person = office.people[0]
    await office.enrol()
    before = office.graph.of(person)
    await office.enrol(BOTH_KEYS)
    after = office.graph.of(person)
    assert after.keys() == before.keys()
    assert not {*after.values()} & {*before.values()}
    assert office.noted(person) == after
    assert "former key" in office.row(person)["tether_catchupreason"]


async def test_what_is_extended_between_a_new_key_and_the_pass_is_still_replaced(
    office: Watching,
) -> None:
    person = office.people[0]
    await office.enrol()
    before = office.graph.of(person)
    event = office.event(person, Kind.CALENDAR, "reauthorizationRequired")
    await office.enrolment(BOTH_KEYS).react(event)
    await office.enrol(BOTH_KEYS)
    assert office.graph.of(person)[Kind.CALENDAR] != before[Kind.CALENDAR]


async def test_suspension_ends_every_kind(office: Watching) -> None:
    await office.enrol()
    rows = office.dataverse.real.organization.rows
    for key, row in dict(rows.all("mailbox")).items():
        rows.put("mailbox", key, {**row, "statecode": 1})
    await office.enrol()
    for person in office.people:
        assert office.graph.of(person) == office.noted(person) == {}
        assert "stopped being ready" in office.row(person)["tether_catchupreason"]


@pytest.mark.parametrize("status", [400, 403, 404, 429])
async def test_without_a_time_zone_it_is_enrolled_all_the_same(
    office: Watching, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    office.graph.time_zone = refusal(status, "not for you")
    with caplog.at_level(logging.INFO, "tether.enrolment"):
        await office.enrol()
    told = [one for one in caplog.records if "time zones not read" in one.getMessage()]
    assert [one.levelno for one in told] == [logging.INFO]
    for person in office.people:
        assert office.graph.of(person).keys() == {*KINDS}
        assert office.row(person).get("tether_timezone") is None
        assert office.row(person).get("tether_lasterror") is None


async def test_a_time_zone_is_kept_while_graph_does_not_tell_it(office: Watching) -> None:
    await office.enrol()
    office.graph.time_zone = refusal(503, "later")
    office.now += LIFETIME / 2 + HOUR
    await office.enrol()
    assert office.row(office.people[0])["tether_timezone"] == ZONE
