"""The link: the row that ties one item in one mailbox to its row in Dynamics, and says why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import batched
from typing import Any
from urllib.parse import quote

from shared.dataverse import emails
from shared.dataverse.batch import Operation
from shared.dataverse.emails import Email
from shared.dataverse.query import rows_where_in
from shared.dataverse.requests import Action, Request
from shared.identifiers import ActivityId, ItemId, Kind, LinkId, MailboxId, SystemUserId

_SELECT = (
    "tether_linkid,tether_kind,tether_state,tether_itemid,tether_trackedon,_tether_mailboxid_value,"
    "tether_internetmessageid,tether_conversationindex,"
    "tether_itemmodifiedon,tether_changekey,"
    "tether_globalid,tether_isorganizer,tether_isseries,tether_response,tether_appointments,"
    "tether_told,tether_detail,tether_request,"
    "tether_status,tether_reason,_tether_trackedby_value,"
    "tether_notes,tether_attachmentspending,"
    "_tether_emailid_value,_tether_appointmentid_value,_tether_contactid_value,_tether_taskid_value"
)
MAX_GLOBAL_ID = 300
CONTACT = "tether_ContactId"
"""Leads from a link to its contact, where that is asked for together with the link."""
_LOOKUPS_IN_A_FILTER = 100


@dataclass(frozen=True, slots=True)
class Target:
    """How links of a kind point to the row an item is tied to."""

    code: int
    navigation: str
    entity_set: str

    @property
    def column(self) -> str:
        """The column of a link's row that holds the key it points to."""
        return f"_{self.navigation.lower()}_value"


TARGETS = {
    Kind.MAIL: Target(1, "tether_EmailId", "emails"),
    Kind.CALENDAR: Target(2, "tether_AppointmentId", "appointments"),
    Kind.CONTACTS: Target(3, CONTACT, "contacts"),
    Kind.TASKS: Target(4, "tether_TaskId", "tasks"),
}


KINDS = {target.code: kind for kind, target in TARGETS.items()}


class LinkState(IntEnum):
    """`tether_state`: whether the item is in Dynamics. `REQUESTED`: it never was, but is to be."""

    TRACKED = 1
    REMOVED = 2
    FAILED = 3
    REQUESTED = 4


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
    in step. `request` is what was asked for and is not done yet. `notes` are sentences on what was
    left out; `attachments_pending`: some files have yet to follow the row.
    """

    id: LinkId
    etag: str
    state: LinkState
    activity: ActivityId | None
    kind: Kind | None = None
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
    reason: Reason | None = None
    tracked_by: SystemUserId | None = None
    request: Request | None = None
    notes: tuple[str, ...] = ()
    attachments_pending: bool = False

    @property
    def is_tracked(self) -> bool:
        """Whether the item is in Dynamics."""
        return self.state is LinkState.TRACKED

    @property
    def save(self) -> Request | None:
        """The save that was asked for, if one was."""
        return self.request if self.request and self.request.action is Action.SAVE else None

    @property
    def removal(self) -> Request | None:
        """The removal that was asked for, if one was."""
        return self.request if self.request and self.request.action is Action.REMOVE else None


TRACKED_SERIES = (
    f"tether_links?$select={_SELECT}&$filter="
    f"tether_kind%20eq%20{TARGETS[Kind.CALENDAR].code}"
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


def links_of_meetings(global_ids: Collection[str], *, tracked_only: bool = True) -> list[Operation]:
    """Ask for all mailboxes' links of some meetings."""
    sought = {global_id for global_id in global_ids if len(global_id) <= MAX_GLOBAL_ID}
    return rows_where_in(
        "tether_links",
        ["tether_globalid"],
        sought,
        select=_SELECT,
        and_filter=f"tether_state eq {LinkState.TRACKED:d}" if tracked_only else "",
    )


def links_of_tasks(tasks: Collection[ActivityId]) -> list[Operation]:
    """Ask for the tracked links that are tied to some tasks."""
    return [
        _tracked(" or ".join(f"_tether_taskid_value eq {task}" for task in some))
        for some in batched(sorted(tasks), _LOOKUPS_IN_A_FILTER, strict=False)
    ]


def links_of_tasks_in(mailbox: MailboxId) -> Operation:
    """Ask for the links of all tracked tasks of a mailbox."""
    kind = TARGETS[Kind.TASKS].code
    return _tracked(f"_tether_mailboxid_value eq {mailbox} and tether_kind eq {kind}")


def _tracked(condition: str) -> Operation:
    whole = quote(f"tether_state eq {LinkState.TRACKED:d} and ({condition})", safe="")
    return Operation("GET", f"tether_links?$select={_SELECT}&$filter={whole}")


def link_row(row: Mapping[str, Any]) -> Link:
    """Read a `tether_link` row."""
    email = row.get("tether_EmailId")
    tied = (row[target.column] for target in TARGETS.values())
    tracked_on = row["tether_trackedon"]
    return Link(
        id=LinkId(row["tether_linkid"]),
        etag=row["@odata.etag"],
        state=_state(row["tether_state"]),
        activity=next((ActivityId(one) for one in tied if one), None),
        kind=KINDS.get(row["tether_kind"]),
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
        reason=Reason(row["tether_reason"]) if row["tether_reason"] in set(Reason) else None,
        tracked_by=row["_tether_trackedby_value"],
        request=Request.read(row["tether_request"]),
        notes=tuple((row["tether_notes"] or "").splitlines()),
        attachments_pending=bool(row["tether_attachmentspending"]),
    )


def _version(row: Mapping[str, Any]) -> Version | None:
    modified, etag = row["tether_itemmodifiedon"], row["tether_changekey"]
    return Version(datetime.fromisoformat(modified), etag) if modified and etag else None


def _state(value: int | None) -> LinkState:
    """Read a state; one that somebody emptied counts as removed, which the category heals."""
    return LinkState(value) if value in set(LinkState) else LinkState.REMOVED
