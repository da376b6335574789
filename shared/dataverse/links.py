"""The link: the row that ties one item in one mailbox to its row in Dynamics, and says why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from itertools import batched
from typing import Any
from urllib.parse import quote

from shared.dataverse import emails
from shared.dataverse.batch import Operation
from shared.dataverse.emails import Email
from shared.dataverse.mailboxes import written
from shared.dataverse.query import rows_where_in
from shared.dataverse.text import fit
from shared.identifiers import ActivityId, ItemId, Kind, LinkId, MailboxId, SystemUserId

_SELECT = (
    "tether_linkid,tether_state,tether_itemid,tether_trackedon,_tether_mailboxid_value,"
    "tether_internetmessageid,tether_conversationindex,"
    "tether_itemmodifiedon,tether_changekey,"
    "tether_globalid,tether_isorganizer,tether_isseries,tether_response,tether_appointments,"
    "tether_told,tether_detail,"
    "tether_status,"
    "_tether_emailid_value,_tether_appointmentid_value,_tether_contactid_value,_tether_taskid_value"
)
_MAX_CONVERSATION_INDEX = 2000
_MAX_GLOBAL_ID = 300
CONTACT = "tether_ContactId"
"""Leads from a link to its contact, where that is asked for together with the link."""
_LOOKUPS_IN_A_FILTER = 100


@dataclass(frozen=True, slots=True)
class _Target:
    """How links of a kind point to the row an item is tied to."""

    code: int
    navigation: str
    entity_set: str

    @property
    def column(self) -> str:
        return f"_{self.navigation.lower()}_value"


_TARGETS = {
    Kind.MAIL: _Target(1, "tether_EmailId", "emails"),
    Kind.CALENDAR: _Target(2, "tether_AppointmentId", "appointments"),
    Kind.CONTACTS: _Target(3, CONTACT, "contacts"),
    Kind.TASKS: _Target(4, "tether_TaskId", "tasks"),
}


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
class Version:
    """Which version of an item: when it came to be (UTC), and its ETag."""

    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True)
class Link:
    """A `tether_link` row; `etag` guards a write to it, `email` is its activity where asked for.

    `version` is that of the item its row was last made to follow, where a kind keeps that;
    `appointments` is how many rows its meeting had, `status` what its task's status in Outlook was,
    `told` what the item said of its row, when the link was last written; `detail` is why it is not
    in step.
    """

    id: LinkId
    etag: str
    state: LinkState
    activity: ActivityId | None
    mailbox: MailboxId | None = None
    item: ItemId | None = None
    tracked_on: datetime | None = None
    version: Version | None = None
    message_id: str = ""
    conversation_index: str = ""
    email: Email | None = None
    global_id: str = ""
    is_organizer: bool = False
    is_series: bool = False
    response: str = ""
    appointments: int = 0
    told: str = ""
    detail: str = ""
    status: str = ""


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


TRACKED_SERIES = (
    f"tether_links?$select={_SELECT}&$filter="
    f"tether_kind%20eq%20{_TARGETS[Kind.CALENDAR].code}"
    f"%20and%20tether_state%20eq%20{LinkState.TRACKED:d}%20and%20tether_isseries%20eq%20true"
)


def links_with_id(links: Collection[LinkId], *, contact: str = "") -> list[Operation]:
    """Ask for links by key, with the columns `contact` of the contacts they are tied to."""
    expand = f"{CONTACT}($select={contact})" if contact else ""
    return rows_where_in("tether_links", ["tether_linkid"], links, select=_SELECT, expand=expand)


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


def links_of_meetings(global_ids: Collection[str]) -> list[Operation]:
    """Ask for all mailboxes' tracked links of some meetings."""
    sought = {global_id for global_id in global_ids if len(global_id) <= _MAX_GLOBAL_ID}
    return rows_where_in(
        "tether_links",
        ["tether_globalid"],
        sought,
        select=_SELECT,
        and_filter=f"tether_state eq {LinkState.TRACKED:d}",
    )


def links_of_tasks(tasks: Collection[ActivityId]) -> list[Operation]:
    """Ask for the tracked links that are tied to some tasks."""
    return [
        _tracked(" or ".join(f"_tether_taskid_value eq {task}" for task in some))
        for some in batched(sorted(tasks), _LOOKUPS_IN_A_FILTER, strict=False)
    ]


def links_of_tasks_in(mailbox: MailboxId) -> Operation:
    """Ask for the links of all tracked tasks of a mailbox."""
    kind = _TARGETS[Kind.TASKS].code
    return _tracked(f"_tether_mailboxid_value eq {mailbox} and tether_kind eq {kind}")


def _tracked(condition: str) -> Operation:
    whole = quote(f"tether_state eq {LinkState.TRACKED:d} and ({condition})", safe="")
    return Operation("GET", f"tether_links?$select={_SELECT}&$filter={whole}")


def link_row(row: Mapping[str, Any]) -> Link:
    """Read a `tether_link` row."""
    email = row.get("tether_EmailId")
    tied = (row[target.column] for target in _TARGETS.values())
    tracked_on = row["tether_trackedon"]
    return Link(
        id=LinkId(row["tether_linkid"]),
        etag=row["@odata.etag"],
        state=_state(row["tether_state"]),
        activity=next((ActivityId(one) for one in tied if one), None),
        mailbox=row["_tether_mailboxid_value"],
        item=row["tether_itemid"],
        tracked_on=datetime.fromisoformat(tracked_on) if tracked_on else None,
        version=_version(row),
        message_id=row["tether_internetmessageid"] or "",
        conversation_index=row["tether_conversationindex"] or "",
        email=emails.email_row(email) if email else None,
        global_id=row["tether_globalid"] or "",
        is_organizer=bool(row["tether_isorganizer"]),
        is_series=bool(row["tether_isseries"]),
        response=row["tether_response"] or "",
        appointments=row["tether_appointments"] or 0,
        told=row["tether_told"] or "",
        detail=row["tether_detail"] or "",
        status=row["tether_status"] or "",
    )


def _version(row: Mapping[str, Any]) -> Version | None:
    modified, etag = row["tether_itemmodifiedon"], row["tether_changekey"]
    return Version(datetime.fromisoformat(modified), etag) if modified and etag else None


def _state(value: int | None) -> LinkState:
    """Read a state; one that somebody emptied counts as removed, which the category heals."""
    return LinkState(value) if value in set(LinkState) else LinkState.REMOVED


def write_link(
    link: LinkId, known: Link | None, tracking: Tracking, activity: ActivityId | None, now: datetime
) -> Operation:
    """Tie the item to its row; refused if the link is no longer as it was read.

    A series of meetings has many rows, found by its global id: then `activity` is None.
    """
    columns = {
        "tether_detail": None,
        **_columns(tracking, now),
        **_tied(tracking.kind, activity),
        "tether_state": LinkState.TRACKED,
    }
    return _patch(link, known, columns)


def amend_link(known: Link, tracking: Tracking, activity: ActivityId | None) -> Operation:
    """Let a tracked link say what is so by now; why and since when it is tracked stays."""
    columns = {
        "tether_name": _name(tracking),
        **_versioned(tracking.version),
        **_placed(tracking.place),
        **_tied(tracking.kind, activity),
    }
    return _patch(known.id, known, columns)


def fail_link(
    link: LinkId, known: Link | None, tracking: Tracking, why: str, now: datetime
) -> Operation:
    """Note that Dynamics refused the item's row, and why."""
    columns = {
        **_columns(tracking, now),
        "tether_state": LinkState.FAILED,
        "tether_detail": fit(why, 1000),
    }
    return _patch(link, known, columns)


def _columns(tracking: Tracking, now: datetime) -> dict[str, Any]:
    return {
        "tether_name": _name(tracking),
        "tether_kind": _TARGETS[tracking.kind].code,
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
                "tether_globalid": fit(place.global_id, _MAX_GLOBAL_ID),
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
    target = _TARGETS[kind]
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
    return Operation("PATCH", f"tether_links({known.id})", columns, if_match=known.etag)
