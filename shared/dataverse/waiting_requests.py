"""What was asked for and is not done: links that carry a request, of mailboxes that sync."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.dataverse.batch import Operation
from shared.dataverse.links import KINDS
from shared.dataverse.mailboxes import MailboxState
from shared.identifiers import ItemId, Kind, LinkId, MailboxId

_SELECT = "tether_linkid,tether_kind,tether_itemid,_tether_mailboxid_value,modifiedon"


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """One request: which item of which mailbox, and since when it waits (UTC)."""

    link: LinkId
    mailbox: MailboxId
    kind: Kind
    item: ItemId
    since: datetime


def waiting_requests(mailbox: MailboxId | None) -> str:
    """Ask for the requests of a mailbox, or of all, as far as they sync."""
    conditions = [
        "tether_request ne null",
        f"tether_MailboxId/tether_state eq {MailboxState.ENROLLED:d}",
    ]
    if mailbox:
        conditions.append(f"_tether_mailboxid_value eq {mailbox}")
    return f"tether_links?$select={_SELECT}&$filter={quote(' and '.join(conditions), safe='')}"


def requests_of(mailbox: MailboxId) -> Operation:
    """Ask for the requests of a mailbox, whether it syncs or not."""
    condition = f"tether_request ne null and _tether_mailboxid_value eq {mailbox}"
    return Operation(
        "GET", f"tether_links?$select=tether_linkid&$filter={quote(condition, safe='')}"
    )


ALL_REQUESTS = "tether_links?$select=_tether_mailboxid_value&$filter=tether_request%20ne%20null"
"""Asks for the requests of all mailboxes, whether they sync or not."""


def waiting_request(row: Mapping[str, Any]) -> WaitingRequest | None:
    """Read a row; None for one that somebody made unreadable."""
    kind, mailbox, item = (
        KINDS.get(row["tether_kind"]), row["_tether_mailboxid_value"], row["tether_itemid"],
    )  # fmt: skip
    if not (kind and mailbox and item):
        return None
    return WaitingRequest(
        LinkId(row["tether_linkid"]),
        MailboxId(mailbox),
        kind,
        ItemId(item),
        datetime.fromisoformat(row["modifiedon"]),
    )
