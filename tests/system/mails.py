"""Raw messages as they come from the internet."""

from collections.abc import Mapping
from email.message import EmailMessage
from itertools import count
from types import MappingProxyType

_numbers = count(1)


def mail(
    subject: str = "Quote",
    *,
    to: str = "Ada <ada@contoso.example>",
    sender: str = "Casey Customer <casey@fabrikam.example>",
    cc: str = "",
    message_id: str = "",
    answers: str = "",
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> bytes:
    """Return a message that no other is like; `answers` is the Message-ID it replies to.

    `files` are attached by their names.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    if cc:
        message["Cc"] = cc
    message["Subject"] = subject
    message["Message-ID"] = message_id or f"<m{next(_numbers)}@fabrikam.example>"
    message["Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    if answers:
        message["In-Reply-To"] = answers
        message["References"] = answers
    message.set_content("Hello, here is what we spoke about.")
    for name, content in files.items():
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name
        )
    return message.as_bytes()
