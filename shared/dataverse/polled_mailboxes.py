"""What a mailbox's row tells of its tasks: how far they are known, which lists are subscribed to.

`tether_TaskDelta` and `tether_TaskSubscriptions` are JSON objects by list. Each has its own column,
for they are written by whoever has learnt something, and not together.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from shared.dataverse.batch import Operation
from shared.dataverse.mailboxes import MailboxState
from shared.dataverse.query import rows_where_in
from shared.dataverse.subscriptions import Subscription
from shared.identifiers import MailboxId

_SELECT = "tether_mailboxid,tether_state,tether_taskdelta,tether_tasksubscriptions"
POLLED_MAILBOXES = f"tether_mailboxes?$select={_SELECT}&$filter=" + quote(
    f"tether_state eq {MailboxState.ENROLLED:d} or tether_tasksubscriptions ne null", safe=""
)
"""All enrolled mailboxes, and others that have subscriptions left."""
_SUBSCRIPTIONS = TypeAdapter(dict[str, Subscription])


@dataclass(frozen=True, slots=True)
class PolledMailbox:
    """A mailbox's delta links by list, and the subscriptions to its lists."""

    mailbox: MailboxId
    is_enrolled: bool
    links: Mapping[str, str]
    subscriptions: Mapping[str, Subscription]


def polled_mailboxes_of(mailboxes: Collection[MailboxId]) -> list[Operation]:
    """Ask for the rows of some mailboxes."""
    return rows_where_in("tether_mailboxes", ["tether_mailboxid"], mailboxes, select=_SELECT)


def polled_mailbox(row: Mapping[str, Any]) -> PolledMailbox:
    """Read a mailbox's row; what somebody made unreadable is as good as nothing."""
    return PolledMailbox(
        mailbox=MailboxId(row["tether_mailboxid"]),
        is_enrolled=row["tether_state"] == MailboxState.ENROLLED,
        links=_links_in(row["tether_taskdelta"] or "{}"),
        subscriptions=_subscriptions_in(row["tether_tasksubscriptions"] or "{}"),
    )


def keep_links(mailbox: MailboxId, links: Mapping[str, str]) -> Operation:
    """Keep the delta links of a mailbox, if it still has its row."""
    return _keep(mailbox, "tether_taskdelta", json.dumps(links, sort_keys=True))


def keep_subscriptions(mailbox: MailboxId, held: Mapping[str, Subscription]) -> Operation:
    """Keep the subscriptions to a mailbox's lists, if it still has its row."""
    text = _SUBSCRIPTIONS.dump_json(dict(sorted(held.items()))).decode()
    return _keep(mailbox, "tether_tasksubscriptions", text if held else None)


def _links_in(text: str) -> dict[str, str]:
    try:
        links = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(links, dict):
        return {}
    return {name: link for name, link in links.items() if isinstance(link, str)}


def _subscriptions_in(text: str) -> dict[str, Subscription]:
    try:
        return _SUBSCRIPTIONS.validate_json(text)
    except ValidationError:
        return {}


def _keep(mailbox: MailboxId, column: str, text: str | None) -> Operation:
    return Operation("PATCH", f"tether_mailboxes({mailbox})", {column: text}, if_match="*")
