"""What Exchange, the sellers and their customers do with mail."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from urllib.parse import quote

from bench.journal import Line
from bench.running import Run
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import Kind


class Inboxes:
    """The mailboxes of a run, as mail comes to them and is worked with."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def deliver(self, upn: str, mail: bytes, expected: str) -> Line:
        """Let a mail arrive in a mailbox; return its line."""
        arrived = await self._run.sandbox(f"/mailboxes/{upn}/deliver", mail)
        item, message_id = arrived["id"], arrived["internetMessageId"]
        return self._run.arrived(Kind.MAIL, upn, item, message_id, _subject(mail), expected)

    async def mark(self, upn: str, item: str, expected: str) -> None:
        """Put the tracking category on a mail, as a seller does in Outlook."""
        await self._run.graph("PATCH", _path(upn, item), {"categories": [TRACKED_CATEGORY]})
        self._run.expect(item, expected)

    async def unmark(self, upn: str, item: str, expected: str) -> None:
        """Take the category off."""
        await self._run.graph("PATCH", _path(upn, item), {"categories": []})
        self._run.expect(item, expected)

    async def throw_away(self, upn: str, item: str, expected: str) -> None:
        """Move a mail to Deleted Items."""
        await self._run.graph("POST", f"{_path(upn, item)}/move", {"destinationId": "deleteditems"})
        self._run.expect(item, expected)

    async def purge(self, upn: str, item: str, expected: str) -> None:
        """Delete a mail for good."""
        await self._run.graph("POST", f"{_path(upn, item)}/permanentDelete")
        self._run.expect(item, expected)

    async def categories(self, line: Line) -> list[str] | None:
        """Return the categories Outlook shows on a mail, None if it is gone or thrown away."""
        try:
            message = await self._run.read(_path(line.upn, line.item))
        except LookupError:
            return None
        deleted = await self._run.read(f"/users/{line.upn}/mailFolders/deleteditems")
        is_gone = message["parentFolderId"] == deleted["id"]
        return None if is_gone else list(message["categories"])


def _path(upn: str, item: str) -> str:
    return f"/users/{upn}/messages/{quote(item, safe='')}"


def _subject(mail: bytes) -> str:
    raw = str(message_from_bytes(mail, policy=compat32)["Subject"] or "")
    try:
        return str(make_header(decode_header(raw)))
    except (LookupError, ValueError):
        return raw
