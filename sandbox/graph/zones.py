"""Time zones by the names Windows and the IANA give them, and local times made into moments."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from dateutil.tz import resolve_imaginary
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from sandbox.graph.errors import GraphError
from sandbox.store import Document

YEARS = range(1900, 4500)
"""The years a calendar has."""
LONGEST = timedelta(days=1825)
"""How long an event may last, and how wide a window on a calendar may be."""
_WINDOWS = {windows.lower(): iana for windows, iana in WINDOWS_TO_OLSON.items()}
_IANA = {name.lower(): name for name in available_timezones()}
_OTHERS = {"utc": "UTC", "tzone://microsoft/utc": "UTC"}


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone of that name, whatever its case.

    Raises:
        GraphError: 400, nobody knows it.
    """
    wanted = name.lower()
    found = _OTHERS.get(wanted) or _WINDOWS.get(wanted) or _IANA.get(wanted)
    if found is None:
        raise GraphError(
            400,
            "TimeZoneNotSupportedException",
            "A valid TimeZone value must be specified. The following TimeZone value is not "
            f"supported: '{name}'.",
        )
    return ZoneInfo(found)


def is_zone(name: str) -> bool:
    """Tell whether a zone goes by that name."""
    try:
        zone(name)
    except GraphError:
        return False
    return True


def moment(local: datetime, name: str) -> datetime:
    """Return when a wall clock in a zone shows `local`, in UTC.

    A time the clock skips is as much later as it skips; of two, the first is meant.
    """
    return resolve_imaginary(local.replace(tzinfo=zone(name))).astimezone(UTC)


def utc(stamp: Document) -> datetime:
    """Return the moment of a dateTimeTimeZone."""
    local = datetime.fromisoformat(stamp["dateTime"])
    if stamp["timeZone"] == "UTC":
        return local.replace(tzinfo=UTC)
    return moment(local, stamp["timeZone"])


def wall(at: datetime, name: str) -> datetime:
    """Return what a wall clock in a zone shows at a moment."""
    return at.astimezone(zone(name)).replace(tzinfo=None)


def stamp(local: datetime, name: str = "UTC") -> Document:
    """Return a dateTimeTimeZone as Graph writes it: seven digits, no offset."""
    written = local.replace(tzinfo=None, microsecond=0).isoformat()
    return {"dateTime": f"{written}.0000000", "timeZone": name}
