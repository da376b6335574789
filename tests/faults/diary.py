"""What happens in calendars at once while something goes wrong, and how it must end."""

from dataclasses import dataclass, field
from itertools import count
from typing import Self

from bench.ics import calendar
from tests.faults.trial import Trial
from tests.system.company import TRACKED, Row

_WEEKS = 4
_numbers = count(1)


@dataclass
class Diary:
    """A visit that two of the trial have in their calendars, a series, an event called off."""

    trial: Trial
    earlier: Row
    _items: list[str] = field(default_factory=list)
    _uids: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, trial: Trial) -> Self:
        """Have everybody's mailbox known to the app, and Ada track an event."""
        for person in trial.company.people:
            await _imported(trial, person, calendar([_name()]))
        earlier = await _imported(trial, "ada", calendar([_name()]))
        await trial.company.quiet()
        assert await trial.is_tracked(earlier["id"])
        return cls(trial, earlier)

    async def fill(self) -> None:
        """Let it all happen."""
        visit = calendar([_name()], organizer="ada@contoso.example")
        series = calendar([_name()], rule=f"FREQ=WEEKLY;COUNT={_WEEKS}")
        came = [await _imported(self.trial, person, visit) for person in ("ada", "alan")]
        came.append(await _imported(self.trial, "grace", series))
        await self.trial.company.graph("DELETE", f"/users/{{ada}}/events/{self.earlier['id']}")
        self._items = [one["id"] for one in came]
        self._uids = [one["iCalUId"] for one in came[1:]]

    async def assert_right(self) -> None:
        """Check that all is as if nothing had gone wrong."""
        await self.trial.agree()
        assert [await self.trial.is_tracked(item) for item in self._items] == [True] * 3
        assert not await self.trial.is_tracked(self.earlier["id"])
        uids = [*self._uids, self.earlier["iCalUId"]]
        assert [len(await self._rows(uid)) for uid in uids] == [1, _WEEKS, 0]
        assert (await self.trial.company.queue("parked"))["active"] == 0

    async def _rows(self, uid: str) -> list[Row]:
        return await self.trial.company.rows(f"appointments?$filter=globalobjectid eq '{uid}'")


async def _imported(trial: Trial, person: str, raw: bytes) -> Row:
    came = await trial.company.import_calendar(person, raw, categories=TRACKED)
    (event,) = came["imported"]
    imported: Row = event
    return imported


def _name() -> str:
    return f"event {next(_numbers)}"
