"""RRULE made into Graph's patternedRecurrence, or, where that says less, into its single dates."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import islice, takewhile
from typing import Any

from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar import vRecur

from sandbox.graph.recurrence import INDEXES, MOST_OCCURRENCES
from sandbox.store import Document

MOST_INSTANCES = 1000
_DAYS = {
    "SU": "sunday", "MO": "monday", "TU": "tuesday", "WE": "wednesday", "TH": "thursday",
    "FR": "friday", "SA": "saturday",
}  # fmt: skip
_INDEX = {number: name for name, number in INDEXES.items()}
_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
_SURE_DAYS = range(1, 29)
type Rule = dict[str, list[Any]]


def check(rule: Rule) -> None:
    """Refuse a rule whose dates might never be found.

    Raises:
        ValueError: it has no interval, or picks moments within a day.
    """
    if int(rule.get("INTERVAL", [1])[0]) < 1:
        raise ValueError("INTERVAL must be at least 1")
    parts = [name for name in rule if name.startswith("BY")]
    if str(rule["FREQ"][0]).upper() in _WITHIN_A_DAY and parts:
        raise ValueError(f"{rule['FREQ'][0]} with {parts[0]} is not served")


def pattern_of(rule: Rule, start: date) -> Document | None:
    """Return the pattern of a rule for a series that begins on that day, None when Graph has none.

    A day that not every month has is skipped by RRULE but moved by Graph, so it has none either.
    """
    limits = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
    parts = {name: rule[name] for name in rule if name not in limits}
    kind = str(rule["FREQ"][0]).upper()
    found: Document | None = None
    if kind == "DAILY" and not parts:
        found = {"type": "daily"}
    elif kind == "WEEKLY" and not parts.keys() - {"BYDAY"}:
        days = _days(parts.get("BYDAY") or [list(_DAYS)[start.isoweekday() % 7]])
        found = {"type": "weekly", "daysOfWeek": days} if days else None
    elif kind == "MONTHLY":
        found = _monthly(parts, start, "Monthly")
    elif kind == "YEARLY":
        found = _yearly(parts, start)
    if found is None:
        return None
    week = _DAYS.get(str(next(iter(rule.get("WKST", ["MO"])))), "monday")
    return {**found, "interval": int(rule.get("INTERVAL", [1])[0]), "firstDayOfWeek": week}


def range_of(rule: Rule, start: datetime, zone: tzinfo | None) -> Document | None:
    """Return the range of a rule that begins at a local time, None when Graph has none."""
    if "COUNT" in rule:
        count = int(rule["COUNT"][0])
        numbered = {"type": "numbered", "numberOfOccurrences": count}
        return numbered if 0 < count <= MOST_OCCURRENCES else None
    if "UNTIL" not in rule:
        return {"type": "noEnd"}
    until = _local_until(rule, zone)
    last = until.date() if until.time() >= start.time() else until.date() - timedelta(days=1)
    return {"type": "endDate", "endDate": last.isoformat()} if last >= start.date() else None


def dates_of(
    rules: Iterable[Rule],
    start: datetime,
    zone: tzinfo | None,
    *,
    added: Iterable[datetime],
    removed: Iterable[datetime],
) -> Iterator[datetime]:
    """Return the local times of a series as RFC 5545 counts them, in order and without end.

    Raises:
        ValueError: a rule contradicts itself.
    """
    dates = rruleset()
    dates.rdate(start)
    for rule in rules:
        stated = vRecur(rule)
        if "UNTIL" in rule:
            stated["UNTIL"] = [_local_until(rule, zone)]
        read = rrulestr(stated.to_ical().decode(), dtstart=start, ignoretz=True)
        assert isinstance(read, rrule)  # noqa: S101 - one rule's text is one rule
        dates.rrule(read)
    for at in added:
        dates.rdate(at)
    for at in removed:
        dates.exdate(at)
    return iter(dates)


def within(dates: Iterator[datetime], begin: datetime, end: datetime) -> list[datetime]:
    """Return the dates between two, no more than can be looked through."""
    inside = takewhile(lambda at: at <= end, dates)
    return list(islice((at for at in inside if at >= begin), MOST_INSTANCES))


def _monthly(parts: Rule, start: date, kind: str) -> Document | None:
    if not parts:
        parts = {"BYMONTHDAY": [start.day]}
    if parts.keys() == {"BYMONTHDAY"}:
        days = parts["BYMONTHDAY"]
        if days == [-1]:
            every_day = {"daysOfWeek": list(_DAYS.values()), "index": "last"}
            return {"type": f"relative{kind}", **every_day}
        if len(days) == 1 and days[0] in _SURE_DAYS:
            return {"type": f"absolute{kind}", "dayOfMonth": int(days[0])}
        return None
    if parts.keys() - {"BYDAY", "BYSETPOS"} or "BYDAY" not in parts:
        return None
    position = parts.get("BYSETPOS", [])
    days = _days(parts["BYDAY"])
    if not position and len(parts["BYDAY"]) == 1:
        position = [parts["BYDAY"][0].relative]
        days = [_DAYS[parts["BYDAY"][0].weekday]]
    if len(position) != 1 or position[0] not in _INDEX or not days:
        return None
    return {"type": f"relative{kind}", "daysOfWeek": days, "index": _INDEX[position[0]]}


def _yearly(parts: Rule, start: date) -> Document | None:
    months = parts.get("BYMONTH", [] if "BYDAY" in parts else [start.month])
    if len(months) != 1:
        return None
    inside = {name: value for name, value in parts.items() if name != "BYMONTH"}
    found = _monthly(inside, start, "Yearly")
    return {**found, "month": int(months[0])} if found else None


def _days(stated: list[Any]) -> list[str]:
    """Return days of the week by name; none when one of them is the n-th of something."""
    names = [str(day).lstrip("+") for day in stated]
    return [_DAYS[name] for name in names] if all(name in _DAYS for name in names) else []


def _local_until(rule: Rule, zone: tzinfo | None) -> datetime:
    until = rule["UNTIL"][0]
    if not isinstance(until, datetime):
        return datetime.combine(until, time(23, 59, 59))
    return (until.astimezone(zone) if until.tzinfo else until).replace(tzinfo=None)
