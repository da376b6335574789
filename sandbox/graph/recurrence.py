"""Graph's patternedRecurrence: checked, written in full, and made into a rule that counts days."""

from datetime import date, datetime, time
from typing import Any

from dateutil.rrule import (
    DAILY,
    FR,
    MO,
    MONTHLY,
    SA,
    SU,
    TH,
    TU,
    WE,
    WEEKLY,
    YEARLY,
    rrule,
    weekday,
)  # fmt: skip

from sandbox.graph.errors import GraphError
from sandbox.store import Document

DAYS: dict[str, weekday] = {
    "sunday": SU, "monday": MO, "tuesday": TU, "wednesday": WE, "thursday": TH, "friday": FR,
    "saturday": SA,
}  # fmt: skip
INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
NO_DATE = "0001-01-01"
MOST_OCCURRENCES = 999
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_NEEDS = {
    "daily": (),
    "weekly": ("daysOfWeek",),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek",),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "month"),
}


def rule(recurrence: Document, start: datetime) -> rrule:
    """Return the local times at which a series that begins at `start` has its occurrences.

    A day of the month that a month does not have stands for its last day.
    """
    pattern, limit = recurrence["pattern"], recurrence["range"]
    options: dict[str, Any] = {"dtstart": start, "interval": pattern["interval"]}
    if limit["type"] == "numbered":
        options["count"] = limit["numberOfOccurrences"]
    elif limit["type"] == "endDate":
        options["until"] = datetime.combine(date.fromisoformat(limit["endDate"]), time.max)
    if pattern["type"] == "daily":
        return rrule(DAILY, **options)
    if pattern["type"] == "weekly":
        options["wkst"] = DAYS[pattern["firstDayOfWeek"]]
        return rrule(WEEKLY, byweekday=_weekdays(pattern), **options)
    if pattern["type"].endswith("Yearly"):
        options["bymonth"] = pattern["month"]
    if pattern["type"].startswith("relative"):
        options |= {"byweekday": _weekdays(pattern), "bysetpos": INDEXES[pattern["index"]]}
    else:
        day = pattern["dayOfMonth"]
        options |= {"bymonthday": tuple(range(min(day, 28), day + 1)), "bysetpos": -1}
    return rrule(YEARLY if pattern["type"].endswith("Yearly") else MONTHLY, **options)


def complete(pattern: Document, limit: Document, zone: str, start: date) -> Document:
    """Return a patternedRecurrence with every property, as Graph answers it.

    Raises:
        GraphError: 400, it lacks what its type needs, or contradicts itself or the event's start.
    """
    for name in _NEEDS[pattern["type"]]:
        if not pattern.get(name):
            raise _invalid(f"A recurrence of type {pattern['type']} needs {name}.")
    _check_day(pattern)
    _check_range(limit, start)
    return {
        "pattern": {
            "type": pattern["type"],
            "interval": pattern["interval"],
            "month": pattern.get("month") or 0,
            "dayOfMonth": pattern.get("dayOfMonth") or 0,
            "daysOfWeek": sorted(set(pattern.get("daysOfWeek") or ()), key=list(DAYS).index),
            "firstDayOfWeek": pattern.get("firstDayOfWeek") or "sunday",
            "index": pattern.get("index") or "first",
        },
        "range": {
            "type": limit["type"],
            "startDate": start.isoformat(),
            "endDate": limit["endDate"] if limit["type"] == "endDate" else NO_DATE,
            "recurrenceTimeZone": zone,
            "numberOfOccurrences": (
                limit["numberOfOccurrences"] if limit["type"] == "numbered" else 0
            ),
        },
    }


def no_occurrence() -> GraphError:
    """Return the refusal of a recurrence that never happens."""
    return _invalid(
        "The recurrence has no occurrence in its range.", "ErrorRecurrenceHasNoOccurrence"
    )


def _check_day(pattern: Document) -> None:
    month, day = pattern.get("month") or 0, pattern.get("dayOfMonth") or 0
    if pattern["type"] == "absoluteYearly" and day > _LONGEST_MONTHS.get(month, 31):
        raise _invalid(f"Month {month} has no day {day}.")


def _check_range(limit: Document, start: date) -> None:
    stated = limit.get("startDate") or NO_DATE
    if stated not in (NO_DATE, start.isoformat()):
        raise _invalid(
            f"range.startDate is {stated}, but the event starts on {start.isoformat()} in the "
            "recurrence's time zone."
        )
    if limit["type"] == "endDate":
        end = limit.get("endDate") or NO_DATE
        if end == NO_DATE:
            raise _invalid("A range of type endDate needs endDate.")
        if end < start.isoformat():
            raise _invalid("range.endDate is before the start.")
    if limit["type"] == "numbered" and not limit.get("numberOfOccurrences"):
        raise _invalid("A range of type numbered needs numberOfOccurrences.")


def _weekdays(pattern: Document) -> tuple[weekday, ...]:
    return tuple(DAYS[day] for day in pattern["daysOfWeek"])


def _invalid(text: str, code: str = "ErrorPropertyValidationFailure") -> GraphError:
    return GraphError(400, code, f"At least one property failed validation. {text}")
