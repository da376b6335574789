"""The API's items over one kind, and whoever asks: each the owner of their mailbox."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from shared.changes import Change, decode
from shared.identifiers import Kind, MailboxId
from shared.sync.looking import Looks
from shared.tracking.callers import Caller
from shared.tracking.contract import (
    Asked,
    ItemStatus,
    MailboxState,
    MailboxStatus,
    Removal,
    SaveRequest,
    Scope,
)
from shared.tracking.finding import Finder
from shared.tracking.items import Items
from shared.tracking.people import People
from shared.tracking.troubles import trouble_of
from tests.unit.app.office import Queues
from tests.unit.app.sides import InProcessDataverse, InProcessGraph

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


@dataclass(slots=True)
class Readiness:
    """The desk of mailboxes, all of which stand alike."""

    state: MailboxState = MailboxState.ENABLED

    async def status(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        lacking = [trouble_of("address-not-approved")] if self.state != "enabled" else []
        return MailboxStatus(
            id=UUID(mailbox),
            address="ada@contoso.example",
            state=self.state,
            lacking=tuple(lacking),
            may_enable=not caller.is_administrator,
        )

    async def enable(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        self.state = MailboxState.WAITING
        return await self.status(caller, mailbox)


@dataclass(slots=True)
class FrontDesk:
    """Asks for items of `kind`; what is to be looked at is taken by `queued`."""

    kind: Kind
    graph: InProcessGraph
    dataverse: InProcessDataverse
    looks: Looks
    bus: Queues = field(default_factory=Queues)

    @property
    def items(self) -> Items:
        return Items(
            Finder(self.graph, {self.kind: self.looks}, lambda: NOW),
            People(self.dataverse),
            Readiness(),
            self.dataverse,
            self.bus,
            address="https://contoso.crm4.dynamics.com",
            removal=Removal.DELETE,
            now=lambda: NOW,
        )

    async def save(self, person: int, item: str, **wish: object) -> ItemStatus:
        mailbox = self._mailbox(person)
        wished = SaveRequest.model_validate(wish)
        return await self.items.save(self._caller(mailbox), mailbox, self._asked(item), wished)

    async def remove(
        self, person: int, item: str, removal: Removal | None = None, scope: Scope = Scope.MAILBOX
    ) -> ItemStatus:
        mailbox = self._mailbox(person)
        asked = self._asked(item)
        return await self.items.remove(self._caller(mailbox), mailbox, asked, removal, scope)

    async def status(self, person: int, item: str) -> ItemStatus | None:
        (status,) = await self.items.status(self._mailbox(person), [self._asked(item)])
        return status

    def queued(self) -> list[Change]:
        """Take what is to be looked at because of what was asked."""
        messages = self.bus.sent.pop(self.kind, [])
        return [change for message in messages for change in decode(message.body)]

    def _mailbox(self, person: int) -> MailboxId:
        return MailboxId(self.graph.mailboxes.all()[person].id)

    def _caller(self, mailbox: MailboxId) -> Caller:
        return Caller(mailbox, is_administrator=False, name="")

    def _asked(self, item: str) -> Asked:
        return Asked(kind=self.kind, id=item)
