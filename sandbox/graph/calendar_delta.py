"""Delta over a calendar view: what has changed in a window since a token was given (graph.md 5)."""

from datetime import UTC, datetime

from sandbox.graph import listing, occurrences
from sandbox.graph.calendar import Calendar
from sandbox.graph.calendars import Calendars
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.event_views import EventView
from sandbox.graph.events import READ
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.rounds import Token
from sandbox.graph.windows import window
from sandbox.store import Document

_ADDRESSES = (
    "/users/{user}/calendarView/delta",
    "/users/{user}/calendar/calendarView/delta",
    "/users/{user}/calendars/{calendar}/calendarView/delta",
)
_TOKENS = ("$skiptoken", "$deltatoken")
_WINDOW = ("since", "until")
_BEGUN = "begun"


class CalendarDelta:
    """Answers delta queries of a window, which is frozen into the token.

    A series comes whole whenever anything in it has changed: its master, its exceptions, and its
    other occurrences stripped. Nothing tells that one of them is gone but its absence.
    """

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        return [Route("GET", address, self._delta, READ) for address in _ADDRESSES]

    async def _delta(self, call: Call) -> Answer:
        calendar = self._calendars.named(call.parameters["user"], call.parameters.get("calendar"))
        if refused := [n for n in call.query if n.startswith("$") and n not in _TOKENS]:
            raise bad_request(
                "The following parameters are not supported with change tracking over the "
                f"'CalendarView' resource: '{refused[0]}'.",
                "ErrorInvalidUrlQuery",
            )
        token = _token(call, calendar)
        view, size = EventView(call), listing.page_size(call)
        since, until = (datetime.fromtimestamp(int(token.options[n]), UTC) for n in _WINDOW)
        begun = int(token.options[_BEGUN])
        shown: list[Document] = []
        at = token.at
        more = False
        for event in _changes(calendar, token):
            if more := len(shown) >= size:
                break
            shown += _rows(event, since, until, view, begun)
            at = int(event["sequence"])
        name = "$skiptoken" if more else "$deltatoken"
        text = (
            token.write(token.since, at)
            if more
            else token.write(calendar.version, calendar.version)
        )
        address = f"{call.base_url}/{call.path.lstrip('/')}?{name}="
        body: Document = {
            "@odata.context": f"{call.base_url}/$metadata#Collection(event)",
            "@odata.nextLink" if more else "@odata.deltaLink": address + text,
            "value": shown,
        }
        return Answer(200, body, dict(view.applied))


def _token(call: Call, calendar: Calendar) -> Token:
    """Return where the caller is; a first request's options become part of the token."""
    if not any(name in call.query for name in _TOKENS):
        options = {
            name: str(int(at.timestamp())) for name, at in zip(_WINDOW, window(call), strict=True)
        }
        return Token(0, 0, {**options, _BEGUN: str(calendar.version)})
    token = Token.read(call, ())
    try:
        for name in (*_WINDOW, _BEGUN):
            datetime.fromtimestamp(int(token.options[name]), UTC)
    except (KeyError, ValueError, OverflowError) as error:
        raise GraphError(
            410,
            "SyncStateNotFound",
            "The sync state generation is not found; continuing it is impossible.",
        ) from error
    return token


def _changes(calendar: Calendar, token: Token) -> list[Document]:
    """Return what changed and what went since the token, in the order in which it happened."""
    rows = (*calendar.events(), *calendar.removed.values())
    return sorted(
        (row for row in rows if row["sequence"] > token.at), key=lambda row: int(row["sequence"])
    )


def _rows(
    event: Document, since: datetime, until: datetime, view: EventView, begun: int
) -> list[Document]:
    """Return what a changed event has in the window.

    One that has nothing in it is removed, unless it was so before the caller's first request.
    """
    kind = {"@odata.type": "#microsoft.graph.event"}
    found = occurrences.instances(event, since, until, view.zone) if "start" in event else []
    if not found:
        removed = {**kind, "id": view.id_of(event), "@removed": {"reason": "deleted"}}
        return [removed] if event["sequence"] > begun else []
    if event["recurrence"] is None:
        return [kind | view.event(event)]
    return [
        kind | view.event(event),
        *(
            kind | (view.event(one) if one["type"] == "exception" else view.stripped(one))
            for one in found
        ),
    ]
