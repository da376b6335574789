"""What sellers do in their calendars: meetings made, moved, called off and tracked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bench.journal import Line
from bench.running import Run
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import Kind

type Row = dict[str, Any]


class Diaries:
    """The calendars of a run, as their owners keep them."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def schedule(
        self, upn: str, event: Mapping[str, Any], expected: Mapping[str, str]
    ) -> dict[str, Line]:
        """Have somebody make an event; return the lines of all whose calendar it is then in.

        `expected` says of whom what is expected, the organizer among them; the others are invited.
        """
        invited = [{"emailAddress": {"address": one}} for one in expected if one != upn]
        made = await self._run.graph(
            "POST", f"/users/{upn}/events", {**event, "attendees": invited}
        )
        return {one: await self._copy(one, made, told) for one, told in expected.items()}

    async def mark(self, line: Line, expected: str) -> None:
        """Put the tracking category on an event, as a seller does in Outlook."""
        await self.change(line, categories=[TRACKED_CATEGORY])
        line.expected = expected

    async def change(self, line: Line, **changes: object) -> None:
        """Change an event."""
        await self._run.graph("PATCH", event_path(line.upn, line.item), changes)

    async def delete(self, line: Line, expected: str) -> None:
        """Delete an event."""
        await self._run.graph("DELETE", event_path(line.upn, line.item))
        line.expected = expected

    async def occurrences(self, line: Line, since: datetime, until: datetime) -> list[Row]:
        """Return the occurrences of a series."""
        window = f"startDateTime={since:%Y-%m-%dT%H:%M:%SZ}&endDateTime={until:%Y-%m-%dT%H:%M:%SZ}"
        path = f"{event_path(line.upn, line.item)}/instances?{window}&$top=500"
        found: Sequence[Row] = (await self._run.read(path))["value"]
        return list(found)

    async def move_occurrence(self, line: Line, occurrence: Row, when: Mapping[str, Any]) -> None:
        """Move one occurrence of a series."""
        await self._run.graph("PATCH", event_path(line.upn, occurrence["id"]), when)

    async def cancel_occurrence(self, line: Line, occurrence: Row) -> None:
        """Call one occurrence of a series off."""
        path = f"{event_path(line.upn, occurrence['id'])}/cancel"
        await self._run.graph("POST", path, {"comment": "Not this time."})

    async def bring(self, upn: str, raw: bytes) -> tuple[list[Row], list[Row]]:
        """Import an iCalendar file, all of it tracked; return what came of it, and what was left.

        Raises:
            ValueError: it is no calendar.
        """
        path = f"/mailboxes/{upn}/import"
        answer = await self._run.sandbox(path, raw, categories=TRACKED_CATEGORY)
        return answer["imported"], answer["skipped"]

    async def _copy(self, upn: str, made: Row, expected: str) -> Line:
        listed = await self._run.read(f"/users/{upn}/events?$top=500")
        copy = next(one for one in listed["value"] if one["iCalUId"] == made["iCalUId"])
        uid, subject = made["iCalUId"], made["subject"]
        return self._run.arrived(Kind.CALENDAR, upn, copy["id"], uid, subject, expected)


def event_path(upn: str, item: str) -> str:
    """Return where an event is in Graph."""
    return f"/users/{upn}/events/{quote(item, safe='')}"
