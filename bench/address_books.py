"""What sellers do with their contacts: added, saved to Dynamics, changed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bench.journal import Line
from bench.running import Run
from shared.dataverse.batch import Operation
from shared.dataverse.links import LinkState, Reason
from shared.identifiers import ItemId, Kind, MailboxId, link_id_of_item

_CONTACT = 3  # tether_kind


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
        """Write the link that a seller's save comes down to; the next change is told with it."""
        link = link_id_of_item(MailboxId(line.mailbox), ItemId(line.item))
        columns = {
            "tether_kind": _CONTACT,
            "tether_state": LinkState.TRACKED,
            "tether_reason": Reason.SELLER,
            "tether_MailboxId@odata.bind": f"tether_mailboxes({line.mailbox})",
            "tether_itemid": line.item,
        }
        await self._run.write([Operation("PATCH", f"tether_links({link})", columns)])
        line.expected = expected

    async def change(self, line: Line, **changes: object) -> None:
        """Change a contact."""
        path = f"/users/{line.upn}/contacts/{quote(line.item, safe='')}"
        await self._run.graph("PATCH", path, changes)
