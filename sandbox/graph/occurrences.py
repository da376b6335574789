"""A series and its occurrences: where they lie, which were changed, which are gone."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sandbox.graph import ids, recurrence, zones
from sandbox.graph.errors import GraphError
from sandbox.store import Document

_FAR = timedelta(days=2)


class Slot(NamedTuple):
    """Where a series has an occurrence: its day in the series' zone, its start and end there."""

    day: date
    start: Document
    end: Document

    @property
    def key(self) -> str:
        """The day as exceptions and cancellations are kept by it."""
        return self.day.isoformat()

    @property
    def original(self) -> str:
        """The slot as `originalStart` names it."""
        return f"{self.start['dateTime'].partition('.')[0]}Z"


def laid_out(event: Document) -> Document:
    """Return an event whose start, end or recurrence is new, with all that follows from them.

    A series begins with its first occurrence. What was changed or cancelled in it stays where the
    series still has that slot.

    Raises:
        GraphError: 400, the series has no occurrence.
    """
    if event["recurrence"] is None:
        return {**event, "type": "singleInstance", "exceptions": {}, "cancelled": {}}
    first = next(iter(recurrence.rule(event["recurrence"], _local_start(event))), None)
    if first is None:
        raise recurrence.no_occurrence()
    limit = {**event["recurrence"]["range"], "startDate": first.date().isoformat()}
    slot = _slot(event, first, _length(event))
    series = {**event, "type": "seriesMaster", "start": slot.start, "end": slot.end}
    series["recurrence"] = {**event["recurrence"], "range": limit}
    touched = [*event["exceptions"], *event["cancelled"]]
    kept = {slot.key: slot.original for slot in _slots_on(series, touched)}
    series["exceptions"] = {
        key: change
        for key, change in event["exceptions"].items()
        if kept.get(key) == change["originalStart"]
    }
    series["cancelled"] = {
        key: original for key, original in event["cancelled"].items() if kept.get(key) == original
    }
    return series


def slot_on(series: Document, day: date) -> Slot | None:
    """Return the series' slot on a day of its zone; a cancelled one is still a slot."""
    return next(iter(_slots_on(series, [day.isoformat()])), None)


def occurrence(series: Document, slot: Slot) -> Document:
    """Return the occurrence in a slot, as an event of its own."""
    changed = series["exceptions"].get(slot.key)
    day = slot.day.toordinal()
    return {
        **series,
        "id": ids.of_day(series["id"], day),
        "regularId": ids.of_day(series["regularId"], day),
        "iCalUId": ids.global_id_of_day(series["iCalUId"], slot.day),
        "type": "exception" if changed is not None else "occurrence",
        "seriesMasterId": series["id"],
        "seriesRegularId": series["regularId"],
        "recurrence": None,
        "originalStart": slot.original,
        "start": slot.start,
        "end": slot.end,
        "slot": slot.key,
        "exceptions": {},
        "cancelled": {},
        **(changed or {}),
    }


def exceptions(series: Document) -> list[Document]:
    """Return the occurrences that were changed, in the order of their slots."""
    return [occurrence(series, slot) for slot in _slots_on(series, series["exceptions"])]


def instances(
    event: Document, since: datetime, until: datetime, zone: str = "UTC"
) -> list[Document]:
    """Return what an event has between two moments: itself, or its occurrences.

    A whole day is the one of `zone`, whatever day it is elsewhere.
    """
    if event["recurrence"] is None:
        return [event] if _overlaps(event, since, until, zone) else []
    margin = _length(event) + _FAR
    name = _zone(event)
    rule = recurrence.rule(event["recurrence"], _local_start(event))
    first, last = zones.wall(since, name) - margin, zones.wall(until, name) + _FAR
    apart = event["exceptions"].keys() | event["cancelled"].keys()
    length = _length(event)
    usual = (
        _slot(event, local, length)
        for local in rule.between(first, last, inc=True)
        if local.date().isoformat() not in apart
    )
    found = [occurrence(event, slot) for slot in usual]
    return [one for one in (*found, *exceptions(event)) if _overlaps(one, since, until, zone)]


def span(event: Document, zone: str = "UTC") -> tuple[datetime, datetime]:
    """Return when an event or occurrence begins and ends."""
    if not event["isAllDay"]:
        return zones.utc(event["start"]), zones.utc(event["end"])
    floating = (datetime.fromisoformat(event[name]["dateTime"]) for name in ("start", "end"))
    begin, end = (zones.moment(local, zone) for local in floating)
    return begin, end


def check_neighbours(series: Document, slot: Slot, changed: Document) -> None:
    """Refuse to move an occurrence to or past the day of another one.

    Raises:
        GraphError: 400, it would.
    """
    day = _day(series, changed["start"])
    if day == slot.day:
        return
    low, high = sorted((day, slot.day))
    around = recurrence.rule(series["recurrence"], _local_start(series)).between(
        datetime.combine(low, time.min), datetime.combine(high, time.max), inc=True
    )
    others = [one for local in around if (one := local.date()) != slot.day]
    others = [one for one in others if one.isoformat() not in series["cancelled"]]
    moved = [
        _day(series, change["start"])
        for key, change in series["exceptions"].items()
        if "start" in change and key != slot.key
    ]
    if others or day in moved:
        raise GraphError(
            400,
            "ErrorOccurrenceCrossingBoundary",
            "Modified occurrence is crossing or overlapping adjacent occurrence.",
        )


def _slots_on(series: Document, days: Iterable[str]) -> Iterator[Slot]:
    wanted = {date.fromisoformat(day) for day in days}
    if not wanted:
        return
    rule = recurrence.rule(series["recurrence"], _local_start(series))
    first = datetime.combine(min(wanted), time.min)
    last = datetime.combine(max(wanted), time.max)
    length = _length(series)
    for local in rule.between(first, last, inc=True):
        if local.date() in wanted:
            yield _slot(series, local, length)


def _slot(series: Document, local: datetime, length: timedelta) -> Slot:
    if series["isAllDay"]:
        zone = series["start"]["timeZone"]
        return Slot(local.date(), zones.stamp(local, zone), zones.stamp(local + length, zone))
    name = _zone(series)
    start = zones.moment(local, name)
    # Across a change of the clocks the wall clock counts, unless the end would come before the
    # start.
    end = zones.moment(local + length, name)
    if end < start:
        end = start + length
    return Slot(local.date(), zones.stamp(start), zones.stamp(end))


def _zone(series: Document) -> str:
    return str(series["recurrence"]["range"]["recurrenceTimeZone"])


def _local(series: Document, stamp: Document) -> datetime:
    if series["isAllDay"]:
        return datetime.fromisoformat(stamp["dateTime"])
    return zones.wall(zones.utc(stamp), _zone(series))


def _local_start(series: Document) -> datetime:
    return _local(series, series["start"])


def _day(series: Document, stamp: Document) -> date:
    return _local(series, stamp).date()


def _length(series: Document) -> timedelta:
    return _local(series, series["end"]) - _local_start(series)


def _overlaps(event: Document, since: datetime, until: datetime, zone: str) -> bool:
    begin, end = span(event, zone)
    return begin < until and (end > since or begin == end == since)
