"""What is attached to a mail or an event: asked for without its content, which may be large."""

from typing import Protocol
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.graph.client import GraphRequest, GraphResponse
from shared.identifiers import ItemId, Kind, MailboxId

_SELECT = "id,name,contentType,size,isInline"
_RESOURCES = {Kind.MAIL: "messages", Kind.CALENDAR: "events"}


class Attachment(BaseModel):
    """An attachment as Graph lists it."""

    model_config = ConfigDict(frozen=True)

    id: str
    odata_type: str = Field(default="", validation_alias="@odata.type")
    name: str = ""
    content_type: str = Field(default="", validation_alias="contentType")
    size: int = 0
    is_inline: bool = Field(default=False, validation_alias="isInline")

    @field_validator("name", "content_type", mode="before")
    @classmethod
    def _absent_is_empty(cls, value: object) -> object:
        return "" if value is None else value

    @property
    def is_reference(self) -> bool:
        """Whether it only says where a file is."""
        return "referenceattachment" in self.odata_type.lower()

    @property
    def is_item(self) -> bool:
        """Whether it is a mail, an event or a contact itself."""
        return "itemattachment" in self.odata_type.lower()


class Listed(BaseModel):
    """A page of attachments."""

    value: tuple[Attachment, ...]
    next_link: str = Field(default="", validation_alias="@odata.nextLink")


class Contents(Protocol):
    """Graph, where it gives what is inside of a file."""

    async def content(self, request: GraphRequest) -> bytes | GraphResponse:
        """Return the octets, or the refusal. Never raises for what Graph answers."""


def read_attachments(kind: Kind, mailbox: MailboxId, item: ItemId) -> GraphRequest:
    """Ask what is attached to a mail or an event."""
    return GraphRequest("GET", f"{_path(kind, mailbox, item)}?$select={_SELECT}", mailbox)


def next_attachments(mailbox: MailboxId, listed: Listed) -> GraphRequest | None:
    """Ask for the page after this one, if there is one."""
    # Requests of a batch are relative to the version.
    path = listed.next_link.partition("/v1.0")[2]
    return GraphRequest("GET", path, mailbox) if path else None


def read_content(
    kind: Kind, mailbox: MailboxId, item: ItemId, attachment: Attachment
) -> GraphRequest:
    """Ask for what is inside; of an item, the MIME, iCalendar or vCard it makes."""
    path = f"{_path(kind, mailbox, item)}/{quote(attachment.id, safe='')}/$value"
    return GraphRequest("GET", path, mailbox)


def _path(kind: Kind, mailbox: MailboxId, item: ItemId) -> str:
    return f"/users/{mailbox}/{_RESOURCES[kind]}/{quote(item, safe='')}/attachments"
