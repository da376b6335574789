"""A mailbox desk on the sandbox's services, and mailboxes nobody has set up yet."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.bus import Message
from shared.changes import Change, decode
from shared.dataverse.readiness import NativeSync
from shared.identifiers import Kind, MailboxId
from shared.sync.enabling import Enabler
from shared.sync.enrolment import Enrolment
from shared.sync.subscribing import Subscriber
from shared.sync.waiting_saves import WaitingSaves
from shared.tracking.callers import Caller
from shared.tracking.contract import MailboxStatus
from shared.tracking.mailbox_desk import MailboxDesk
from tests.contract.app.enrolling import Enrolling, enrolling

BARE: dict[str, object] = {
    "emailserverprofile": None,
    "incomingemaildeliverymethod": 0,
    "outgoingemaildeliverymethod": 0,
    "actdeliverymethod": 2,
    "emailrouteraccessapproval": 0,
    "incomingemailstatus": 0,
    "outgoingemailstatus": 0,
    "actstatus": 0,
    "mailboxstatus": 0,
    "enabledforincomingemail": False,
    "enabledforoutgoingemail": False,
    "enabledforact": False,
}
"""A mailbox as a new user has it."""
TESTED = timedelta(seconds=5)
"""By then Dynamics has tested a mailbox."""


@dataclass
class SentBus:
    """A bus that keeps what is sent."""

    sent: list[tuple[str, Change]] = field(default_factory=list)

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        self.sent += [(queue, change) for one in messages for change in decode(one.body)]


@dataclass
class Desk:
    """The desk, and the people who come to it."""

    office: Enrolling
    native: NativeSync = NativeSync.BESIDE
    sellers_may_enable: bool = True
    bus: SentBus = field(default_factory=SentBus)

    @property
    def enabler(self) -> Enabler:
        return Enabler(self.office.graph, self.office.dataverse, self.native)

    @property
    def enrolment(self) -> Enrolment:
        now = self.office.services.surroundings.clock.now
        subscriber = Subscriber(
            self.office.graph,
            self.office.keys,
            kinds=[Kind.MAIL],
            webhook_base_url=self.office.base_url,
            now=now,
        )
        return Enrolment(self.office.graph, self.office.dataverse, subscriber, now, self.native)

    @property
    def waiting(self) -> WaitingSaves:
        now = self.office.services.surroundings.clock.now
        return WaitingSaves(self.office.dataverse, self.bus, now)

    @property
    def desk(self) -> MailboxDesk:
        return MailboxDesk(
            self.enabler,
            self.enrolment,
            self.waiting,
            self.office.dataverse,
            self.sellers_may_enable,
        )

    @property
    def ada(self) -> MailboxId:
        return MailboxId(self.office.people[0])

    async def status(self, *, administrator: bool = False) -> MailboxStatus:
        return await self.desk.status(self.caller(administrator=administrator), self.ada)

    async def enable(self, *, administrator: bool = False) -> MailboxStatus:
        return await self.desk.enable(self.caller(administrator=administrator), self.ada)

    def caller(self, *, administrator: bool = False) -> Caller:
        """Ada, or an administrator who has a mailbox of their own."""
        mailbox = MailboxId(self.office.people[1]) if administrator else self.ada
        return Caller(mailbox, is_administrator=administrator, name="")

    async def keep_up(self) -> None:
        """Do what the timer does."""
        await self.enabler.go_on()
        enrolled = await self.enrolment.enrol_and_renew()
        await self.waiting.send(enrolled=enrolled)

    def tested(self) -> None:
        """Let Dynamics have tested what it is to test."""
        self.office.advance(TESTED)

    def mailbox(self) -> dict[str, Any]:
        """Return Ada's Dynamics mailbox."""
        rows = self.office.services.dataverse.organization.rows
        user = self.office.services.tenant.people[0].systemuserid
        (key,) = rows.find("mailbox", "regardingobjectid", user)
        return rows.get("mailbox", key) or {}

    def organization(self, **values: object) -> None:
        """Decide something for the organisation."""
        rows = self.office.services.dataverse.organization.rows
        ((key, row),) = list(rows.all("organization"))
        rows.put("organization", key, {**row, **values})


@asynccontextmanager
async def desk_of_bare(native: NativeSync = NativeSync.BESIDE) -> AsyncIterator[Desk]:
    """Give a desk where Ada's mailbox is not set up, and Grace's is."""
    async with enrolling(2) as office:
        office.set_mailbox(office.people[0], **BARE)
        yield Desk(office, native)


def codes(status: MailboxStatus) -> list[str]:
    return [one.code for one in status.lacking]
