"""Events: list, read, make, change, delete; what they have in a window; calling off, answering."""

from sandbox.graph import event_input, ids, listing, occurrences
from sandbox.graph.calendar import Calendar
from sandbox.graph.calendars import Calendars
from sandbox.graph.errors import bad_request
from sandbox.graph.event_views import EventView, value_of
from sandbox.graph.event_wire import reply_of
from sandbox.graph.invitations import Invitations, Notice
from sandbox.graph.messages import check_version
from sandbox.graph.protocol import Answer, Call, Handler, Route
from sandbox.graph.windows import in_window, window
from sandbox.store import Document

READ = frozenset({"Calendars.Read", "Calendars.ReadWrite"})
WRITE = frozenset({"Calendars.ReadWrite"})
_CALENDARS = ("/users/{user}", "/users/{user}/calendar", "/users/{user}/calendars/{calendar}")
_ANSWERS = {
    "accept": "accepted",
    "decline": "declined",
    "tentativelyAccept": "tentativelyAccepted",
}


class Events:
    """Answers what is asked about a person's events."""

    def __init__(self, calendars: Calendars, invitations: Invitations) -> None:
        self._calendars = calendars
        self._invitations = invitations

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        below: list[tuple[str, str, Handler, frozenset[str]]] = [
            ("GET", "/events", self._list, READ),
            ("POST", "/events", self._create, WRITE),
            ("GET", "/events/{event}", self._get, READ),
            ("PATCH", "/events/{event}", self._update, WRITE),
            ("DELETE", "/events/{event}", self._delete, WRITE),
            ("GET", "/events/{event}/instances", self._instances, READ),
            ("POST", "/events/{event}/cancel", self._cancel, WRITE),
            *(
                ("POST", f"/events/{{event}}/{action}", self._answers(response), WRITE)
                for action, response in _ANSWERS.items()
            ),
            ("GET", "/calendarView", self._view, READ),
        ]
        calendars = [
            Route("GET", "/users/{user}/calendars", self._list_calendars, READ),
            Route("GET", "/users/{user}/calendar", self._get_calendar, READ),
            Route("GET", "/users/{user}/calendars/{calendar}", self._get_calendar, READ),
        ]
        return calendars + [
            Route(method, base + path, handler, roles)
            for base in _CALENDARS
            for method, path, handler, roles in below
        ]

    async def _list(self, call: Call) -> Answer:
        calendar = self._calendar(call)
        return _page(call, calendar, list(calendar.events()), "events")

    async def _create(self, call: Call) -> Answer:
        calendar, body = self._calendar(call), call.json()
        event = event_input.new_event(calendar, body)
        known = calendar.by_transaction(event["transactionId"])
        if known is None:
            known = calendar.add(event)
            self._invitations.sent(calendar, known)
        return _entity(call, calendar, known, status=201)

    async def _get(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        return _entity(call, calendar, event)

    async def _update(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        check_version(call, event)
        changes = event_input.changes_of(calendar, event, call.json())
        before = _whole(calendar, event)
        changed = calendar.change(event, changes)
        after = _whole(calendar, changed)
        self._invitations.changed(calendar, before, after, Notice(changed))
        return _entity(call, calendar, changed)

    async def _delete(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        check_version(call, event)
        self._remove(calendar, event, "")
        return Answer(204)

    async def _cancel(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        reply = reply_of(call)
        if not event["isOrganizer"]:
            text = "Your request can't be completed. You need to be an organizer to cancel a "
            raise bad_request(f"{text}meeting.", "ErrorInvalidRequest")
        self._remove(calendar, event, reply.comment or "")
        return Answer(202)

    def _answers(self, response: str) -> Handler:
        async def handler(call: Call) -> Answer:
            calendar, event = self._find(call)
            reply = reply_of(call)
            refusal = None
            if event["isOrganizer"]:
                refusal = "You can't respond to this meeting because you're the meeting organizer."
            elif event["isCancelled"]:
                refusal = "You can't respond to this meeting because it has been canceled."
            if refusal:
                text = f"Your request can't be completed. {refusal}"
                raise bad_request(text, "ErrorInvalidRequest")
            self._invitations.answered(calendar, event, response, reply)
            return Answer(202)

        return handler

    async def _instances(self, call: Call) -> Answer:
        calendar, event = self._find(call)
        since, until = window(call)
        if event["recurrence"] is None:
            text = "The expand series request is valid for a recurring master only."
            raise bad_request(text, "ErrorInvalidRequest")
        rows = occurrences.instances(event, since, until, EventView(call).zone)
        return _page(call, calendar, rows, f"events('{call.parameters['event']}')/instances")

    async def _view(self, call: Call) -> Answer:
        calendar = self._calendar(call)
        rows = in_window(calendar, *window(call), EventView(call).zone)
        return _page(call, calendar, rows, "calendarView")

    async def _list_calendars(self, call: Call) -> Answer:
        calendar = self._calendar(call)
        return listing.page(
            call,
            [_shown(calendar)],
            value_of=listing.property_of,
            show=lambda shown: shown,
            context=f"users('{calendar.mailbox}')/calendars",
        )

    async def _get_calendar(self, call: Call) -> Answer:
        calendar = self._calendar(call)
        context = f"{call.base_url}/$metadata#users('{calendar.mailbox}')/calendars/$entity"
        return Answer(200, {"@odata.context": context, **_shown(calendar)})

    def _remove(self, calendar: Calendar, event: Document, comment: str) -> None:
        """Remove an event or occurrence from its calendar, and call a meeting off."""
        before = _whole(calendar, event)
        calendar.remove(event)
        if event["seriesMasterId"] is None:
            self._invitations.withdrawn(calendar, event, comment)
        else:
            after = calendar.event(before["id"])
            self._invitations.changed(calendar, before, after, Notice(event, "CANCEL", comment))

    def _find(self, call: Call) -> tuple[Calendar, Document]:
        calendar = self._calendar(call)
        return calendar, calendar.event(call.parameters["event"])

    def _calendar(self, call: Call) -> Calendar:
        return self._calendars.named(call.parameters["user"], call.parameters.get("calendar"))


def _page(call: Call, calendar: Calendar, rows: list[Document], what: str) -> Answer:
    view = EventView(call)
    answer = listing.page(
        call,
        rows,
        value_of=value_of,
        show=view.event,
        context=f"users('{calendar.mailbox}')/{what}",
        default_order="start/dateTime",
    )
    answer.headers |= view.applied
    return answer


def _entity(call: Call, calendar: Calendar, event: Document, *, status: int = 200) -> Answer:
    view = EventView(call)
    context = f"{call.base_url}/$metadata#users('{calendar.mailbox}')/events"
    chosen = f"({','.join(view.select)})" if view.select else ""
    body = {"@odata.context": f"{context}{chosen}/$entity", **view.whole(event)}
    headers = {"ETag": ids.etag(event["changeKey"]), **view.applied}
    if status == 201:
        own = f"{call.base_url}/users('{calendar.mailbox}')/events('{view.id_of(event)}')"
        headers["Location"] = own
    return Answer(status, body, headers)


def _whole(calendar: Calendar, event: Document) -> Document:
    return event if event["seriesMasterId"] is None else calendar.series_of(event)


def _shown(calendar: Calendar) -> Document:
    person = calendar.person
    return {
        "id": calendar.id,
        "name": "Calendar",
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": True,
        "changeKey": calendar.change_key,
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": True,
        "isRemovable": False,
        "owner": {"name": person.display_name, "address": person.upn},
    }
