"""What is asked of Dynamics for a batch of mails, and how the answers become snapshots. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Self

from shared.changes import Change
from shared.dataverse import emails, links, mailboxes, records
from shared.dataverse.batch import Operation, Response
from shared.dataverse.emails import Email
from shared.dataverse.links import Link, LinkState
from shared.dataverse.mailboxes import FilteringMethod, MailboxRow
from shared.dataverse.records import Record, Table
from shared.errors import Permanent, Transient
from shared.graph.messages import Folder, Message
from shared.identifiers import (
    ActivityId,
    LinkId,
    MailboxId,
    SystemUserId,
    activity_id_of_message,
    link_id_of_item,
)
from shared.sync.parties import addresses_of
from shared.sync.snapshot import Companion, Mailbox, Snapshot

_FOLDERS = {folder.value for folder in Folder}


@dataclass(frozen=True, slots=True)
class Read:
    """A change and the mail it is about, None when the mail is gone."""

    change: Change
    message: Message | None

    @property
    def link_id(self) -> LinkId:
        """The key of the item's link."""
        return link_id_of_item(self.change.mailbox, self.change.item)

    @property
    def activity(self) -> ActivityId:
        """The key the mail's activity has if Tether makes it; without a Message-ID, its own."""
        message_id = self.message.internet_message_id if self.message else ""
        return activity_id_of_message(message_id or f"{self.change.mailbox}|{self.change.item}")


class Topic(Enum):
    """What a question is about, where it is not about a table of records."""

    MAILBOXES = auto()
    FILTERING = auto()
    LINKS = auto()
    LINKS_OF_ANSWERED = auto()
    COMPANIONS = auto()
    EMAILS = auto()


@dataclass(frozen=True, slots=True)
class Question:
    """One query of the look-up, and what it is about."""

    topic: Topic | Table
    operation: Operation


@dataclass(slots=True)
class Facts:
    """What Dynamics knows of a batch of items."""

    mailboxes: dict[MailboxId, MailboxRow] = field(default_factory=dict)
    filtering: dict[SystemUserId, FilteringMethod] = field(default_factory=dict)
    links: dict[LinkId, Link] = field(default_factory=dict)
    emails: dict[str, list[Email]] = field(default_factory=lambda: defaultdict(list))
    emails_by_id: dict[ActivityId, Email] = field(default_factory=dict)
    tracked: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    companions: dict[str, list[Companion]] = field(default_factory=lambda: defaultdict(list))
    records: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    @property
    def regarding_tables(self) -> set[str]:
        """The tables of the records that mails here are regarding."""
        known = [email for some in self.emails.values() for email in some]
        known += [one.email for some in self.companions.values() for one in some]
        return {email.regarding.table for email in known if email.regarding}

    def snapshot(self, read: Read, planned: "Planned") -> Snapshot:
        """Return both sides of one item, whose mailbox is enrolled.

        `planned` are the mails that this very batch will have made tracked.
        """
        row = self.mailboxes[read.change.mailbox]
        message = read.message
        mailbox = Mailbox(
            id=row.id,
            systemuser=row.systemuser,
            state=row.state,
            filtering=self.filtering.get(row.systemuser, FilteringMethod.REPLIES),
            sync_from=row.sync_from,
            folders={key: Folder(name) for key, name in row.folders.items()},
        )
        return Snapshot(
            mailbox=mailbox,
            item=read.change.item,
            message=message,
            activity=read.activity,
            link=self.links.get(read.link_id),
            emails=self._emails_of(read, message) if message else (),
            answered=self._answered(message, planned) if message else None,
            companions=self._companions_of(message, planned) if message else (),
            records=self.records,
            looked_before=read.change.looked_before,
            replayed=read.change.replays > 0,
        )

    def _emails_of(self, read: Read, message: Message) -> Sequence[Email]:
        own = self.emails_by_id.get(read.activity)
        others = [
            email
            for email in self.emails[message.internet_message_id.lower()]
            # Dataverse compares without regard to case, Message-IDs differ by it.
            if email.message_id and email.message_id == message.internet_message_id
        ]
        return [own] if own else others

    def _answered(self, message: Message, planned: "Planned") -> Email | None:
        sought = message.in_reply_to
        if not sought or sought == message.internet_message_id:
            return None
        if sought in planned.by_message_id:
            return planned.by_message_id[sought].email
        if sought in self.tracked and not any(self.tracked[sought]):
            return None  # it was taken out of Dynamics in every mailbox
        found = self.emails[sought.lower()]
        return next((email for email in found if email.message_id == sought), None)

    def _companions_of(self, message: Message, planned: "Planned") -> Sequence[Companion]:
        root = message.conversation_root
        known = {
            companion.email.id: companion
            for companion in (*planned.by_root.get(root, ()), *self.companions.get(root, ()))
            if companion.email.message_id != message.internet_message_id
        }
        return list(known.values()) if root else ()


@dataclass(slots=True)
class Planned:
    """The mails that this very batch is going to make tracked."""

    by_message_id: dict[str, Companion] = field(default_factory=dict)
    by_root: dict[str, list[Companion]] = field(default_factory=dict)

    @classmethod
    def of(cls, companions: Iterable[Companion]) -> Self:
        """Return `companions`, to be found by Message-ID and by conversation."""
        planned = cls()
        for companion in companions:
            planned.by_message_id[companion.email.message_id] = companion
            planned.by_root.setdefault(companion.root, []).append(companion)
        return planned


def questions(reads: Iterable[Read], users: Mapping[MailboxId, SystemUserId]) -> list[Question]:
    """Return all that must be asked about `reads`, whose mailboxes belong to `users`."""
    reads = list(reads)
    messages = [read.message for read in reads if read.message]
    own = {m.internet_message_id for m in messages} - {""}
    answered = {m.in_reply_to for m in messages} - {""}
    roots = {m.conversation_root for m in messages if m.is_reply} - {""}
    own_rows = {read.activity for read in reads if read.message}
    addresses = {address for message in messages for address in addresses_of(message)}
    asked: list[tuple[Topic | Table, list[Operation]]] = [
        (Topic.MAILBOXES, mailboxes.mailboxes_of({read.change.mailbox for read in reads})),
        (Topic.FILTERING, mailboxes.filtering_methods_of(set(users.values()))),
        (Topic.LINKS, links.links_with_id({read.link_id for read in reads})),
        (Topic.LINKS_OF_ANSWERED, links.links_of_messages(answered)),
        (Topic.COMPANIONS, links.links_of_conversations(roots)),
        (Topic.EMAILS, emails.emails_with(own | answered)),
        (Topic.EMAILS, emails.emails_by_id(own_rows)),
        *records.records_with(addresses).items(),
    ]
    return [Question(topic, operation) for topic, operations in asked for operation in operations]


def facts_of(answers: Iterable[tuple[Question, Response]]) -> Facts:
    """Return what the answers say.

    Raises:
        Transient: a question was not answered.
        Permanent: a question will never be answered.
    """
    facts = Facts()
    for question, response in answers:
        if question.topic is Table.LEAD and response.status == 404:
            continue  # leads come with Dynamics 365 Sales alone (dataverse.md 1.1)
        if response.is_final:
            raise Permanent(f"{question.operation.path[:200]}: {response.problem}")
        if not response.ok:
            raise Transient(response.problem, retry_after=response.retry_after)
        _note(facts, question.topic, response.body["value"])
    for some in facts.emails.values():
        some.sort(key=lambda email: (email.when, email.id))
    return facts


def _note(facts: Facts, topic: Topic | Table, rows: list[dict[str, Any]]) -> None:
    if isinstance(topic, Table):
        for address, record in records.records_by_address(topic, rows):
            facts.records[address].append(record)
        return
    for row in rows:
        _READERS[topic](facts, row)


def _note_mailbox(facts: Facts, row: dict[str, Any]) -> None:
    for mailbox in mailboxes.mailbox_rows([row], knowing=_FOLDERS):
        facts.mailboxes[mailbox.id] = mailbox


def _note_filtering(facts: Facts, row: dict[str, Any]) -> None:
    chosen = row["incomingemailfilteringmethod"]
    if chosen in set(FilteringMethod):  # a user who never chose has the default
        facts.filtering[SystemUserId(row["systemuserid"])] = FilteringMethod(chosen)


def _note_link(facts: Facts, row: dict[str, Any]) -> None:
    link = links.link_row(row)
    facts.links[link.id] = link


def _note_link_of_answered(facts: Facts, row: dict[str, Any]) -> None:
    link = links.link_row(row)
    facts.tracked[link.message_id].append(link.state is LinkState.TRACKED)


def _note_companion(facts: Facts, row: dict[str, Any]) -> None:
    link = links.link_row(row)
    if link.email:
        companion = Companion(link.conversation_index, link.email)
        facts.companions[companion.root].append(companion)


def _note_email(facts: Facts, row: dict[str, Any]) -> None:
    email = emails.email_row(row)
    facts.emails[email.message_id.lower()].append(email)
    facts.emails_by_id[email.id] = email


_READERS: dict[Topic, Callable[[Facts, dict[str, Any]], None]] = {
    Topic.MAILBOXES: _note_mailbox,
    Topic.FILTERING: _note_filtering,
    Topic.LINKS: _note_link,
    Topic.LINKS_OF_ANSWERED: _note_link_of_answered,
    Topic.COMPANIONS: _note_companion,
    Topic.EMAILS: _note_email,
}
