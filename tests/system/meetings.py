"""Meetings that people of the company make, and what Dynamics has of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from tests.system.company import TRACKED, Company, Row

BERLIN = ZoneInfo("Europe/Berlin")
_IN_OUTLOOK = "W. Europe Standard Time"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class Meeting:
    """A meeting, and each person's copy of it."""

    company: Company
    organizer: str
    uid: str
    items: dict[str, str]

    @classmethod
    async def of(cls, company: Company, organizer: str, *invited: str, **stated: object) -> Self:
        """Have somebody invite others to a meeting in a week."""
        attendees = [{"emailAddress": {"address": f"{one}@contoso.example"}} for one in invited]
        event = {"subject": "Meeting", **when(next_week()), "attendees": attendees, **stated}
        made = await company.graph("POST", f"/users/{{{organizer}}}/events", event)
        meeting = cls(company, organizer, made["iCalUId"], {organizer: made["id"]})
        for one in invited:
            listed = await company.graph("GET", f"/users/{{{one}}}/events?$top=500")
            (copy,) = [event for event in listed["value"] if event["iCalUId"] == meeting.uid]
            meeting.items[one] = copy["id"]
        return meeting

    async def track(self, *people: str) -> None:
        """Have people put the category on their copies."""
        for person in people:
            await self.change(person, categories=[TRACKED])

    async def change(self, person: str, **changes: object) -> None:
        """Change somebody's copy."""
        await self.company.graph("PATCH", self._path(person), changes)

    async def delete(self, person: str) -> None:
        """Delete somebody's copy; the organizer calls the meeting off by it."""
        await self.company.graph("DELETE", self._path(person))

    async def occurrences(self) -> list[Row]:
        """Return the occurrences of a series in the coming year, by their times in UTC."""
        now = datetime.now(UTC)
        window = f"startDateTime={now:%Y-%m-%d}&endDateTime={now + timedelta(days=364):%Y-%m-%d}"
        path = f"{self._path(self.organizer)}/instances?{window}&$top=100"
        return list((await self.company.as_shown(path))["value"])

    async def rows(self) -> list[Row]:
        """Return the rows of the meeting, the earliest first."""
        return await self.company.rows(
            f"appointments?$filter=globalobjectid eq '{self.uid}'&$orderby=scheduledstart"
        )

    async def link(self, person: str) -> Row | None:
        """Return the link of somebody's copy, None if there is none."""
        links = await self.company.links(item=self.items[person])
        return links[0] if links else None

    def _path(self, person: str) -> str:
        return f"/users/{{{person}}}/events/{self.items[person]}"


def when(day: date, begin: time = time(9), end: time = time(10)) -> Row:
    """Return start and end of an event in Berlin."""
    return {
        name: {"dateTime": datetime.combine(day, at).isoformat(), "timeZone": _IN_OUTLOOK}
        for name, at in (("start", begin), ("end", end))
    }


def weekly(first: date, times: int) -> Row:
    """Return a recurrence of every week."""
    return {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "daysOfWeek": [_WEEKDAYS[first.weekday()]],
        },
        "range": {
            "type": "numbered",
            "startDate": first.isoformat(),
            "numberOfOccurrences": times,
        },
    }


def next_week() -> date:
    """Return a day that has not come yet."""
    return datetime.now(BERLIN).date() + timedelta(days=7)


def before_the_clocks_change() -> date:
    """Return a day two to three weeks before the clocks change in Berlin."""
    day = next_week() + timedelta(days=14)
    while _offset(day) == _offset(day + timedelta(days=1)):
        day += timedelta(days=1)
    return day - timedelta(days=14)


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, time(), BERLIN).utcoffset()
