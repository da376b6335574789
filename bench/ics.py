"""Calendars to import: made up, as other programs write them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta


def calendar(
    names: Iterable[str], subject: str = "Visit", *, organizer: str = "", rule: str = ""
) -> bytes:
    """Return an hour in a month for each name; the same name is the same event again.

    `organizer` is an address, `rule` says how the events recur, e.g. `FREQ=WEEKLY`.
    """
    more = [f"ORGANIZER:mailto:{organizer}"] if organizer else []
    more += [f"RRULE:{rule}"] if rule else []
    begin = datetime.now(UTC) + timedelta(days=30)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//contoso.example//visits//EN"]
    for name in names:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{name}@visits.contoso.example",
            f"DTSTART:{begin:%Y%m%dT090000Z}",
            f"DTEND:{begin:%Y%m%dT100000Z}",
            f"SUMMARY:{subject} {name}",
            *more,
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
