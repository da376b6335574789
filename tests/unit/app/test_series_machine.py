"""Whatever is done to meetings in several mailboxes, and however badly it is told, rows follow.

A state machine edits series at random, tells the app of it late, twice, out of order or not at all
until the next change, and compares at each quiet moment. `HYPOTHESIS_PROFILE=long` runs thousands.
"""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sandbox.dataverse.rows import Row
from sandbox.tenant import make_tenant
from shared.changes import Change, Hint
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.calendar.policy import CalendarPolicy
from tests.unit.app.diary import DAY, Diary, moment
from tests.unit.app.sides import Ground, StillClock

pytestmark = pytest.mark.timeout(7_200)  # thousands of runs take their time

PEOPLE = 3
AHEAD = timedelta(days=220)  # long enough to hold a change between summer and winter time
ZONES = ("W. Europe Standard Time", "America/New_York", "UTC", "Asia/Kolkata")
_RUNS = max(300, settings.default.max_examples if settings.default else 0)
person = st.sampled_from(range(PEOPLE))
which = st.integers(0, 5)


CLOCK = StillClock(datetime(2026, 10, 20, 8, tzinfo=UTC))


@cache
def ground() -> Ground:
    return asyncio.run(Ground.prepare(make_tenant(PEOPLE), CLOCK))


class Meetings(RuleBasedStateMachine):
    """Series that person 0 organizes; `copies` are what everybody has of them."""

    def __init__(self) -> None:
        super().__init__()
        CLOCK.begin_anew()
        self.runner = asyncio.Runner()
        self.diary = Diary(ground(), CalendarPolicy(ahead=AHEAD))
        self.series: list[str] = []
        self.lost: dict[tuple[str, str], None] = {}

    def teardown(self) -> None:
        if self.series:
            self.quiet()
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        return self.runner.run(work)

    # What people do

    @initialize(tracked=st.sets(person, min_size=1), zone=st.sampled_from(ZONES))
    def begin(self, tracked: set[int], zone: str) -> None:
        self.run(self.diary.open(PEOPLE))
        self.series.append(self.run(self.diary.invite(0, [1, 2], **self._pattern(zone, 9))))
        for one in sorted(tracked):
            self.mark(one, 0, tracked=True)

    @rule(who=person, which=which, tracked=st.booleans())
    def mark(self, who: int, which: int, tracked: bool) -> None:
        if copy := self._copy(who, which):
            categories = [TRACKED_CATEGORY] if tracked else []
            self.run(self.diary.change(who, copy, categories=categories))

    @rule(which=which, part=which, hours=st.integers(-3, 3))
    def move_an_occurrence(self, which: int, part: int, hours: int) -> None:
        for one in self._part(0, which, part):
            begin = datetime.fromisoformat(one["start"]["dateTime"][:19]) + timedelta(hours=hours)
            moved = {"start": moment(begin), "end": moment(begin + timedelta(hours=1))}
            self.run(self.diary.change(0, one["id"], subject="Moved", **moved))

    @rule(who=person, which=which, part=which)
    def delete_an_occurrence(self, who: int, which: int, part: int) -> None:
        for one in self._part(who, which, part):
            self.run(self.diary.delete(who, one["id"]))

    @rule(which=which, subject=st.sampled_from(("Review", "Planning")))
    def rename(self, which: int, subject: str) -> None:
        if item := self._copy(0, which):
            self.run(self.diary.change(0, item, subject=subject))

    @rule(which=which, zone=st.sampled_from(ZONES), hour=st.integers(7, 16))
    def lay_anew(self, which: int, zone: str, hour: int) -> None:
        if item := self._copy(0, which):
            self.run(self.diary.change(0, item, **self._pattern(zone, hour)))

    @rule(which=which)
    def make_single(self, which: int) -> None:
        item = self._copy(0, which)
        if item and self.run(self.diary.event(0, item))["recurrence"]:
            self.run(self.diary.change(0, item, recurrence=None))

    @rule(which=which, part=st.integers(1, 4))
    def this_and_following(self, which: int, part: int) -> None:
        for one in self._part(0, which, part):
            item = self.series[which % len(self.series)]
            whole = self.run(self.diary.event(0, item))
            last = datetime.fromisoformat(one["start"]["dateTime"][:19]) - DAY
            if f"{last:%Y-%m-%d}" <= whole["recurrence"]["range"]["startDate"]:
                continue
            cut = {"type": "endDate", "endDate": f"{last:%Y-%m-%d}"}
            span = {**whole["recurrence"]["range"], **cut}
            self.run(self.diary.change(0, item, recurrence={**whole["recurrence"], "range": span}))
            guests = [a["emailAddress"]["address"] for a in whole["attendees"]]
            new = self.run(self.diary.invite(0, guests, **self._pattern("UTC", 11)))
            self.run(self.diary.change(0, new, categories=whole["categories"]))
            self.series.append(new)

    @rule(who=person, which=which)
    def delete(self, who: int, which: int) -> None:
        if copy := self._copy(who, which):
            self.run(self.diary.delete(who, copy))

    @rule(who=st.sampled_from((1, 2)), which=which, answer=st.sampled_from(("accept", "decline")))
    def answer(self, who: int, which: int, answer: str) -> None:
        copy = self._copy(who, which)
        if copy and not self.run(self.diary.event(who, copy))["isCancelled"]:
            path = f"/users/{self.diary.person(who)}/events/{copy}/{answer}"
            self.run(self.diary.graph.do("POST", path, {"sendResponse": False}))

    @rule(days=st.integers(1, 9))
    def pass_time(self, days: int) -> None:
        self.diary.advance(days * DAY)
        self.diary.roll()

    # How it is told

    @rule(picks=st.lists(st.integers(0, 30), min_size=1, max_size=6), twice=st.booleans())
    def tell_some(self, picks: list[int], twice: bool) -> None:
        self.diary.advance(timedelta(seconds=1))
        untold = self.diary.untold
        told = [untold.pop(pick % len(untold)) for pick in picks if untold]
        halves = (told[::2], told[1::2]) if not twice else (told, told)

        async def at_once() -> None:
            instances = (self.diary.reconciler, self.diary.instance())
            outcomes = await asyncio.gather(
                *(one.reconcile(half) for one, half in zip(instances, halves, strict=True))
            )
            for outcome in outcomes:
                self.diary.note(outcome)

        self.run(at_once())

    @rule(pick=st.integers(0, 30))
    def lose_one(self, pick: int) -> None:
        if self.diary.untold:
            change = self.diary.untold.pop(pick % len(self.diary.untold))
            self.lost[change.mailbox, change.item] = None

    @rule()
    def quiet(self) -> None:
        for mailbox, item in self.lost:  # what is lost is found by the next change of the item
            self.diary.untold.append(_change(mailbox, item, self.diary))
        self.lost.clear()
        self.run(self.diary.tell())
        for global_id in sorted({row["tether_globalid"] for row in self.diary.links()}):
            self._compare(global_id)

    # What must be so

    def _compare(self, global_id: str) -> None:
        links = [row for row in self.diary.links() if row["tether_globalid"] == global_id]
        tracked = [row for row in links if row["tether_state"] == 1]
        rows = [
            row
            for row in self.diary.rows()
            if row["globalobjectid"] == global_id
            if str(row["scheduledend"])[:19] > f"{self.diary.now:%Y-%m-%dT%H:%M:%S}"
        ]
        for link in tracked:
            assert self._is_marked(link)
        if tracked:
            counting = min(tracked, key=_rank)
            shown = self.run(self._shown(counting))
            assert sorted(map(_row, rows)) == sorted(
                _event(one) for one in shown if _end(one) > f"{self.diary.now:%Y-%m-%dT%H:%M:%S}"
            )

    def _is_marked(self, link: Row) -> bool:
        box = next(
            n for n in range(PEOPLE) if self.diary.person(n) == link["tether_mailboxid"]["id"]
        )
        event = self.run(self.diary.event(box, link["tether_itemid"]))
        return TRACKED_CATEGORY in event["categories"]

    async def _shown(self, link: Row) -> list[dict[str, Any]]:
        box = next(
            n for n in range(PEOPLE) if self.diary.person(n) == link["tether_mailboxid"]["id"]
        )
        event = await self.diary.event(box, link["tether_itemid"])
        if event["type"] == "singleInstance":
            return [event]
        return await self.diary.occurrences(box, link["tether_itemid"], days=AHEAD.days)

    def _pattern(self, zone: str, hour: int) -> dict[str, Any]:
        first = (self.diary.now + 2 * DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
        pattern = {"type": "weekly", "interval": 3, "daysOfWeek": [f"{first:%A}".lower()]}
        span = {"type": "noEnd", "startDate": f"{first:%Y-%m-%d}", "recurrenceTimeZone": zone}
        return {
            "start": moment(first, zone),
            "end": moment(first + timedelta(hours=1), zone),
            "recurrence": {"pattern": pattern, "range": span},
        }

    def _copy(self, who: int, which: int) -> str | None:
        """Return somebody's copy of a series that its organizer still has."""
        item = self.series[which % len(self.series)]
        return self.run(self.diary.copy_if_any(who, item)) or None

    def _part(self, who: int, which: int, part: int) -> list[dict[str, Any]]:
        """Return an occurrence of a series in somebody's calendar, none if there is none."""
        item = self._copy(who, which)
        if not item or self.run(self.diary.event(who, item))["type"] != "seriesMaster":
            return []
        shown = self.run(self.diary.occurrences(who, item))
        return [shown[part % len(shown)]] if shown else []


def _change(mailbox: str, item: str, diary: Diary) -> Change:
    return Change(
        id=f"found {mailbox}/{item}",
        mailbox=MailboxId(mailbox),
        kind=Kind.CALENDAR,
        item=ItemId(item),
        hint=Hint.UPDATED,
        noticed=diary.now,
    )


def _row(row: Row) -> tuple[str, str, int]:
    return (str(row["scheduledstart"]), row["subject"], row["statuscode"])


def _event(event: dict[str, Any]) -> tuple[str, str, int]:
    status = {"busy": 5, "tentative": 2, "free": 1, "oof": 6}[event["showAs"]]
    return (f"{event['start']['dateTime'][:19]}Z", event["subject"], status)


def _end(event: dict[str, Any]) -> str:
    return str(event["end"]["dateTime"][:19])


def _rank(link: Row) -> tuple[bool, str, str]:
    """Whose copy counts: the organizer's, else that of whoever has tracked it longest."""
    return (not link["tether_isorganizer"], str(link["tether_trackedon"]), link["tether_linkid"])


TestMeetings = Meetings.TestCase
TestMeetings.settings = settings(max_examples=_RUNS, stateful_step_count=14, deadline=None)
