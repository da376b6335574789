"""Two mailboxes that track all mail, and a reconciler."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from types import MappingProxyType

from sandbox.dataverse.rows import Row
from sandbox.faults import Fault
from sandbox.graph import ids
from shared.bus import Message as BusMessage
from shared.changes import Change, Hint
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import FilteringMethod
from shared.errors import Transient
from shared.graph.attachments import Contents
from shared.graph.client import Graph
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.messages import Message
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.attaching import Attaching
from shared.sync.mail.facts import MailFacts
from shared.sync.mail.policy import MailPolicy
from shared.sync.mail.rules import MailRules
from shared.sync.mail.telling import Telling
from shared.sync.reconcile import Reconciler
from tests.unit.app.sides import Ground, InProcessDataverse, InProcessGraph, enrol

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


def message_id(number: int) -> str:
    """Return the Message-ID of a mail."""
    return f"<{number}@customer.example>"


def again(change: Change) -> Change:
    """Return a change as it is told once more, of no known version."""
    return change.model_copy(update={"id": f"{change.id} again", "etag": None})


class Queues:
    """A bus that keeps what it is given, unless the broker is down."""

    def __init__(self) -> None:
        self.sent: dict[str, list[BusMessage]] = {}
        self.down = False

    async def send(self, queue: str, messages: Sequence[BusMessage]) -> None:
        if self.down:
            raise Transient("the broker is down")
        self.sent.setdefault(queue, []).extend(messages)


class Office:
    """Two enrolled mailboxes that track all mail, and a reconciler."""

    def __init__(self, ground: Ground) -> None:
        self.now = NOW
        self.graph: InProcessGraph
        self.dataverse: InProcessDataverse
        self.graph, self.dataverse = ground.fresh()
        self._surroundings = ground.surroundings
        self.reconciler = self.instance()
        self.bus = Queues()

    async def open(self, method: FilteringMethod = FilteringMethod.ALL) -> "Office":
        await enrol(self.graph, self.dataverse, [method] * 2)
        return self

    def instance(
        self,
        *,
        graph: Graph | None = None,
        dataverse: Dataverse | None = None,
        policy: MailPolicy | None = None,
        contents: Contents | None = None,
    ) -> Reconciler[Message, MailFacts, Telling]:
        """Return a further instance of the app, if need be on a side that misbehaves."""
        graph, dataverse = graph or self.graph, dataverse or self.dataverse
        attaching = Attaching(graph, contents or self.graph, dataverse, lambda: self.now)
        return Reconciler(MailRules(policy), graph, dataverse, lambda: self.now, attaching)

    def mail(
        self,
        number: int,
        person: int = 0,
        *,
        folder: str = "inbox",
        received: datetime | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        files: Sequence[tuple[str, str, bytes]] = (),
    ) -> Change:
        """Deliver a mail; return the change it is told by."""
        message = EmailMessage()
        said = {
            "Message-ID": message_id(number),
            "From": "casey@customer.example",
            "To": "ada@contoso.example",
            "Subject": f"Mail {number}",
            **headers,
        }
        for name, value in said.items():
            message[name] = value
        if files:
            message.set_content("See what is attached.")
        for name, mime_type, content in files:
            main, _, sub = mime_type.partition("/")
            message.add_attachment(content, maintype=main, subtype=sub, filename=name)
        mailbox = self.graph.mailboxes.all()[person]
        delivered = mailbox.deliver(message.as_bytes(), folder=folder, received=received)
        return Change(
            id=f"{person}/{number}",
            mailbox=MailboxId(mailbox.id),
            kind=Kind.MAIL,
            item=ItemId(delivered["id"]),
            hint=Hint.CREATED,
            noticed=NOW,
            etag=ids.etag(delivered["changeKey"]),
        )

    def fault(self, service: str, operation: str, status: int, **stated: object) -> None:
        fault = {"service": service, "operation": operation, "action": "status", "status": status}
        self._surroundings.faults.replace([Fault.model_validate({**fault, **stated})])

    def subjects(self) -> set[str]:
        return {row["subject"] for row in self.dataverse.rows("email").values()}

    def links(self) -> dict[str, Row]:
        """Return the links by the subject of their mail."""
        return {row["tether_name"]: row for row in self.dataverse.rows("tether_link").values()}

    def parents(self) -> dict[str, str | None]:
        """Return the subject of the mail that each activity answers, by its own."""
        emails = self.dataverse.rows("email")
        named = {row["subject"]: row.get("parentactivityid") for row in emails.values()}
        return {
            subject: emails[parent["id"]]["subject"] if parent else None
            for subject, parent in named.items()
        }

    def mark(self, change: Change) -> None:
        """Put the category on, as a person does."""
        mailbox = self.graph.mailboxes.mailbox(change.mailbox)
        message = mailbox.message(change.item)
        mailbox.update(message, {"categories": [*message["categories"], TRACKED_CATEGORY]})

    def purge(self, change: Change) -> None:
        """Delete a mail for good."""
        mailbox = self.graph.mailboxes.mailbox(change.mailbox)
        mailbox.purge(mailbox.message(change.item))

    def categories(self, change: Change) -> list[str]:
        message = self.graph.mailboxes.mailbox(change.mailbox).message(change.item)
        return list(message["categories"])
