"""Lives a world on both sides, and tells the app of what changed: in order, or any way at all."""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from hashlib import sha256
from random import Random

from sandbox.graph import ids
from sandbox.graph.mailbox import Change as MailboxChange
from sandbox.graph.mailbox import Mailbox
from sandbox.store import Document
from shared.bus import Message
from shared.changes import Change, Hint, decode
from shared.graph.messages import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.outcome import Outcome
from shared.sync.reconcile import Reconciler
from shared.sync.settling import MAX_ATTEMPTS, settle
from tests.unit.app.office import Queues
from tests.unit.app.sides import InProcessDataverse, InProcessGraph
from tests.unit.app.world import OUTSIDERS, Action, Do, Mail

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
ACCOUNT = "00000000-0000-4000-8000-00000000ac00"
_MOST_TELLINGS = 2_000
_MOST_IN_BATCH = 6


@dataclass(slots=True)
class Life:
    """A world being lived: the sides, and what has changed in Outlook without being told yet."""

    graph: InProcessGraph
    dataverse: InProcessDataverse
    mails: Sequence[Mail]
    untold: list[Change] = field(default_factory=list)
    items: dict[tuple[int, int], str] = field(default_factory=dict)
    marked: set[tuple[int, int]] = field(default_factory=set)
    copies_left: int = 10
    _told: int = 0

    def begin(self) -> None:
        """Let the customers be known, and every change in Outlook be noticed."""
        self._customers()
        self.graph.mailboxes.observe(self._notice)
        for mail in self.mails:
            self._arrive(mail)

    def act(self, action: Action) -> None:
        """Do what a person does, where it can be done."""
        mail = self.mails[action.mail]
        if action.do in (Do.SET_REGARDING, Do.DELETE_ACTIVITY):
            self._in_dynamics(action.do, mail)
            return
        mailboxes = self.graph.mailboxes.all()
        mailbox = mailboxes[action.person]
        item = self.items.get((action.person, action.mail))
        message = mailbox.messages.get(item) if item else None
        if message is not None:
            if action.do is Do.MARK:
                self.marked.add((action.person, action.mail))
            _in_outlook(action.do, mailbox, message)

    def _arrive(self, mail: Mail) -> None:
        raw = self._mime(mail)
        for person, folder in mail.holders:
            mailbox = self.graph.mailboxes.all()[person]
            received = BEGIN + timedelta(minutes=mail.number)
            delivered = mailbox.deliver(raw, folder=folder, received=received)
            self.items[person, mail.number] = delivered["id"]
        if mail.foreign:
            self.dataverse.write(
                "POST",
                "emails",
                {"subject": "native", "messageid": mail.message_id, "directioncode": False},
            )

    def _mime(self, mail: Mail) -> bytes:
        message = EmailMessage()
        message["Message-ID"] = mail.message_id
        message["From"] = self._address(mail.sender)
        everyone = [*map(self._address, mail.to), *mail.outside]
        message["To"] = ", ".join(everyone)
        message["Subject"] = f"Mail {mail.number}"
        if mail.parent is not None and mail.names_parent:
            message["In-Reply-To"] = self.mails[mail.parent].message_id
        if mail.threaded:
            message["Thread-Index"] = base64.b64encode(self._place(mail)).decode()
        message.set_content("Hello")
        return message.as_bytes()

    def _place(self, mail: Mail) -> bytes:
        block = sha256(mail.message_id.encode()).digest()
        if mail.parent is None:
            return block[:22]
        return self._place(self.mails[mail.parent]) + block[:5]

    def _address(self, who: int | str) -> str:
        return who if isinstance(who, str) else self.graph.mailboxes.all()[who].person.upn

    def _customers(self) -> None:
        owner = self.graph.mailboxes.all()[0].person.systemuserid
        owned = {"ownerid@odata.bind": f"systemusers({owner})"}
        contact = {"lastname": "Customer", "emailaddress1": OUTSIDERS[0], **owned}
        self.dataverse.write("POST", "contacts", contact)
        self.dataverse.write("POST", "accounts", {"accountid": ACCOUNT, "name": "Contoso"})
        self.dataverse.write("POST", "leads", {"lastname": "Lead", "emailaddress2": OUTSIDERS[1]})

    def _in_dynamics(self, do: Do, mail: Mail) -> None:
        for key, row in self.dataverse.rows("email").items():
            if row["messageid"] != mail.message_id:
                continue
            if do is Do.DELETE_ACTIVITY:
                self.dataverse.write("DELETE", f"emails({key})")
            else:
                regarding = {"regardingobjectid_account_email@odata.bind": f"accounts({ACCOUNT})"}
                reopened = {"statecode": 0, "statuscode": 1}
                closed = {"statecode": row["statecode"], "statuscode": row["statuscode"]}
                for columns in (reopened, regarding, closed):
                    self.dataverse.write("PATCH", f"emails({key})", columns)

    def _notice(self, change: MailboxChange) -> None:
        item = change.after or change.before
        assert item is not None
        self._told += 1
        gone = change.after is None
        self.untold.append(
            Change(
                id=str(self._told),
                mailbox=MailboxId(change.mailbox),
                kind=Kind.MAIL,
                item=ItemId(item["id"]),
                hint=Hint(change.kind),
                noticed=BEGIN + timedelta(seconds=self._told),
                etag=None if gone else ids.etag(item["changeKey"]),
            )
        )


def _in_outlook(do: Do, mailbox: Mailbox, message: Document) -> None:
    marked = TRACKED_CATEGORY in message["categories"]
    match do:
        case Do.MARK if not marked:
            mailbox.update(message, {"categories": [*message["categories"], TRACKED_CATEGORY]})
        case Do.UNMARK if marked:
            mailbox.update(message, {"categories": []})
        case Do.TOUCH:
            mailbox.update(message, {"isRead": not message["isRead"]})
        case Do.ARCHIVE | Do.JUNK | Do.RESTORE:
            folder = {Do.ARCHIVE: "archive", Do.JUNK: "junkemail", Do.RESTORE: "inbox"}[do]
            mailbox.move(message, mailbox.folder(folder)["id"])
        case Do.DELETE:
            mailbox.delete(message)
        case Do.PURGE:
            mailbox.purge(message)
        case _:
            pass


async def tell_in_order(life: Life, reconciler: Reconciler) -> None:
    """Tell each change once, as it happened, alone; the later looks when all is quiet."""
    later: list[Message] = []
    for _ in _tellings():
        if life.untold:
            outcome = await reconciler.reconcile([life.untold.pop(0)])
        elif later:
            later.sort(key=_due)
            outcome = await reconciler.reconcile(decode(later.pop(0).body))
        else:
            return
        later += await _later_looks(outcome)
        life.untold += _again(outcome)


async def tell_anyhow(life: Life, instances: Sequence[Reconciler], chance: Random) -> None:
    """Tell changes in any order and number, in batches of any size, to any instance or to all.

    Later looks begin when what was on its way has come in, and come in by the time they are due;
    those due at the same time in any order.
    """
    later: list[Message] = []
    for _ in _tellings():
        if life.untold:
            chance.shuffle(life.untold)
            at_work = chance.sample(instances, chance.randint(1, len(instances)))
            batches = [_take(life, chance) for _ in at_work]
        elif later:
            chance.shuffle(later)
            later.sort(key=_due)
            size = chance.randint(1, _MOST_IN_BATCH)
            taken, later = later[:size], later[size:]
            batches = [[change for message in taken for change in decode(message.body)]]
            at_work = [chance.choice(instances)]
        else:
            return
        working = zip(at_work, batches, strict=True)
        outcomes = await asyncio.gather(*(one.reconcile(batch) for one, batch in working))
        for outcome in outcomes:
            later += await _later_looks(outcome)
            life.untold += _again(outcome)


def _take(life: Life, chance: Random) -> list[Change]:
    """Take some changes; now and then leave one to be told again."""
    size = chance.randint(1, _MOST_IN_BATCH)
    batch, life.untold = life.untold[:size], life.untold[size:]
    if batch and life.copies_left and chance.randint(0, 3) == 3:
        life.copies_left -= 1
        copy = chance.choice(batch)
        life.untold.append(copy)
        batch = [*batch, copy]
    return batch


async def _later_looks(outcome: Outcome) -> list[Message]:
    """Return the later looks as they are sent."""
    bus = Queues()
    await settle(Outcome(look_again=outcome.look_again), Kind.MAIL, bus, BEGIN)
    return bus.sent["mail"]


def _due(message: Message) -> datetime:
    assert message.due is not None
    return message.due


def _again(outcome: Outcome) -> list[Change]:
    assert not outcome.impossible, outcome.impossible
    for failed in outcome.failed:
        assert failed.change.attempt < MAX_ATTEMPTS, failed
    return [
        failed.change.model_copy(update={"attempt": failed.change.attempt + 1})
        for failed in outcome.failed
    ]


def _tellings() -> Iterator[int]:
    yield from range(_MOST_TELLINGS)
    raise AssertionError("it never gets quiet")
