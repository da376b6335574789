"""Which attachments come along, and the sentences on those that do not. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from shared.dataverse.attachments import File
from shared.dataverse.organization import FileLimits
from shared.dataverse.text import clean
from shared.graph.attachments import Attachment
from shared.identifiers import ActivityId, AttachmentId, attachment_id_of

MOST_BYTES = 32 * 1024 * 1024  # one is in memory at a time, and goes in one request
_MEGABYTE = 1024 * 1024
_NAMELESS = "an attachment without a name"
_UNKNOWN_TYPE = "application/octet-stream"
# What an item that is attached turns out to be, by how it begins.
_MAIL = (".eml", "message/rfc822")
_BEGINNINGS = {
    b"BEGIN:VCALENDAR": (".ics", "text/calendar"),
    b"BEGIN:VCARD": (".vcf", "text/vcard"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An attachment that is to come along, and the key it has then."""

    id: AttachmentId
    attachment: Attachment
    place: int

    @property
    def name(self) -> str:
        """What people call it."""
        return _name(self.attachment)

    def file(self, content: bytes) -> File:
        """Return what is written of it."""
        name, mime_type = self.name, self.attachment.content_type or _UNKNOWN_TYPE
        if self.attachment.is_item:
            ending, mime_type = _kind_of_item(content)
            name = name if PurePosixPath(name).suffix.lower() == ending else f"{name}{ending}"
        return File(self.id, name, mime_type, self.place, content)


def candidates(activity: ActivityId, listed: Iterable[Attachment]) -> Sequence[Candidate]:
    """Return what is to come along: all but what stands within the text.

    The key goes by name and not by Graph's id or size, which differ from mailbox to mailbox.
    """
    named: Counter[str] = Counter()
    found: list[Candidate] = []
    for attachment in listed:
        if attachment.is_inline:
            continue
        name = _name(attachment)
        named[name] += 1
        key = attachment_id_of(activity, name, named[name])
        found.append(Candidate(key, attachment, len(found) + 1))
    return found


def left_out(candidate: Candidate, limits: FileLimits) -> str:
    """Return why an attachment is left out by what Graph lists of it; empty if it is not."""
    attachment = candidate.attachment
    if attachment.is_reference:
        return sentence(candidate.name, "it only says where a file is kept")
    if attachment.size > _most(limits):
        return _too_large(candidate, attachment.size, limits)
    if not attachment.is_item and not limits.takes_type(candidate.name, attachment.content_type):
        return _wrong_type(candidate)
    return ""


def left_out_with(candidate: Candidate, file: File, limits: FileLimits) -> str:
    """Return why an attachment is left out now that its content is known; empty if it is not."""
    if len(file.content) > _most(limits):
        return _too_large(candidate, len(file.content), limits)
    return "" if limits.takes_type(file.name, file.mime_type) else _wrong_type(candidate)


def sentence(name: str, why: str) -> str:
    """Return what the link says of an attachment that is left out."""
    return f"{name} is left out: {' '.join(why.split())}."


def _most(limits: FileLimits) -> int:
    return min(limits.most_bytes, MOST_BYTES)


def _too_large(candidate: Candidate, size: int, limits: FileLimits) -> str:
    most = f"{_most(limits) / _MEGABYTE:.1f} MB"
    return sentence(candidate.name, f"it has {size / _MEGABYTE:.1f} MB, and {most} is the most")


def _wrong_type(candidate: Candidate) -> str:
    return sentence(candidate.name, "the organisation takes no files of this kind")


def _name(attachment: Attachment) -> str:
    return " ".join(clean(attachment.name).split()) or _NAMELESS


def _kind_of_item(content: bytes) -> tuple[str, str]:
    begin = content.lstrip()[:32].upper()
    return next((kind for word, kind in _BEGINNINGS.items() if begin.startswith(word)), _MAIL)
