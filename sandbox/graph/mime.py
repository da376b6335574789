"""A raw RFC 5322 message read as Exchange reads it: whatever is wrong with it, it is delivered."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from sandbox.graph.meetings import meeting_of
from sandbox.graph.text import clean

# A header is read when it is asked for, from its raw value: the registry's parsers raise on some
# of what really comes in.
_POLICY = default.clone(header_factory=lambda _name, value: value, raise_on_defect=False)
_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+")
MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+_-]+/[A-Za-z0-9.+_-]+")
_IMPORTANCE = {"high": "high", "low": "low", "urgent": "high", "non-urgent": "low"}
_PRIORITY = {"1": "high", "2": "high", "4": "low", "5": "low"}


def parse(raw: bytes) -> dict[str, Any]:
    """Return the parts of a Graph message that its MIME determines.

    Besides properties of the resource there are `headers` (name and value pairs), `attachments`
    (with `contentBytes`), `messageId`, `references`, `threadIndex` and, for meeting mail,
    `meeting`. Never raises for what the bytes hold.
    """
    message = BytesParser(EmailMessage, policy=_POLICY).parsebytes(raw)
    senders = addresses(message, "From")
    sender = next(iter(addresses(message, "Sender") or senders), None)
    body, attachments, calendar = _contents(message)
    return {
        "subject": header(message, "Subject"),
        "body": body,
        "from": next(iter(senders), sender),
        "sender": sender,
        "toRecipients": addresses(message, "To"),
        "ccRecipients": addresses(message, "Cc"),
        "bccRecipients": addresses(message, "Bcc"),
        "replyTo": addresses(message, "Reply-To"),
        "importance": _importance(message),
        "sent": _date(message),
        "isReadReceiptRequested": bool(header(message, "Disposition-Notification-To")),
        "isDeliveryReceiptRequested": bool(header(message, "Return-Receipt-To")),
        "headers": _headers(message),
        "attachments": attachments,
        "messageId": header(message, "Message-ID").strip(),
        "inReplyTo": header(message, "In-Reply-To"),
        "references": header(message, "References"),
        "threadIndex": header(message, "Thread-Index"),
        "meeting": meeting_of(calendar) if calendar else None,
    }


def header(message: EmailMessage, name: str) -> str:
    """Return a header's first value, decoded; empty when there is none."""
    for found, value in message.raw_items():
        if found.lower() == name.lower():
            return decoded(str(value))
    return ""


def decoded(value: str) -> str:
    """Return a raw header value with encoded words and 8-bit octets made readable."""
    value = re.sub(r"\r?\n(?=[ \t])|[\r\n]", "", value)
    if "=?" not in value:
        return clean(_octets(value)).strip()
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return clean(_octets(value)).strip()
    words = [
        text if isinstance(text, str) else _decode(text, charset or "ascii")
        for text, charset in parts
    ]
    return clean("".join(map(_octets, words))).strip()


def addresses(message: EmailMessage, name: str) -> list[dict[str, Any]]:
    """Return the recipients in an address header, members of a group among them.

    What is no address is kept as Exchange shows it: its text as name and as address. An empty
    group is its name without an address.
    """
    values = [
        re.sub(r"\r?\n", "", str(value))
        for found, value in message.raw_items()
        if found.lower() == name.lower()
    ]
    recipients: list[dict[str, Any]] = []
    for value in values:
        found = [pair for pair in getaddresses([_octets(value)], strict=False) if any(pair)]
        if any(_ADDRESS.fullmatch(address) for _, address in found):
            recipients += [_recipient(shown, address) for shown, address in found]
        elif text := decoded(value):
            empty_group = re.fullmatch(r"[^:@]+:\s*;", text)
            shown = {"name": text} if empty_group else {"name": text, "address": text}
            recipients.append({"emailAddress": shown})
    return recipients


def _recipient(name: str, address: str) -> dict[str, Any]:
    name, address = decoded(name), decoded(address)
    if not _ADDRESS.fullmatch(address):
        text = f"{name} {address}".strip()
        return {"emailAddress": {"name": text, "address": text}}
    return {"emailAddress": {"name": name or address, "address": address}}


def _contents(
    message: EmailMessage,
) -> tuple[dict[str, str], list[dict[str, Any]], str]:
    bodies: dict[str, list[str]] = {"html": [], "text": []}
    attachments: list[dict[str, Any]] = []
    calendar = ""
    for part in _leaves(message):
        kind = part.get_content_type()
        if part.get_content_maintype() == "multipart":  # one that has no boundary is its text
            kind = "text/plain"
        attached = part.get_content_disposition() == "attachment" or bool(filename(part))
        if kind == "text/calendar" and not calendar:
            calendar = _text(part)
        elif kind in ("text/html", "text/plain") and not attached:
            bodies["html" if kind == "text/html" else "text"].append(_text(part))
        else:
            attachments.append(_attachment(part))
    return _body(bodies), attachments, calendar


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        for child in part.iter_parts():
            assert isinstance(child, EmailMessage)  # noqa: S101 - the parser makes no other
            yield from _leaves(child)
    else:
        yield part


def _body(bodies: dict[str, list[str]]) -> dict[str, str]:
    if not bodies["html"]:
        return {"contentType": "text", "content": "\n".join(bodies["text"])}
    return {"contentType": "html", "content": "\n".join(bodies["html"])}


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    return clean(_decode(octets, _charset(part)))


def _charset(part: EmailMessage) -> str:
    return part.get_content_charset("utf-8") or "utf-8"


def _decode(octets: bytes, charset: str) -> str:
    for name in (charset, "utf-8"):
        try:
            return octets.decode(name)
        except (LookupError, ValueError):
            continue
    return octets.decode("cp1252", "replace")


def _octets(text: str) -> str:
    """Return text whose 8-bit octets the parser kept as lone surrogates, decoded."""
    if text.isascii():
        return text
    try:
        return _decode(text.encode("utf-8", "surrogateescape"), "utf-8")
    except UnicodeEncodeError:
        return text


def filename(part: EmailMessage) -> str:
    """Return the file name a part asks for, or an empty string."""
    try:
        return decoded(part.get_filename() or "")
    except (TypeError, ValueError):
        return ""


def _attachment(part: EmailMessage) -> dict[str, Any]:
    content_id = header(part, "Content-ID").strip("<> ")
    attachment: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": filename(part) or None,
        "contentType": _media_type(part),
        "isInline": bool(content_id) and part.get_content_disposition() != "attachment",
        "contentId": content_id or None,
        "contentLocation": header(part, "Content-Location") or None,
    }
    if part.get_content_type() == "message/rfc822":
        return attachment | _enclosed(part)
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else _as_bytes(part)
    attachment["name"] = attachment["name"] or "ATT00001"
    return attachment | {"contentBytes": base64.b64encode(octets).decode(), "size": len(octets)}


def _media_type(part: EmailMessage) -> str:
    stated = part.get_content_type()
    return stated if MEDIA_TYPE.fullmatch(stated) else "application/octet-stream"


def _enclosed(part: EmailMessage) -> dict[str, Any]:
    inner = part.get_payload()
    message = inner[0] if isinstance(inner, list) and inner else part
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy makes no other
    octets = _as_bytes(message)
    return {
        "@odata.type": "#microsoft.graph.itemAttachment",
        "name": header(message, "Subject") or "Untitled",
        "contentType": "message/rfc822",
        "mime": octets.decode("latin-1"),
        "size": len(octets),
    }


def _as_bytes(message: EmailMessage) -> bytes:
    try:
        return message.as_bytes()
    except (UnicodeError, LookupError, ValueError, TypeError, AttributeError, IndexError):
        return str(message.get_payload()).encode("utf-8", "replace")


def _headers(message: EmailMessage) -> list[dict[str, str]]:
    return [
        {"name": clean(_octets(name)), "value": decoded(str(value))}
        for name, value in message.raw_items()
    ]


def _importance(message: EmailMessage) -> str:
    stated = header(message, "Importance").lower()
    return _IMPORTANCE.get(stated) or _PRIORITY.get(header(message, "X-Priority")[:1], "normal")


def _date(message: EmailMessage) -> datetime | None:
    try:
        sent = parsedate_to_datetime(header(message, "Date"))
        sent = sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return sent
