"""The MIME of a message that was written through the API."""

import base64
import re
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sandbox.graph.mail_properties import NAMES, SENSITIVITY
from sandbox.graph.mime import MEDIA_TYPE
from sandbox.graph.text import text_of
from sandbox.store import Document

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_CONTENT_ID = re.compile(r"[!-;=?-~]+")
_UNKNOWN = ("application", "octet-stream")
_HEADERS = {"toRecipients": "To", "ccRecipients": "Cc", "replyTo": "Reply-To"}
_THREADING = {"In-Reply-To": "String 0x1042", "References": "String 0x1039"}


def mime_of(message: Document, contents: Document) -> str:
    """Return the message as RFC 5322 octets in latin-1 text; Bcc is left out, as on the wire."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _mailbox(message["from"])
    for name, header in _HEADERS.items():
        if message[name]:
            mail[header] = ", ".join(_mailbox(one) for one in message[name])
    mail["Subject"] = _line(message["subject"])
    mail["Date"] = format_datetime(datetime.fromisoformat(message["sentDateTime"]))
    mail["Message-ID"] = _line(message["internetMessageId"])
    mail["Thread-Index"] = message["conversationIndex"]
    for header, key in _THREADING.items():
        if message["extended"].get(key):
            mail[header] = _line(message["extended"][key])
    if message["importance"] != "normal":
        mail["Importance"] = message["importance"]
    if sensitivity := NAMES.get(message["extended"].get(SENSITIVITY) or ""):
        mail["Sensitivity"] = sensitivity
    for one in contents["headers"]:
        mail[one["name"]] = one["value"]
    _write_body(mail, message["body"])
    for attached in contents["attachments"]:
        _attach(mail, attached)
    return mail.as_bytes().decode("latin-1")


def _write_body(mail: EmailMessage, body: dict[str, str]) -> None:
    if body["contentType"] == "text":
        mail.set_content(body["content"])
    else:
        mail.set_content(text_of(body["content"]))
        mail.add_alternative(body["content"], subtype="html")


def _attach(mail: EmailMessage, attached: Document) -> None:
    stated = attached["contentType"]
    main, sub = stated.split("/") if MEDIA_TYPE.fullmatch(stated) else _UNKNOWN
    octets = (
        attached["mime"].encode("latin-1")
        if "mime" in attached
        else base64.b64decode(attached["contentBytes"])
    )
    if main in ("message", "multipart"):
        main, sub = _UNKNOWN
    content_id = attached["contentId"] or ""
    mail.add_attachment(
        octets,
        maintype=main,
        subtype=sub,
        filename=_line(attached["name"] or "attachment"),
        disposition="inline" if attached["isInline"] else "attachment",
        cid=f"<{content_id}>" if _CONTENT_ID.fullmatch(content_id) else None,
    )


def _mailbox(recipient: Document) -> str:
    """Return a recipient for a header; what is no address goes as a name without one."""
    given = recipient["emailAddress"]
    name, address = _line(given.get("name") or ""), _line(given.get("address") or "")
    if _ADDRESS.fullmatch(address):
        try:
            return str(Address(display_name=name, addr_spec=address))
        except (ValueError, MessageError):
            pass
    return str(Address(display_name=f"{name} {address}".strip() or "nobody"))


def _line(text: str) -> str:
    """Return text that stays on one line: control characters and separators become spaces."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).split())
