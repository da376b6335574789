"""A meeting between mailboxes: invitations go out, changes follow, answers come back."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sandbox.graph import ids
from sandbox.graph.calendar import Calendar
from sandbox.graph.calendars import Calendars
from sandbox.graph.event_input import NEVER, OWN, address_of, blank_event
from sandbox.graph.event_wire import Reply
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.meeting_mail import CANCELED, MeetingMethod, meeting_mail
from sandbox.store import Document

_SHARED = (
    "subject", "body", "bodyPreview", "start", "end", "originalStartTimeZone",
    "originalEndTimeZone", "isAllDay", "location", "locations", "organizer", "recurrence",
    "importance", "sensitivity", "isOnlineMeeting", "onlineMeeting", "onlineMeetingProvider",
    "hideAttendees", "allowNewTimeProposals", "responseRequested", "attendees",
)  # fmt: skip
_KEPT_APART = OWN | {"originalStart", "responseStatus"}


class Notice(NamedTuple):
    """What the mail about a change says: of the meeting or one occurrence, changed or gone."""

    about: Document
    method: MeetingMethod = "REQUEST"
    comment: str = ""


class Invitations:
    """Keeps the copies of a meeting in its attendees' calendars; who is not of the tenant has none.

    An attendee's categories, free/busy and reminder are never touched, nor an answer once given.
    """

    def __init__(self, mailboxes: Mailboxes, calendars: Calendars) -> None:
        self._mailboxes = mailboxes
        self._calendars = calendars

    def sent(self, calendar: Calendar, event: Document) -> None:
        """Invite everyone to a new meeting."""
        for guest in self._guests(calendar, event):
            self._invite(guest, event)
            self._mail("REQUEST", calendar, guest.person.upn, event)

    def changed(
        self, calendar: Calendar, before: Document, after: Document, notice: Notice
    ) -> None:
        """Bring the copies of a meeting up to date; not for what is the organizer's own."""
        if not after["isOrganizer"] or _shared(before) == _shared(after):
            return
        invited = {guest.mailbox: guest for guest in self._guests(calendar, after)}
        known = {guest.mailbox: guest for guest in self._guests(calendar, before)}
        for mailbox, guest in invited.items():
            if mailbox in known:
                self._refresh(guest, after)
            else:
                self._invite(guest, after)
            self._mail(
                notice.method, calendar, guest.person.upn, notice.about, words=notice.comment
            )
        for mailbox, guest in known.items():
            if mailbox not in invited:
                self._call_off(calendar, guest, after, "")

    def withdrawn(self, calendar: Calendar, event: Document, comment: str = "") -> None:
        """Call a meeting off: the copies stay, cancelled, until their owners remove them."""
        if event["isOrganizer"]:
            for guest in self._guests(calendar, event):
                self._call_off(calendar, guest, event, comment)

    def answered(self, calendar: Calendar, event: Document, response: str, reply: Reply) -> None:
        """Have an attendee answer an invitation, or that to one occurrence."""
        status = {"response": response, "time": calendar.now()}
        organizer = self._calendars.find(address_of(event["organizer"]))
        meeting = self._meeting(organizer, calendar, event) if organizer else None
        if reply.sendResponse and organizer and meeting:
            proposed = {"proposedNewTime": reply.proposedNewTime} if reply.proposedNewTime else {}
            attendees = _with_status(meeting, calendar.person.upn, status, proposed)
            organizer.change(meeting, {"attendees": attendees})
            to, words = organizer.person.upn, reply.comment or ""
            self._mail("REPLY", calendar, to, event, response=response, words=words)
        if response == "declined":
            calendar.remove(event)
            return
        busy = meeting["showAs"] if meeting else "busy"
        changes = {
            "responseStatus": status,
            "attendees": _with_status(event, calendar.person.upn, status, {}),
            "showAs": busy if response == "accepted" else "tentative",
        }
        calendar.change(event, changes)

    def _guests(self, calendar: Calendar, event: Document) -> Iterator[Calendar]:
        for attendee in event["attendees"]:
            guest = self._calendars.find(address_of(attendee))
            if guest is not None and guest.mailbox != calendar.mailbox:
                yield guest

    def _invite(self, guest: Calendar, event: Document) -> None:
        status = {"response": "notResponded", "time": NEVER}
        copy = {**_copied(guest, event, status), "isCancelled": False, "responseStatus": status}
        copy |= {"showAs": "tentative", "isOrganizer": False}
        known = guest.by_global_id(event["iCalUId"])
        if known is not None:
            guest.change(known, copy)
        else:
            copy = {**blank_event(guest.person), **copy, "iCalUId": event["iCalUId"]}
            guest.add(copy)

    def _refresh(self, guest: Calendar, event: Document) -> None:
        copy = guest.by_global_id(event["iCalUId"])
        if copy is None:
            return
        changes = _copied(guest, event, copy["responseStatus"])
        gone = {**copy["cancelled"], **event["cancelled"]}
        own = {
            day: {name: value for name, value in change.items() if name in _KEPT_APART}
            for day, change in copy["exceptions"].items()
        }
        days = [day for day in (own | changes["exceptions"]) if day not in gone]
        changes["exceptions"] = {
            day: {**own.get(day, {}), **changes["exceptions"].get(day, {})} for day in days
        }
        guest.change(copy, {**changes, "cancelled": gone})

    def _call_off(self, calendar: Calendar, guest: Calendar, event: Document, comment: str) -> None:
        copy = guest.by_global_id(event["iCalUId"])
        if copy is not None and not copy["isCancelled"]:
            subject = f"{CANCELED}{copy['subject']}"
            guest.change(copy, {"isCancelled": True, "subject": subject, "showAs": "free"})
        self._mail("CANCEL", calendar, guest.person.upn, event, words=comment)

    def _meeting(self, organizer: Calendar, calendar: Calendar, event: Document) -> Document | None:
        """Return what the organizer has of an attendee's event: the meeting or its occurrence."""
        if event["seriesMasterId"] is None:
            return organizer.by_global_id(event["iCalUId"])
        series = organizer.by_global_id(calendar.series_of(event)["iCalUId"])
        if series is None or series["recurrence"] is None or event["slot"] in series["cancelled"]:
            return None
        day = date.fromisoformat(event["slot"])
        return organizer.event(ids.of_day(series["id"], day.toordinal()))

    def _mail(
        self,
        method: MeetingMethod,
        calendar: Calendar,
        recipient: str,
        event: Document,
        **said: Any,  # noqa: ANN401 - passed on as it is
    ) -> None:
        sender = self._mailboxes.mailbox(calendar.mailbox)
        raw = meeting_mail(method, event, sender, recipient, **said)
        self._mailboxes.mailbox(recipient).deliver(raw)


def _shared(event: Document) -> Document:
    """Return what the attendees of a meeting have in common with its organizer."""
    shared = {name: event[name] for name in _SHARED}
    shared["attendees"] = [_uncommitted(one) for one in event["attendees"]]
    exceptions = {
        day: kept
        for day, change in event["exceptions"].items()
        if (kept := _shared_change(change, shared))
    }
    return {**shared, "exceptions": exceptions, "cancelled": event["cancelled"]}


def _shared_change(change: Document, shared: Document) -> Document:
    """Return what a changed occurrence has in common; answers to it are no change."""
    kept = {name: value for name, value in change.items() if name in _SHARED}
    if "attendees" in kept:
        kept["attendees"] = [_uncommitted(one) for one in kept["attendees"]]
        if kept["attendees"] == shared["attendees"]:
            del kept["attendees"]
    return kept


def _copied(guest: Calendar, event: Document, status: Document) -> Document:
    """Return the common part of a meeting as one of its guests sees it."""
    shared = _shared(event)
    shared["attendees"] = _with_status(shared, guest.person.upn, status, {})
    shared["exceptions"] = {
        day: {**change, "originalStart": event["exceptions"][day]["originalStart"]}
        for day, change in shared["exceptions"].items()
    }
    return shared


def _uncommitted(attendee: Document) -> Document:
    kept = {name: value for name, value in attendee.items() if name != "proposedNewTime"}
    return {**kept, "status": {"response": "none", "time": NEVER}}


def _with_status(event: Document, address: str, status: Document, more: Document) -> list[Document]:
    return [
        {**one, "status": status, **more} if address_of(one) == address.lower() else one
        for one in event["attendees"]
    ]
