"""Events in a calendar: how they are asked for, and what of them matters (graph.md 8.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from pydantic import AliasPath, BaseModel, ConfigDict, Field, field_validator

from shared.graph.client import GraphRequest
from shared.graph.items import Address, Item, in_utc, with_categories
from shared.identifiers import ItemId, MailboxId

_SELECT = (
    "id,subject,body,start,end,isAllDay,location,attendees,organizer,isOrganizer,isCancelled,"
    "isDraft,responseStatus,showAs,sensitivity,importance,categories,type,seriesMasterId,"
    "originalStart,iCalUId,onlineMeeting,lastModifiedDateTime,hasAttachments"
)
_PREFER = {
    "Prefer": 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
}
_MOST_ON_A_PAGE = 500


class ShowAs(StrEnum):
    """How the time of an event is shown."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OUT_OF_OFFICE = "oof"
    WORKING_ELSEWHERE = "workingElsewhere"
    UNKNOWN = "unknown"


class EventType(StrEnum):
    """What an event is to a series."""

    SINGLE = "singleInstance"
    MASTER = "seriesMaster"
    OCCURRENCE = "occurrence"
    EXCEPTION = "exception"


class Attendee(Address):
    """Somebody invited; `type` is required, optional or resource."""

    type: str = "required"


class Event(Item):
    """An event as Graph shows it now; a series carries its `occurrences` in the window asked for.

    Times are UTC; those of an all-day event are midnights of no zone. `original_start` (UTC) is the
    slot a part of a series was made for. `more` is where the next page of occurrences is.
    """

    id: ItemId
    subject: str = ""
    body: str = Field(default="", validation_alias=AliasPath("body", "content"))
    start: datetime
    end: datetime
    is_all_day: bool = Field(default=False, alias="isAllDay")
    location: str = Field(default="", validation_alias=AliasPath("location", "displayName"))
    attendees: tuple[Attendee, ...] = ()
    organizer: Address | None = None
    is_organizer: bool = Field(default=False, alias="isOrganizer")
    is_cancelled: bool = Field(default=False, alias="isCancelled")
    is_draft: bool = Field(default=False, alias="isDraft")
    response: str = Field(default="", validation_alias=AliasPath("responseStatus", "response"))
    show_as: ShowAs = Field(default=ShowAs.BUSY, alias="showAs")
    sensitivity: str = "normal"
    importance: str = "normal"
    has_attachments: bool = Field(default=False, alias="hasAttachments")
    type: EventType = EventType.SINGLE
    series_master: str = Field(default="", alias="seriesMasterId")
    original_start: datetime | None = Field(default=None, alias="originalStart")
    ical_uid: str = Field(default="", alias="iCalUId")
    join_url: str = Field(default="", validation_alias=AliasPath("onlineMeeting", "joinUrl"))
    occurrences: tuple["Event", ...] | None = Field(default=None, exclude=True)
    more: str = Field(default="", exclude=True)

    @field_validator("start", "end", mode="before")
    @classmethod
    def _in_utc(cls, value: object) -> object:
        return in_utc(value)

    @field_validator("body", "location", "response", "join_url", mode="before")
    @classmethod
    def _no_text(cls, value: object) -> object:
        # Where an alias leads nowhere the object that should hold the text comes here.
        return value if isinstance(value, str) else ""

    @field_validator("show_as", mode="before")
    @classmethod
    def _unheard_of(cls, value: object) -> object:
        return value if value in set(ShowAs) else ShowAs.UNKNOWN

    @property
    def is_series(self) -> bool:
        """Whether it stands for its occurrences."""
        return self.type is EventType.MASTER

    @property
    def is_part(self) -> bool:
        """Whether it is one occurrence of a series."""
        return self.type in {EventType.OCCURRENCE, EventType.EXCEPTION}

    @property
    def is_private(self) -> bool:
        """Whether only those invited may see what it is about."""
        return self.sensitivity in {"private", "confidential"}


class Occurrences(BaseModel):
    """A page of a series' occurrences."""

    model_config = ConfigDict(extra="ignore")

    value: tuple[Event, ...]
    next_link: str = Field(default="", alias="@odata.nextLink")


def read_event(mailbox: MailboxId, item: ItemId) -> GraphRequest:
    """Ask for an event with all the rules need of it."""
    return GraphRequest("GET", f"{_path(mailbox, item)}?$select={_SELECT}", mailbox, dict(_PREFER))


def find_event(mailbox: MailboxId, ical_uid: str) -> GraphRequest:
    """Ask for the ids of the copies of a meeting in a mailbox."""
    condition = quote(f"iCalUId eq '{ical_uid.replace("'", "''")}'", safe="")
    path = f"/users/{mailbox}/events?$filter={condition}&$select=id"
    return GraphRequest("GET", path, mailbox)


def read_occurrences(
    mailbox: MailboxId, event: Event, since: datetime, until: datetime
) -> GraphRequest | None:
    """Ask for the occurrences of a series that touch a window, or for their next page."""
    if event.more:
        return GraphRequest("GET", event.more, mailbox, dict(_PREFER))
    if event.occurrences is not None or not event.is_series:
        return None
    window = f"startDateTime={_graph_time(since)}&endDateTime={_graph_time(until)}"
    path = f"{_path(mailbox, event.id)}/instances?{window}&$select={_SELECT}&$top={_MOST_ON_A_PAGE}"
    return GraphRequest("GET", path, mailbox, dict(_PREFER))


def with_occurrences(event: Event, body: Mapping[str, Any]) -> Event:
    """Return a series with one more page of its occurrences.

    Raises:
        ValidationError: the page has a shape nobody knows.
    """
    page = Occurrences.model_validate(body)
    return event.model_copy(
        update={
            "occurrences": (*(event.occurrences or ()), *page.value),
            # Requests of a batch are relative to the version.
            "more": page.next_link.partition("/v1.0")[2],
        }
    )


def set_event_categories(
    mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
) -> GraphRequest:
    """Replace an event's categories, unless it has changed since `etag`: then Graph answers 412."""
    return with_categories(_path(mailbox, item), mailbox, etag, categories)


def _path(mailbox: MailboxId, item: ItemId) -> str:
    return f"/users/{mailbox}/events/{quote(item, safe='')}"


def _graph_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
