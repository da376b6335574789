"""Mail in a mailbox: how it is asked for, what of it matters, and the category on it."""

import base64
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from pydantic import AliasChoices, AliasPath, Field, field_validator

from shared.graph.client import GraphRequest
from shared.graph.items import Address, Item, with_categories
from shared.identifiers import ItemId, MailboxId

_IN_REPLY_TO = "String 0x1042"  # PidTagInReplyToId: there for sent mail, too (graph.md 8.2)
_CLASS = "String 0x1a"  # PidTagMessageClass
_SENSITIVITY = "Integer 0x36"  # PidTagSensitivity, which the resource leaves out
_CONTENT_CLASS = "String {00020386-0000-0000-C000-000000000046} Name content-class"
_EXTENDED = (_IN_REPLY_TO, _CLASS, _SENSITIVITY, _CONTENT_CLASS)
_LONGEST_MESSAGE_ID = 998  # a line of a message may not be longer (RFC 5322 2.1.1)
_SELECT = (
    "id,internetMessageId,subject,body,from,sender,toRecipients,ccRecipients,bccRecipients,"
    "categories,parentFolderId,isDraft,receivedDateTime,sentDateTime,conversationIndex,importance,"
    "hasAttachments"
)
_BYTES_PER_REPLY = 5
CONVERSATION_ROOT_BYTES = 22  # what every mail of a thread begins with (graph.md 8.2)


class Folder(StrEnum):
    """The well-known folders whose meaning the rules know."""

    INBOX = "inbox"
    SENT = "sentitems"
    DRAFTS = "drafts"
    DELETED = "deleteditems"
    JUNK = "junkemail"
    OUTBOX = "outbox"


class Message(Item):
    """A mail as Graph shows it now."""

    id: ItemId
    odata_type: str = Field(default="", validation_alias="@odata.type")
    internet_message_id: str = Field(default="", alias="internetMessageId")
    subject: str = ""
    body: str = Field(default="", validation_alias=AliasPath("body", "content"))
    from_address: Address | None = Field(
        default=None, validation_alias=AliasChoices("from", "sender")
    )
    to: tuple[Address, ...] = Field(default=(), alias="toRecipients")
    cc: tuple[Address, ...] = Field(default=(), alias="ccRecipients")
    bcc: tuple[Address, ...] = Field(default=(), alias="bccRecipients")
    folder: str = Field(default="", alias="parentFolderId")
    is_draft: bool = Field(default=False, alias="isDraft")
    received: datetime | None = Field(default=None, alias="receivedDateTime")
    sent: datetime | None = Field(default=None, alias="sentDateTime")
    conversation_index: str = Field(default="", alias="conversationIndex")
    importance: str = "normal"
    has_attachments: bool = Field(default=False, alias="hasAttachments")
    extended: tuple[Mapping[str, Any], ...] = Field(
        default=(), alias="singleValueExtendedProperties"
    )

    @field_validator("body", mode="before")
    @classmethod
    def _no_body(cls, value: object) -> object:
        # Without `content` the alias leads nowhere, and the object that should hold it comes here.
        return value if isinstance(value, str) else ""

    @property
    def in_reply_to(self) -> str:
        """The Message-ID this mail answers, empty if none."""
        return _first_message_id(self._property(_IN_REPLY_TO))

    @property
    def place_in_conversation(self) -> str:
        """The conversation index in hex: a reply's begins with that of what it answers."""
        return self._conversation_bytes.hex()

    @property
    def conversation_root(self) -> str:
        """What all mails of the thread share, whichever mailbox: 44 hex digits, or empty."""
        return self._conversation_bytes[:CONVERSATION_ROOT_BYTES].hex()

    @property
    def is_reply(self) -> bool:
        """Whether it says of itself that it answers or forwards another mail."""
        longer = len(self._conversation_bytes) > CONVERSATION_ROOT_BYTES
        return bool(self.in_reply_to) or longer

    @property
    def depth(self) -> int:
        """How many mails back to the first of its conversation, as far as the index tells."""
        return max(0, len(self._conversation_bytes) - CONVERSATION_ROOT_BYTES) // _BYTES_PER_REPLY

    @property
    def is_meeting_message(self) -> bool:
        """Whether it is an invitation, an answer to one, or a cancellation."""
        return "eventmessage" in self.odata_type.lower()

    @property
    def is_private(self) -> bool:
        """Whether its sender has called it personal, private or confidential."""
        return self._property(_SENSITIVITY) not in {"", "0"}

    @property
    def is_encrypted(self) -> bool:
        """Whether it is enclosed by S/MIME; what is only signed in the clear is not."""
        return self._property(_CLASS).lower() == "ipm.note.smime"

    @property
    def is_rights_managed(self) -> bool:
        """Whether it is protected by rights management (IRM)."""
        by_class = self._property(_CLASS).lower().startswith("ipm.note.rpmsg")
        return by_class or self._property(_CONTENT_CLASS).lower() == "rpmsg.message"

    def _property(self, name: str) -> str:
        for extended in self.extended:
            # Graph may say a tag with leading zeros, or without.
            if str(extended.get("id", "")).lower().replace(" 0x00", " 0x") == name.lower():
                return str(extended.get("value") or "")
        return ""

    @property
    def _conversation_bytes(self) -> bytes:
        try:
            decoded = base64.b64decode(self.conversation_index, validate=True)
        except ValueError:
            return b""
        return decoded if len(decoded) >= CONVERSATION_ROOT_BYTES else b""


def read_message(mailbox: MailboxId, item: ItemId) -> GraphRequest:
    """Ask for a mail with all the rules need of it."""
    wanted = " or ".join(f"id eq '{name}'" for name in _EXTENDED)
    expand = f"singleValueExtendedProperties($filter={wanted})"
    return GraphRequest(
        "GET",
        f"{_path(mailbox, item)}?$select={_SELECT}&$expand={quote(expand, safe='()$=')}",
        mailbox,
    )


def find_message(mailbox: MailboxId, message_id: str) -> GraphRequest:
    """Ask for the ids of the copies of a mail in a mailbox."""
    condition = quote(f"internetMessageId eq '{message_id.replace("'", "''")}'", safe="")
    path = f"/users/{mailbox}/messages?$filter={condition}&$select=id"
    return GraphRequest("GET", path, mailbox)


def set_categories(
    mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
) -> GraphRequest:
    """Replace a mail's categories, unless it has changed since `etag`: then Graph answers 412."""
    return with_categories(_path(mailbox, item), mailbox, etag, categories)


def read_folder(mailbox: MailboxId, folder: Folder) -> GraphRequest:
    """Ask for the id of a well-known folder."""
    return GraphRequest("GET", f"/users/{mailbox}/mailFolders/{folder}?$select=id", mailbox)


def _path(mailbox: MailboxId, item: ItemId) -> str:
    return f"/users/{mailbox}/messages/{quote(item, safe='')}"


def _first_message_id(header: str) -> str:
    """Return the first `<…>` of an In-Reply-To header; some clients write text around it."""
    start, end = header.find("<"), header.find(">")
    found = header[start : end + 1] if 0 <= start < end else header.strip()
    return found if len(found) <= _LONGEST_MESSAGE_ID else ""
