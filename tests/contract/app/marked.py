"""A mailbox in which every text, name and address has a marker in it, and what works it off."""

from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from shared.changes import Change, Hint
from shared.dataverse.batch import Operation
from shared.dataverse.links import LinkState
from shared.dataverse.requests import Action, Request
from shared.graph.client import GraphRequest
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.tasks import item_of
from shared.identifiers import ItemId, Kind, MailboxId, SystemUserId, link_id_of_item
from shared.sync.calendar.policy import CalendarPolicy
from shared.sync.calendar.rules import CalendarRules
from shared.sync.consuming import Consumer
from shared.sync.contacts.fields import FIELDS
from shared.sync.contacts.rules import ContactRules
from shared.sync.list_watching import ListWatching
from shared.sync.mail.rules import MailRules
from shared.sync.polling import Poller
from shared.sync.reconcile import Reconciler
from shared.sync.rules import Rules
from shared.sync.subscribing import Subscriber
from shared.sync.tasks.policy import TaskPolicy
from shared.sync.tasks.rules import TaskRules
from tests.contract.app.enrolling import Enrolling
from tests.unit.app.office import Queues

MARKER = "Zanzibar"
ADDRESS = f"{MARKER}@customer.example"
SAID = f"{MARKER}: about <{ADDRESS}>"
MARKED = {"categories": [TRACKED_CATEGORY]}
RULES: dict[Kind, Rules[Any, Any, Any]] = {
    Kind.MAIL: MailRules(),
    Kind.CALENDAR: CalendarRules(CalendarPolicy()),
    Kind.CONTACTS: ContactRules(FIELDS),
    Kind.TASKS: TaskRules(TaskPolicy()),
}


class Marked:
    """An enrolled mailbox, and one consumer after the other."""

    def __init__(self, office: Enrolling) -> None:
        self.office = office
        self.bus = Queues()
        self._mailbox = office.people[0]
        owner = office.services.graph.mailboxes.mailbox(self._mailbox).person
        self._user = SystemUserId(owner.systemuserid)
        self._now = office.services.surroundings.clock.now

    async def add(self, kind: Kind) -> Change:
        """Put an item of this kind into the mailbox; return the change it is told by."""
        match kind:
            case Kind.MAIL:
                item = await self._mail()
            case Kind.CALENDAR:
                item = await self._meeting()
            case Kind.CONTACTS:
                item = await self._contact()
            case Kind.TASKS:
                item = await self._task()
        mailbox, now = MailboxId(self._mailbox), self._now()
        hint = Hint.UPDATED
        return Change(id="c", mailbox=mailbox, kind=kind, item=item, hint=hint, noticed=now)

    async def consume(
        self, kind: Kind, bodies: Sequence[bytes], rules: Rules[Any, Any, Any] | None = None
    ) -> None:
        """Work off messages of this kind, as a process that has just started."""
        sides = self.office.graph, self.office.dataverse
        reconciler = Reconciler(rules or RULES[kind], *sides, self._now)
        consumer = Consumer(kind, reconciler, self.bus, self._now)
        await consumer.consume([(f"m{n}", body) for n, body in enumerate(bodies)])

    async def poll(self) -> None:
        """Poll for tasks, and see to the subscriptions to their lists."""
        office, now = self.office, self._now
        subscriber = Subscriber(
            office.graph, office.keys, kinds=[], webhook_base_url=office.base_url, now=now
        )
        watching = ListWatching(office.dataverse, subscriber, now, on=True)
        await Poller(office.graph, office.dataverse, self.bus, watching, now).poll()

    async def _mail(self) -> ItemId:
        message = EmailMessage()
        message["Message-ID"], message["Subject"] = f"<{ADDRESS}>", SAID
        message["From"], message["To"] = f"{MARKER} <{ADDRESS}>", "ada@contoso.example"
        message.set_content(SAID)
        mailbox = self.office.services.graph.mailboxes.mailbox(self._mailbox)
        item = mailbox.deliver(message.as_bytes())["id"]
        await self._do("PATCH", f"messages/{item}", MARKED)
        return ItemId(item)

    async def _meeting(self) -> ItemId:
        begin = (self._now() + timedelta(days=1)).replace(tzinfo=None, microsecond=0)
        attendee = {"emailAddress": {"address": ADDRESS, "name": MARKER}, "type": "required"}
        event = {
            "subject": SAID,
            "body": {"contentType": "text", "content": SAID},
            "location": {"displayName": SAID},
            "start": {"dateTime": begin.isoformat(), "timeZone": "UTC"},
            "end": {"dateTime": (begin + timedelta(hours=1)).isoformat(), "timeZone": "UTC"},
            "attendees": [attendee],
        }
        return ItemId((await self._do("POST", "events", {**event, **MARKED}))["id"])

    async def _contact(self) -> ItemId:
        contact = {
            "givenName": MARKER,
            "surname": MARKER,
            "personalNotes": SAID,
            "emailAddresses": [{"address": ADDRESS, "name": MARKER}],
        }
        item = ItemId((await self._do("POST", "contacts", {**contact, **MARKED}))["id"])
        await self._save(item)
        return item

    async def _save(self, contact: ItemId) -> None:
        """Do what a seller's save comes down to: a link that asks for it."""
        request = Request(action=Action.SAVE, by=self._user, on=self._now())
        link = {
            "tether_name": SAID,
            "tether_kind": 3,
            "tether_state": LinkState.REQUESTED,
            "tether_reason": 1,
            "tether_request": request.written(),
            "tether_MailboxId@odata.bind": f"tether_mailboxes({self._mailbox})",
            "tether_itemid": contact,
        }
        key = link_id_of_item(MailboxId(self._mailbox), contact)
        (answer,) = await self.office.dataverse.batch(
            [Operation("PATCH", f"tether_links({key})", link)]
        )
        assert answer.ok, answer.problem

    async def _task(self) -> ItemId:
        (first, *_) = (await self._do("GET", "todo/lists"))["value"]
        task = {"title": SAID, "body": {"contentType": "text", "content": SAID}, **MARKED}
        return item_of(
            first["id"], (await self._do("POST", f"todo/lists/{first['id']}/tasks", task))["id"]
        )

    async def _do(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        url = f"/users/{self._mailbox}/{path}"
        (answer,) = await self.office.graph.batch([GraphRequest(method, url, body=body)])
        assert answer.ok, answer.problem
        return answer.body
