"""What a caller may write into a message, checked and made into what is stored."""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from sandbox.graph.compose import mime_of
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.mailbox import Mailbox, graph_time
from sandbox.graph.text import clean
from sandbox.graph.views import property_key
from sandbox.store import Document

_ONLY_IN_DRAFTS = (
    "subject", "body", "from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
    "internetMessageId",
)  # fmt: skip


def without_annotations(value: object) -> object:
    """Return an object without the annotations that clients send back as they came."""
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if "@odata." not in name}
    return value


class Wire(BaseModel):
    """What a caller sends; a property that is unknown or read-only is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class EmailAddress(Wire):
    """A name and an address."""

    name: str | None = None
    address: str | None = None


class Recipient(Wire):
    """Who sends or receives."""

    emailAddress: Annotated[EmailAddress, BeforeValidator(without_annotations)]  # noqa: N815


Someone = Annotated[Recipient, BeforeValidator(without_annotations)]


class Body(Wire):
    """The words of a message."""

    contentType: Literal["text", "html", "Text", "HTML"] = "text"  # noqa: N815
    content: str = ""


class Flag(BaseModel):
    """The follow-up flag; dates are kept as they are given."""

    model_config = ConfigDict(extra="allow")

    flagStatus: Literal["notFlagged", "complete", "flagged"]  # noqa: N815


class Property(Wire):
    """A single-value extended property."""

    id: str
    value: str | None


class Header(Wire):
    """A custom header; Graph takes only those whose name begins with x-."""

    name: str = Field(pattern=r"^[xX]-[!-9;-~]+$")
    value: str = Field(pattern=r"^[^\r\n]*$")


class FileAttachment(BaseModel):
    """A file."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    kind: Literal["#microsoft.graph.fileAttachment"] = Field(alias="@odata.type")
    name: str
    contentBytes: str  # noqa: N815
    contentType: str | None = None  # noqa: N815
    contentId: str | None = None  # noqa: N815
    isInline: StrictBool | None = None  # noqa: N815


type Wrapped[T] = Annotated[T, BeforeValidator(without_annotations)]


class Changes(Wire):
    """The writable properties of a message; what is missing stays as it is."""

    subject: str | None = None
    body: Wrapped[Body] | None = None
    importance: Literal["low", "normal", "high"] | None = None
    sender: Someone | None = None
    from_: Someone | None = Field(default=None, alias="from")
    toRecipients: list[Someone] | None = None  # noqa: N815
    ccRecipients: list[Someone] | None = None  # noqa: N815
    bccRecipients: list[Someone] | None = None  # noqa: N815
    replyTo: list[Someone] | None = None  # noqa: N815
    internetMessageId: str | None = Field(  # noqa: N815
        default=None, pattern=r"^<[!-;=?-~]+@[!-;=?-~]+>$"
    )
    categories: list[Annotated[str, Field(min_length=1, max_length=255)]] | None = None
    isRead: StrictBool | None = None  # noqa: N815
    isReadReceiptRequested: StrictBool | None = None  # noqa: N815
    isDeliveryReceiptRequested: StrictBool | None = None  # noqa: N815
    inferenceClassification: Literal["focused", "other"] | None = None  # noqa: N815
    flag: Wrapped[Flag] | None = None
    singleValueExtendedProperties: list[Wrapped[Property]] | None = None  # noqa: N815


class NewMessage(Changes):
    """What may be given at creation only, too."""

    internetMessageHeaders: list[Wrapped[Header]] | None = None  # noqa: N815
    attachments: list[FileAttachment] | None = None
    isDraft: StrictBool | None = None  # noqa: N815


def changes_of(message: Document, body: Document) -> Document:
    """Return the properties a PATCH changes.

    Raises:
        GraphError: 400, a property is unknown, read-only, of a wrong type, or a draft's only.
    """
    given = checked(Changes, body)
    stated = _stated(given)
    if not message["isDraft"] and (fixed := [n for n in _ONLY_IN_DRAFTS if n in stated]):
        text = f"The property '{fixed[0]}' can be updated only while the message is a draft."
        raise bad_request(text, "ErrorInvalidPropertySet")
    if given.singleValueExtendedProperties is not None:
        stated["extended"] = message["extended"] | _extended(given)
    return stated


def new_draft(mailbox: Mailbox, body: Document) -> tuple[Document, Document]:
    """Return a draft and its contents, ready to be put in a folder.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    given = checked(NewMessage, body)
    stated = _stated(given)
    for name in ("internetMessageHeaders", "attachments", "isDraft"):
        stated.pop(name, None)
    now = graph_time(mailbox.now())
    message_id = given.internetMessageId or mailbox.new_message_id()
    me = {"emailAddress": {"name": mailbox.person.display_name, "address": mailbox.person.upn}}
    message: Document = {
        **{name: [] for name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo")},
        "categories": [],
        "subject": "",
        "body": {"contentType": "text", "content": ""},
        "importance": "normal",
        "from": me,
        "sender": me,
        "receivedDateTime": now,
        "sentDateTime": now,
        "internetMessageId": message_id,
        "isRead": True,
        "isDraft": True,
        "isReadReceiptRequested": False,
        "isDeliveryReceiptRequested": False,
        "inferenceClassification": "focused",
        "flag": {"flagStatus": "notFlagged"},
        "meeting": None,
        "extended": {"String 0x1035": message_id} | _extended(given),
        **mailbox.conversation(message_id),
        **stated,
    }
    contents: Document = {
        "headers": [one.model_dump() for one in given.internetMessageHeaders or []],
        "attachments": [stored_file(one) for one in given.attachments or []],
    }
    contents["mime"] = mime_of(message, contents)
    return message, contents


def stored_file(given: FileAttachment) -> Document:
    """Return an attachment as it is kept.

    Raises:
        GraphError: 400, its content is not base64.
    """
    try:
        octets = base64.b64decode(given.contentBytes, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("contentBytes is not base64.", "ErrorInvalidRequest") from error
    return {
        "@odata.type": given.kind,
        "name": given.name,
        "contentType": given.contentType or "application/octet-stream",
        "isInline": bool(given.isInline),
        "contentId": given.contentId,
        "contentLocation": None,
        "contentBytes": given.contentBytes,
        "size": len(octets),
    }


def checked_file(body: Document) -> FileAttachment:
    """Return an attachment a caller sent.

    Raises:
        GraphError: 400, it is none, or no file.
    """
    return checked(FileAttachment, body)


def checked[M: BaseModel](model: type[M], body: object) -> M:
    """Return what a caller sent.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    annotated = model is FileAttachment
    try:
        return model.model_validate(body if annotated else without_annotations(body))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise GraphError(400, "ErrorInvalidRequest", f"{where}: {problem['msg']}") from error


def _stated(given: Changes) -> Document:
    stated: Document = deeply_clean(
        given.model_dump(by_alias=True, exclude_unset=True, exclude_none=False)
    )
    stated.pop("singleValueExtendedProperties", None)
    stated = {name: value for name, value in stated.items() if value is not None}
    if "body" in stated:
        stated["body"] = {
            "contentType": stated["body"].get("contentType", "text").lower(),
            "content": stated["body"].get("content", ""),
        }
    if "categories" in stated:
        stated["categories"] = list(dict.fromkeys(stated["categories"]))
    return stated


def _extended(given: Changes) -> Document:
    properties = given.singleValueExtendedProperties or []
    return {property_key(one.id): one.value for one in properties}


def deeply_clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON whose text UTF-8 can carry."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: deeply_clean(inner) for name, inner in value.items()}
    return [deeply_clean(inner) for inner in value] if isinstance(value, list) else value
