"""The window a calendar is looked at through, and what is in it."""

from datetime import UTC, datetime

from sandbox.graph import occurrences, zones
from sandbox.graph.calendar import Calendar
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.protocol import Call
from sandbox.store import Document


def window(call: Call) -> tuple[datetime, datetime]:
    """Return the moments between which a call asks for events.

    Raises:
        GraphError: 400, one is missing or no date and time, or they are too far apart.
    """
    query = {name.lower(): value for name, value in call.query.items()}
    found: list[datetime] = []
    for name in ("startDateTime", "endDateTime"):
        text = query.get(name.lower(), "")
        if not text:
            message = (
                "This request requires a time window specified by the query string parameters "
                "StartDateTime and EndDateTime."
            )
            raise bad_request(message, "ErrorInvalidParameter")
        try:
            # A '+' that was not escaped came as a space.
            at = datetime.fromisoformat(text.strip().replace(" ", "+"))
            at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            message = f"The value '{text}' of parameter '{name}' is invalid."
            raise bad_request(message, "ErrorInvalidParameter") from error
        if at.year not in zones.YEARS:
            message = f"The value '{text}' of parameter '{name}' is out of range."
            raise bad_request(message, "ErrorInvalidParameter")
        found.append(at)
    since, until = found
    if until < since:
        raise bad_request(
            "The end of the window is before its start.",
            "ErrorCalendarEndDateIsEarlierThanStartDate",
        )
    if until - since > zones.LONGEST:
        raise GraphError(
            400,
            "ErrorCalendarViewRangeTooBig",
            "The range between the start and end dates is greater than the allowed range. "
            f"Maximum number of days: {zones.LONGEST.days}.",
        )
    return since, until


def in_window(calendar: Calendar, since: datetime, until: datetime, zone: str) -> list[Document]:
    """Return the single events and occurrences that overlap a window."""
    return [
        one
        for event in calendar.events()
        for one in occurrences.instances(event, since, until, zone)
    ]
