"""The sellers' meetings: one of three people, and a series over a change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench.diaries import Diaries
from bench.running import Run
from bench.story.people import ADA, ALAN, GRACE, KATHERINE
from shared.graph.items import TRACKED_CATEGORY

NO_CATEGORY = "ignored: it has no category"
_TRACKED = "tracked: category"
_BERLIN = ZoneInfo("Europe/Berlin")
_IN_OUTLOOK = "W. Europe Standard Time"
_WEEKS = 6
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def tell(run: Run) -> None:
    """Let meetings be made and change, and say what is expected."""
    diaries = Diaries(run)
    today = datetime.now(_BERLIN).date()
    workshop = await diaries.schedule(
        GRACE,
        {"subject": "Workshop", **_when(today + timedelta(days=7), time(10), time(12))},
        {GRACE: NO_CATEGORY, ALAN: NO_CATEGORY, KATHERINE: NO_CATEGORY},
    )
    first = _before_the_clocks_change(today)
    review = await diaries.schedule(
        ADA,
        {
            "subject": "Weekly review",
            "categories": [TRACKED_CATEGORY],
            "recurrence": _weekly(first),
            **_when(first, time(9), time(10)),
        },
        {ADA: _TRACKED, KATHERINE: NO_CATEGORY},
    )
    await run.quiet()
    await diaries.mark(workshop[ALAN], _TRACKED)  # an attendee first: his copy counts for now
    await diaries.mark(review[KATHERINE], _TRACKED)
    noon = datetime.combine(first, time(12), UTC)
    occurrences = await diaries.occurrences(
        review[ADA], noon - timedelta(days=1), noon + timedelta(weeks=_WEEKS)
    )
    moved = first + timedelta(weeks=1, days=1)
    await diaries.move_occurrence(review[ADA], occurrences[1], _when(moved, time(14), time(15, 30)))
    await diaries.cancel_occurrence(review[ADA], occurrences[-2])
    await run.quiet()
    await diaries.mark(workshop[GRACE], _TRACKED)  # the organizer: from now on her copy counts
    later = _when(today + timedelta(days=8), time(13), time(15))
    await diaries.change(workshop[GRACE], location={"displayName": "Room 2"}, **later)
    await run.quiet()


def _before_the_clocks_change(today: date) -> date:
    """Return the first day of a weekly series in whose middle the clocks change in Berlin."""
    day = today + timedelta(weeks=_WEEKS // 2)
    while _offset(day) == _offset(day + timedelta(days=1)):
        day += timedelta(days=1)
    return day - timedelta(weeks=_WEEKS // 2) + timedelta(days=2)


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, time(), _BERLIN).utcoffset()


def _weekly(first: date) -> dict[str, Any]:
    return {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "daysOfWeek": [_WEEKDAYS[first.weekday()]],
        },
        "range": {
            "type": "numbered",
            "startDate": first.isoformat(),
            "numberOfOccurrences": _WEEKS,
        },
    }


def _when(day: date, begin: time, end: time) -> dict[str, Any]:
    return {
        name: {"dateTime": datetime.combine(day, at).isoformat(), "timeZone": _IN_OUTLOOK}
        for name, at in (("start", begin), ("end", end))
    }
