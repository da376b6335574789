"""One mailbox's calendar: its events, and every way an event comes, changes and goes."""

from collections.abc import Callable, Iterable
from datetime import date
from uuid import UUID, uuid5

from sandbox.clock import Clock
from sandbox.graph import ids, zones
from sandbox.graph.errors import bad_request, item_not_found
from sandbox.graph.mailbox import Change, Counter, graph_time
from sandbox.graph.occurrences import check_neighbours, laid_out, occurrence, slot_on
from sandbox.graph.text import preview
from sandbox.store import Collection, Document, Store
from sandbox.tenant import Person

_LAYS_OUT = {"start", "end", "isAllDay", "recurrence"}
_ID_LENGTHS = (72, 152)
_LAST_DAY = date(zones.YEARS.stop, 1, 1).toordinal()


class Calendar:
    """A person's events. Documents are never changed in place: each version is one of its own.

    An event's document holds the properties of the Graph resource, `id` being the immutable id, and
    beside them `regularId`, `sequence` (of its last change), `exceptions` (changed properties of
    occurrences, by day) and `cancelled` (the original starts of those that are gone, by day).
    `start` and `end` are in UTC, those of whole days midnight wherever one looks. Occurrences are
    made when they are asked for; they go by their series' version, as in Exchange.
    """

    def __init__(
        self,
        person: Person,
        store: Store,
        counter: Counter,
        clock: Clock,
        observe: Callable[[Change], None],
    ) -> None:
        self.person = person
        self.mailbox = person.id
        self._counter = counter
        self._clock = clock
        self._observe = observe
        self._events = store.collection(f"events {person.id}")
        self.removed: Collection = store.collection(f"removed events {person.id}")
        self._settings = store.collection("calendars")
        self._by_regular_id: dict[str, str] = {}
        self._by_global_id: dict[str, str] = {}
        self._by_transaction: dict[str, str] = {}
        if person.id not in self._settings:
            self._settings[person.id] = {"number": counter.next(), "timeZone": "UTC"}
        for event in self._events.values():
            self._index(event)

    @property
    def id(self) -> str:
        """The id of the calendar itself."""
        return ids.folder_id(self.mailbox, self._number)

    @property
    def change_key(self) -> str:
        """The version of the calendar itself."""
        return ids.change_key(self._number)

    @property
    def zone(self) -> str:
        """The time zone in which its owner lives."""
        return str(self._settings[self.mailbox]["timeZone"])

    def live_in(self, zone: str) -> None:
        """Have its owner live in another time zone.

        Raises:
            GraphError: 400, there is no such zone.
        """
        zones.zone(zone)
        self._settings[self.mailbox] = {**self._settings[self.mailbox], "timeZone": zone}

    @property
    def version(self) -> int:
        """The number of the last change, here or elsewhere in the tenant."""
        return self._counter.last

    def now(self) -> str:
        """Return the present moment as Graph writes it."""
        return graph_time(self._clock.now())

    def new_join_url(self) -> str:
        """Return the address of an online meeting that nobody has yet."""
        own = uuid5(UUID(self.mailbox), str(self._counter.next())).hex
        return f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{own}%40thread.v2/0"

    def events(self) -> Iterable[Document]:
        """Return the single events and the series."""
        return self._events.values()

    def event(self, item_id: str) -> Document:
        """Return an event, a series or an occurrence by its immutable or regular id.

        Raises:
            GraphError: 404 no such event, 400 no id at all.
        """
        found = self._events.get(self._by_regular_id.get(item_id, item_id))
        if found is not None:
            return found
        series_id, day = ids.series_and_day(item_id)
        series = self._events.get(self._by_regular_id.get(series_id, series_id))
        if (
            series is not None
            and series["recurrence"] is not None
            and 0 < day < date.max.toordinal()
        ):
            return self._occurrence(series, date.fromordinal(day))
        if len(item_id) in _ID_LENGTHS:
            raise item_not_found()
        raise bad_request("Id is malformed.", "ErrorInvalidIdMalformed")

    def series_of(self, one: Document) -> Document:
        """Return the series of an occurrence."""
        return self._events[one["seriesMasterId"]]

    def by_global_id(self, global_id: str) -> Document | None:
        """Return the event or series with that iCalUId."""
        found = self._by_global_id.get(global_id)
        return self._events[found] if found else None

    def by_transaction(self, transaction: str | None) -> Document | None:
        """Return the event that was made under that transactionId."""
        found = self._by_transaction.get(transaction or "")
        return self._events[found] if found else None

    def add(self, event: Document) -> Document:
        """Put a new event in the calendar and return it with ids, versions and creation time.

        Exchange works on it right after: `created` is followed by an `updated` (graph.md 2.4).

        Raises:
            GraphError: 400, it is a series without occurrences.
        """
        event = laid_out({"exceptions": {}, "cancelled": {}, **event})
        number = self._counter.next()
        event |= {
            "id": ids.immutable_id(self.mailbox, number),
            "regularId": ids.regular_id(self.mailbox, self._number, number),
            "iCalUId": event.get("iCalUId")
            or ids.global_id(self.mailbox, number, self._clock.now()),
            "createdDateTime": self.now(),
            "bodyPreview": preview(event["body"]),
        }
        event = self._stamped(event, number)
        self._keep(event)
        self._observe(Change(self.mailbox, "created", None, event, "events"))
        self._observe(Change(self.mailbox, "updated", event, event, "events"))
        return event

    def change(self, event: Document, changes: Document) -> Document:
        """Change properties of an event, a series or one occurrence, and return its new version.

        An occurrence that is changed keeps its slot and what it has of its own from then on; its
        series is what is seen to be updated.

        Raises:
            GraphError: 400, the series would have no occurrence, or the occurrence cross another.
        """
        if "body" in changes:
            changes = {**changes, "bodyPreview": preview(changes["body"])}
        if event["seriesMasterId"] is None:
            changed = {**event, **changes}
            return self._update(event, laid_out(changed) if _LAYS_OUT & changes.keys() else changed)
        series, day = self.series_of(event), date.fromisoformat(event["slot"])
        slot = slot_on(series, day)
        if slot is None:
            raise item_not_found()
        if "start" in changes:
            check_neighbours(series, slot, {**event, **changes})
        before = series["exceptions"].get(slot.key, {"originalStart": slot.original})
        kept = {**series["exceptions"], slot.key: {**before, **changes}}
        return occurrence(self._update(series, {**series, "exceptions": kept}), slot)

    def remove(self, event: Document) -> None:
        """Remove an event, a series, or one occurrence from its series."""
        if event["seriesMasterId"] is not None:
            series = self.series_of(event)
            gone = {**series["cancelled"], event["slot"]: event["originalStart"]}
            kept = {day: one for day, one in series["exceptions"].items() if day != event["slot"]}
            self._update(series, {**series, "cancelled": gone, "exceptions": kept})
            return
        del self._events[event["id"]]
        self._by_regular_id.pop(event["regularId"])
        self._by_global_id.pop(event["iCalUId"], None)
        self._by_transaction.pop(event["transactionId"] or "", None)
        number = self._counter.next()
        names = ("id", "regularId", "seriesMasterId")
        self.removed[str(number)] = {**{n: event[n] for n in names}, "sequence": number}
        self._observe(Change(self.mailbox, "deleted", event, None, "events"))

    def _occurrence(self, series: Document, day: date) -> Document:
        slot = slot_on(series, day)
        if slot is None or slot.key in series["cancelled"]:
            raise item_not_found()
        return occurrence(series, slot)

    def _update(self, before: Document, changed: Document) -> Document:
        after = self._stamped(dict(changed), self._counter.next())
        self._keep(after)
        self._observe(Change(self.mailbox, "updated", before, after, "events"))
        return after

    def _stamped(self, event: Document, number: int) -> Document:
        event["changeKey"] = ids.change_key(number)
        event["sequence"] = number
        event["lastModifiedDateTime"] = self.now()
        return event

    def _keep(self, event: Document) -> None:
        self._events[event["id"]] = event
        self._index(event)

    def _index(self, event: Document) -> None:
        self._by_regular_id[event["regularId"]] = event["id"]
        self._by_global_id[event["iCalUId"]] = event["id"]
        if event["transactionId"]:
            self._by_transaction[event["transactionId"]] = event["id"]

    @property
    def _number(self) -> int:
        return int(self._settings[self.mailbox]["number"])
