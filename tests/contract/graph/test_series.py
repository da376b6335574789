import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.store import Document
from tests.contract.graph.service import IMMUTABLE, Service
from tests.contract.graph.test_events import at, made, visit

BERLIN = "W. Europe Standard Time"
AUTUMN = "?startDateTime=2026-10-01T00:00:00Z&endDateTime=2026-12-01T00:00:00Z&$top=100"


def weekly(**limits: object) -> Document:
    """Return every Tuesday from 2026-10-20 on, five times unless stated."""
    limit = limits or {"type": "numbered", "numberOfOccurrences": 5}
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    return {"pattern": pattern, "range": {"startDate": "2026-10-20", **limit}}


class Series:
    """A series of Ada's, and what is asked of it."""

    def __init__(self, service: Service, master: Document) -> None:
        self.service = service
        self.id = master["id"]
        self.events = f"/users/{service.ada.id}/events"
        self.path = f"{self.events}/{self.id}"

    @classmethod
    async def of(cls, service: Service, **stated: object) -> "Series":
        return cls(service, await made(service, **{"recurrence": weekly(), **stated}))

    async def instances(self, query: str = AUTUMN) -> list[Any]:
        status, page = await self.service.call("GET", f"{self.path}/instances{query}", **IMMUTABLE)
        assert status == 200, page
        rows: list[Any] = page["value"]
        return rows

    async def starts(self) -> list[str]:
        return [one["start"]["dateTime"][:16] for one in await self.instances()]

    async def patch(self, item: str, **changes: object) -> Document:
        path = f"{self.events}/{item}"
        status, changed = await self.service.call("PATCH", path, changes, **IMMUTABLE)
        assert status == 200, changed
        patched: Document = changed
        return patched

    async def whole(self) -> Document:
        query = "?$select=subject,cancelledOccurrences&$expand=exceptionOccurrences"
        _, master = await self.service.call("GET", self.path + query, **IMMUTABLE)
        shown: Document = master
        return shown


async def test_occurrences_keep_to_the_wall_clock(service: Service) -> None:
    series = await Series.of(service)
    shown = await series.instances()
    # The clocks go back on 25 October.
    assert await series.starts() == [
        "2026-10-20T08:00", "2026-10-27T09:00", "2026-11-03T09:00", "2026-11-10T09:00",
        "2026-11-17T09:00",
    ]  # fmt: skip
    assert {(one["type"], one["seriesMasterId"]) for one in shown} == {("occurrence", series.id)}
    assert shown[1]["originalStart"] == "2026-10-27T09:00:00Z"
    assert {len(key) for one in shown for key in (one["id"], series.id)} == {72}
    uids = {one["iCalUId"] for one in shown}
    assert len(uids) == 5
    assert shown[0]["iCalUId"][32:40] == "07EA0A14"  # 2026-10-20 in hexadecimal
    _, master = await service.call("GET", series.path)
    assert master["recurrence"] == {
        "pattern": {
            "type": "weekly", "interval": 1, "month": 0, "dayOfMonth": 0,
            "daysOfWeek": ["tuesday"], "firstDayOfWeek": "sunday", "index": "first",
        },
        "range": {
            "type": "numbered", "startDate": "2026-10-20", "endDate": "0001-01-01",
            "recurrenceTimeZone": BERLIN, "numberOfOccurrences": 5,
        },
    }  # fmt: skip
    _, listed = await service.call("GET", series.events)
    assert [one["type"] for one in listed["value"]] == ["seriesMaster"]


async def test_an_occurrence_by_its_id(service: Service) -> None:
    series = await Series.of(service)
    one = (await series.instances())[2]
    _, read = await service.call("GET", f"{series.events}/{one['id']}", **IMMUTABLE)
    assert {k: v for k, v in read.items() if k != "@odata.context"} == one
    _, regular = await service.call("GET", f"{series.events}/{one['id']}")
    _, again = await service.call("GET", f"{series.events}/{regular['id']}", **IMMUTABLE)
    assert again["id"] == one["id"] != regular["id"]
    _, master = await service.call("GET", f"{series.events}/{regular['seriesMasterId']}")
    assert master["type"] == "seriesMaster"
    await series.patch(series.id, recurrence=weekly(type="numbered", numberOfOccurrences=2))
    assert (await service.call("GET", f"{series.events}/{one['id']}"))[0] == 404


async def test_a_changed_occurrence_is_an_exception_that_keeps_what_it_changed(
    service: Service,
) -> None:
    series = await Series.of(service)
    before = (await series.instances())[1]
    moved = await series.patch(
        before["id"],
        subject="Moved",
        start=at("2026-10-28T12:00:00"),
        end=at("2026-10-28T13:00:00"),
    )
    assert (moved["id"], moved["type"]) == (before["id"], "exception")
    assert (moved["originalStart"], moved["iCalUId"]) == (
        "2026-10-27T09:00:00Z", before["iCalUId"],
    )  # fmt: skip
    assert (await series.starts())[1] == "2026-10-28T12:00"
    await series.patch(series.id, subject="All", importance="high")
    assert [(one["subject"], one["importance"]) for one in await series.instances()] == [
        ("All", "high"), ("Moved", "high"), ("All", "high"), ("All", "high"), ("All", "high"),
    ]  # fmt: skip
    whole = await series.whole()
    assert [one["id"] for one in whole["exceptionOccurrences"]] == [before["id"]]
    assert whole["cancelledOccurrences"] == []
    day = "?startDateTime=2026-10-28T12:30:00Z&endDateTime=2026-10-28T12:40:00Z"
    assert [one["id"] for one in await series.instances(day)] == [before["id"]]


async def test_an_occurrence_that_is_removed(service: Service) -> None:
    series = await Series.of(service)
    first, second, *_ = await series.instances()
    await series.patch(second["id"], subject="Changed")
    assert (await service.call("DELETE", f"{series.events}/{first['id']}"))[0] == 204
    assert (await service.call("POST", f"{series.events}/{second['id']}/cancel", {}))[0] == 202
    assert await series.starts() == ["2026-11-03T09:00", "2026-11-10T09:00", "2026-11-17T09:00"]
    whole = await series.whole()
    assert whole["cancelledOccurrences"] == [
        f"OID.{series.id}.2026-10-20", f"OID.{series.id}.2026-10-27",
    ]  # fmt: skip
    assert whole["exceptionOccurrences"] == []
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"subject": "x"})):
        assert (await service.call(method, f"{series.events}/{first['id']}", body))[0] == 404


async def test_an_occurrence_does_not_cross_another(service: Service) -> None:
    series = await Series.of(service)
    one, two, *_ = await series.instances()
    for day in ("27", "28"):
        times = {"start": at(f"2026-10-{day}T20:00:00"), "end": at(f"2026-10-{day}T21:00:00")}
        status, refused = await service.call("PATCH", f"{series.events}/{one['id']}", times)
        assert (status, refused["error"]["code"]) == (400, "ErrorOccurrenceCrossingBoundary")
    await service.call("DELETE", f"{series.events}/{two['id']}")
    await series.patch(one["id"], **times)


async def test_a_series_laid_anew_drops_what_has_no_slot_any_more(service: Service) -> None:
    series = await Series.of(service)
    first, second, *_, last = await series.instances()
    await series.patch(second["id"], subject="Second")
    await series.patch(last["id"], subject="Last")
    await service.call("DELETE", f"{series.events}/{first['id']}")
    await series.patch(series.id, recurrence=weekly(type="endDate", endDate="2026-11-03"))
    whole = await series.whole()
    assert [one["subject"] for one in whole["exceptionOccurrences"]] == ["Second"]
    assert len(whole["cancelledOccurrences"]) == 1
    later = {"start": at("2026-10-20T12:00:00", BERLIN), "end": at("2026-10-20T13:00:00", BERLIN)}
    await series.patch(series.id, **later)
    assert await series.starts() == ["2026-10-20T10:00", "2026-10-27T11:00", "2026-11-03T11:00"]
    whole = await series.whole()
    assert (whole["exceptionOccurrences"], whole["cancelledOccurrences"]) == ([], [])


async def test_this_and_following_is_an_end_and_a_new_series(service: Service) -> None:
    series = await Series.of(service, recurrence=weekly(type="noEnd"))
    await series.patch(series.id, recurrence=weekly(type="endDate", endDate="2026-11-02"))
    following = weekly(type="noEnd") | {}
    following["range"]["startDate"] = "2026-11-03"
    times = {"start": at("2026-11-03T15:00:00", BERLIN), "end": at("2026-11-03T16:00:00", BERLIN)}
    rest = await Series.of(service, recurrence=following, **times)
    assert await series.starts() == ["2026-10-20T08:00", "2026-10-27T09:00"]
    assert (await rest.starts())[0] == "2026-11-03T14:00"


async def test_a_series_becomes_single_and_a_single_event_a_series(service: Service) -> None:
    series = await Series.of(service)
    _, master = await service.call("GET", series.path, **IMMUTABLE)
    single = await series.patch(series.id, recurrence=None)
    assert (single["type"], single["recurrence"]) == ("singleInstance", None)
    status, refused = await service.call("GET", f"{series.path}/instances{AUTUMN}")
    assert (status, refused["error"]["code"]) == (400, "ErrorInvalidRequest")
    again = await series.patch(series.id, recurrence=weekly())
    assert (again["type"], again["iCalUId"]) == ("seriesMaster", master["iCalUId"])
    assert len(await series.instances()) == 5


async def test_a_series_begins_with_its_first_occurrence(service: Service) -> None:
    recurrence = weekly()
    recurrence["pattern"]["daysOfWeek"] = ["Friday", "Thursday"]
    event = await made(service, recurrence=recurrence)
    assert event["start"]["dateTime"] == "2026-10-22T08:00:00.0000000"
    assert event["recurrence"]["range"]["startDate"] == "2026-10-22"
    assert event["recurrence"]["pattern"]["daysOfWeek"] == ["thursday", "friday"]


async def test_a_recurrence_read_can_be_written_back(service: Service) -> None:
    series = await Series.of(service)
    _, master = await service.call("GET", series.path)
    await series.patch(series.id, recurrence=master["recurrence"])
    assert len(await series.instances()) == 5


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        ({"type": "weekly", "interval": 1}, {}),
        ({"type": "hourly", "interval": 1}, {}),
        ({"type": "daily", "interval": 0}, {}),
        ({"type": "daily"}, {}),
        ({"type": "absoluteMonthly", "interval": 1}, {}),
        ({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 32}, {}),
        ({"type": "absoluteYearly", "interval": 1, "dayOfMonth": 30, "month": 2}, {}),
        ({"type": "relativeYearly", "interval": 1, "daysOfWeek": ["monday"]}, {}),
        ({"type": "relativeMonthly", "interval": 1, "index": "fifth"}, {}),
        ({"type": "weekly", "interval": 1, "daysOfWeek": ["someday"]}, {}),
        (None, {"type": "endDate"}),
        (None, {"type": "endDate", "endDate": "2026-10-19"}),
        (None, {"type": "endDate", "endDate": "2026-02-30"}),
        (None, {"type": "numbered"}),
        (None, {"type": "numbered", "numberOfOccurrences": 1000}),
        (None, {"startDate": "2026-10-21"}),
        (None, {"recurrenceTimeZone": "Mars/Base"}),
        (None, {"type": "forever"}),
    ],
)
async def test_patterns_that_are_none(
    service: Service, pattern: Document | None, limit: Document
) -> None:
    usual = {"type": "daily", "interval": 1}
    recurrence = {
        "pattern": pattern or usual,
        "range": {"type": "noEnd", "startDate": "2026-10-20", **limit},
    }
    body = visit(recurrence=recurrence)
    status, refused = await service.call("POST", f"/users/{service.ada.id}/events", body)
    assert status == 400
    assert refused["error"]["message"]


async def test_a_range_in_which_the_pattern_never_comes(service: Service) -> None:
    body = visit(recurrence=weekly(type="endDate", endDate="2026-10-22"))
    body["recurrence"]["pattern"]["daysOfWeek"] = ["friday"]
    status, refused = await service.call("POST", f"/users/{service.ada.id}/events", body)
    assert (status, refused["error"]["code"]) == (400, "ErrorRecurrenceHasNoOccurrence")


async def test_whole_days_recur_on_their_day_everywhere(service: Service) -> None:
    pattern = {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}
    event = await made(
        service,
        isAllDay=True,
        start=at("2026-10-31T00:00:00", BERLIN),
        end=at("2026-11-01T00:00:00", BERLIN),
        recurrence={
            "pattern": pattern,
            "range": {"type": "numbered", "startDate": "2026-10-31", "numberOfOccurrences": 3},
        },
    )
    path = f"/users/{service.ada.id}/events/{event['id']}/instances"
    window = "?startDateTime=2026-10-01&endDateTime=2027-03-01"
    _, page = await service.call("GET", path + window, Prefer='outlook.timezone="Asia/Tokyo"')
    assert [(one["start"]["dateTime"][:16], one["start"]["timeZone"]) for one in page["value"]] == [
        ("2026-10-31T00:00", "Asia/Tokyo"), ("2026-11-30T00:00", "Asia/Tokyo"),
        ("2026-12-31T00:00", "Asia/Tokyo"),
    ]  # fmt: skip
    assert page["value"][0]["originalStart"] == "2026-10-31T00:00:00Z"


async def test_a_view_has_single_events_and_occurrences_by_start(service: Service) -> None:
    await Series.of(service)
    await made(service, start=at("2026-10-30T08:00:00"), end=at("2026-10-30T09:00:00"))
    view = f"/users/{service.ada.id}/calendar/calendarView{AUTUMN}&$select=type"
    _, page = await service.call("GET", view)
    assert [one["type"] for one in page["value"]] == [
        "occurrence", "occurrence", "singleInstance", "occurrence", "occurrence", "occurrence",
    ]  # fmt: skip
    _, few = await service.call("GET", f"{view[: view.index('&$top')]}&$top=4")
    _, rest = await service.call("GET", few["@odata.nextLink"])
    assert (len(few["value"]), len(rest["value"])) == (4, 2)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "ErrorInvalidParameter"),
        ("?startDateTime=2026-10-01", "ErrorInvalidParameter"),
        ("?startDateTime=soon&endDateTime=later", "ErrorInvalidParameter"),
        ("?startDateTime=2026-10-02&endDateTime=2026-10-01",
         "ErrorCalendarEndDateIsEarlierThanStartDate"),
        ("?startDateTime=2020-01-01&endDateTime=2026-01-01", "ErrorCalendarViewRangeTooBig"),
        ("?startDateTime=0001-01-01T00:00:00%2B02:00&endDateTime=2026-01-01",
         "ErrorInvalidParameter"),
        ("?startDateTime=9999-12-30&endDateTime=9999-12-31", "ErrorInvalidParameter"),
    ],
)  # fmt: skip
async def test_windows_that_are_none(service: Service, query: str, code: str) -> None:
    for path in ("calendarView", "calendarView/delta"):
        url = f"/users/{service.ada.id}/{path}{query}"
        status, refused = await service.call("GET", url)
        assert (status, refused["error"]["code"]) == (400, code)


async def test_a_year_of_days_is_listed_in_milliseconds(service: Service) -> None:
    daily = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "noEnd", "startDate": "2026-10-20"},
    }
    series = await Series.of(service, recurrence=daily)
    year = "?startDateTime=2026-10-20T00:00:00Z&endDateTime=2027-10-20T00:00:00Z&$top=1000"
    began = time.perf_counter()
    assert len(await series.instances(year)) == 365
    assert time.perf_counter() - began < 1


async def test_a_calendar_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "graph.db"
    async with Service(state=state) as service:
        series = await Series.of(service, transactionId="t")
        first, second, *_ = await series.instances()
        await series.patch(first["id"], subject="First")
        await service.call("DELETE", f"{series.events}/{second['id']}")
        settings = f"/users/{service.ada.id}/mailboxSettings"
        await service.call("PATCH", settings, {"timeZone": "Europe/Berlin"})
        before = await series.instances()
    async with Service(state=state) as service:
        again = Series(service, {"id": series.id})
        assert await again.instances() == before
        assert (await made(service, transactionId="t"))["id"] == series.id
        _, zone = await service.call("GET", f"{settings}/timeZone")
        assert zone["value"] == "Europe/Berlin"
        assert (await service.call("DELETE", again.path))[0] == 204
