"""Meetings: what is in Dynamics once what changed in Outlook has been told."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.tenant import make_tenant
from shared.changes import decode
from shared.sync.calendar.policy import CalendarPolicy, Ending
from shared.sync.calendar.rolling import Rolling
from tests.unit.app.diary import DAY, Diary, attendee, begins, moment, times
from tests.unit.app.office import Queues
from tests.unit.app.sides import Ground, Overtaken, OvertakenInDynamics

TRACKED, REMOVED = 1, 2


@pytest.fixture(scope="module")
def ground() -> Ground:
    return asyncio.run(Ground.prepare(make_tenant(3)))


@pytest.fixture
async def diary(ground: Ground) -> Diary:
    return await Diary(ground).open()


async def test_a_marked_meeting_is_an_appointment(diary: Diary) -> None:
    item = await diary.invite(
        0, [1, "casey@customer.example"], location={"displayName": "Room 1"}, importance="high",
        body={"contentType": "text", "content": "Agenda"},
    )  # fmt: skip
    await diary.mark(0, item)
    await diary.tell()
    (row,) = diary.rows()
    assert (row["subject"], row["location"], row["prioritycode"]) == ("Review", "Room 1", 2)
    assert row["description"].strip() == "Agenda"
    assert (row["statecode"], row["statuscode"]) == (3, 5)
    assert row["ownerid"]["id"] == diary.graph.mailboxes.all()[0].person.systemuserid
    assert diary.parties(row) == {
        (7, diary.address(0)), (5, diary.address(1)), (5, "casey@customer.example"),
    }  # fmt: skip
    (link,) = diary.links()
    assert link["tether_appointmentid"]["id"] == row["activityid"]


async def test_an_unmarked_meeting_is_not(diary: Diary) -> None:
    await diary.invite(0, [1])
    await diary.tell()
    assert not diary.rows()
    assert not diary.links()


async def test_one_appointment_whoever_tracks_it(diary: Diary) -> None:
    item = await diary.invite(0, [1, 2])
    for person in (1, 2):
        await diary.mark(person, await diary.copy(person, 0, item))
    await diary.tell()
    await diary.mark(0, item)
    await diary.tell()
    assert len(diary.rows()) == 1
    assert diary.states() == [TRACKED] * 3


async def test_an_attendees_copy_never_overwrites_the_organizers(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    theirs = await diary.copy(1, 0, item)
    await diary.mark(1, theirs)
    await diary.tell()
    (row,) = diary.rows()
    assert row["statuscode"] == 2, "an invitation nobody has answered is tentative"
    await diary.mark(0, item)
    await diary.tell()
    assert diary.rows()[0]["statuscode"] == 5
    await diary.change(1, theirs, showAs="oof")
    await diary.tell()
    assert diary.rows()[0]["statuscode"] == 5


async def test_an_answer_stands_on_the_link_and_changes_no_meeting(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    theirs = await diary.copy(1, 0, item)
    for person, one in ((0, item), (1, theirs)):
        await diary.mark(person, one)
    await diary.tell()
    before = diary.rows()
    path = f"/users/{diary.person(1)}/events/{theirs}/accept"
    await diary.graph.do("POST", path, {"sendResponse": True})
    await diary.tell()
    assert diary.rows() == before
    assert {link["tether_response"] for link in diary.links()} == {"organizer", "accepted"}


async def test_a_change_of_the_meeting_reaches_dynamics(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    await diary.mark(0, item)
    await diary.tell()
    begin = (diary.now + 2 * DAY).replace(hour=14, minute=0, second=0, microsecond=0)
    await diary.change(
        0, item, subject="Moved", start=moment(begin), end=moment(begin + timedelta(hours=2)),
        showAs="free", attendees=[attendee(diary.address(2), "optional")],
    )  # fmt: skip
    await diary.tell()
    (row,) = diary.rows()
    assert (row["subject"], row["statecode"], row["statuscode"]) == ("Moved", 0, 1)
    assert times([row]) == [f"{begin:%Y-%m-%dT%H:%M:%SZ}"]
    assert diary.parties(row) == {(7, diary.address(0)), (6, diary.address(2))}


async def test_taking_the_category_off_leaves_the_appointment(diary: Diary) -> None:
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    await diary.change(0, item, categories=[])
    await diary.tell()
    assert len(diary.rows()) == 1
    assert diary.states() == [REMOVED]


async def test_deleted_by_its_organizer_the_appointment_goes(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    theirs = await diary.copy(1, 0, item)
    for person, one in ((0, item), (1, theirs)):
        await diary.mark(person, one)
    await diary.tell()
    await diary.delete(0, item)
    await diary.tell()
    assert not diary.rows(open_only=False)
    assert diary.states() == [REMOVED, REMOVED]


async def test_deleted_by_an_attendee_it_stays(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    theirs = await diary.copy(1, 0, item)
    await diary.mark(1, theirs)
    await diary.tell()
    await diary.delete(1, theirs)
    await diary.tell()
    assert len(diary.rows()) == 1
    assert diary.states() == [REMOVED]


async def test_canceled_for_an_attendee_it_is_canceled(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    theirs = await diary.copy(1, 0, item)
    await diary.mark(1, theirs)
    await diary.tell()
    await diary.delete(0, item)
    await diary.tell()
    (row,) = diary.rows(open_only=False)
    assert (row["statecode"], row["statuscode"]) == (2, 4)
    assert diary.states() == [REMOVED]


async def test_what_somebody_completed_is_left_alone(diary: Diary) -> None:
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    (row,) = diary.rows()
    done = {"statecode": 1, "statuscode": 3}
    diary.dataverse.write("PATCH", f"appointments({row['activityid']})", done)
    await diary.change(0, item, subject="Too late")
    await diary.tell()
    await diary.delete(0, item)
    await diary.tell()
    (row,) = diary.rows(open_only=False)
    assert (row["subject"], row["statecode"]) == ("Review", 1)


async def test_a_private_meeting_keeps_its_body_and_guests_to_itself(diary: Diary) -> None:
    item = await diary.invite(
        0, [1], sensitivity="private", body={"contentType": "text", "content": "Secret"}
    )
    await diary.mark(0, item)
    await diary.tell()
    (row,) = diary.rows()
    assert (row["description"], row["ismapiprivate"]) == (None, True)
    assert diary.parties(row) == {(7, diary.address(0))}


async def test_deleting_the_row_in_dynamics_unlinks_and_unmarks(diary: Diary) -> None:
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    diary.dataverse.write("DELETE", f"appointments({diary.rows()[0]['activityid']})")
    await diary.change(0, item, subject="Still there")
    await diary.tell()
    assert diary.states() == [REMOVED]
    assert (await diary.event(0, item))["categories"] == ["Blue category"]
    assert not diary.rows()


async def test_what_another_application_made_is_adopted(diary: Diary) -> None:
    item = await diary.invite(0)
    event = await diary.event(0, item)
    start = f"{event['start']['dateTime'][:19]}Z"
    native = {"subject": "native", "globalobjectid": event["iCalUId"], "scheduledstart": start}
    diary.dataverse.write("POST", "appointments", native)
    await diary.mark(0, item)
    await diary.tell()
    (row,) = diary.rows()
    assert row["subject"] == "Review"
    assert diary.links()[0]["tether_appointmentid"]["id"] == row["activityid"]


def weekly(diary: Diary, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    first = (diary.now + DAY).replace(hour=9, minute=0, second=0, microsecond=0)
    zone = "W. Europe Standard Time"
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [f"{first:%A}".lower()]}
    span = {"type": "noEnd", "startDate": f"{first:%Y-%m-%d}", "recurrenceTimeZone": zone}
    return {
        "start": moment(first, zone),
        "end": moment(first + timedelta(hours=1), zone),
        "recurrence": {"pattern": pattern, "range": span},
        **said,
    }


async def in_step(diary: Diary, person: int, item: str) -> None:
    shown = await diary.occurrences(person, item)
    now = f"{diary.now:%Y-%m-%dT%H:%M:%SZ}"
    living = [row for row in diary.rows() if str(row["scheduledend"]) > now]
    assert times(living) == begins(shown, diary.now)


async def test_a_series_has_a_row_for_each_occurrence_in_the_window(diary: Diary) -> None:
    item = await diary.invite(0, [1], **weekly(diary))
    await diary.mark(0, item)
    await diary.tell()
    rows = diary.rows()
    assert 51 <= len(rows) <= 53
    hours = {str(row["scheduledstart"])[11:13] for row in rows}
    assert hours == {"07", "08"}, "nine o'clock in Berlin, in summer and in winter"
    await in_step(diary, 0, item)


async def test_a_series_follows_what_becomes_of_its_occurrences(diary: Diary) -> None:
    item = await diary.invite(0, [1], **weekly(diary))
    await diary.mark(0, item)
    await diary.tell()
    shown = await diary.occurrences(0, item)
    slot = datetime.fromisoformat(shown[3]["start"]["dateTime"][:19])
    begin = (slot + 2 * DAY).replace(hour=16)
    moved = {"start": moment(begin), "end": moment(begin + timedelta(hours=1)), "subject": "Moved"}
    await diary.change(0, shown[3]["id"], **moved)
    await diary.delete(0, shown[5]["id"])
    await diary.tell()
    assert sum(row["subject"] == "Moved" for row in diary.rows()) == 1
    await in_step(diary, 0, item)
    end = f"{diary.now + 60 * DAY:%Y-%m-%d}"
    series = weekly(diary)["recurrence"]
    series["range"] |= {"type": "endDate", "endDate": end}
    await diary.change(0, item, recurrence=series)
    await diary.tell()
    assert len(diary.rows()) < 10
    await in_step(diary, 0, item)


async def test_a_series_becomes_a_single_meeting_and_a_series_again(diary: Diary) -> None:
    item = await diary.invite(0, **weekly(diary))
    await diary.mark(0, item)
    await diary.tell()
    await diary.change(0, item, recurrence=None)
    await diary.tell()
    assert len(diary.rows()) == 1
    await diary.change(0, item, recurrence=weekly(diary)["recurrence"])
    await diary.tell()
    await in_step(diary, 0, item)


async def test_new_occurrences_are_about_what_the_others_are(diary: Diary) -> None:
    item = await diary.invite(0, **weekly(diary))
    await diary.mark(0, item)
    await diary.tell()
    diary.dataverse.write(
        "POST", "accounts", {"accountid": "00000000-0000-4000-8000-00000000ac00", "name": "Contoso"}
    )
    regarding = {
        "regardingobjectid_account_appointment@odata.bind":
            "accounts(00000000-0000-4000-8000-00000000ac00)"
    }  # fmt: skip
    for row in diary.rows():
        diary.dataverse.write("PATCH", f"appointments({row['activityid']})", regarding)
    pattern = weekly(diary)["recurrence"]
    pattern["pattern"]["daysOfWeek"] = ["monday", "thursday"]
    await diary.change(0, item, recurrence=pattern)
    await diary.tell()
    await in_step(diary, 0, item)
    assert all(row["regardingobjectid"] for row in diary.rows())


async def test_what_was_read_too_early_is_not_written_over_what_came_later(diary: Diary) -> None:
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    await diary.change(0, item, subject="First")
    (told, *_) = diary.untold

    async def meanwhile() -> None:
        diary.advance(timedelta(seconds=1))
        await diary.change(0, item, subject="Second")
        await diary.tell()

    slow = Overtaken(diary.graph, meanwhile)
    outcome = await diary.instance(graph=slow).reconcile([told])
    assert not outcome.failed
    assert [row["subject"] for row in diary.rows()] == ["Second"]


async def test_of_two_changes_in_one_moment_the_item_is_looked_at_again(diary: Diary) -> None:
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    await diary.change(0, item, subject="First")
    (told, *_) = diary.untold

    async def meanwhile() -> None:
        await diary.change(0, item, subject="Second")
        await diary.tell()

    outcome = await diary.instance(graph=Overtaken(diary.graph, meanwhile)).reconcile([told])
    assert outcome.look_again
    diary.note(outcome)
    await diary.tell()
    assert [row["subject"] for row in diary.rows()] == ["Second"]


async def test_whoever_begins_to_count_makes_the_one_before_look_again(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    theirs = await diary.copy(1, 0, item)
    await diary.mark(1, theirs)
    path = f"/users/{diary.person(1)}/events/{theirs}/accept"
    await diary.graph.do("POST", path, {"sendResponse": True})
    await diary.tell()  # the row says by now what the organizer's copy will say
    await diary.change(1, theirs, showAs="oof")
    (told, *_) = diary.untold
    organizers = diary.instance()

    async def meanwhile() -> None:
        await diary.mark(0, item)
        (*_, marked) = diary.untold
        assert not (await organizers.reconcile([marked])).failed

    slow = OvertakenInDynamics(diary.dataverse, meanwhile)
    assert not (await diary.instance(dataverse=slow).reconcile([told])).failed
    assert [row["statuscode"] for row in diary.rows()] == [5]


async def test_who_tracks_while_the_copy_that_counts_is_let_go_comes_to_count(
    diary: Diary,
) -> None:
    item = await diary.invite(0, [1])
    await diary.mark(0, item)
    await diary.tell()
    await diary.change(0, item, categories=[])
    await diary.mark(1, await diary.copy(1, 0, item))
    await diary.tell()
    assert diary.states() == [REMOVED, TRACKED]
    assert [row["statuscode"] for row in diary.rows()] == [2]


async def test_when_two_copies_are_let_go_at_once_the_third_comes_to_count(diary: Diary) -> None:
    item = await diary.invite(0, [1, 2])
    for person in (0, 1, 2):
        await diary.mark(person, item if person == 0 else await diary.copy(person, 0, item))
        await diary.tell()
        diary.advance(timedelta(seconds=1))
    await diary.delete(1, await diary.copy(1, 0, item))
    await diary.change(0, item, categories=[])
    await diary.tell()
    assert diary.states() == [REMOVED, REMOVED, TRACKED]
    assert [row["statuscode"] for row in diary.rows()] == [2]


async def test_a_whole_day_is_one_of_the_mailbox_zone(diary: Diary) -> None:
    zone = {"tether_timezone": "W. Europe Standard Time"}
    diary.dataverse.write("PATCH", f"tether_mailboxes({diary.person(0)})", zone)
    day = (diary.now + DAY).replace(month=1, hour=0, minute=0, second=0, microsecond=0)
    day = day.replace(year=day.year + 1)
    item = await diary.invite(0, isAllDay=True, start=moment(day), end=moment(day + DAY))
    await diary.mark(0, item)
    await diary.tell()
    (row,) = diary.rows()
    assert row["isalldayevent"]
    assert times([row]) == [f"{day - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"]


async def test_an_online_meetings_link_is_kept_in_the_description(diary: Diary) -> None:
    item = await diary.invite(0, isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness")
    await diary.mark(0, item)
    await diary.tell()
    link = (await diary.event(0, item))["onlineMeeting"]["joinUrl"]
    assert diary.rows()[0]["description"].endswith(link)


async def test_what_tether_canceled_opens_again_when_outlook_shows_it_again(diary: Diary) -> None:
    item = await diary.invite(0, [1], **weekly(diary))
    theirs = await diary.copy(1, 0, item)
    await diary.mark(1, theirs)
    await diary.tell()
    pattern = weekly(diary)["recurrence"]
    shorter = {
        **pattern,
        "range": {**pattern["range"], "type": "numbered", "numberOfOccurrences": 2},
    }
    await diary.change(0, item, recurrence=shorter)
    await diary.tell()
    assert {row["statecode"] for row in diary.rows(open_only=False)} == {0, 2}
    assert len(diary.rows()) == 2
    await diary.change(0, item, recurrence=pattern)
    await diary.tell()
    await in_step(diary, 1, theirs)


async def test_a_meeting_that_is_over_is_left_alone(diary: Diary) -> None:
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    diary.advance(3 * DAY)
    await diary.change(0, item, subject="Afterwards")
    await diary.tell()
    await diary.delete(0, item)
    await diary.tell()
    (row,) = diary.rows()
    assert row["subject"] == "Review"
    assert diary.states() == [REMOVED]


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (CalendarPolicy(), []),
        (CalendarPolicy(deleted_by_organizer=Ending.CANCEL), [2]),
        (CalendarPolicy(deleted_by_organizer=Ending.KEEP), [3]),
    ],
)
async def test_what_becomes_of_a_deleted_meeting_is_a_setting(
    ground: Ground, policy: CalendarPolicy, left: list[int]
) -> None:
    diary = await Diary(ground, policy).open()
    item = await diary.invite(0)
    await diary.mark(0, item)
    await diary.tell()
    await diary.delete(0, item)
    await diary.tell()
    assert [row["statecode"] for row in diary.rows(open_only=False)] == left
    assert diary.states() == [REMOVED]


async def test_a_daily_series_is_too_much_for_one_change_set(ground: Ground) -> None:
    diary = await Diary(ground, CalendarPolicy(ahead=1000 * DAY)).open()
    daily = weekly(diary, showAs="free")
    daily["recurrence"]["pattern"] = {"type": "daily", "interval": 1}
    item = await diary.invite(0, **daily)
    await diary.mark(0, item)
    await diary.tell()
    assert len(diary.rows()) >= 999
    await diary.delete(0, item)
    await diary.tell()
    assert not diary.rows()


async def test_tracked_series_are_looked_at_once_a_day(diary: Diary) -> None:
    item = await diary.invite(0, **weekly(diary))
    single = await diary.invite(0)
    for one in (item, single):
        await diary.mark(0, one)
    await diary.tell()
    bus = Queues()
    assert await Rolling(diary.dataverse, bus, lambda: diary.now).roll() == 1
    diary.advance(7 * DAY)
    (message,) = bus.sent["calendar"]
    await diary.reconciler.reconcile(decode(message.body))
    await in_step(diary, 0, item)
