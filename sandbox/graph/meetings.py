"""What makes a mail a meeting request, an answer to one, or a cancellation."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_REPLIES = {
    "ACCEPTED": ("meetingAccepted", "accepted"),
    "TENTATIVE": ("meetingTenativelyAccepted", "tentativelyAccepted"),  # Microsoft's spelling
    "DECLINED": ("meetingDeclined", "declined"),
}
_LINE = re.compile(r"([A-Za-z-]+)((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)")


def meeting_of(calendar: str) -> dict[str, Any] | None:
    """Return the eventMessage properties of an iTIP body, or None when it is no meeting mail."""
    properties = _event_properties(calendar)
    method = properties.get("METHOD", ("", ""))[1].upper()
    common: dict[str, Any] = {
        "startDateTime": _when(properties.get("DTSTART")),
        "endDateTime": _when(properties.get("DTEND")),
        "location": {"displayName": _unescaped(properties.get("LOCATION", ("", ""))[1])},
        "isAllDay": "VALUE=DATE" in properties.get("DTSTART", ("", ""))[0].upper().split(";"),
        "isOutOfDate": False,
        "isDelegated": False,
        "type": "seriesMaster" if "RRULE" in properties else "singleInstance",
        "iCalUId": properties.get("UID", ("", ""))[1],
    }
    if method == "REQUEST":
        kind = {"meetingMessageType": "meetingRequest", "meetingRequestType": "newMeetingRequest"}
        return {"@odata.type": "#microsoft.graph.eventMessageRequest", **kind, **common}
    if method == "CANCEL":
        kind = {"meetingMessageType": "meetingCancelled"}
        return {"@odata.type": "#microsoft.graph.eventMessage", **kind, **common}
    if method in ("REPLY", "COUNTER"):
        status = re.search(r"PARTSTAT=([A-Z]+)", properties.get("ATTENDEE", ("", ""))[0].upper())
        message, response = _REPLIES.get(status[1] if status else "", _REPLIES["TENTATIVE"])
        kind = {"meetingMessageType": message, "responseType": response}
        return {"@odata.type": "#microsoft.graph.eventMessageResponse", **kind, **common}
    return None


def _event_properties(calendar: str) -> dict[str, tuple[str, str]]:
    """Return the calendar's and its first event's properties as (parameters, value)."""
    unfolded = re.sub(r"\r?\n[ \t]", "", calendar)
    found: dict[str, tuple[str, str]] = {}
    inside: list[str] = []
    for line in unfolded.splitlines():
        matched = _LINE.fullmatch(line)
        if not matched:
            continue
        name, parameters, value = matched[1].upper(), matched[2], matched[3]
        if name == "BEGIN":
            inside.append(value.upper())
        elif name == "END" and inside:
            inside.pop()
        elif inside and inside[-1] in ("VCALENDAR", "VEVENT"):
            found.setdefault(name, (parameters, value))
    return found


def _when(stated: tuple[str, str] | None) -> dict[str, str] | None:
    """Return a time in UTC; one in a zone nobody knows stays in it."""
    if stated is None:
        return None
    parameters, value = stated
    zone = re.search(r"TZID=\"?([^;\"]+)", parameters)
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None and zone:
            moment = moment.replace(tzinfo=ZoneInfo(zone[1]))
        utc = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ZoneInfoNotFoundError, OSError):
        return _zoned(moment, zone[1] if zone else "UTC")
    except (ValueError, OverflowError):
        return None
    return _zoned(utc, "UTC")


def _zoned(moment: datetime, zone: str) -> dict[str, str]:
    written = moment.replace(tzinfo=None, microsecond=0).isoformat()
    return {"dateTime": f"{written}.0000000", "timeZone": zone}


def _unescaped(value: str) -> str:
    return re.sub(r"\\([\\;,nN])", lambda m: "\n" if m[1] in "nN" else m[1], value)
