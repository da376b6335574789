"""The mail that tells people of a meeting: a request, an answer, a cancellation (RFC 5546)."""

from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from icalendar import Calendar as Component
from icalendar import Event, vCalAddress, vRecur

from sandbox.graph import recurrence, zones
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.text import text_of
from sandbox.store import Document

ANSWERS = {
    "accepted": ("Accepted: ", "ACCEPTED"),
    "tentativelyAccepted": ("Tentative: ", "TENTATIVE"),
    "declined": ("Declined: ", "DECLINED"),
}
CANCELED = "Canceled: "
type MeetingMethod = Literal["REQUEST", "REPLY", "CANCEL"]


def meeting_mail(
    method: MeetingMethod,
    event: Document,
    sender: Mailbox,
    recipient: str,
    *,
    response: str = "",
    words: str = "",
) -> bytes:
    """Return the raw message; `response` is the sender's, in an answer."""
    prefix, status = ANSWERS.get(response, (CANCELED if method == "CANCEL" else "", ""))
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f'"{sender.person.display_name}" <{sender.person.upn}>'
    mail["To"] = recipient
    mail["Subject"] = " ".join(f"{prefix}{event['subject'].removeprefix(CANCELED)}".split())
    mail["Date"] = format_datetime(sender.now())
    body = event["body"]
    shown = text_of(body["content"]) if body["contentType"] == "html" else body["content"]
    mail.set_content(words or shown)
    mail.add_alternative(
        _calendar(method, event, sender, status), subtype="calendar", params={"method": method}
    )
    return mail.as_bytes()


def _calendar(method: MeetingMethod, event: Document, sender: Mailbox, status: str) -> str:
    shown = Event()
    shown.add("uid", event["iCalUId"])
    shown.add("summary", event["subject"])
    shown.add("location", event["location"]["displayName"] or "")
    for name, property_name in (("start", "dtstart"), ("end", "dtend")):
        shown.add(property_name, _when(event, name))
    shown.add("organizer", vCalAddress(f"mailto:{event['organizer']['emailAddress']['address']}"))
    if event["recurrence"] is not None:
        start = _when(event, "start")
        local = datetime(start.year, start.month, start.day)  # noqa: DTZ001 - the series' own
        rule = str(recurrence.rule(event["recurrence"], local)).rpartition("RRULE:")[2]
        shown.add("rrule", vRecur.from_ical(rule))
    if method == "REPLY":
        shown.add("attendee", vCalAddress(f"mailto:{sender.person.upn}"), {"partstat": status})
    for one in event["attendees"] if method != "REPLY" else ():
        shown.add("attendee", vCalAddress(f"mailto:{one['emailAddress']['address']}"))
    whole = Component()
    whole.add("prodid", "-//Graph sandbox//EN")
    whole.add("version", "2.0")
    whole.add("method", method)
    whole.add_component(shown)
    return str(whole.to_ical().decode())


def _when(event: Document, name: str) -> date | datetime:
    local = datetime.fromisoformat(event[name]["dateTime"])
    if event["isAllDay"]:
        return local.date()
    at = local.replace(tzinfo=UTC)
    if event["recurrence"] is None:
        return at
    return at.astimezone(zones.zone(event["recurrence"]["range"]["recurrenceTimeZone"]))
