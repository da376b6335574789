"""What a caller sees of an event: the properties asked for, in the zone and form asked for."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.graph import ids, listing, occurrences, views, zones
from sandbox.graph.errors import bad_request
from sandbox.graph.protocol import Call
from sandbox.graph.text import in_format
from sandbox.store import Document

EVENT = (
    "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "transactionId",
    "originalStartTimeZone", "originalEndTimeZone", "iCalUId", "reminderMinutesBeforeStart",
    "isReminderOn", "hasAttachments", "subject", "bodyPreview", "importance", "sensitivity",
    "originalStart", "isAllDay", "isCancelled", "isOrganizer", "responseRequested",
    "seriesMasterId", "showAs", "type", "webLink", "onlineMeetingUrl", "isOnlineMeeting",
    "onlineMeetingProvider", "allowNewTimeProposals", "isDraft", "hideAttendees",
    "responseStatus", "body", "start", "end", "location", "locations", "recurrence",
    "attendees", "organizer", "onlineMeeting",
)  # fmt: skip
CANCELLED = "cancelledOccurrences"
EXCEPTIONS = "exceptionOccurrences"


class EventView:
    """How one call wants its events: `$select`, `$expand` and `Prefer` (graph.md 8.1, 8.3).

    Raises:
        GraphError: 400, a property is not an event's, or nobody knows the preferred time zone.
    """

    def __init__(self, call: Call) -> None:
        preferences = call.preferences()
        self.immutable = call.immutable_ids
        self.zone = preferences.get("outlook.timezone") or "UTC"
        zones.zone(self.zone)
        self._body_format = preferences.get("outlook.body-content-type", "html").lower()
        self._unsafe = "outlook.allow-unsafe-html" in preferences
        self.select = views.selected(call.query.get("$select"), ("id", *EVENT, CANCELLED), "event")
        self._expand = views.expanded(call.query.get("$expand", ""), (EXCEPTIONS,), "event")
        self.applied = views.applied(preferences)

    def id_of(self, event: Document) -> str:
        """Return the id the caller knows the event by."""
        return str(event["id"] if self.immutable else event["regularId"])

    def event(self, event: Document) -> Document:
        """Return an event as the caller asked for it."""
        shown: Document = {"@odata.etag": ids.etag(event["changeKey"]), "id": self.id_of(event)}
        for name in self.select or EVENT:
            if name not in ("id", CANCELLED):
                shown[name] = self._property(event, name)
        return shown

    def whole(self, event: Document) -> Document:
        """Return an event with what only the answer about it alone can hold."""
        shown = self.event(event)
        if CANCELLED in self.select:
            days = sorted(event["cancelled"])
            shown[CANCELLED] = [f"OID.{self.id_of(event)}.{day}" for day in days]
        if EXCEPTIONS in self._expand:
            shown[EXCEPTIONS] = [self.event(one) for one in occurrences.exceptions(event)]
        return shown

    def stripped(self, event: Document) -> Document:
        """Return an occurrence as delta reports it: where it is, not what it is (graph.md 5)."""
        return {
            "@odata.etag": ids.etag(event["changeKey"]),
            "id": self.id_of(event),
            **{name: self._property(event, name) for name in ("seriesMasterId", "type")},
            **{name: self._property(event, name) for name in ("start", "end")},
        }

    def _property(self, event: Document, name: str) -> Any:  # noqa: ANN401 - JSON
        match name:
            case "start" | "end":
                return self._when(event, name)
            case "seriesMasterId" if not self.immutable:
                return event.get("seriesRegularId")
            case "body":
                return in_format(event["body"], self._body_format, unsafe=self._unsafe)
            case "webLink":
                shown = quote(event["regularId"], safe="")
                address = "https://outlook.office365.com/owa/?itemid="
                return f"{address}{shown}&exvsurl=1&path=/calendar/item"
            case _:
                return event.get(name)

    def _when(self, event: Document, name: str) -> Document:
        if event["isAllDay"]:
            return {"dateTime": event[name]["dateTime"], "timeZone": self.zone}
        if self.zone == "UTC":
            return dict(event[name])
        at = datetime.fromisoformat(event[name]["dateTime"]).replace(tzinfo=UTC)
        return zones.stamp(zones.wall(at, self.zone), self.zone)


def value_of(event: Document, path: str) -> object:
    """Return what a filter or an order reads of an event; times are read in UTC.

    Raises:
        GraphError: 400, events have no such property.
    """
    name = path.partition("/")[0]
    if name != "id" and name not in EVENT:
        raise bad_request(
            f"Could not find a property named '{path}' on type 'microsoft.graph.event'.",
            "RequestBroker--ParseUri",
        )
    return listing.property_of(event, path)
