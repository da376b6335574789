"""Two or three calendars and the app in step with them, without sockets."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.dataverse.rows import Row
from sandbox.graph import ids
from sandbox.graph.mailbox import Change as MailboxChange
from shared.changes import Change, Hint
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import FilteringMethod
from shared.graph.client import Graph
from shared.graph.events import Event
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.attaching import Attaching
from shared.sync.calendar.facts import CalendarFacts
from shared.sync.calendar.meeting import Meeting
from shared.sync.calendar.policy import CalendarPolicy
from shared.sync.calendar.rules import CalendarRules
from shared.sync.outcome import Outcome
from shared.sync.reconcile import Reconciler
from tests.unit.app.sides import Ground, InProcessDataverse, InProcessGraph, enrol

type CalendarReconciler = Reconciler[Event, CalendarFacts, Meeting]
DAY = timedelta(days=1)
_MOST_TELLINGS = 300


class Diary:
    """Calendars whose changes are noted until they are told."""

    def __init__(self, ground: Ground, policy: CalendarPolicy | None = None) -> None:
        self.graph: InProcessGraph
        self.dataverse: InProcessDataverse
        self.graph, self.dataverse = ground.fresh()
        self._clock = ground.surroundings.clock
        self._policy = policy or CalendarPolicy()
        self.reconciler = self.instance()
        self.untold: list[Change] = []
        self._global_ids: dict[str, str] = {}
        self._told = 0

    async def open(self, people: int = 3) -> "Diary":
        """Enrol the mailboxes, and note every change of an event from now on."""
        await enrol(self.graph, self.dataverse, [FilteringMethod.NONE] * people)
        self.graph.mailboxes.observe(self._notice)
        return self

    def instance(
        self, *, graph: Graph | None = None, dataverse: Dataverse | None = None
    ) -> CalendarReconciler:
        """Return a further instance of the app, if need be on a side that misbehaves."""
        sides = graph or self.graph, dataverse or self.dataverse
        attaching = Attaching(sides[0], self.graph, sides[1], self._clock.now)
        return Reconciler(CalendarRules(self._policy), *sides, self._clock.now, attaching)

    @property
    def now(self) -> datetime:
        """The time on both sides."""
        return self._clock.now()

    def person(self, number: int) -> str:
        """Return a mailbox's id."""
        return self.graph.mailboxes.all()[number].id

    def address(self, number: int) -> str:
        """Return a mailbox's address."""
        return self.graph.mailboxes.all()[number].person.upn

    async def invite(
        self,
        organizer: int,
        guests: Sequence[int | str] = (),
        **said: Any,  # noqa: ANN401 - JSON
    ) -> str:
        """Have somebody make a meeting tomorrow; return its id in their calendar."""
        begin = (self.now + DAY).replace(hour=9, minute=0, second=0, microsecond=0)
        event = {
            "subject": "Review",
            "start": moment(begin),
            "end": moment(begin + timedelta(hours=1)),
            "attendees": [
                attendee(one if isinstance(one, str) else self.address(one)) for one in guests
            ],
            **said,
        }
        made = await self.graph.do("POST", f"/users/{self.person(organizer)}/events", event)
        self._global_ids[made["id"]] = made["iCalUId"]
        return str(made["id"])

    async def copy_if_any(self, person: int, item: str) -> str:
        """Return the id of a meeting somebody made in a calendar, empty where it is not."""
        path = f"/users/{self.person(person)}/events?$top=500"
        events = (await self.graph.do("GET", path))["value"]
        wanted = self._global_ids[item]
        return next((str(one["id"]) for one in events if one["iCalUId"] == wanted), "")

    async def copy(self, person: int, organizer: int, item: str) -> str:
        """Return the id of a meeting in another calendar."""
        there = await self.event(organizer, item)
        path = f"/users/{self.person(person)}/events?$top=500"
        events = (await self.graph.do("GET", path))["value"]
        return next(str(one["id"]) for one in events if one["iCalUId"] == there["iCalUId"])

    async def event(self, person: int, item: str) -> dict[str, Any]:
        """Return an event as Outlook shows it."""
        return await self.graph.do("GET", f"/users/{self.person(person)}/events/{item}")

    async def change(self, person: int, item: str, **said: Any) -> None:  # noqa: ANN401 - JSON
        """Edit an event."""
        await self.graph.do("PATCH", f"/users/{self.person(person)}/events/{item}", said)

    async def mark(self, person: int, item: str) -> None:
        """Put the category on."""
        await self.change(person, item, categories=["Blue category", TRACKED_CATEGORY])

    async def delete(self, person: int, item: str) -> None:
        """Delete an event."""
        await self.graph.do("DELETE", f"/users/{self.person(person)}/events/{item}")

    async def occurrences(self, person: int, item: str, *, days: int = 365) -> list[dict[str, Any]]:
        """Return the occurrences of a series that Outlook shows from now on."""
        window = (
            f"startDateTime={stamp(self.now)}&endDateTime={stamp(self.now + days * DAY)}&$top=999"
        )
        path = f"/users/{self.person(person)}/events/{item}/instances?{window}"
        return list((await self.graph.do("GET", path))["value"])

    async def tell(self) -> Outcome:
        """Tell all that has changed until nothing is left to do; return the last outcome."""
        outcome = Outcome()
        for _ in range(_MOST_TELLINGS):
            if not self.untold:
                return outcome
            told, self.untold = self.untold, []
            outcome = await self.reconciler.reconcile(told)
            self.note(outcome)
        raise AssertionError("it never gets quiet")

    def note(self, outcome: Outcome) -> None:
        """Have told again what must be looked at again."""
        assert not outcome.impossible, outcome.impossible
        self.untold += [failed.change for failed in outcome.failed]
        self.untold += [look.change for look in outcome.look_again]

    def advance(self, by: timedelta) -> None:
        """Let time pass on both sides."""
        self._clock.advance(by)

    def roll(self) -> None:
        """Have every tracked series looked at, as the app does once a day."""
        self.untold += [
            Change(
                id=f"rolled {row['tether_linkid']} {self.now}",
                mailbox=MailboxId(row["tether_mailboxid"]["id"]),
                kind=Kind.CALENDAR,
                item=ItemId(row["tether_itemid"]),
                hint=Hint.UPDATED,
                noticed=self.now,
            )
            for row in self.links()
            if row["tether_state"] == 1 and row["tether_isseries"]
        ]

    def rows(self, *, open_only: bool = True) -> list[Row]:
        """Return the appointments, the earliest first."""
        rows = self.dataverse.rows("appointment").values()
        kept = [row for row in rows if not open_only or row["statecode"] in {0, 3}]
        return sorted(kept, key=lambda row: str(row["scheduledstart"]))

    def links(self) -> list[Row]:
        """Return the links."""
        return list(self.dataverse.rows("tether_link").values())

    def states(self) -> list[int]:
        """Return the states of the links in the order of their mailboxes."""
        return [row["tether_state"] for row in sorted(self.links(), key=self._place)]

    def parties(self, row: Row) -> set[tuple[int, str]]:
        """Return who takes part in an appointment, by role and address."""
        parties = self.dataverse.rows("activityparty").values()
        return {
            (one["participationtypemask"], str(one["addressused"]))
            for one in parties
            if one["activityid"]["id"] == row["activityid"]
            and one["participationtypemask"] in {5, 6, 7}
        }

    def _place(self, link: Row) -> int:
        everybody = [mailbox.id for mailbox in self.graph.mailboxes.all()]
        return everybody.index(link["tether_mailboxid"]["id"])

    def _notice(self, change: MailboxChange) -> None:
        item = change.after or change.before
        assert item is not None
        if change.collection != "events":
            return
        self._told += 1
        self.untold.append(
            Change(
                id=str(self._told),
                mailbox=MailboxId(change.mailbox),
                kind=Kind.CALENDAR,
                item=ItemId(item["id"]),
                hint=Hint(change.kind),
                noticed=self.now,
                etag=ids.etag(item["changeKey"]) if change.after else None,
            )
        )


def attendee(address: str, kind: str = "required") -> dict[str, Any]:
    """Return an attendee as it is written to Graph."""
    return {"type": kind, "emailAddress": {"address": address, "name": address.partition("@")[0]}}


def moment(when: datetime, zone: str = "UTC") -> dict[str, str]:
    """Return a time as it is written to Graph."""
    return {"dateTime": when.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": zone}


def stamp(when: datetime) -> str:
    """Return a moment in UTC as a query takes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times(rows: Iterable[Row]) -> list[str]:
    """Return when appointments begin."""
    return [str(row["scheduledstart"]) for row in rows]


def begins(occurrences: Iterable[dict[str, Any]], now: datetime) -> list[str]:
    """Return when occurrences that are not over begin, written as Dynamics does."""
    return sorted(
        f"{one['start']['dateTime'][:19]}Z"
        for one in occurrences
        if one["end"]["dateTime"][:19] > now.strftime("%Y-%m-%dT%H:%M:%S")
    )
