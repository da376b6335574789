"""Both sides of one item at one moment: all that `decide` may look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.dataverse.emails import Email
from shared.dataverse.links import Link
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.organization import Organization
from shared.dataverse.requests import Request
from shared.graph.messages import CONVERSATION_ROOT_BYTES, Folder, Message
from shared.identifiers import ActivityId, ItemId, MailboxId, SystemUserId
from shared.sync.addresses import Records
from shared.sync.mail.policy import MailPolicy


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox and its owner's personal option; `folders` says what a folder's id stands for.

    Mail received before `sync_from` (UTC) is not tracked by the filter.
    """

    id: MailboxId
    systemuser: SystemUserId
    filtering: FilteringMethod
    folders: Mapping[str, Folder]
    sync_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Companion:
    """A tracked mail of the same conversation, and its place in it (hex conversation index)."""

    place: str
    email: Email

    @property
    def root(self) -> str:
        """What all mails of the conversation share."""
        return self.place[: 2 * CONVERSATION_ROOT_BYTES]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An item in Outlook (`message` is None when it is gone) and what Dynamics knows of it.

    `activity` is the key its activity has if Tether makes it; `emails` are the activities with its
    Message-ID, Tether's own or else all others, oldest first; `answered` is the activity of the
    mail it replies to, if that is tracked; `companions` are the tracked mails of its conversation.
    `draft`: what was asked for the draft of this mail, if it was sent as another item. `is_shared`:
    the activity is another mailbox's as well, or is to be, and `tied` is the activity itself (both
    are known for a mail that is to be removed with it). `looked_before`: this is the later look, so
    there will be no other. `replayed`: an operator wants tried again what Dynamics refused.
    `organization` and `policy` are what the organisation has decided, in Dynamics and in the app's
    settings.
    """

    mailbox: Mailbox
    item: ItemId
    message: Message | None
    activity: ActivityId
    link: Link | None = None
    emails: Sequence[Email] = ()
    answered: Email | None = None
    companions: Sequence[Companion] = ()
    records: Records | None = None
    draft: Request | None = None
    is_shared: bool = False
    tied: Email | None = None
    looked_before: bool = False
    replayed: bool = False
    organization: Organization = field(default_factory=Organization)
    policy: MailPolicy = field(default_factory=MailPolicy)

    @property
    def save(self) -> Request | None:
        """The save that was asked for."""
        return (self.link.save if self.link else None) or self.draft

    @property
    def folder(self) -> Folder | None:
        """What the folder the mail lies in stands for; None for an ordinary one."""
        return self.mailbox.folders.get(self.message.folder) if self.message else None
