"""What the link of a tracked item says, and the operations that make it say so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.links import MAX_GLOBAL_ID, TARGETS, Link, LinkState, Reason, Version
from shared.dataverse.mailboxes import written
from shared.dataverse.requests import Request
from shared.dataverse.text import fit
from shared.identifiers import ActivityId, ItemId, Kind, LinkId, MailboxId, SystemUserId

_MAX_CONVERSATION_INDEX = 2000
_DONE = {"tether_request": None}
MAX_NOTES = 2000


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a mail stands in its conversation; root and index in hex."""

    message_id: str
    conversation_root: str
    conversation_index: str


@dataclass(frozen=True, slots=True)
class Attendance:
    """Which meeting an event is a copy of, and what its mailbox is to it.

    `global_id` is the same in every mailbox; `response` is the mailbox's own answer;
    `appointments` is how many rows the meeting has.
    """

    global_id: str
    is_organizer: bool
    is_series: bool
    response: str
    appointments: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What an item has told its row so far, and why it is not in step with it, if it is not."""

    told: str
    detail: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task has come in Outlook, in Graph's words."""

    status: str


@dataclass(frozen=True, slots=True)
class Tracking:
    """What the link of a tracked item says; `place` is what only links of its kind say.

    `version` is kept by kinds whose rows follow the item as it changes.
    """

    kind: Kind
    mailbox: MailboxId
    item: ItemId
    subject: str
    reason: Reason
    tracked_by: SystemUserId
    place: Thread | Attendance | Memory | Progress | None = None
    version: Version | None = None


def write_link(
    link: LinkId,
    known: Link | None,
    tracking: Tracking,
    activity: ActivityId | None,
    now: datetime,
    *,
    follow: bool = False,
) -> Operation:
    """Tie the item to its row; refused if the link is no longer as it was read.

    A series of meetings has many rows, found by its global id: then `activity` is None. `follow`:
    attachments have yet to follow.
    """
    columns = {
        "tether_detail": None,
        "tether_notes": None,
        "tether_attachmentspending": follow,
        **_columns(tracking, now),
        **_tied(tracking.kind, activity),
        "tether_state": LinkState.TRACKED,
    }
    return _patch(link, known, _DONE | columns)


def amend_link(
    known: Link, tracking: Tracking, activity: ActivityId | None, *, follow: bool = False
) -> Operation:
    """Let a tracked link say what is so by now; why and since when it is tracked stays."""
    columns = {
        **({"tether_attachmentspending": True} if follow else {}),
        "tether_name": _name(tracking),
        "tether_detail": None,
        **_versioned(tracking.version),
        **_placed(tracking.place),
        **_tied(tracking.kind, activity),
    }
    return _patch(known.id, known, _DONE | columns)


def note_attachments(link: LinkId, notes: Iterable[str]) -> Operation:
    """Note that the attachments have followed, and which of them were left out, and why."""
    columns = {
        "tether_attachmentspending": False,
        "tether_notes": fit("\n".join(notes), MAX_NOTES) or None,
    }
    return Operation("PATCH", f"tether_links({link})", columns, if_match="*")


def fail_link(
    link: LinkId, known: Link | None, tracking: Tracking, why: str, now: datetime
) -> Operation:
    """Note that Dynamics refused the item's row, and why."""
    columns = {
        **_columns(tracking, now),
        "tether_state": LinkState.FAILED,
        "tether_detail": fit(why, 1000),
    }
    return _patch(link, known, _DONE | columns)


def ask_for(
    link: LinkId, known: Link | None, tracking: Tracking | None, request: Request, now: datetime
) -> Operation:
    """Note what was asked for an item; refused if the link is no longer as it was read.

    What a link says already stays until the reconcile has done it; `tracking` is for a new one.
    """
    columns: dict[str, Any] = {"tether_request": request.written()}
    if tracking:
        new = {"tether_state": LinkState.REQUESTED, "tether_trackedon": None}
        columns |= _columns(tracking, now) | new
    return _patch(link, known, columns)


def refuse_request(known: Link, why: str) -> Operation:
    """Note that what was asked for cannot be done, and why; a tracked item stays tracked."""
    state = LinkState.TRACKED if known.is_tracked else LinkState.FAILED
    return _patch(known.id, known, _DONE | {"tether_state": state, "tether_detail": fit(why, 1000)})


def _columns(tracking: Tracking, now: datetime) -> dict[str, Any]:
    return {
        "tether_name": _name(tracking),
        "tether_kind": TARGETS[tracking.kind].code,
        "tether_MailboxId@odata.bind": f"tether_mailboxes({tracking.mailbox})",
        "tether_itemid": tracking.item,
        **_versioned(tracking.version),
        **_placed(tracking.place),
        "tether_reason": tracking.reason,
        "tether_TrackedBy@odata.bind": f"systemusers({tracking.tracked_by})",
        "tether_trackedon": written(now),
        "tether_removedon": None,
    }


def _name(tracking: Tracking) -> str:
    return fit(tracking.subject or "(no subject)", 200)


def _versioned(version: Version | None) -> dict[str, Any]:
    if version is None:
        return {}
    # Text, because a date and time of Dataverse's has no fractions of a second.
    modified = version.modified.astimezone(UTC).isoformat()
    return {"tether_itemmodifiedon": modified, "tether_changekey": version.etag}


def _placed(place: Thread | Attendance | Memory | Progress | None) -> dict[str, Any]:
    match place:
        case Thread():
            index = place.conversation_index[:_MAX_CONVERSATION_INDEX]
            return {
                "tether_internetmessageid": fit(place.message_id, 1000),
                "tether_conversationroot": place.conversation_root or None,
                "tether_conversationindex": index or None,
            }
        case Attendance():
            return {
                "tether_globalid": fit(place.global_id, MAX_GLOBAL_ID),
                "tether_isorganizer": place.is_organizer,
                "tether_isseries": place.is_series,
                "tether_response": place.response or None,
                "tether_appointments": place.appointments,
            }
        case Memory():
            return {"tether_told": place.told or None, "tether_detail": place.detail or None}
        case Progress():
            return {"tether_status": place.status}
        case None:
            return {}


def _tied(kind: Kind, activity: ActivityId | None) -> dict[str, Any]:
    target = TARGETS[kind]
    return (
        {f"{target.navigation}@odata.bind": f"{target.entity_set}({activity})"} if activity else {}
    )


def _patch(link: LinkId, known: Link | None, columns: dict[str, Any]) -> Operation:
    return Operation(
        "PATCH",
        f"tether_links({link})",
        columns,
        if_match=known.etag if known else None,
        create_only=known is None,
    )


def remove_link(known: Link, why: str, now: datetime) -> Operation:
    """Note that the item is no longer tied to its row."""
    columns = {
        "tether_state": LinkState.REMOVED,
        "tether_removedon": written(now),
        "tether_detail": fit(why, 1000),
    }
    return _patch(known.id, known, _DONE | columns)
