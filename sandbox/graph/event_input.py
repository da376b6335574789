"""What a caller may write into an event, checked and made into what is stored."""

from datetime import date, datetime
from typing import Any

from sandbox.graph import recurrence, zones
from sandbox.graph.calendar import Calendar
from sandbox.graph.drafts import checked, deeply_clean
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.event_wire import EventChanges, NewEvent
from sandbox.store import Document
from sandbox.tenant import Person

NEVER = "0001-01-01T00:00:00Z"
OWN = frozenset({"categories", "showAs", "isReminderOn", "reminderMinutesBeforeStart"})
"""What of a meeting is its attendee's to change; all else is the organizer's."""


def new_event(calendar: Calendar, body: Document) -> Document:
    """Return an event, ready to be put in the calendar of who makes it.

    Raises:
        GraphError: 400, a property is missing, unknown, read-only or wrong.
    """
    stated = _stated(checked(NewEvent, body))
    for name in ("start", "end"):
        if name not in stated:
            raise _invalid(f"The Event.{name.capitalize()} property is required.")
    blank = blank_event(calendar.person)
    return {**blank, **_settled(calendar, blank, stated)}


def changes_of(calendar: Calendar, event: Document, body: Document) -> Document:
    """Return the properties a PATCH changes.

    Raises:
        GraphError: 400, a property is unknown, read-only, wrong, or not the caller's to change.
    """
    stated = _stated(checked(EventChanges, body))
    if not event["isOrganizer"] and (others := sorted(stated.keys() - OWN)):
        raise bad_request(
            f"The property '{others[0]}' can be changed by the organizer only.",
            "ErrorInvalidPropertySet",
        )
    if event["seriesMasterId"] is not None and stated.pop("recurrence", None):
        raise _invalid("An occurrence has no recurrence of its own.")
    return _settled(calendar, event, stated)


def blank_event(person: Person) -> Document:
    """Return an event of that organizer in which nothing is stated."""
    return {
        "categories": [],
        "transactionId": None,
        "originalStartTimeZone": "UTC",
        "originalEndTimeZone": "UTC",
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": True,
        "hasAttachments": False,
        "subject": "",
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "isDraft": False,
        "responseRequested": True,
        "seriesMasterId": None,
        "showAs": "busy",
        "originalStart": None,
        "onlineMeetingUrl": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "onlineMeeting": None,
        "allowNewTimeProposals": True,
        "hideAttendees": False,
        "recurrence": None,
        "responseStatus": {"response": "organizer", "time": NEVER},
        "body": {"contentType": "html", "content": ""},
        "attendees": [],
        "organizer": {"emailAddress": {"name": person.display_name, "address": person.upn}},
        **placed([]),
    }


def placed(locations: list[Document]) -> Document:
    """Return `location` and `locations` of an event that is held there."""
    shown = [_location(one) for one in locations if one.get("displayName")]
    nowhere = {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"}
    return {"location": shown[0] if shown else nowhere, "locations": shown}


def _settled(calendar: Calendar, event: Document, stated: Document) -> Document:
    """Return what is stated with all that follows from it."""
    changes = stated | _times(event, stated)
    if "locations" in stated or "location" in stated:
        changes |= placed(stated.get("locations") or [stated.get("location") or {}])
    if "attendees" in stated:
        changes["attendees"] = _attendees(event, stated["attendees"])
    changes.pop("isOnlineMeeting", None)
    if stated.get("isOnlineMeeting") and not event["isOnlineMeeting"]:
        changes["isOnlineMeeting"] = True
        changes.setdefault("onlineMeetingProvider", "teamsForBusiness")
        changes["onlineMeeting"] = {"joinUrl": calendar.new_join_url()}
    return changes


def _stated(given: EventChanges) -> Document:
    stated: Document = deeply_clean(given.model_dump(exclude_unset=True))
    empty = [name for name, value in stated.items() if value is None and name != "recurrence"]
    stated = {name: value for name, value in stated.items() if name not in empty}
    if "body" in stated:
        stated["body"] = {
            "contentType": stated["body"].get("contentType", "text").lower(),
            "content": stated["body"].get("content", ""),
        }
    if "categories" in stated:
        stated["categories"] = list(dict.fromkeys(stated["categories"]))
    return stated


def _times(event: Document, stated: Document) -> Document:
    """Return start, end and recurrence as they are kept, when any of them is stated."""
    if not stated.keys() & {"start", "end", "isAllDay", "recurrence"}:
        return {}
    all_day = bool(stated.get("isAllDay", event["isAllDay"]))
    changes: Document = {}
    for name in ("start", "end"):
        raw = stated.get(name) or _raw(event, name)
        local = _local(raw, name)
        if all_day and (local.hour, local.minute, local.second) != (0, 0, 0):
            text = f"The Event.{name.capitalize()} property for an all-day event needs to be set "
            raise _invalid(f"{text}to midnight.")
        at = local if all_day else zones.moment(local, raw["timeZone"])
        changes[name] = zones.stamp(at, raw["timeZone"] if all_day else "UTC")
        changes[f"original{name.capitalize()}TimeZone"] = raw["timeZone"]
    begin, end = changes["start"]["dateTime"], changes["end"]["dateTime"]
    if end < begin or (all_day and end == begin):
        text = "The end of an event must not be before its start; a whole day lasts until the next."
        raise bad_request(text, "ErrorCalendarEndDateIsEarlierThanStartDate")
    if zones.utc(changes["end"]) - zones.utc(changes["start"]) > zones.LONGEST:
        text = f"An event must not last longer than {zones.LONGEST.days} days."
        raise bad_request(text, "ErrorCalendarDurationIsTooLong")
    return changes | _recurrence(event, stated, changes, all_day=all_day)


def _recurrence(event: Document, stated: Document, times: Document, *, all_day: bool) -> Document:
    """Return the recurrence that is stated, or the one there is when the start or zone is new."""
    given = stated["recurrence"] if "recurrence" in stated else event["recurrence"]
    if given is None or event["seriesMasterId"] is not None:
        return {"recurrence": None} if "recurrence" in stated else {}
    limit = dict(given["range"])
    if "recurrence" not in stated:
        limit["startDate"] = None
        if "start" in stated:
            limit["recurrenceTimeZone"] = None
    zone = limit.get("recurrenceTimeZone") or times["originalStartTimeZone"]
    zones.zone(zone)
    start = datetime.fromisoformat(times["start"]["dateTime"])
    if not all_day:
        start = zones.wall(zones.utc(times["start"]), zone)
    for name in ("startDate", "endDate"):
        _check_date(limit.get(name))
    return {"recurrence": recurrence.complete(given["pattern"], limit, zone, start.date())}


def _raw(event: Document, name: str) -> Document:
    """Return when an event begins or ends as it was stated at first."""
    zone = event[f"original{name.capitalize()}TimeZone"]
    if event["isAllDay"]:
        return {"dateTime": event[name]["dateTime"], "timeZone": zone}
    return zones.stamp(zones.wall(zones.utc(event[name]), zone), zone)


def _local(stamp: Document, name: str) -> datetime:
    """Return what a wall clock shows in the stated zone."""
    zone = stamp.setdefault("timeZone", "UTC")
    zones.zone(zone)
    try:
        stated = datetime.fromisoformat(stamp["dateTime"])
    except ValueError as error:
        raise _invalid(f"{name}.dateTime '{stamp['dateTime']}' is no date and time.") from error
    if stated.year not in zones.YEARS:
        raise _invalid(f"{name}.dateTime must be between the years 1900 and 4500.")
    local = stated if stated.tzinfo is None else zones.wall(stated, zone)
    return local.replace(microsecond=0)


def _check_date(text: str | None) -> None:
    try:
        date.fromisoformat(text or recurrence.NO_DATE)
    except ValueError as error:
        raise _invalid(f"'{text}' is no date.") from error


def _attendees(event: Document, stated: list[Document]) -> list[Document]:
    """Return who is invited; whoever was before keeps the answer given."""
    answers = {address_of(one): one["status"] for one in event["attendees"]}
    invited: dict[str, Document] = {}
    for one in stated:
        email = one["emailAddress"]
        address = (email.get("address") or "").strip()
        if not address:
            raise bad_request("An attendee needs an address.", "ErrorInvalidRecipients")
        invited[address.lower()] = {
            "type": one.get("type", "required"),
            "status": answers.get(address.lower(), {"response": "none", "time": NEVER}),
            "emailAddress": {"name": email.get("name") or address, "address": address},
        }
    return list(invited.values())


def address_of(attendee: Document) -> str:
    """Return an attendee's address for comparison."""
    return str(attendee["emailAddress"].get("address") or "").lower()


def _location(stated: dict[str, Any]) -> Document:
    name = stated["displayName"]
    usual = {"locationType": "default", "uniqueId": name, "uniqueIdType": "private"}
    return {**usual, **{key: value for key, value in stated.items() if value is not None}}


def _invalid(text: str) -> GraphError:
    return GraphError(
        400, "ErrorPropertyValidationFailure", f"At least one property failed validation. {text}"
    )
