"""Time zones by the names Outlook gives them: Windows' own, or those of the IANA database."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz


def zone(name: str) -> tzinfo:
    """Return the zone of that name; UTC for no name and for one nobody knows."""
    try:
        return ZoneInfo(win_tz.get(name, name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def midnight(floating: datetime, where: tzinfo) -> datetime:
    """Return when (UTC) a day begins there whose midnight is written as if it were UTC's."""
    return floating.replace(tzinfo=where).astimezone(UTC)
