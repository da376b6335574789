"""What a caller sees of a folder or message: the properties asked for, in the form asked for."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from sandbox.graph import ids
from sandbox.graph.errors import GraphError
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.protocol import Call
from sandbox.graph.text import in_format, unique
from sandbox.store import Document

MESSAGE = (
    "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "receivedDateTime",
    "sentDateTime", "hasAttachments", "internetMessageId", "subject", "bodyPreview", "importance",
    "parentFolderId", "conversationId", "conversationIndex", "isDeliveryReceiptRequested",
    "isReadReceiptRequested", "isRead", "isDraft", "webLink", "inferenceClassification", "body",
    "sender", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "flag",
)  # fmt: skip
ON_REQUEST = ("internetMessageHeaders", "uniqueBody")
MEETING = (
    "meetingMessageType", "meetingRequestType", "responseType", "startDateTime", "endDateTime",
    "location", "isAllDay", "isOutOfDate", "isDelegated", "type",
)  # fmt: skip
EXPANDABLE = ("attachments", "singleValueExtendedProperties")
_NAMED = {
    "idtype": "IdType",
    "outlook.body-content-type": "outlook.body-content-type",
    "outlook.timezone": "outlook.timezone",
}
_WANTED_PROPERTY = re.compile(r"\bid\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)


class View:
    """How one call wants its messages: `$select`, `$expand` and `Prefer` (graph.md 8.1, 8.2).

    Raises:
        GraphError: 400, a property is selected or expanded that the resource does not have.
    """

    def __init__(self, call: Call, *, select: str | None = None) -> None:
        preferences = call.preferences()
        self.immutable = call.immutable_ids
        self.body_format = preferences.get("outlook.body-content-type", "html").lower()
        self._unsafe = "outlook.allow-unsafe-html" in preferences
        stated = call.query.get("$select") if select is None else select
        self.select = selected(stated, ("id", *MESSAGE, *ON_REQUEST, *MEETING), "message")
        self._expand = expanded(call.query.get("$expand", ""), EXPANDABLE, "message")
        self.applied = applied(preferences)

    def id_of(self, message: Document) -> str:
        """Return the id the caller knows the message by."""
        return str(message["id"] if self.immutable else message["regularId"])

    def message(self, mailbox: Mailbox, message: Document) -> Document:
        """Return a message as the caller asked for it."""
        shown: Document = {}
        if message.get("meeting"):
            shown["@odata.type"] = message["meeting"]["@odata.type"]
        shown |= {"@odata.etag": ids.etag(message["changeKey"]), "id": self.id_of(message)}
        for name in self.select or (*MESSAGE, *MEETING):
            if name != "id" and (name not in MEETING or message.get("meeting")):
                value = self._property(mailbox, message, name)
                if name not in MEETING or value is not None:
                    shown[name] = value
        return shown | self._expansions(mailbox, message)

    def _property(self, mailbox: Mailbox, message: Document, name: str) -> Any:  # noqa: ANN401 - JSON
        match name:
            case "body":
                return in_format(message["body"], self.body_format, unsafe=self._unsafe)
            case "uniqueBody":
                return in_format(unique(message["body"]), self.body_format, unsafe=self._unsafe)
            case "webLink":
                shown = quote(message["regularId"], safe="")
                return f"https://outlook.office365.com/owa/?ItemID={shown}&exvsurl=1"
            case "internetMessageHeaders":
                return mailbox.contents(message)["headers"]
            case _ if name in MEETING:
                return message["meeting"].get(name)
            case _:
                return message.get(name)

    def _expansions(self, mailbox: Mailbox, message: Document) -> Document:
        shown: Document = {}
        if "attachments" in self._expand:
            found = mailbox.contents(message)["attachments"]
            shown["attachments"] = [
                attachment(message, number, one) for number, one in enumerate(found)
            ]
        if "singleValueExtendedProperties" in self._expand:
            wanted = _WANTED_PROPERTY.findall(self._expand["singleValueExtendedProperties"])
            kept = message["extended"]
            values = [
                {"id": name, "value": kept[key]}
                for name in wanted
                if (key := property_key(name)) in kept
            ]
            if values:
                shown["singleValueExtendedProperties"] = values
        return shown


def attachment(message: Document, number: int, stored: Document) -> Document:
    """Return an attachment, with its contents, as Graph shows it."""
    shown = {name: value for name, value in stored.items() if name != "mime"}
    return {
        "id": f"{message['id'].rstrip('=')}_{number:04d}=",
        "lastModifiedDateTime": message["lastModifiedDateTime"],
        **shown,
    }


def folder(mailbox: Mailbox, stored: Document) -> Document:
    """Return a folder as Graph shows it; folder ids never change."""
    inside = list(mailbox.in_folder(stored["id"]))
    children = [f for f in mailbox.folders.values() if f["parentFolderId"] == stored["id"]]
    return {
        "id": stored["id"],
        "displayName": stored["displayName"],
        "parentFolderId": stored["parentFolderId"] or ids.folder_id(mailbox.id, 0),
        "childFolderCount": len(children),
        "unreadItemCount": sum(not message["isRead"] for message in inside),
        "totalItemCount": len(inside),
        "sizeInBytes": sum(len(mailbox.contents(message)["mime"]) for message in inside),
        "isHidden": False,
    }


def property_key(name: str) -> str:
    """Return an extended property's id with type and guid in one spelling; names keep their case.

    `String {00020329-…} Name crmid` (graph.md 8.2).

    Raises:
        GraphError: 400, it is no such id.
    """
    found = re.fullmatch(
        r"(\w+)\s+(?:(\{[0-9A-Fa-f-]{36}\})\s+(Name|Id)\s+(\S.*)|(0x[0-9A-Fa-f]{1,4}))",
        name.strip(),
        re.IGNORECASE,
    )
    if not found:
        raise GraphError(400, "ErrorInvalidExtendedProperty", f"'{name}' is no property id.")
    kind = found[1].capitalize()
    if found[5]:
        return f"{kind} 0x{int(found[5], 16):x}"
    label = found[4] if found[3].lower() == "name" else f"0x{int(found[4], 16):x}"
    return f"{kind} {found[2].lower()} {found[3].capitalize()} {label}"


def selected(option: str | None, properties: Iterable[str], kind: str) -> list[str]:
    """Return the properties that `$select` names; none of them means all.

    Raises:
        GraphError: 400, one is not among the `properties` of the `kind` of item.
    """
    if not option:
        return []
    known = {name.lower(): name for name in properties}
    names = []
    for part in option.split(","):
        name = part.strip().rpartition("/")[2] if "microsoft.graph." in part else part.strip()
        if name == "*":
            return []
        if name.lower() not in known:
            raise _no_property(name, kind)
        names.append(known[name.lower()])
    return names


def expanded(option: str, properties: Iterable[str], kind: str) -> dict[str, str]:
    """Return the properties that `$expand` names, with the options of each.

    Raises:
        GraphError: 400, one is not among the `properties` of the `kind` of item.
    """
    expansions: dict[str, str] = {}
    for name, inner in re.findall(
        r"([\w.]+)\s*(\((?:[^()']|'(?:[^']|'')*'|\([^()]*\))*\))?", option
    ):
        if name not in properties:
            raise _no_property(name, kind)
        expansions[name] = inner
    return expansions


def applied(preferences: dict[str, str]) -> dict[str, str]:
    """Return the `Preference-Applied` header for those preferences that had an effect."""
    kept = [f'{_NAMED[name]}="{value}"' for name, value in preferences.items() if name in _NAMED]
    if size := preferences.get("odata.maxpagesize"):
        kept.append(f"odata.maxpagesize={size}")
    return {"Preference-Applied": ", ".join(kept)} if kept else {}


def _no_property(name: str, kind: str) -> GraphError:
    text = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
    return GraphError(
        400, "RequestBroker--ParseUri", f"Parsing OData Select and Expand failed: {text}"
    )
