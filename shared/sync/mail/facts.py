"""What is asked of Dynamics for a batch of mails, and how the answers become snapshots. Pure."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from shared.dataverse import emails, links, mailboxes, organization
from shared.dataverse.emails import Email
from shared.dataverse.links import Link, LinkState
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.organization import Organization
from shared.dataverse.requests import Request
from shared.graph.messages import Folder, Message
from shared.identifiers import (
    ActivityId,
    LinkId,
    MailboxId,
    SystemUserId,
    activity_id_of_message,
    activity_id_of_sent,
)
from shared.sync.facts import (
    Facts,
    Question,
    Row,
    about_addresses,
    about_items,
    asked,
    requested_tables,
)
from shared.sync.mail.parties import addresses_of, is_between_users
from shared.sync.mail.policy import MailPolicy
from shared.sync.mail.snapshot import Companion, Mailbox, Snapshot
from shared.sync.rules import Read

_BOTH = (False, True)


@dataclass(slots=True)
class MailFacts(Facts):
    """What Dynamics knows of a batch of mails."""

    policy: MailPolicy = field(default_factory=MailPolicy)
    organization: Organization = field(default_factory=Organization)
    filtering: dict[SystemUserId, FilteringMethod] = field(default_factory=dict)
    emails: dict[str, list[Email]] = field(default_factory=lambda: defaultdict(list))
    emails_by_id: dict[ActivityId, Email] = field(default_factory=dict)
    tracked: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    companions: dict[str, list[Companion]] = field(default_factory=lambda: defaultdict(list))
    requested: dict[tuple[MailboxId, str], Link] = field(default_factory=dict)
    copies: dict[str, set[LinkId]] = field(default_factory=lambda: defaultdict(set))

    @property
    def regarding_tables(self) -> set[str]:
        """The tables of the records that mails here are, or are to be, regarding."""
        known = [email for some in self.emails.values() for email in some]
        known += [one.email for some in self.companions.values() for one in some]
        tables = {email.regarding.table for email in known if email.regarding}
        return tables | requested_tables((*self.links.values(), *self.requested.values()))

    def snapshot(self, read: Read[Message], planned: "Planned") -> Snapshot:
        """Return both sides of one item, whose mailbox is enrolled.

        `planned` are the mails that this very batch will have made tracked.
        """
        row = self.mailboxes[read.change.mailbox]
        message = read.item
        mailbox = Mailbox(
            id=row.id,
            systemuser=row.systemuser,
            filtering=self.filtering.get(row.systemuser, FilteringMethod.REPLIES),
            sync_from=row.sync_from,
            folders={key: Folder(name) for key, name in row.folders.items()},
        )
        link = self.links.get(read.link_id)
        outgoing = self._own_direction(message, mailbox) if message else None
        activity = activity_of(read, sent=bool(outgoing))
        return Snapshot(
            mailbox=mailbox,
            item=read.change.item,
            message=message,
            activity=activity,
            link=link,
            emails=self._emails_of(message, activity, link, outgoing) if message else (),
            answered=self._answered(message, planned) if message else None,
            companions=self._companions_of(message, planned) if message else (),
            records=self.records,
            draft=self._draft(read),
            is_shared=self._is_shared(read),
            tied=self._tied(read),
            looked_before=read.change.looked_before,
            replayed=read.change.replays > 0,
            organization=self.organization,
            policy=self.policy,
        )

    def _own_direction(self, message: Message, mailbox: Mailbox) -> bool | None:
        """Tell which of a mail's two activities a copy is of, the sent one or the received one.

        None where all copies share one.
        """
        if self.organization.two_activities and is_between_users(message, self.records):
            return mailbox.folders.get(message.folder) is Folder.SENT
        return None

    def _emails_of(
        self, message: Message, activity: ActivityId, link: Link | None, outgoing: bool | None
    ) -> Sequence[Email]:
        own = self.emails_by_id.get(activity)
        others = [
            email
            for email in self.emails[message.internet_message_id.lower()]
            # Dataverse compares without regard to case, Message-IDs differ by it.
            if email.message_id and email.message_id == message.internet_message_id
            if outgoing is None or email.outgoing is outgoing
        ]
        found = [own] if own else others
        tied = link.activity if link and link.state is LinkState.TRACKED else None
        # The row an item is tied to stays its own, whatever the option says by now.
        kept = self.emails_by_id.get(tied) if tied else None
        return [*found, kept] if kept and kept not in found else found

    def _draft(self, read: Read[Message]) -> Request | None:
        """Return what was asked for another item of the same mail in the same mailbox."""
        message_id = read.item.internet_message_id if read.item else ""
        link = self.requested.get((read.change.mailbox, message_id))
        save = link.save if link and link.id != read.link_id else None
        return save if save and save.of_draft else None

    def _is_shared(self, read: Read[Message]) -> bool:
        link = self.links.get(read.link_id)
        copies = self.copies[link.message_id] if link else set()
        return bool(copies - {read.link_id})

    def _tied(self, read: Read[Message]) -> Email | None:
        link = self.links.get(read.link_id)
        return self.emails_by_id.get(link.activity) if link and link.activity else None

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


def activity_of(read: Read[Message], *, sent: bool = False) -> ActivityId:
    """Name the activity a mail has if Tether makes it; without a Message-ID, its own.

    `sent`: that of the sender's copy, where received mail has another.
    """
    message_id = read.item.internet_message_id if read.item else ""
    if sent and message_id:
        return activity_id_of_sent(message_id)
    return activity_id_of_message(message_id or f"{read.change.mailbox}|{read.change.item}")


def questions(
    reads: Iterable[Read[Message]], users: Mapping[MailboxId, SystemUserId]
) -> list[Question[MailFacts]]:
    """Return all that must be asked about `reads`, whose mailboxes belong to `users`."""
    reads = list(reads)
    messages = [read.item for read in reads if read.item]
    own = {m.internet_message_id for m in messages} - {""}
    answered = {m.in_reply_to for m in messages} - {""}
    roots = {m.conversation_root for m in messages if m.is_reply} - {""}
    own_rows = {activity_of(read, sent=sent) for read in reads if read.item for sent in _BOTH}
    addresses = {address for message in messages for address in addresses_of(message)}
    return [
        *about_items((read.change.mailbox for read in reads), (read.link_id for read in reads)),
        *asked([organization.READ_ORGANIZATION], _note_organization),
        *asked(mailboxes.filtering_methods_of(set(users.values())), _note_filtering),
        *asked(links.links_of_messages(own | answered), _note_link_of_message),
        *asked(links.links_of_conversations(roots), _note_companion),
        *asked(emails.emails_with(own | answered), _note_email),
        *asked(emails.emails_by_id(own_rows), _note_email),
        *about_addresses(addresses),
    ]


def questions_about_removed(
    facts: MailFacts, reads: Iterable[Read[Message]]
) -> list[Question[MailFacts]]:
    """Ask for the activities to be deleted of mails that are gone, and who else has them.

    Of a mail that is there, the look-up has asked already: only its link tells which it was.
    """
    known = (facts.links.get(read.link_id) for read in reads if read.item is None)
    going = [link for link in known if link and link.removal and link.removal.deletes]
    messages = {link.message_id for link in going} - {""}
    return [
        *asked(links.links_of_messages(messages), _note_link_of_message),
        *asked(emails.emails_by_id({one.activity for one in going if one.activity}), _note_email),
    ]


def _note_organization(facts: MailFacts, row: Row) -> None:
    facts.organization = organization.organization_row(row)


def _note_filtering(facts: MailFacts, row: Row) -> None:
    chosen = row["incomingemailfilteringmethod"]
    if chosen in set(FilteringMethod):  # a user who never chose has the default
        facts.filtering[SystemUserId(row["systemuserid"])] = FilteringMethod(chosen)


def _note_link_of_message(facts: MailFacts, row: Row) -> None:
    link = links.link_row(row)
    if link.save and not link.is_tracked and link.mailbox:
        facts.requested[link.mailbox, link.message_id] = link
    if link.save or (link.is_tracked and link.activity and not link.removal):
        facts.copies[link.message_id].add(link.id)
    if link.state is not LinkState.REQUESTED:
        facts.tracked[link.message_id].append(link.is_tracked)


def _note_companion(facts: MailFacts, row: Row) -> None:
    link = links.link_row(row)
    if link.email:
        companion = Companion(link.conversation_index, link.email)
        facts.companions[companion.root].append(companion)


def _note_email(facts: MailFacts, row: Row) -> None:
    email = emails.email_row(row)
    insort(facts.emails[email.message_id.lower()], email, key=lambda one: (one.when, one.id))
    facts.emails_by_id[email.id] = email
