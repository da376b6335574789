"""The calendars as Outlook shows them, read through Graph: series by their occurrences."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from shared.graph.items import TRACKED_CATEGORY

type Row = dict[str, Any]
type ReadGraph = Callable[[str], Awaitable[Row]]
"""Returns the answer of Graph to a GET of a path, as `AS_SHOWN` has it asked."""

AS_SHOWN = {
    "Prefer": 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
}
_SELECT = (
    "id,iCalUId,subject,start,end,isAllDay,location,attendees,organizer,isOrganizer,isCancelled,"
    "isDraft,responseStatus,showAs,sensitivity,categories,type"
)
_AHEAD, _BEHIND = timedelta(days=365), timedelta(days=1)
_EDGE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when the rows of series are compared (UTC).

    Narrower than the time for which Tether makes them, because that moves on while it is looked.
    """

    since: datetime
    until: datetime

    @classmethod
    def at(cls, now: datetime) -> "Window":
        """Return the window as it is now."""
        return cls(now - _BEHIND + _EDGE, now + _AHEAD - _EDGE)

    def shows(self, start: datetime, end: datetime) -> bool:
        """Tell whether something from `start` to `end` is in it."""
        return start < self.until and end > self.since


@dataclass(frozen=True, slots=True)
class Copy:
    """A mailbox's copy of a meeting; `instances` are what a series shows, else the event alone."""

    mailbox: str
    where: tzinfo
    event: Row
    instances: Sequence[Row]

    @property
    def meeting(self) -> str:
        """What names the meeting in every mailbox."""
        return str(self.event["iCalUId"]).upper()

    @property
    def is_series(self) -> bool:
        """Whether it stands for its occurrences."""
        return bool(self.event["type"] == "seriesMaster")

    @property
    def is_tracked(self) -> bool:
        """Whether it should be in Dynamics."""
        is_meant = not (self.event["isCancelled"] or self.event["isDraft"])
        return is_meant and TRACKED_CATEGORY in self.event["categories"]

    def moment(self, event: Row, name: str) -> datetime:
        """Return when (UTC) the copy or an instance of it has its `start` or `end`."""
        shown = datetime.fromisoformat(event[name]["dateTime"])
        zone = self.where if event["isAllDay"] else UTC
        return shown.replace(tzinfo=zone).astimezone(UTC)


async def copies_in(read: ReadGraph, mailbox: str) -> list[Copy]:
    """Return every event of a mailbox, and what the tracked series among them show in a year."""
    said = str((await read(f"/users/{mailbox}/mailboxSettings/timeZone"))["value"])
    where = ZoneInfo(win_tz.get(said) or said)
    events = await _all(read, f"/users/{mailbox}/events?$top=500&$select={_SELECT}")
    copies = [Copy(mailbox, where, event, [event]) for event in events]
    return [
        Copy(mailbox, where, one.event, await _instances(read, one)) if _recurs(one) else one
        for one in copies
    ]


def _recurs(copy: Copy) -> bool:
    return copy.is_series and copy.is_tracked


async def _instances(read: ReadGraph, series: Copy) -> list[Row]:
    now = datetime.now(UTC)
    since, until = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (now - _BEHIND, now + _AHEAD))
    return await _all(
        read,
        f"/users/{series.mailbox}/events/{series.event['id']}/instances"
        f"?startDateTime={since}&endDateTime={until}&$top=500&$select={_SELECT}",
    )


async def _all(read: ReadGraph, path: str) -> list[Row]:
    found: list[Row] = []
    while path:
        page = await read(path)
        found += page["value"]
        path = page.get("@odata.nextLink", "").partition("/v1.0")[2]
    return found
