"""`make bench`: measures what the README claims, and writes it there."""

import asyncio
import math
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.console import Console

from bench.diaries import Diaries
from bench.ics import calendar
from bench.inboxes import Inboxes
from bench.journal import Journal
from bench.mail import compose
from bench.running import Run
from bench.stack import PROJECT, SELDOM, TetherStack
from sandbox.tenant import Tenant, make_tenant
from shared.graph.client import BATCH_SIZE
from shared.identifiers import Kind

_README = PROJECT / "README.md"
_START, _END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
_STRANGER = "sam@nowhere.example"
_IDLE_ITEMS, _IDLE_SERIES = 20, 5
_HEADING = (
    "| what | Graph reads | Dataverse requests | category batches | median | slowest |",
    "|---|---:|---:|---:|---:|---:|",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a number of items cost and took; times in seconds.

    The sandbox counts round trips, not what is in a batch: `stamps` is the least number of batches
    in which the categories can have gone, so that `reads` never comes out too small.
    """

    what: str
    reads: int
    stamps: int
    dataverse: int
    median: float
    slowest: float

    @property
    def row(self) -> str:
        """The row in Markdown."""
        return (
            f"| {self.what} | {self.reads} | {self.dataverse} | {self.stamps} "
            f"| {self.median * 1000:.0f} ms | {self.slowest * 1000:.0f} ms |"
        )


def main() -> int:
    """Measure, show and write the figures."""
    figures = asyncio.run(_measure(Console()))
    table = "\n".join([*_HEADING, *(figure.row for figure in figures)])
    Console().print(table, highlight=False)
    before, _, rest = _README.read_text().partition(_START)
    after = rest.partition(_END)[2]
    _README.write_text(f"{before}{_START}\n{table}\n{_END}{after}")
    return 0


async def _measure(console: Console) -> list[Figure]:
    with console.status("one mail at a time, on an idle stack"):
        idle = await _delivered("1 new mail on an idle stack", 1, each=_IDLE_ITEMS)
    with console.status("1,000 mails in one mailbox"):
        burst = await _delivered("1,000 new mails at once in one mailbox", 1, at_once=1000)
    with console.status("500 mails in 500 mailboxes"):
        wide = await _delivered("500 new mails at once, one in each of 500", 500, at_once=500)
    with console.status("one meeting at a time, on an idle stack"):
        meeting = await _changed("1 changed meeting on an idle stack", each=_IDLE_ITEMS)
    with console.status("1,000 changed meetings in one mailbox"):
        meetings = await _changed("1,000 changed meetings at once in one mailbox", at_once=1000)
    with console.status("one weekly series at a time"):
        series = await _series("1 new weekly series, a year of occurrences", each=_IDLE_SERIES)
    return [idle, burst, wide, meeting, meetings, series]


@asynccontextmanager
async def _running(mailboxes: int = 1) -> AsyncIterator[Run]:
    # What tasks cost while nothing changes would be counted among what the others cost.
    settings = {"TASKS_POLLING_SCHEDULE": SELDOM}
    stack = TetherStack(_tracking_all(mailboxes), settings=settings)
    await stack.start()
    try:
        async with Run(stack, _show_nothing) as run:
            yield run
    finally:
        await stack.stop()


async def _delivered(what: str, mailboxes: int, *, each: int = 1, at_once: int = 1) -> Figure:
    """Deliver `at_once` mails `each` times, after one that warms up; figures are per time."""
    async with _running(mailboxes) as run:
        await _deliver(run, 1)
        run.stack.services.surroundings.stats.reset()
        for _ in range(each):
            await _deliver(run, at_once)
        return _figure(what, run, [line.lag for line in run.journal.lines[1:]], each)


async def _deliver(run: Run, count: int) -> None:
    people = run.stack.services.tenant.people
    for number in range(count):
        upn = people[number % len(people)].upn
        message_id = f"<{len(run.journal.lines)}@bench.example>"
        mail = compose(message_id, f"Mail {number}", sender=_STRANGER, to=[upn])
        await Inboxes(run).deliver(upn, mail, "tracked: filter")
    await run.quiet()


async def _changed(what: str, *, each: int = 1, at_once: int = 1) -> Figure:
    """Have `at_once` tracked meetings change `each` times."""
    async with _running() as run:
        names = [str(number) for number in range(at_once)]
        await _bring(run, calendar(names, "New"))
        run.stack.services.surroundings.stats.reset()
        lags: list[float | None] = []
        for time in range(each):
            raw = calendar(names, f"Changed {time}")
            await Diaries(run).bring(run.stack.services.tenant.people[0].upn, raw)
            await run.quiet()
            lags += [line.kept for line in run.journal.lines]
            for line in run.journal.lines:
                line.kept = None
        return _figure(what, run, lags, each)


async def _series(what: str, *, each: int) -> Figure:
    """Have a weekly series come to be tracked `each` times, after one that warms up."""
    async with _running() as run:
        await _bring(run, calendar(["warm-up"], rule="FREQ=WEEKLY"))
        run.stack.services.surroundings.stats.reset()
        for number in range(each):
            await _bring(run, calendar([str(number)], rule="FREQ=WEEKLY"))
        return _figure(what, run, [line.lag for line in run.journal.lines[1:]], each)


async def _bring(run: Run, raw: bytes) -> None:
    upn = run.stack.services.tenant.people[0].upn
    for one in (await Diaries(run).bring(upn, raw))[0]:
        run.arrived(Kind.CALENDAR, upn, one["id"], one["iCalUId"], one["subject"], "")
    await run.quiet()


def _figure(what: str, run: Run, told: list[float | None], times: int) -> Figure:
    counters = run.stack.services.stats()
    lags = [lag for lag in told if lag is not None]
    if len(lags) != len(told):
        raise RuntimeError(f"{what}: {len(lags)} of {len(told)} came to Dynamics")
    graph = counters["graph"]
    stamped = graph["batched"].get("PATCH /users/{id}/messages/{id}", 0)
    stamps = max(times, math.ceil(stamped / BATCH_SIZE)) if stamped else 0
    return Figure(
        what=what,
        reads=(graph["operations"]["POST /$batch"] - stamps) // times,
        stamps=stamps // times,
        dataverse=counters["dataverse"]["operations"]["POST $batch"] // times,
        median=statistics.median(lags),
        slowest=max(lags),
    )


def _tracking_all(mailboxes: int) -> Tenant:
    plain = make_tenant(mailboxes)
    people = [one.model_copy(update={"incoming_email_filtering_method": 0}) for one in plain.people]
    return plain.model_copy(update={"people": tuple(people)})


def _show_nothing(_: Journal) -> None:
    """Measuring, the run shows no table."""


if __name__ == "__main__":
    sys.exit(main())
