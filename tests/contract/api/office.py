"""An office in memory that behaves as the app's items and desk do towards their callers.

A save is under way until it is looked at, then done; all participants of a mail see it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sandbox.tenant import Person, Tenant
from shared.errors import Transient
from shared.identifiers import Kind, MailboxId
from shared.tracking.callers import Caller
from shared.tracking.contract import (
    Activity,
    Asked,
    ItemStatus,
    MailboxState,
    MailboxStatus,
    NamedRegarding,
    Removal,
    SaveRequest,
    Scope,
    State,
    Trouble,
)
from shared.tracking.contract import Person as User
from shared.tracking.problems import Refusal

MAIL, MEETING, CONTACT, TASK = "AAkMail=", "AAkEvent-1", "AAkContact_1", "AQList=/AQTask="
BUSY, BROKEN = "AAkBusy", "AAkBroken"
MESSAGE_ID, MEETING_ID = "<4711@mail.example>", "040000008200E0"
IDS = {Kind.MAIL: MAIL, Kind.CALENDAR: MEETING, Kind.CONTACTS: CONTACT, Kind.TASKS: TASK}
OPPORTUNITY = UUID("7d3c2f5e-5f1a-4f0e-9a55-0c9b1de4a201")
_NAMES = {MESSAGE_ID: Kind.MAIL, MEETING_ID: Kind.CALENDAR}
_TABLES = {Kind.MAIL: "email", Kind.CALENDAR: "appointment", Kind.TASKS: "task"}
_TROUBLE = Trouble(
    code="address-not-approved", seller="Ask.", administrator="Approve.", remedy="Approve it."
)


@dataclass
class _Thing:
    """An item: mail and meetings are one for all participants, the rest each owner's own."""

    state: State = State.NOT_SAVED
    saved_by: Caller | None = None
    regarding: NamedRegarding | None = None
    target: State = State.NOT_SAVED


@dataclass
class Office:
    """Everybody has one item of each kind."""

    tenant: Tenant
    things: dict[str, _Thing] = field(default_factory=dict)
    enabled: set[str] = field(default_factory=set)

    async def status(
        self, mailbox: MailboxId, asked: Sequence[Asked]
    ) -> Sequence[ItemStatus | None]:
        return [self._seen(mailbox, one) for one in asked]

    async def save(
        self, caller: Caller, mailbox: MailboxId, asked: Asked, wish: SaveRequest
    ) -> ItemStatus:
        thing = self._thing(mailbox, asked)
        if thing is None:
            raise Refusal("item-not-found", 404)
        if mailbox not in self.enabled:
            raise Refusal("mailbox-not-enabled", 409)
        if "regarding" in wish.model_fields_set:
            thing.regarding = self._regarding(wish)
        thing.saved_by = thing.saved_by or caller
        thing.state, thing.target = State.SAVING, State.SAVED
        return self._told(asked, thing)

    async def remove(
        self,
        caller: Caller,
        mailbox: MailboxId,
        asked: Asked,
        removal: Removal | None,
        scope: Scope,
    ) -> ItemStatus:
        thing = self._thing(mailbox, asked)
        if thing is None:
            raise Refusal("item-not-found", 404)
        is_own = thing.saved_by is None or thing.saved_by.mailbox == caller.mailbox
        if scope is Scope.ALL and not (is_own or caller.is_administrator):
            raise Refusal("not-allowed-to-remove", 403)
        if removal is Removal.DELETE and asked.kind is Kind.CONTACTS:
            raise Refusal("not-removable-with-deletion", 409)
        if thing.state is State.SAVED:
            thing.state, thing.target = State.SAVING, State.REMOVED
        return self._told(asked, thing)

    def _seen(self, mailbox: MailboxId, asked: Asked) -> ItemStatus | None:
        thing = self._thing(mailbox, asked)
        if thing and thing.state is State.SAVING:
            thing.state = thing.target
        return self._told(asked, thing) if thing else None

    def _thing(self, mailbox: MailboxId, asked: Asked) -> _Thing | None:
        if asked.id == BUSY:
            raise Transient("throttled", retry_after=7)
        if asked.id == BROKEN:
            raise RuntimeError("the secret of this failure")
        named = asked.internet_message_id or asked.i_cal_uid or ""
        if not (IDS[asked.kind] == asked.id or _NAMES.get(named) is asked.kind):
            return None
        if mailbox not in {person.id for person in self.tenant.people}:
            return None
        shared = asked.kind in {Kind.MAIL, Kind.CALENDAR}
        return self.things.setdefault(f"{asked.kind} {'' if shared else mailbox}", _Thing())

    def _regarding(self, wish: SaveRequest) -> NamedRegarding | None:
        if wish.regarding is None:
            return None
        if wish.regarding.id != OPPORTUNITY:
            raise Refusal("regarding-not-found", 422)
        return NamedRegarding(table=wish.regarding.table, id=OPPORTUNITY, name="Engine No. 2")

    def _told(self, asked: Asked, thing: _Thing) -> ItemStatus:
        is_there = thing.state is State.SAVED
        row = uuid5(OPPORTUNITY, asked.kind)
        table = _TABLES.get(asked.kind, "contact")
        return ItemStatus(
            id=asked.id or IDS[asked.kind],
            kind=asked.kind,
            state=thing.state,
            why=f"The office says: {thing.state}.",
            reason="seller" if is_there else None,
            saved_by=User(id=row, name=thing.saved_by.name) if thing.saved_by else None,
            saved_on=datetime(2026, 11, 24, 9, 30, tzinfo=UTC) if is_there else None,
            activity=Activity(
                table=table, id=row, url=f"https://crm.example/{table}/{row}",
                regarding=thing.regarding,
            ) if is_there else None,
        )  # fmt: skip


@dataclass
class Desk:
    """Turns mailboxes on at the second look; the first person's is on from the start."""

    office: Office
    waiting: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.office.enabled.add(self.office.tenant.people[0].id)

    async def status(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        person = self._person(mailbox)
        self.office.enabled |= self.waiting
        self.waiting.clear()
        return self._told(caller, person)

    async def enable(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        person = self._person(mailbox)
        if mailbox not in self.office.enabled:
            self.waiting.add(mailbox)
        return self._told(caller, person)

    def _person(self, mailbox: MailboxId) -> Person:
        people = self.office.tenant.people
        found = next((person for person in people if person.id == mailbox), None)
        if found is None:
            raise Refusal("user-not-in-dynamics", 409)
        return found

    def _told(self, caller: Caller, person: Person) -> MailboxStatus:
        state = MailboxState.NOT_ENABLED
        if person.id in self.waiting:
            state = MailboxState.WAITING
        elif person.id in self.office.enabled:
            state = MailboxState.ENABLED
        return MailboxStatus(
            id=UUID(person.id),
            address=person.upn,
            state=state,
            lacking=() if state is MailboxState.ENABLED else (_TROUBLE,),
            may_enable=caller.mailbox == person.id or caller.is_administrator,
        )
