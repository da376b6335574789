"""Mail to deliver: made up for the story, or read from the user's own files."""

import mailbox
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

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


def mails_at(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a name and the raw mail for an `.eml` file, all of a folder, or every mail of an mbox.

    Raises:
        FileNotFoundError: nothing is there, or the folder holds no mail.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_mail(file))
        if not files:
            raise FileNotFoundError(f"{path} holds no .eml or .mbox file")
        for file in files:
            yield from mails_at(file)
    elif not path.is_file():
        raise FileNotFoundError(f"{path} is neither a file nor a folder")
    elif _is_mbox(path):
        box = mailbox.mbox(path, create=False)
        for number, key in enumerate(box.keys(), 1):
            yield f"{path.name}#{number}", box.get_bytes(key)
        box.close()
    else:
        yield path.name, path.read_bytes()


def _is_mail(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in {".eml", ".mbox"}


def _is_mbox(path: Path) -> bool:
    if path.suffix.lower() == ".eml":
        return False
    with path.open("rb") as file:
        return file.read(len(_MBOX_START)) == _MBOX_START
