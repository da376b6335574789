from pathlib import Path
from typing import Any

import pytest

from sandbox.store import Document
from tests.contract.graph.service import IMMUTABLE, Service
from tests.contract.graph.test_events import at

REAL = Path(__file__).parents[4] / "shared/data/real-calendar"
FILES = sorted(REAL.glob("*.ics"))
WINDOW = "?startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-12-31T00:00:00Z&$top=1000"

# A zone that no list of zones has: half past three ahead, an hour less in winter.
LAND = """BEGIN:VTIMEZONE
TZID:Nowhere Land
BEGIN:DAYLIGHT
DTSTART:20000326T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0230
TZOFFSETTO:+0330
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20001029T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0330
TZOFFSETTO:+0230
END:STANDARD
END:VTIMEZONE"""


def event(*lines: str, uid: str = "u1") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:Visit", *lines, "END:VEVENT"])


def calendar(*components: str) -> bytes:
    return "\r\n".join(
        "\n".join(["BEGIN:VCALENDAR", *components, "END:VCALENDAR", ""]).split("\n")
    ).encode()


class Owner:
    """Ada, whose calendar files are put into."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.user = f"/users/{service.ada.id}"

    async def post(self, raw: bytes, query: str = "") -> tuple[int, Any]:
        path = f"/_sandbox/mailboxes/{self.service.ada.upn}/import{query}"
        url = self.service.graph.url + path
        async with self.service.session.post(url, data=raw) as response:
            return response.status, await response.json()

    async def put(self, *components: str, query: str = "") -> Document:
        status, answer = await self.post(calendar(*components), query)
        assert status == 201, answer
        put: Document = answer
        return put

    async def one(self, *components: str) -> Document:
        """Import what must be one event, and return it as Graph shows it."""
        answer = await self.put(*components)
        assert answer["skipped"] == []
        (found,) = answer["imported"]
        query = "?$expand=exceptionOccurrences"
        path = f"{self.user}/events/{found['id']}{query}"
        status, shown = await self.service.call("GET", path, **IMMUTABLE)
        assert status == 200, shown
        assert {name: shown[name] for name in found} == found
        event: Document = shown
        return event

    async def starts(self) -> list[str]:
        _, page = await self.service.call("GET", f"{self.user}/calendarView{WINDOW}")
        return [one["start"]["dateTime"][:16] for one in page["value"]]


@pytest.fixture
def owner(service: Service) -> Owner:
    return Owner(service)


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        (("DTSTART:20261020T080000Z", "DTEND:20261020T090000Z"), "20T08:00", "20T09:00"),
        (("DTSTART;TZID=Europe/Berlin:20261020T100000", "DURATION:PT90M"), "20T08:00", "20T09:30"),
        (("DTSTART;TZID=W. Europe Standard Time:20261020T100000",), "20T08:00", "20T08:00"),
        (("DTSTART:20261020T100000", "DTEND:20261020T110000"), "20T14:00", "20T15:00"),
        (("DTSTART;VALUE=DATE:20261020",), "20T00:00", "21T00:00"),
        (("DTSTART;VALUE=DATE:20261020", "DTEND;VALUE=DATE:20261022"), "20T00:00", "22T00:00"),
        (("DTSTART;TZID=Nowhere Land:20261020T113000", "DURATION:PT1H"), "20T08:00", "20T09:00"),
    ],
)
async def test_when_an_event_is(owner: Owner, lines: tuple[str, ...], start: str, end: str) -> None:
    zone = {"timeZone": "America/New_York"}
    await owner.service.call("PATCH", f"{owner.user}/mailboxSettings", zone)
    shown = await owner.one(LAND, event(*lines))
    assert shown["start"]["dateTime"][8:16] == start
    assert shown["end"]["dateTime"][8:16] == end
    assert shown["isAllDay"] == ("VALUE=DATE" in lines[0])


async def test_what_else_an_event_is(owner: Owner) -> None:
    ada = owner.service.ada.upn
    shown = await owner.one(
        event(
            "DTSTART:20261020T080000Z", "DURATION:PT1H", "CLASS:PRIVATE", "TRANSP:TRANSPARENT",
            "LOCATION:Room 1", "DESCRIPTION:first\\nsecond", "STATUS:CONFIRMED",
            'ORGANIZER;CN="Casey, Customer":mailto:casey@customer.example',
            "ATTENDEE;CN=Casey:mailto:Casey@customer.example",
            f"ATTENDEE;PARTSTAT=TENTATIVE:mailto:{ada}",
            "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:x@y.example",
            "ATTENDEE;CUTYPE=ROOM:MAILTO:room@y.example",
        )
    )  # fmt: skip
    assert (shown["sensitivity"], shown["showAs"]) == ("private", "free")
    assert (shown["location"]["displayName"], shown["bodyPreview"]) == ("Room 1", "first\nsecond")
    assert (shown["isOrganizer"], shown["isCancelled"]) == (False, False)
    assert shown["responseStatus"]["response"] == "tentativelyAccepted"
    assert shown["organizer"]["emailAddress"] == {
        "name": "Casey, Customer", "address": "casey@customer.example",
    }  # fmt: skip
    assert [
        (one["emailAddress"]["address"], one["type"], one["status"]["response"])
        for one in shown["attendees"]
    ] == [
        (ada, "required", "tentativelyAccepted"),
        ("x@y.example", "optional", "accepted"),
        ("room@y.example", "resource", "none"),
    ]


async def test_an_invitation_from_outside_is_answered(owner: Owner) -> None:
    shown = await owner.one(
        event(
            "DTSTART:20261020T080000Z", "ORGANIZER:mailto:casey@customer.example",
            f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{owner.service.ada.upn}",
        )
    )  # fmt: skip
    assert (shown["responseStatus"]["response"], shown["showAs"]) == ("notResponded", "tentative")
    path = f"{owner.user}/events/{shown['id']}"
    assert (await owner.service.call("POST", f"{path}/cancel", {}))[0] == 400
    assert (await owner.service.call("POST", f"{path}/accept", {}))[0] == 202
    _, after = await owner.service.call("GET", path)
    assert (after["responseStatus"]["response"], after["showAs"]) == ("accepted", "busy")


async def test_a_meeting_of_the_owners_and_categories(owner: Owner) -> None:
    lines = (
        "DTSTART:20261020T080000Z",
        f"ORGANIZER:mailto:{owner.service.ada.upn}",
        f"ATTENDEE:mailto:{owner.service.grace.upn}",
    )
    answer = await owner.put(event(*lines), query="?categories=Red,%20Blue")
    path = f"{owner.user}/events/{answer['imported'][0]['id']}"
    _, shown = await owner.service.call("GET", path)
    assert (shown["isOrganizer"], shown["categories"]) == (True, ["Red", "Blue"])
    again = await owner.put(event("STATUS:CANCELLED", *lines))
    assert again["imported"][0]["id"] == answer["imported"][0]["id"]
    _, shown = await owner.service.call("GET", path)
    assert (shown["isCancelled"], shown["categories"]) == (True, ["Red", "Blue"])


@pytest.mark.parametrize(
    ("rule", "pattern", "limit"),
    [
        ("FREQ=DAILY;INTERVAL=2", {"type": "daily", "interval": 2}, {"type": "noEnd"}),
        (
            "FREQ=WEEKLY;BYDAY=TU,TH;WKST=SU;COUNT=4",
            {"type": "weekly", "daysOfWeek": ["tuesday", "thursday"], "firstDayOfWeek": "sunday"},
            {"type": "numbered", "numberOfOccurrences": 4},
        ),
        ("FREQ=WEEKLY", {"type": "weekly", "daysOfWeek": ["tuesday"]}, {"type": "noEnd"}),
        (
            "FREQ=MONTHLY;BYMONTHDAY=20;UNTIL=20270120T080000Z",
            {"type": "absoluteMonthly", "dayOfMonth": 20},
            {"type": "endDate", "endDate": "2027-01-19"},  # nine in the morning is after eight
        ),
        (
            "FREQ=MONTHLY;BYDAY=3TU;UNTIL=20270119",
            {"type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "third"},
            {"type": "endDate", "endDate": "2027-01-19"},
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE;BYSETPOS=-1",
            None,  # the last of these days of October is the 28th
            None,
        ),
        ("FREQ=YEARLY", {"type": "absoluteYearly", "month": 10, "dayOfMonth": 20}, None),
        (
            "FREQ=YEARLY;BYMONTH=10;BYDAY=3TU",
            {"type": "relativeYearly", "month": 10, "index": "third"},
            None,
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=20,25", None, None),
        ("FREQ=DAILY;BYMONTH=10,11", None, None),
        ("FREQ=YEARLY;BYWEEKNO=43;BYDAY=TU", None, None),
        ("FREQ=DAILY;COUNT=2000", None, None),
    ],
)
async def test_rules_that_graph_has_and_rules_that_it_has_not(
    owner: Owner, rule: str, pattern: Document | None, limit: Document | None
) -> None:
    answer = await owner.put(
        event("DTSTART;TZID=America/New_York:20261020T090000", "DURATION:PT1H", f"RRULE:{rule}")
    )
    assert answer["skipped"] == []
    if pattern is None:
        assert {one["type"] for one in answer["imported"]} == {"singleInstance"}
        assert len({one["iCalUId"] for one in answer["imported"]}) == len(answer["imported"]) > 1
        note = "as single events from 2026-10-20 to 2028-10-19"
        assert {one["expanded"] for one in answer["imported"]} == {note}
        return
    (found,) = answer["imported"]
    _, shown = await owner.service.call("GET", f"{owner.user}/events/{found['id']}", **IMMUTABLE)
    assert shown["recurrence"]["pattern"].items() >= pattern.items()
    assert shown["recurrence"]["range"].items() >= (limit or {}).items()
    assert shown["recurrence"]["range"]["recurrenceTimeZone"] == "America/New_York"


async def test_a_series_with_dates_left_out_and_occurrences_changed(owner: Owner) -> None:
    zoned = "TZID=Europe/Berlin"
    first = f"DTSTART;{zoned}:20261020T100000"
    shown = await owner.one(
        event(first, "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=6",
              f"EXDATE;{zoned}:20261027T100000,20261103T100000", "EXDATE:20261231T000000Z"),
        event(f"RECURRENCE-ID;{zoned}:20261110T100000", f"DTSTART;{zoned}:20261111T120000",
              "DURATION:PT2H", "LOCATION:Elsewhere", "DESCRIPTION:words"),
        event(f"RECURRENCE-ID;{zoned}:20261117T100000", f"DTSTART;{zoned}:20261117T100000",
              "STATUS:CANCELLED"),
    )  # fmt: skip
    assert shown["type"] == "seriesMaster"
    (changed,) = shown["exceptionOccurrences"]
    assert changed["originalStart"] == "2026-11-10T09:00:00Z"
    assert (changed["location"]["displayName"], changed["bodyPreview"]) == ("Elsewhere", "words")
    assert await owner.starts() == ["2026-10-20T08:00", "2026-11-11T11:00", "2026-11-24T09:00"]


async def test_added_dates_make_single_events(owner: Owner) -> None:
    answer = await owner.put(
        event("DTSTART:20261020T080000Z", "RRULE:FREQ=DAILY;COUNT=3", "RDATE:20261101T120000Z",
              "EXDATE:20261021T080000Z"),
        event("RECURRENCE-ID:20261022T080000Z", "DTSTART:20261022T180000Z"),
        event("RECURRENCE-ID:20270101T080000Z", "DTSTART:20270101T180000Z"),
    )  # fmt: skip
    assert len(answer["imported"]) == 3
    assert [one["uid"] for one in answer["skipped"]] == ["u1"]
    assert await owner.starts() == ["2026-10-20T08:00", "2026-10-22T18:00", "2026-11-01T12:00"]
    await owner.put(
        event("DTSTART:20261020T080000Z", "RRULE:FREQ=DAILY;COUNT=2", "RDATE:20261101T120000Z")
    )
    assert len(await owner.starts()) == 4


async def test_a_zone_of_the_files_own_makes_single_events(owner: Owner) -> None:
    answer = await owner.put(
        LAND, event("DTSTART;TZID=Nowhere Land:20261020T113000", "RRULE:FREQ=WEEKLY;COUNT=2")
    )
    assert len(answer["imported"]) == 2
    assert await owner.starts() == ["2026-10-20T08:00", "2026-10-27T09:00"]


async def test_an_occurrence_without_its_series(owner: Owner) -> None:
    shown = await owner.one(event("RECURRENCE-ID:20261020T080000Z", "DTSTART:20261020T090000Z"))
    assert (shown["type"], shown["iCalUId"][32:40]) == ("singleInstance", "07EA0A14")


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        (event(), "DTSTART is missing"),
        (event("DTSTART:soon"), "DTSTART is missing or unreadable"),
        (event("DTSTART:20261020T080000Z", "DTEND:20261020T070000Z"), "ends before it begins"),
        (event("DTSTART:20261020T080000Z", "DTEND;VALUE=DATE:20261021"), "both be dates"),
        (event("DTSTART:00010101T000000Z"), "1900"),
        (event("DTSTART;TZID=Mars/Base:20261020T080000"), "Mars/Base"),
        (event("DTSTART:20261020T080000Z", "RRULE:FREQ=SECONDLY;BYHOUR=8"), "SECONDLY"),
        (event("DTSTART:20261020T080000Z", "RRULE:FREQ=DAILY;INTERVAL=0"), "INTERVAL"),
        ("BEGIN:VTODO\nUID:u1\nSUMMARY:x\nEND:VTODO", "VTODO is no event"),
        (
            event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261020T080000Z", "DTSTART:20261020T090000Z"),
            "RANGE",
        ),
    ],
)
async def test_what_is_left_out_and_why(owner: Owner, component: str, reason: str) -> None:
    answer = await owner.put(component, event("DTSTART:20261020T080000Z", uid="good"))
    (left_out,) = answer["skipped"]
    assert left_out["uid"] == "u1"
    assert reason in left_out["reason"]
    assert len(answer["imported"]) == 1


@pytest.mark.parametrize(
    "line", ["RRULE:FREQ=NEVER", "RDATE:soon", "RDATE;VALUE=TIME:083000", "EXDATE:x"]
)
async def test_an_event_goes_without_what_cannot_be_read(owner: Owner, line: str) -> None:
    answer = await owner.put(event("DTSTART:20261020T080000Z", line))
    assert (len(answer["imported"]), len(answer["skipped"])) == (1, 1)
    assert "goes without it" in answer["skipped"][0]["reason"]


@pytest.mark.parametrize(
    "raw", [b"", b"hello", b"\xff\xfe\x00", b"BEGIN:VCARD\nEND:VCARD\n", b"{}"]
)
async def test_what_is_no_calendar_is_refused(owner: Owner, raw: bytes) -> None:
    status, answer = await owner.post(raw)
    problem = answer["error"]["problems"][0]
    assert (status, problem["field"]) == (400, "body")
    assert problem["remedy"]


async def test_other_bad_input_is_explained(owner: Owner) -> None:
    status, answer = await owner.post(calendar(), "?colour=red")
    assert (status, answer["error"]["problems"][0]["field"]) == (400, "colour")
    status, answer = await owner.service.control("POST", "/mailboxes/nobody/import", {})
    assert (status, answer["error"]["problems"][0]["field"]) == (404, "upn")


async def test_a_file_that_is_cut_off_or_broken_in_places(owner: Owner) -> None:
    good = event("DTSTART:20261020T080000Z", uid="good")
    whole = calendar(good, "this is no line", event("DTSTART:20261021T080000Z", uid="too"))
    status, answer = await owner.post(whole)
    assert (status, len(answer["imported"]), answer["skipped"]) == (201, 2, [])
    cut = calendar(good, event("DTSTART:20261021T080000Z", uid="lost"))[:-40]
    status, answer = await owner.post(cut)
    assert (status, len(answer["imported"]), len(answer["skipped"])) == (201, 1, 1)


@pytest.mark.skipif(not FILES, reason="needs the calendars beside the project")
@pytest.mark.parametrize(
    ("name", "raw"), [(one.stem.removeprefix("icalendar-"), one.read_bytes()) for one in FILES]
)
async def test_real_calendars_are_accounted_for(owner: Owner, name: str, raw: bytes) -> None:
    status, answer = await owner.post(raw)
    assert status == 201, answer
    known = {
        "big_bad_calendar": (0, 20),
        "bom_calendar": (0, 1),
        "multiple_timezones": (3, 3),
    }
    wanted = known.get(name, (1, 0))
    assert (len(answer["imported"]), len(answer["skipped"])) == wanted
    assert all(one["reason"] for one in answer["skipped"])
    for one in answer["imported"]:
        path = f"{owner.user}/events/{one['id']}"
        assert (await owner.service.call("GET", path))[0] == 200


@pytest.mark.skipif(not FILES, reason="needs the calendars beside the project")
async def test_a_real_series_with_dates_left_out(owner: Owner) -> None:
    (raw,) = [one.read_bytes() for one in FILES if "exdates_on_different_lines" in one.name]
    _, answer = await owner.post(raw)
    (found,) = answer["imported"]
    window = "?startDateTime=2012-01-01&endDateTime=2013-01-01&$top=50"
    path = f"{owner.user}/events/{found['id']}/instances{window}"
    _, page = await owner.service.call("GET", path)
    assert len(page["value"]) == 10
    assert page["value"][0]["start"] == at("2012-03-27T08:00:00.0000000")
