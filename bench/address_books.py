"""What sellers do with their contacts: added, saved to Dynamics, changed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bench.clicks import Clicks
from bench.journal import Line
from bench.running import Run
from shared.identifiers import Kind


class AddressBooks:
    """The contacts of a run, as their owners keep them."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def add(self, upn: str, contact: Mapping[str, Any], expected: str) -> Line:
        """Add a contact; return its line."""
        made = await self._run.graph("POST", f"/users/{upn}/contacts", contact)
        address = made["emailAddresses"][0]["address"]
        name = made["displayName"]
        return self._run.arrived(Kind.CONTACTS, upn, made["id"], address, name, expected)

    async def save(self, line: Line, expected: str) -> None:
        """Save a contact to Dynamics, as a seller does in Outlook."""
        await Clicks(self._run).save(line, "202 saving")
        line.expected = expected

    async def change(self, line: Line, **changes: object) -> None:
        """Change a contact."""
        path = f"/users/{line.upn}/contacts/{quote(line.item, safe='')}"
        await self._run.graph("PATCH", path, changes)
