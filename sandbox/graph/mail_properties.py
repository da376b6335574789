"""What Exchange keeps of a mail that is no property of the Graph resource, found in its headers."""

from collections.abc import Iterable, Mapping
from email.message import Message

CLASS = "String 0x1a"
SENSITIVITY = "Integer 0x36"
CONTENT_CLASS = "String {00020386-0000-0000-c000-000000000046} Name content-class"
NAMES = {"1": "Personal", "2": "Private", "3": "Company-Confidential"}
"""How each sensitivity but the normal one is written in a header."""
_SENSITIVITIES = {name.lower(): number for number, name in NAMES.items()}
_ENCLOSED = {"application/pkcs7-mime", "application/x-pkcs7-mime"}


def mail_properties(headers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the extended properties that a mail's headers give it."""
    first: dict[str, str] = {}
    for one in headers:
        first.setdefault(one["name"].lower(), one["value"])
    kept = {
        CLASS: _class(first.get("content-type", "")),
        SENSITIVITY: _SENSITIVITIES.get(first.get("sensitivity", "").strip().lower(), "0"),
    }
    if "content-class" in first:
        kept[CONTENT_CLASS] = first["content-class"].strip()
    return kept


def _class(content_type: str) -> str:
    """Return the message class: S/MIME that one can read without a key has one of its own."""
    stated = Message()
    stated["Content-Type"] = content_type
    if stated.get_content_type() in _ENCLOSED:
        return "IPM.Note.SMIME"
    protocol = str(stated.get_param("protocol") or "").lower()
    if stated.get_content_type() == "multipart/signed" and "pkcs7" in protocol:
        return "IPM.Note.SMIME.MultipartSigned"
    return "IPM.Note"
