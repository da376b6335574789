"""How far the tasks of each mailbox are known: `tether_TaskDelta` on its row."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from shared.dataverse.batch import Operation
from shared.dataverse.mailboxes import MailboxState
from shared.identifiers import MailboxId

ENROLLED_MAILBOXES = "tether_mailboxes?$select=tether_mailboxid,tether_taskdelta&$filter=" + quote(
    f"tether_state eq {MailboxState.ENROLLED:d}", safe=""
)


def links_in(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the delta links of a mailbox by list; none where somebody made them unreadable."""
    try:
        links = json.loads(row["tether_taskdelta"] or "{}")
    except ValueError:
        return {}
    if not isinstance(links, dict):
        return {}
    return {name: link for name, link in links.items() if isinstance(link, str)}


def keep_links(mailbox: MailboxId, links: Mapping[str, str]) -> Operation:
    """Keep the delta links of a mailbox, if it still has its row."""
    columns = {"tether_taskdelta": json.dumps(links, sort_keys=True)}
    return Operation("PATCH", f"tether_mailboxes({mailbox})", columns, if_match="*")
