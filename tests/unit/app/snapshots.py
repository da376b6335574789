"""Mails and what is known of them, made up for tests of the rules."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack

from shared.dataverse.activities import Reference
from shared.dataverse.emails import Email
from shared.dataverse.links import Link, LinkState
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.organization import Organization
from shared.dataverse.records import Record, Table
from shared.dataverse.requests import Action, Request
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.messages import Folder, Message
from shared.identifiers import (
    ActivityId,
    ItemId,
    LinkId,
    MailboxId,
    SystemUserId,
    activity_id_of_message,
)
from shared.sync.addresses import Records
from shared.sync.mail.policy import MailPolicy
from shared.sync.mail.snapshot import Companion, Mailbox, Snapshot

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
ME = SystemUserId("00000000-0000-4000-8000-0000000000aa")
MAILBOX = MailboxId("6f0c2a5e-1b7d-4c1a-9a3e-0d5b6b1f2c33")
ITEM = ItemId("item-1")
ROOT = bytes(range(22))
CASEY = "casey@customer.example"
MARKED = (TRACKED_CATEGORY,)


class Known(TypedDict, total=False):
    """What Dynamics may know of a mail."""

    link: Link | None
    emails: Sequence[Email]
    answered: Email | None
    companions: Sequence[Companion]
    records: Records | None
    looked_before: bool
    replayed: bool
    organization: Organization
    policy: MailPolicy


def message(**stated: object) -> Message:
    """A mail from Casey in the Inbox, as Graph shows it, but for what is stated."""
    return Message.model_validate(
        {
            "id": ITEM,
            "@odata.etag": 'W/"1"',
            "internetMessageId": "<1@customer.example>",
            "subject": "Offer",
            "body": {"content": "Hello"},
            "from": address(CASEY),
            "toRecipients": [address("ada@contoso.example")],
            "parentFolderId": "inbox",
            "receivedDateTime": "2026-11-02T08:00:00Z",
            "sentDateTime": "2026-11-02T07:59:00Z",
            "conversationIndex": index(),
            **stated,
        }
    )


def address(given: str, name: str = "") -> dict[str, Any]:
    return {"emailAddress": {"name": name, "address": given}}


def index(*replies: int) -> str:
    """The conversation index of a thread's first mail, or of a reply's reply and so on."""
    octets = ROOT + b"".join(bytes([number]) * 5 for number in replies)
    return base64.b64encode(octets).decode()


def answers(message_id: str) -> list[dict[str, str]]:
    """The extended property that says which mail this one answers."""
    return [{"id": "String 0x1042", "value": message_id}]


def snapshot(
    mail: Message | None,
    *,
    filtering: FilteringMethod = FilteringMethod.REPLIES,
    **known: Unpack[Known],
) -> Snapshot:
    """Both sides of `mail`; folders have their own names for ids."""
    mailbox = Mailbox(MAILBOX, ME, filtering, {folder.value: folder for folder in Folder})
    activity = activity_id_of_message(mail.internet_message_id if mail else "")
    return Snapshot(mailbox=mailbox, item=ITEM, message=mail, activity=activity, **known)


def email(message_id: str, *, key: str = "", regarding: Reference | None = None) -> Email:
    """An activity of the mail with that Message-ID, one that Tether made unless `key` is given."""
    activity = ActivityId(key) if key else activity_id_of_message(message_id)
    return Email(activity, message_id, outgoing=False, when=BEGIN, regarding=regarding)


def companion(message_id: str, *replies: int) -> Companion:
    """A tracked mail of the conversation, at the place `index` gives."""
    place = base64.b64decode(index(*replies)).hex()
    return Companion(place, email(message_id))


def link(
    state: LinkState = LinkState.TRACKED,
    activity: str | None = "activity",
    request: Request | None = None,
) -> Link:
    tied = ActivityId(activity) if activity else None
    return Link(LinkId("link"), 'W/"7"', state, tied, request=request)


SAVE = Request(action=Action.SAVE, by=ME, on=BEGIN)
REMOVAL = Request(action=Action.REMOVE, by=ME, on=BEGIN)
REQUESTS = (None, SAVE, REMOVAL, REMOVAL.model_copy(update={"deletes": True}))


def record(
    table: Table, number: int = 1, *, owner: str = "somebody", active: bool = True
) -> Record:
    """A row of `table`, made the later the higher its number."""
    return Record(table, f"{table}-{number}", owner, active, BEGIN + timedelta(days=number))


def known_as(*rows: Record) -> Mapping[str, Sequence[Record]]:
    return {CASEY: rows}


ACCOUNT = Reference("regardingobjectid_account_email", "account", "a1")
