"""A VEVENT as the event that its calendar's owner has of it."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from dateutil.tz import resolve_imaginary
from icalendar import Component, vCalAddress, vDDDTypes, vDuration

from sandbox.graph import zones
from sandbox.graph.event_input import NEVER, blank_event, placed
from sandbox.graph.icalendar_file import every, first, text_of
from sandbox.store import Document
from sandbox.tenant import Person

_SENSITIVITY = {"PRIVATE": "private", "CONFIDENTIAL": "confidential"}
_ANSWERS = {
    "ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentativelyAccepted",
}  # fmt: skip
_ATTENDANCE = {"OPT-PARTICIPANT": "optional", "NON-PARTICIPANT": "optional"}
_RESOURCES = ("RESOURCE", "ROOM")


class When(NamedTuple):
    """When a component begins or ends: local time, its zone's name, the zone; whole days have none.

    A zone that only the file knows has no name.
    """

    local: datetime
    name: str | None
    zone: tzinfo | None
    whole_day: bool

    def stamp(self, local: datetime | None = None) -> Document:
        """Return it, or another local time in its zone, as events keep it."""
        at = local or self.local
        if self.whole_day or self.zone is None:
            return zones.stamp(at)
        return zones.stamp(resolve_imaginary(at.replace(tzinfo=self.zone)).astimezone(UTC))


def when(stated: object, own_zone: str, name: str) -> When:
    """Read a date or time; one that floats is the owner's.

    Raises:
        ValueError: it is missing or unreadable, or nobody knows its zone.
    """
    at = stated.dt if isinstance(stated, vDDDTypes) else stated
    if not isinstance(at, date):
        raise ValueError(f"{name} is missing or unreadable")  # noqa: TRY004 - about a file
    if at.year not in zones.YEARS:
        raise ValueError(f"{name} is not between the years 1900 and 4500")
    if not isinstance(at, datetime):
        return When(datetime(at.year, at.month, at.day), "UTC", None, whole_day=True)  # noqa: DTZ001
    local = at.replace(tzinfo=None, microsecond=0)
    zone_name = str(getattr(stated, "params", {}).get("TZID", "")).strip("/")
    if at.tzinfo is None:
        if zone_name and not zones.is_zone(zone_name):
            raise ValueError(f"{name} is in the time zone '{zone_name}', which is not defined")
        zone_name = zone_name or own_zone
        return When(local, zone_name, zones.zone(zone_name), whole_day=False)
    known = [one for one in (zone_name, getattr(at.tzinfo, "key", "")) if one]
    if at.utcoffset() == timedelta(0) and not known:
        known = ["UTC"]
    found = next((one for one in known if zones.is_zone(one)), None)
    zone = zones.zone(found) if found else at.tzinfo
    return When(local, found, zone, whole_day=False)


def span(component: Component, own_zone: str) -> tuple[When, When]:
    """Return when a component begins and ends.

    Raises:
        ValueError: it does not say, or the other way round.
    """
    begin = when(first(component, "DTSTART"), own_zone, "DTSTART")
    length = first(component, "DURATION")
    if "DTEND" in component:
        end = when(first(component, "DTEND"), own_zone, "DTEND")
    elif isinstance(length, (vDuration, vDDDTypes)) and isinstance(length.dt, timedelta):
        end = begin._replace(local=begin.local + length.dt)
    else:
        end = begin
    if end.whole_day != begin.whole_day:
        raise ValueError("DTSTART and DTEND must both be dates or both be times")
    if begin.whole_day and end.local == begin.local:
        end = end._replace(local=begin.local + timedelta(days=1))
    if end.stamp()["dateTime"] < begin.stamp()["dateTime"]:
        raise ValueError("it ends before it begins")
    if zones.utc(end.stamp()) - zones.utc(begin.stamp()) > zones.LONGEST:
        raise ValueError(f"it lasts longer than {zones.LONGEST.days} days")
    return begin, end


def event_of(component: Component, person: Person, own_zone: str) -> Document:
    """Return the event in a person's calendar, its recurrence left out.

    Raises:
        ValueError: it has no time at which it could be.
    """
    begin, end = span(component, own_zone)
    event = blank_event(person)
    event |= {
        "subject": text_of(component, "SUMMARY"),
        "body": {"contentType": "text", "content": text_of(component, "DESCRIPTION")},
        "start": begin.stamp(),
        "end": end.stamp(),
        "isAllDay": begin.whole_day,
        "originalStartTimeZone": begin.name or "UTC",
        "originalEndTimeZone": end.name or "UTC",
        "sensitivity": _SENSITIVITY.get(text_of(component, "CLASS").upper(), "normal"),
        "isCancelled": text_of(component, "STATUS").upper() == "CANCELLED",
        **placed([{"displayName": text_of(component, "LOCATION")}]),
    }
    event |= _people(component, person)
    event["showAs"] = _shown(component, event)
    return event


def _people(component: Component, person: Person) -> Document:
    """Return organizer and attendees, and what the owner of the calendar is among them."""
    organizer = first(component, "ORGANIZER")
    own = person.upn.lower()
    invited = [
        attendee
        for one in every(component, "ATTENDEE")
        if isinstance(one, vCalAddress) and (attendee := _attendee(one))
    ]
    people: Document = {"attendees": invited}
    if not isinstance(organizer, vCalAddress) or not (found := _address(organizer)):
        return people
    chair = found["address"].lower()
    others = [one for one in invited if one["emailAddress"]["address"].lower() != chair]
    people |= {"attendees": others, "organizer": {"emailAddress": found}}
    if chair == own:
        return people
    mine = [one for one in others if one["emailAddress"]["address"].lower() == own]
    status = mine[0]["status"] if mine else {"response": "none", "time": NEVER}
    if mine and status["response"] == "none":
        status = {"response": "notResponded", "time": NEVER}
    return {**people, "isOrganizer": False, "responseStatus": status}


def _attendee(stated: vCalAddress) -> Document | None:
    found = _address(stated)
    if found is None:
        return None
    role = str(stated.params.get("ROLE", "")).upper()
    resource = str(stated.params.get("CUTYPE", "")).upper() in _RESOURCES
    answer = _ANSWERS.get(str(stated.params.get("PARTSTAT", "")).upper(), "none")
    return {
        "type": "resource" if resource else _ATTENDANCE.get(role, "required"),
        "status": {"response": answer, "time": NEVER},
        "emailAddress": found,
    }


def _address(stated: vCalAddress) -> Document | None:
    address = str(stated).strip()
    address = address[7:] if address.lower().startswith("mailto:") else address
    name = str(stated.params.get("CN", "")) or address
    return {"name": name, "address": address} if address else None


def _shown(component: Component, event: Document) -> str:
    if text_of(component, "TRANSP").upper() == "TRANSPARENT" or event["isCancelled"]:
        return "free"
    answered = event["responseStatus"]["response"]
    undecided = answered in ("notResponded", "tentativelyAccepted")
    tentative = text_of(component, "STATUS").upper() == "TENTATIVE"
    return "tentative" if undecided or tentative else "busy"
