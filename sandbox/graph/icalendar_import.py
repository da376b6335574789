"""Putting an .ics file into a calendar: series with their exceptions, single events, the rest."""

from datetime import datetime, time, timedelta

from icalendar import Component, vDDDLists, vDDDTypes, vRecur

from sandbox.graph import ids, occurrences, recurrence
from sandbox.graph.calendar import Calendar
from sandbox.graph.errors import GraphError
from sandbox.graph.icalendar_event import When, event_of, span, when
from sandbox.graph.icalendar_file import entry, every, first, read, text_of
from sandbox.graph.icalendar_rules import check, dates_of, pattern_of, range_of, within
from sandbox.graph.text import preview
from sandbox.store import Document

_BEFORE = timedelta(days=365)
_TWO_YEARS = timedelta(days=730)
_DIFFERS = (
    "subject", "body", "location", "locations", "sensitivity", "showAs", "attendees",
    "responseStatus",
)  # fmt: skip


def imported(calendar: Calendar, raw: bytes, categories: list[str]) -> Document:
    """Put what a file holds into a calendar; say what came of it, and what was left out and why.

    A UID that is there already is brought up to date.

    Raises:
        ValueError: the file is no calendar.
    """
    events, skipped = read(raw)
    found = _Import(calendar, categories, skipped)
    groups: dict[str, list[Component]] = {}
    for number, one in enumerate(events):
        groups.setdefault(text_of(one, "UID") or f"\0{number}", []).append(one)
    for group in groups.values():
        found.take(group)
    return {"imported": found.imported, "skipped": found.skipped}


class _Import:
    def __init__(self, calendar: Calendar, categories: list[str], skipped: list[Document]) -> None:
        self._calendar = calendar
        self._own = {"categories": categories} if categories else {}
        self._zone = calendar.zone
        self.imported: list[Document] = []
        self.skipped = skipped

    def take(self, group: list[Component]) -> None:
        """Import the components of one UID: an event or series, and overrides of occurrences."""
        wholes = [one for one in group if "RECURRENCE-ID" not in one]
        overrides = [one for one in group if "RECURRENCE-ID" in one]
        for one in wholes[:-1]:
            self.skipped.append(entry(one, "another event of the file has the same UID"))
        try:
            if wholes:
                self._whole(wholes[-1], overrides)
                return
        except (ValueError, OverflowError, GraphError) as error:
            self.skipped.append(entry(wholes[-1], str(error)))
        for one in overrides:
            self._override_alone(one)

    def _whole(self, component: Component, overrides: list[Component]) -> None:
        rules = [dict(one) for one in every(component, "RRULE") if isinstance(one, vRecur)]
        for rule in rules:
            check(rule)
        self._note_unreadable(component)
        event = self._event(component)
        begin, end = span(component, self._zone)
        dates = self._dates(component, "RDATE", begin)
        if not rules and not dates:
            self._put(event)
            for one in overrides:
                self.skipped.append(entry(one, "RECURRENCE-ID of an event that does not recur"))
            return
        series = self._series(event, rules, begin) if len(rules) == 1 and not dates else None
        if series is None:
            self._expand(component, rules, (begin, end), overrides)
            return
        for at in self._dates(component, "EXDATE", begin):
            if slot := occurrences.slot_on(series, at.date()):
                series["cancelled"][slot.key] = slot.original
        for one in overrides:
            self._override(series, one, begin)
        self._put(series)

    def _series(self, event: Document, rules: list[Document], begin: When) -> Document | None:
        """Return an event with the rule Graph has for it, None when it has none."""
        pattern = pattern_of(rules[0], begin.local.date())
        limit = range_of(rules[0], begin.local, begin.zone)
        if begin.name is None or pattern is None or limit is None:
            return None
        stated = recurrence.complete(pattern, limit, begin.name, begin.local.date())
        if next(iter(recurrence.rule(stated, begin.local)), None) != begin.local:
            return None
        return occurrences.laid_out(
            {**event, "recurrence": stated, "exceptions": {}, "cancelled": {}}
        )

    def _override(self, series: Document, component: Component, begin: When) -> None:
        """Make an override an exception of its series, or the end of an occurrence."""
        try:
            at = self._slot_time(component, begin)
            slot = occurrences.slot_on(series, at.date())
            if slot is None:
                raise ValueError("RECURRENCE-ID names no occurrence of the series")  # noqa: TRY301
            changed = event_of(component, self._calendar.person, self._zone)
        except (ValueError, OverflowError) as error:
            self.skipped.append(entry(component, str(error)))
            return
        if changed["isCancelled"]:
            series["cancelled"][slot.key] = slot.original
            return
        own = {name: changed[name] for name in _DIFFERS if changed[name] != series[name]}
        if (changed["start"], changed["end"]) != (slot.start, slot.end):
            own |= {name: changed[name] for name in ("start", "end", "isAllDay")}
        if "body" in own:
            own["bodyPreview"] = preview(own["body"])
        series["cancelled"].pop(slot.key, None)
        series["exceptions"][slot.key] = {"originalStart": slot.original, **own}

    def _override_alone(self, component: Component) -> None:
        """Import an override without its series: the owner takes part in this occurrence only."""
        try:
            event = self._event(component)
            begin, _ = span(component, self._zone)
            day = self._slot_time(component, begin).date()
            if "iCalUId" in event:
                event["iCalUId"] = ids.global_id_of_day(event["iCalUId"], day)
            self._put(event)
        except (ValueError, OverflowError, GraphError) as error:
            self.skipped.append(entry(component, str(error)))

    def _expand(
        self,
        component: Component,
        rules: list[Document],
        times: tuple[When, When],
        overrides: list[Component],
    ) -> None:
        """Import a series that Graph has no pattern for as single events, over two years."""
        begin, end = times
        today = datetime.fromisoformat(self._calendar.now()).replace(tzinfo=None)
        since = max(begin.local, today - _BEFORE)
        until = since + _TWO_YEARS
        found = within(
            dates_of(
                rules,
                begin.local,
                begin.zone,
                added=self._dates(component, "RDATE", begin),
                removed=self._dates(component, "EXDATE", begin),
            ),
            since,
            until,
        )
        event = self._event(component)
        uid = text_of(component, "UID") or f"{event['subject']} {begin.local.isoformat()}"
        replaced = self._replacements(overrides, begin)
        length = end.local - begin.local
        note = f"as single events from {since.date()} to {until.date()}"
        for at in found:
            single = {**event, "start": begin.stamp(at), "end": begin.stamp(at + length)}
            _, single = replaced.pop(at, (component, single))
            if single["isCancelled"] and not event["isCancelled"]:
                continue
            own = ids.foreign_global_id(f"{uid}/{at.isoformat()}")
            self._put({**single, "iCalUId": ids.global_id_of_day(own, at.date())}, expanded=note)
        if not found:
            text = f"no occurrence from {since.date()} to {until.date()}"
            self.skipped.append(entry(component, text))
        for one, _ in replaced.values():
            self.skipped.append(entry(one, "RECURRENCE-ID names no occurrence that was imported"))

    def _replacements(
        self, overrides: list[Component], begin: When
    ) -> dict[datetime, tuple[Component, Document]]:
        """Return overrides, by the local time of what they stand for."""
        found: dict[datetime, tuple[Component, Document]] = {}
        for one in overrides:
            try:
                found[self._slot_time(one, begin)] = one, self._event(one)
            except (ValueError, OverflowError) as error:
                self.skipped.append(entry(one, str(error)))
        return found

    def _event(self, component: Component) -> Document:
        event = event_of(component, self._calendar.person, self._zone)
        if uid := text_of(component, "UID"):
            event["iCalUId"] = ids.foreign_global_id(uid)
        return event

    def _slot_time(self, component: Component, begin: When) -> datetime:
        """Return the local time, in the series' zone, of the occurrence an override is about."""
        stated = first(component, "RECURRENCE-ID")
        if getattr(stated, "params", {}).get("RANGE"):
            raise ValueError("RECURRENCE-ID with RANGE is not served")
        return _in_zone(when(stated, self._zone, "RECURRENCE-ID"), begin)

    def _dates(self, component: Component, name: str, begin: When) -> list[datetime]:
        """Return the local times listed in a property, those that can be read."""
        found: list[datetime] = []
        lists = [one for one in every(component, name) if isinstance(one, vDDDLists)]
        for listed, params in [(each, one.params) for one in lists for each in one.dts]:
            try:
                at = vDDDTypes(listed.dt[0] if isinstance(listed.dt, tuple) else listed.dt)
                at.params = params
                found.append(_in_zone(when(at, self._zone, name), begin))
            except (ValueError, TypeError, OverflowError) as error:
                self.skipped.append(entry(component, f"{error}; the event goes without it"))
        return found

    def _note_unreadable(self, component: Component) -> None:
        for name, reason in component.errors:
            if name in ("RRULE", "RDATE", "EXDATE"):
                text = f"{name}: {reason}; the event goes without it"
                self.skipped.append(entry(component, text))

    def _put(self, event: Document, **more: str) -> None:
        event = {**event, **self._own}
        known = self._calendar.by_global_id(event.get("iCalUId", ""))
        if known is None:
            kept = self._calendar.add(event)
        else:
            kept_apart = ("transactionId", *(() if self._own else ("categories",)))
            changes = {name: one for name, one in event.items() if name not in kept_apart}
            blank: Document = {"exceptions": {}, "cancelled": {}}
            kept = self._calendar.change(known, {**blank, **changes})
        shown = {name: kept[name] for name in ("id", "iCalUId", "subject", "type")}
        self.imported.append({**shown, **more})


def _in_zone(stated: When, begin: When) -> datetime:
    """Return a time as the wall clock in the series' zone shows it; a date has the series' time."""
    if stated.whole_day and not begin.whole_day:
        return datetime.combine(stated.local.date(), begin.local.time())
    if begin.whole_day or stated.zone is None:
        return datetime.combine(stated.local.date(), time.min)
    return stated.local.replace(tzinfo=stated.zone).astimezone(begin.zone).replace(tzinfo=None)
