from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.graph import ids, occurrences, zones
from sandbox.graph.recurrence import DAYS, complete, rule
from sandbox.store import Document

START = date(2026, 1, 5)
MAILBOX = "6f0c2a5e-1b7d-4c1a-9a3e-0d5b6b1f2c33"


def pattern(kind: str, interval: int = 1, **more: object) -> Document:
    return {"type": kind, "interval": interval, **more}


def days_of(stated: Document, start: date, count: int = 4) -> list[str]:
    limit = {"type": "numbered", "numberOfOccurrences": count}
    recurrence = complete(stated, limit, "UTC", start)
    begin = datetime(start.year, start.month, start.day, 9)  # noqa: DTZ001 - local time
    return [str(one.date()) for one in rule(recurrence, begin)]


@pytest.mark.parametrize(
    ("stated", "start", "found"),
    [
        (pattern("daily", 3), START, ["2026-01-05", "2026-01-08", "2026-01-11", "2026-01-14"]),
        (
            pattern("weekly", 2, daysOfWeek=["sunday", "monday"], firstDayOfWeek="monday"),
            START,
            ["2026-01-05", "2026-01-11", "2026-01-19", "2026-01-25"],
        ),
        (
            pattern("weekly", 2, daysOfWeek=["sunday", "monday"]),
            START,
            ["2026-01-05", "2026-01-18", "2026-01-19", "2026-02-01"],
        ),
        (
            pattern("absoluteMonthly", dayOfMonth=31),
            date(2026, 1, 31),
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        (
            pattern("relativeMonthly", daysOfWeek=["tuesday"], index="last"),
            START,
            ["2026-01-27", "2026-02-24", "2026-03-31", "2026-04-28"],
        ),
        (
            pattern("relativeMonthly", 2, daysOfWeek=list(DAYS)[1:6], index="first"),
            START,
            ["2026-03-02", "2026-05-01", "2026-07-01", "2026-09-01"],
        ),
        (
            pattern("absoluteYearly", dayOfMonth=29, month=2),
            date(2027, 2, 28),
            ["2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28"],
        ),
        (
            pattern("relativeYearly", daysOfWeek=["thursday"], index="fourth", month=11),
            START,
            ["2026-11-26", "2027-11-25", "2028-11-23", "2029-11-22"],
        ),
    ],
)
def test_on_which_days_it_recurs(stated: Document, start: date, found: list[str]) -> None:
    assert days_of(stated, start) == found


def series(
    local: datetime, zone: str, stated: Document, limit: Document, hours: float = 1
) -> Document:
    begin = zones.moment(local, zone)
    return occurrences.laid_out(
        {
            "id": ids.immutable_id(MAILBOX, 7),
            "regularId": ids.regular_id(MAILBOX, 1, 7),
            "iCalUId": ids.global_id(MAILBOX, 7, begin),
            "isAllDay": False,
            "start": zones.stamp(begin),
            "end": zones.stamp(zones.moment(local + timedelta(hours=hours), zone)),
            "recurrence": complete(stated, limit, zone, local.date()),
            "exceptions": {},
            "cancelled": {},
        }
    )


def between(one: Document, first: date, last: date) -> list[tuple[datetime, datetime]]:
    begin, end = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (first, last))
    return [occurrences.span(each) for each in occurrences.instances(one, begin, end)]


weekdays = st.lists(st.sampled_from(list(DAYS)), min_size=1, max_size=7, unique=True)
months = st.integers(1, 12)
indexes = st.sampled_from(["first", "second", "third", "fourth", "last"])
intervals = st.integers(1, 4)
patterns = st.one_of(
    st.builds(pattern, st.just("daily"), intervals),
    st.builds(pattern, st.just("weekly"), intervals, daysOfWeek=weekdays,
              firstDayOfWeek=st.sampled_from(list(DAYS))),
    st.builds(pattern, st.just("absoluteMonthly"), intervals, dayOfMonth=st.integers(1, 31)),
    st.builds(pattern, st.just("relativeMonthly"), intervals, daysOfWeek=weekdays, index=indexes),
    st.builds(pattern, st.just("absoluteYearly"), intervals, dayOfMonth=st.integers(1, 28),
              month=months),
    st.builds(pattern, st.just("relativeYearly"), intervals, daysOfWeek=weekdays, index=indexes,
              month=months),
)  # fmt: skip
zone_names = st.sampled_from(["Europe/Berlin", "America/New_York", "Eastern Standard Time"])
days = st.dates(date(2025, 1, 1), date(2027, 12, 31))


@given(patterns, zone_names, days, st.times(), st.integers(0, 400))
def test_occurrences_keep_the_wall_clock_and_the_range(
    stated: Document, zone: str, start: date, at: object, length: int
) -> None:
    assert hasattr(at, "hour")
    assert hasattr(at, "minute")
    local = datetime(start.year, start.month, start.day, at.hour, at.minute)  # noqa: DTZ001 - local
    until = start + timedelta(days=length + 2200)
    limit = {"type": "endDate", "endDate": until.isoformat()}
    one = series(local, zone, stated, limit)
    found = between(one, start - timedelta(days=2), start + timedelta(days=1800))
    begun = occurrences.span(one)[0]
    for begin, end in found:
        shown = zones.wall(begin, zone)
        skipped = zones.moment(shown.replace(hour=at.hour, minute=at.minute), zone) == begin
        same = (shown.hour, shown.minute) == (at.hour, at.minute)
        assert same or skipped
        assert begun <= begin <= end
        assert start <= shown.date() <= until
    assert found == sorted(found)
    assert found[:1] == [occurrences.span(one)]


@given(patterns, zone_names, days, st.integers(1, 30), st.integers(0, 700))
def test_a_number_of_occurrences_is_kept_and_each_has_its_own_slot(
    stated: Document, zone: str, start: date, count: int, after: int
) -> None:
    local = datetime(start.year, start.month, start.day, 2, 30)  # noqa: DTZ001 - local
    one = series(local, zone, stated, {"type": "numbered", "numberOfOccurrences": count})
    whole = occurrences.instances(
        one, datetime(2024, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
    )
    assert len(whole) == count
    for name in ("id", "regularId", "iCalUId", "originalStart"):
        assert len({each[name] for each in whole}) == count
    for each in whole[:3]:
        slot = occurrences.slot_on(one, date.fromisoformat(each["slot"]))
        assert slot is not None
        assert occurrences.occurrence(one, slot) == each
        assert ids.series_and_day(each["id"]) == (one["id"], slot.day.toordinal())
        assert ids.series_and_day(each["regularId"]) == (one["regularId"], slot.day.toordinal())
    # What a window holds is what overlaps it, wherever it begins.
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(days=after)
    end = begin + timedelta(days=40)
    inside = [each for each in whole if _meets(each, begin, end)]
    assert occurrences.instances(one, begin, end) == inside


def _meets(one: Document, begin: datetime, end: datetime) -> bool:
    since, until = occurrences.span(one)
    return since < end and until > begin


@pytest.mark.parametrize(
    ("local", "zone", "found"),
    [
        # The clocks jump from two to three: half past two is half past three.
        ("2026-03-28T02:30", "Europe/Berlin", ["01:30", "01:30", "00:30"]),
        # Half past two comes twice: the first is meant.
        ("2026-10-24T02:30", "Europe/Berlin", ["00:30", "00:30", "01:30"]),
        ("2026-03-07T02:30", "America/New_York", ["07:30", "07:30", "06:30"]),
        ("2026-10-31T01:30", "Eastern Standard Time", ["05:30", "05:30", "06:30"]),
    ],
)
def test_times_the_clock_skips_or_shows_twice(local: str, zone: str, found: list[str]) -> None:
    limit = {"type": "numbered", "numberOfOccurrences": 3}
    one = series(datetime.fromisoformat(local), zone, pattern("daily"), limit, hours=0.25)
    begun = datetime.fromisoformat(local).date()
    shown = between(one, begun - timedelta(days=1), begun + timedelta(days=9))
    assert [f"{begin:%H:%M}" for begin, _ in shown] == found
    assert all(begin <= end for begin, end in shown)


def test_days_without_end_cost_little() -> None:
    local = datetime(2026, 1, 1, 9)  # noqa: DTZ001 - local
    one = series(local, "Europe/Berlin", pattern("daily"), {"type": "noEnd"})
    assert len(between(one, date(2026, 1, 1), date(2027, 1, 1))) == 365
