"""What is attached to an event: listed, added, read."""

from sandbox.graph import listing
from sandbox.graph.calendar import Calendar
from sandbox.graph.calendars import Calendars
from sandbox.graph.drafts import checked_file, stored_file
from sandbox.graph.errors import GraphError
from sandbox.graph.events import READ, WRITE
from sandbox.graph.messages import attached_bytes
from sandbox.graph.protocol import Answer, Call, Handler, Route
from sandbox.graph.views import attachment
from sandbox.store import Document

_BASES = ("/users/{user}/events/{event}", "/users/{user}/calendar/events/{event}")


class EventAttachments:
    """Answers what is asked about the files of a person's events."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        below: list[tuple[str, str, Handler, frozenset[str]]] = [
            ("GET", "/attachments", self._list, READ),
            ("POST", "/attachments", self._add, WRITE),
            ("GET", "/attachments/{attachment}", self._get, READ),
            ("GET", "/attachments/{attachment}/$value", self._content, READ),
        ]
        return [
            Route(method, base + path, handler, roles)
            for base in _BASES
            for method, path, handler, roles in below
        ]

    async def _list(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
        kept = ["@odata.type", "id", *names]
        return listing.page(
            call,
            _shown(event),
            value_of=listing.property_of,
            show=lambda one: {k: v for k, v in one.items() if k in kept} if names else one,
            context=f"users('{calendar.mailbox}')/events('{event['id']}')/attachments",
        )

    async def _add(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        files = [*event.get("attachments", ()), stored_file(checked_file(call.json()))]
        seen = any(not one["isInline"] for one in files)
        changed = calendar.change(event, {"attachments": files, "hasAttachments": seen})
        return Answer(201, _shown(changed)[-1])

    async def _get(self, call: Call) -> Answer:
        _, event = self._find(call)
        return Answer(200, _shown(event)[_number(call, event)])

    async def _content(self, call: Call) -> Answer:
        _, event = self._find(call)
        stored = event["attachments"][_number(call, event)]
        return Answer(200, attached_bytes(stored), {"Content-Type": stored["contentType"]})

    def _find(self, call: Call) -> tuple[Calendar, Document]:
        calendar = self._calendars.calendar(call.parameters["user"])
        return calendar, calendar.event(call.parameters["event"])


def _shown(event: Document) -> list[Document]:
    return [
        attachment(event, number, one) for number, one in enumerate(event.get("attachments", ()))
    ]


def _number(call: Call, event: Document) -> int:
    shown = [one["id"] for one in _shown(event)]
    wanted = call.parameters["attachment"]
    if wanted not in shown:
        raise GraphError(404, "ErrorItemNotFound", "The specified attachment was not found.")
    return shown.index(wanted)
