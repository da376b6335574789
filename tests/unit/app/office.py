"""Two mailboxes that track all mail, and a reconciler."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

from sandbox.faults import Fault
from sandbox.graph import ids
from shared.bus import Message
from shared.changes import Change, Hint, Kind
from shared.dataverse.mailboxes import FilteringMethod
from shared.errors import Transient
from shared.identifiers import ItemId, MailboxId
from shared.sync.reconcile import Reconciler
from tests.unit.app.sides import Ground, InProcessDataverse, InProcessGraph, enrol

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


class Queues:
    """A bus that keeps what it is given, unless the broker is down."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Message]] = {}
        self.down = False

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        if self.down:
            raise Transient("the broker is down")
        self.sent.setdefault(queue, []).extend(messages)


class Office:
    """Two enrolled mailboxes that track all mail, and a reconciler."""

    def __init__(self, ground: Ground) -> None:
        self.graph: InProcessGraph
        self.dataverse: InProcessDataverse
        self.graph, self.dataverse = ground.fresh()
        self._surroundings = ground.surroundings
        self.reconciler = Reconciler(self.graph, self.dataverse, lambda: NOW)
        self.bus = Queues()

    async def open(self) -> "Office":
        await enrol(self.graph, self.dataverse, [FilteringMethod.ALL] * 2)
        return self

    def mail(self, number: int, person: int = 0) -> Change:
        """Deliver a mail; return the change it is told by."""
        message = EmailMessage()
        message["Message-ID"] = f"<{number}@customer.example>"
        message["From"] = "casey@customer.example"
        message["To"] = "ada@contoso.example"
        message["Subject"] = f"Mail {number}"
        mailbox = self.graph.mailboxes.all()[person]
        delivered = mailbox.deliver(message.as_bytes())
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

    def categories(self, change: Change) -> list[str]:
        message = self.graph.mailboxes.mailbox(change.mailbox).message(change.item)
        return list(message["categories"])
