"""Mailbox settings: the time zone in which a person lives."""

from sandbox.graph.calendar import Calendar
from sandbox.graph.calendars import Calendars
from sandbox.graph.errors import bad_request
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.store import Document

READ = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
WRITE = frozenset({"MailboxSettings.ReadWrite"})
_SETTINGS = "/users/{user}/mailboxSettings"


class MailboxSettings:
    """Answers what is asked about a mailbox's settings; only the time zone can be set."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        return [
            Route("GET", _SETTINGS, self._get, READ),
            Route("PATCH", _SETTINGS, self._update, WRITE),
            Route("GET", f"{_SETTINGS}/timeZone", self._zone, READ),
        ]

    async def _get(self, call: Call) -> Answer:
        return _answer(call, self._calendars.calendar(call.parameters["user"]))

    async def _update(self, call: Call) -> Answer:
        calendar = self._calendars.calendar(call.parameters["user"])
        body = {name: one for name, one in call.json().items() if "@odata." not in name}
        if others := sorted(body.keys() - {"timeZone"}):
            raise bad_request(f"The setting '{others[0]}' cannot be changed here.")
        zone = body.get("timeZone")
        if not isinstance(zone, str):
            raise bad_request("timeZone must be the name of a time zone.", "ErrorInvalidRequest")
        calendar.live_in(zone)
        return _answer(call, calendar)

    async def _zone(self, call: Call) -> Answer:
        calendar = self._calendars.calendar(call.parameters["user"])
        context = f"{_context(call, calendar)}/timeZone"
        return Answer(200, {"@odata.context": context, "value": calendar.zone})


def _answer(call: Call, calendar: Calendar) -> Answer:
    settings: Document = {
        "timeZone": calendar.zone,
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "language": {"locale": "en-US", "displayName": "English (United States)"},
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": calendar.zone},
        },
    }
    return Answer(200, {"@odata.context": _context(call, calendar), **settings})


def _context(call: Call, calendar: Calendar) -> str:
    return f"{call.base_url}/$metadata#users('{calendar.mailbox}')/mailboxSettings"
