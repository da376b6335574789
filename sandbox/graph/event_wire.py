"""The writable properties of an event, as callers send them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from sandbox.graph.drafts import Body, EmailAddress, Wire, Wrapped, checked
from sandbox.graph.protocol import Call

Day = Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
MOST_ATTENDEES = 500


def _as_written(value: object) -> object:
    """Take an enumeration's member whatever the case of its first letter."""
    return value[:1].lower() + value[1:] if isinstance(value, str) else value


type Member[T] = Annotated[T, BeforeValidator(_as_written)]


class Stamp(Wire):
    """A dateTimeTimeZone: what a wall clock shows, and where."""

    dateTime: str  # noqa: N815
    timeZone: str = "UTC"  # noqa: N815


class Place(BaseModel):
    """A location; what else is said of it is kept as it is given."""

    model_config = ConfigDict(extra="allow")

    displayName: str | None = None  # noqa: N815


class Attendee(Wire):
    """Who is invited. The status is the service's to keep and is taken without effect."""

    emailAddress: Wrapped[EmailAddress]  # noqa: N815
    type: Member[Literal["required", "optional", "resource"]] = "required"
    status: Any = None
    proposedNewTime: Any = None  # noqa: N815


class Pattern(Wire):
    """How often."""

    type: Member[
        Literal[
            "daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly",
            "relativeYearly",
        ]
    ]  # fmt: skip
    interval: int = Field(ge=1, le=999)
    month: int | None = Field(default=None, ge=0, le=12)
    dayOfMonth: int | None = Field(default=None, ge=0, le=31)  # noqa: N815
    daysOfWeek: list[Member[Day]] | None = None  # noqa: N815
    firstDayOfWeek: Member[Day] | None = None  # noqa: N815
    index: Member[Literal["first", "second", "third", "fourth", "last"]] | None = None


class Range(Wire):
    """From when until when."""

    type: Member[Literal["endDate", "noEnd", "numbered"]]
    startDate: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")  # noqa: N815
    endDate: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")  # noqa: N815
    numberOfOccurrences: int | None = Field(default=None, ge=0, le=999)  # noqa: N815
    recurrenceTimeZone: str | None = None  # noqa: N815


class Recurrence(Wire):
    """A patternedRecurrence."""

    pattern: Wrapped[Pattern]
    range: Wrapped[Range]


class EventChanges(Wire):
    """The writable properties of an event; what is missing stays as it is."""

    subject: str | None = None
    body: Wrapped[Body] | None = None
    start: Wrapped[Stamp] | None = None
    end: Wrapped[Stamp] | None = None
    isAllDay: StrictBool | None = None  # noqa: N815
    location: Wrapped[Place] | None = None
    locations: list[Wrapped[Place]] | None = None
    attendees: list[Wrapped[Attendee]] | None = Field(default=None, max_length=MOST_ATTENDEES)
    recurrence: Wrapped[Recurrence] | None = None
    showAs: (  # noqa: N815
        Member[Literal["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"]] | None
    ) = None
    sensitivity: Member[Literal["normal", "personal", "private", "confidential"]] | None = None
    importance: Member[Literal["low", "normal", "high"]] | None = None
    categories: list[Annotated[str, Field(min_length=1, max_length=255)]] | None = None
    isReminderOn: StrictBool | None = None  # noqa: N815
    reminderMinutesBeforeStart: int | None = Field(default=None, ge=0)  # noqa: N815
    responseRequested: StrictBool | None = None  # noqa: N815
    isOnlineMeeting: StrictBool | None = None  # noqa: N815
    onlineMeetingProvider: (  # noqa: N815
        Member[Literal["unknown", "teamsForBusiness", "skypeForBusiness", "skypeForConsumer"]]
        | None
    ) = None
    allowNewTimeProposals: StrictBool | None = None  # noqa: N815
    hideAttendees: StrictBool | None = None  # noqa: N815


class NewEvent(EventChanges):
    """What may be given at creation only, too."""

    transactionId: str | None = Field(default=None, max_length=255)  # noqa: N815


class Reply(Wire):
    """What an attendee answers an invitation, or an organizer says when calling it off."""

    comment: str | None = None
    sendResponse: StrictBool = True  # noqa: N815
    proposedNewTime: Any = None  # noqa: N815


def reply_of(call: Call) -> Reply:
    """Return an action's parameters, whatever the case of their names.

    Raises:
        GraphError: 400, one is unknown or of a wrong type.
    """
    known = {name.lower(): name for name in Reply.model_fields}
    given = call.json() if call.content else {}
    return checked(Reply, {known.get(name.lower(), name): one for name, one in given.items()})
