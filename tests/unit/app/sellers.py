"""Sellers who share mail: what they do in Outlook, in Dynamics and by the API."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from random import Random

from sandbox.dataverse.rows import Row
from sandbox.faults import Fault
from sandbox.graph import ids
from sandbox.graph.mailbox import Change as MailboxChange
from sandbox.store import Document
from shared.bus import Message as BusMessage
from shared.changes import Change, Hint, decode
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.mailboxes import MailboxState as RowState
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.mail.rules import MailRules
from shared.sync.reconcile import Reconciler
from shared.sync.settling import settle
from shared.tracking.callers import Caller
from shared.tracking.contract import Asked, ItemStatus, Removal, SaveRequest, Scope, State
from shared.tracking.finding import Finder
from shared.tracking.items import Items
from shared.tracking.people import People
from tests.unit.app.front_desk import Readiness
from tests.unit.app.sides import Ground, InProcessDataverse, InProcessGraph, enrol

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
ACCOUNT = "00000000-0000-4000-8000-00000000ac00"
_MOST_TELLINGS = 2_000


class Queue:
    """The mail queue: what is due is not waited for."""

    def __init__(self) -> None:
        self.messages: list[BusMessage] = []
        self.parked: list[BusMessage] = []

    async def send(self, queue: str, messages: Sequence[BusMessage]) -> None:
        await asyncio.sleep(0)
        (self.messages if queue == Kind.MAIL else self.parked).extend(messages)


class Sellers:
    """Three mailboxes with the same mails in them, and the API's items over an app in step."""

    def __init__(self, ground: Ground, mails: int) -> None:
        self.graph: InProcessGraph
        self.dataverse: InProcessDataverse
        self.graph, self.dataverse = ground.fresh()
        self._surroundings = ground.surroundings
        self.queue = Queue()
        self._seconds = 0
        self.readiness = Readiness()
        self.items = Items(
            Finder(self.graph, {Kind.MAIL: self._instance()}, self.now),
            People(self.dataverse),
            self.readiness,
            self.dataverse,
            self.queue,
            address="https://contoso.crm4.dynamics.com",
            removal=Removal.DELETE,
            now=self.now,
        )
        self.instances = [self._instance(), self._instance()]
        self.untold: list[Change] = []
        self.mails = mails
        self._item: dict[tuple[int, int], str] = {}
        self._told = 0

    async def open(self, method: FilteringMethod = FilteringMethod.NONE) -> "Sellers":
        await enrol(self.graph, self.dataverse, [method] * 3)
        self.dataverse.write("POST", "accounts", {"accountid": ACCOUNT, "name": "Contoso"})
        self.graph.mailboxes.observe(self._notice)
        for mail in range(self.mails):
            for person in range(3):
                self._item[person, mail] = self._deliver(person, mail)
        return self

    def now(self) -> datetime:
        """Return the time, a second later whenever it is asked for."""
        self._seconds += 1
        return BEGIN + timedelta(seconds=self._seconds)

    def _instance(self) -> Reconciler:  # type: ignore[type-arg]
        return Reconciler(MailRules(), self.graph, self.dataverse, self.now)

    def mailbox(self, person: int) -> MailboxId:
        return MailboxId(self.graph.mailboxes.all()[person].id)

    def caller(self, person: int, *, administrator: bool = False) -> Caller:
        return Caller(self.mailbox(person), administrator, f"Person {person}")

    def asked(self, person: int, mail: int) -> Asked:
        return Asked(kind=Kind.MAIL, id=self._item[person, mail])

    async def save(self, person: int, mail: int, **wish: object) -> ItemStatus:
        return await self.items.save(
            self.caller(person),
            self.mailbox(person),
            self.asked(person, mail),
            SaveRequest.model_validate(wish),
        )

    async def remove(
        self,
        person: int,
        mail: int,
        removal: Removal | None = None,
        scope: Scope = Scope.MAILBOX,
        *,
        administrator: bool = False,
    ) -> ItemStatus:
        caller = self.caller(person, administrator=administrator)
        asked = self.asked(person, mail)
        return await self.items.remove(caller, self.mailbox(person), asked, removal, scope)

    async def status(self, person: int, mail: int) -> ItemStatus | None:
        asked = [self.asked(person, mail)]
        (status,) = await self.items.status(self.mailbox(person), asked)
        return status

    def message(self, person: int, mail: int) -> Document | None:
        """Return a mail as its mailbox has it; None when it is gone."""
        mailbox = self.graph.mailboxes.all()[person]
        message = mailbox.messages.get(self._item[person, mail])
        gone = message and message["parentFolderId"] == mailbox.folder("deleteditems")["id"]
        return None if gone else message

    def is_marked(self, person: int, mail: int) -> bool:
        message = self.message(person, mail)
        return message is not None and TRACKED_CATEGORY in message["categories"]

    def mark(self, person: int, mail: int, *, marked: bool) -> None:
        """Put the category on or take it off, as a person does."""
        if message := self.message(person, mail):
            categories = [TRACKED_CATEGORY] if marked else []
            if message["categories"] != categories:
                self.graph.mailboxes.all()[person].update(message, {"categories": categories})

    def delete(self, person: int, mail: int) -> None:
        """Delete a mail in Outlook."""
        if message := self.message(person, mail):
            self.graph.mailboxes.all()[person].delete(message)

    def suspend(self, person: int, *, suspended: bool = True) -> None:
        """Let a mailbox be ready no more, or again."""
        state = RowState.SUSPENDED if suspended else RowState.ENROLLED
        path = f"tether_mailboxes({self.mailbox(person)})"
        self.dataverse.write("PATCH", path, {"tether_state": state})

    def forget(self, person: int) -> None:
        """Let a mailbox be one that nobody has ever enrolled."""
        self.dataverse.write("DELETE", f"tether_mailboxes({self.mailbox(person)})")

    def rows(self, mail: int) -> dict[str, Row]:
        """Return the activities of a mail."""
        rows = self.dataverse.rows("email")
        return {key: row for key, row in rows.items() if row["messageid"] == _message_id(mail)}

    def drop(self, mail: int) -> None:
        """Delete a mail's activity in Dynamics."""
        for key in self.rows(mail):
            self.dataverse.write("DELETE", f"emails({key})")

    def links(self, mail: int) -> dict[int, Row]:
        """Return the links of a mail by person."""
        rows = self.dataverse.rows("tether_link").values()
        found = {(row["tether_mailboxid"]["id"], row["tether_itemid"]): row for row in rows}
        names = {p: (self.mailbox(p), self._item[p, mail]) for p in range(3)}
        return {person: found[name] for person, name in names.items() if name in found}

    def fault(self, service: str, operation: str, status: int, **stated: object) -> None:
        """Let a service refuse an operation from now on."""
        told = {"service": service, "operation": operation, "action": "status", "status": status}
        self._surroundings.faults.replace([Fault.model_validate({"times": None, **told, **stated})])

    def tell_again(self, chance: Random) -> None:
        """Tell of something once more."""
        self.tell_of(chance.randrange(3), chance.randrange(self.mails))

    def tell_of(self, person: int, mail: int) -> None:
        """Tell of a mail."""
        self.untold.append(self._change(person, self._item[person, mail], Hint.UPDATED, None))

    async def draft(self, person: int) -> str:
        """Begin a mail to a customer; return its id."""
        mail = {
            "subject": "Offer",
            "toRecipients": [{"emailAddress": {"address": "casey@customer.example"}}],
        }
        made = await self.graph.do("POST", f"/users/{self.mailbox(person)}/messages", mail)
        return str(made["id"])

    def send_from_a_desktop(self, person: int, draft: str) -> str:
        """Send a mail that was begun, as another item; return its id."""
        mailbox = self.graph.mailboxes.all()[person]
        begun = mailbox.messages[draft]
        message = EmailMessage()
        message["Message-ID"] = begun["internetMessageId"]
        message["From"] = mailbox.person.upn
        message["To"] = "casey@customer.example"
        message["Subject"] = begun["subject"]
        mailbox.purge(begun)
        return str(mailbox.deliver(message.as_bytes(), folder="sentitems")["id"])

    async def send(self, person: int, draft: str) -> None:
        """Send a mail that was begun."""
        await self.graph.do("POST", f"/users/{self.mailbox(person)}/messages/{draft}/send")

    async def consume(self, chance: Random, most: int = 4) -> None:
        """Let an instance of the app work off some of what was told, in any order."""
        told = [one for message in self.queue.messages for one in decode(message.body)]
        waiting = [*self.untold, *told]
        chance.shuffle(waiting)
        batch, self.untold = waiting[:most], waiting[most:]
        self.queue.messages = []
        outcome = await chance.choice(self.instances).reconcile(batch)
        await settle(outcome, Kind.MAIL, self.queue, self.now())

    async def settle(self) -> None:
        """Let everything be done that was told or asked for."""
        await self.quiet(Random(1))

    async def states(self, mail: int = 0) -> list[State]:
        """Return how everybody who has a mail sees it."""
        found = [await self.status(person, mail) for person in range(3)]
        return [one.state for one in found if one]

    async def save_for(self, *people: int, mail: int = 0) -> None:
        """Have a mail saved by these, and that done."""
        for person in people:
            await self.save(person, mail)
        await self.settle()

    async def quiet(self, chance: Random) -> None:
        """Let everything that was told be done, and everybody look, until nothing is left."""
        for _ in range(_MOST_TELLINGS):
            if self.untold or self.queue.messages:
                await self.consume(chance)
                continue
            for person in range(3):
                for mail in range(self.mails):
                    await self.status(person, mail)
            if not self.queue.messages:
                return
        raise AssertionError("it never gets quiet")

    def _deliver(self, person: int, mail: int) -> str:
        message = EmailMessage()
        everyone = ", ".join(one.person.upn for one in self.graph.mailboxes.all())
        message["Message-ID"] = _message_id(mail)
        message["From"] = "casey@customer.example"
        message["To"] = everyone
        message["Subject"] = f"Mail {mail}"
        mailbox = self.graph.mailboxes.all()[person]
        received = BEGIN + timedelta(minutes=mail)
        return str(mailbox.deliver(message.as_bytes(), folder="inbox", received=received)["id"])

    def _notice(self, change: MailboxChange) -> None:
        item = change.after or change.before
        assert item is not None
        person = [one.id for one in self.graph.mailboxes.all()].index(change.mailbox)
        etag = ids.etag(item["changeKey"]) if change.after else None
        self.untold.append(self._change(person, item["id"], Hint(change.kind), etag))

    def _change(self, person: int, item: str, hint: Hint, etag: str | None) -> Change:
        self._told += 1
        return Change(
            id=str(self._told),
            mailbox=self.mailbox(person),
            kind=Kind.MAIL,
            item=ItemId(item),
            hint=hint,
            noticed=BEGIN + timedelta(seconds=self._told),
            etag=etag,
        )


def _message_id(mail: int) -> str:
    return f"<{mail}@customer.example>"
