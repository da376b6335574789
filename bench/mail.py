"""Mail to deliver: made up for the story, or read from the user's own files."""

import mailbox
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from bench.files import read_at

_SUFFIXES = {".eml", ".mbox"}
_MBOX_START = b"From "


def compose(
    message_id: str,
    subject: str,
    *,
    sender: str,
    to: Sequence[str],
    answers: str = "",
) -> bytes:
    """Return a mail as it arrives; `answers` is the Message-ID it replies to or forwards."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(to), subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content(f"{subject}.\n\nKind regards\n")
    return mail.as_bytes()


def mails_at(path: Path) -> Iterator[tuple[str, bytes | OSError]]:
    """Yield a name and the raw mail for an `.eml` file, all of a folder, or every mail of an mbox.

    Of a file that cannot be read it yields why.

    Raises:
        FileNotFoundError: nothing is there, or the folder holds no mail.
    """
    for file, raw in read_at(path, _SUFFIXES):
        if isinstance(raw, OSError) or not _is_mbox(file, raw):
            yield file.name, raw
            continue
        box = mailbox.mbox(file, create=False)
        for number, key in enumerate(box.keys(), 1):
            yield f"{file.name}#{number}", box.get_bytes(key)
        box.close()


def _is_mbox(file: Path, raw: bytes) -> bool:
    return file.suffix.lower() != ".eml" and raw.startswith(_MBOX_START)
