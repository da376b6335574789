"""The link: the row that ties one item in one mailbox to its activity, and says why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from shared.dataverse import emails
from shared.dataverse.batch import Operation
from shared.dataverse.emails import Email
from shared.dataverse.mailboxes import written
from shared.dataverse.query import rows_where_in
from shared.dataverse.text import fit
from shared.identifiers import ActivityId, ItemId, LinkId, MailboxId, SystemUserId

_SELECT = (
    "tether_linkid,tether_state,tether_internetmessageid,tether_conversationindex,"
    "_tether_emailid_value"
)
_MAX_CONVERSATION_INDEX = 2000


class LinkState(IntEnum):
    """`tether_state`: whether the item is in Dynamics."""

    TRACKED = 1
    REMOVED = 2
    FAILED = 3


class Reason(IntEnum):
    """`tether_reason`: why an item is tracked."""

    SELLER = 1
    CATEGORY = 2
    REPLY = 3
    FILTER = 4


@dataclass(frozen=True, slots=True)
class Link:
    """A `tether_link` row; `etag` guards a write to it, `email` is its activity where asked for."""

    id: LinkId
    etag: str
    state: LinkState
    activity: ActivityId | None
    message_id: str = ""
    conversation_index: str = ""
    email: Email | None = None


@dataclass(frozen=True, slots=True)
class Tracking:
    """What the link of a tracked mail says."""

    mailbox: MailboxId
    item: ItemId
    subject: str
    message_id: str
    conversation_root: str
    conversation_index: str
    reason: Reason
    tracked_by: SystemUserId


def links_with_id(links: Collection[LinkId]) -> list[Operation]:
    """Ask for links by key."""
    return rows_where_in("tether_links", ["tether_linkid"], links, select=_SELECT)


def links_of_messages(message_ids: Collection[str]) -> list[Operation]:
    """Ask for all mailboxes' links of some mails."""
    return rows_where_in("tether_links", ["tether_internetmessageid"], message_ids, select=_SELECT)


def links_of_conversations(roots: Collection[str]) -> list[Operation]:
    """Ask for the links of all tracked mail of some conversations, with their activities."""
    return rows_where_in(
        "tether_links",
        ["tether_conversationroot"],
        roots,
        select=_SELECT,
        and_filter=f"tether_state eq {LinkState.TRACKED:d}",
        expand=f"tether_EmailId($select={emails.SELECT})",
    )


def link_row(row: Mapping[str, Any]) -> Link:
    """Read a `tether_link` row."""
    email = row.get("tether_EmailId")
    return Link(
        id=LinkId(row["tether_linkid"]),
        etag=row["@odata.etag"],
        state=_state(row["tether_state"]),
        activity=row["_tether_emailid_value"],
        message_id=row["tether_internetmessageid"] or "",
        conversation_index=row["tether_conversationindex"] or "",
        email=emails.email_row(email) if email else None,
    )


def _state(value: int | None) -> LinkState:
    """Read a state; one that somebody emptied counts as removed, which the category heals."""
    return LinkState(value) if value in set(LinkState) else LinkState.REMOVED


def write_link(
    link: LinkId, known: Link | None, tracking: Tracking, activity: ActivityId, now: datetime
) -> Operation:
    """Tie the item to the activity; refused if the link is no longer as it was read."""
    columns = {
        **_columns(tracking, now),
        "tether_EmailId@odata.bind": f"emails({activity})",
        "tether_state": LinkState.TRACKED,
        "tether_detail": None,
    }
    return _patch(link, known, columns)


def fail_link(
    link: LinkId, known: Link | None, tracking: Tracking, why: str, now: datetime
) -> Operation:
    """Note that Dynamics refused the item's activity, and why."""
    columns = {
        **_columns(tracking, now),
        "tether_state": LinkState.FAILED,
        "tether_detail": fit(why, 1000),
    }
    return _patch(link, known, columns)


def _columns(tracking: Tracking, now: datetime) -> dict[str, Any]:
    return {
        "tether_name": fit(tracking.subject or "(no subject)", 200),
        "tether_kind": 1,
        "tether_MailboxId@odata.bind": f"tether_mailboxes({tracking.mailbox})",
        "tether_itemid": tracking.item,
        "tether_internetmessageid": fit(tracking.message_id, 1000),
        "tether_conversationroot": tracking.conversation_root or None,
        "tether_conversationindex": tracking.conversation_index[:_MAX_CONVERSATION_INDEX] or None,
        "tether_reason": tracking.reason,
        "tether_TrackedBy@odata.bind": f"systemusers({tracking.tracked_by})",
        "tether_trackedon": written(now),
        "tether_removedon": None,
    }


def _patch(link: LinkId, known: Link | None, columns: dict[str, Any]) -> Operation:
    return Operation(
        "PATCH",
        f"tether_links({link})",
        columns,
        if_match=known.etag if known else None,
        create_only=known is None,
    )


def remove_link(known: Link, why: str, now: datetime) -> Operation:
    """Note that the item is no longer tied; the activity stays (server-side-sync.md 3.1)."""
    columns = {
        "tether_state": LinkState.REMOVED,
        "tether_removedon": written(now),
        "tether_detail": fit(why, 1000),
    }
    return Operation("PATCH", f"tether_links({known.id})", columns, if_match=known.etag)
