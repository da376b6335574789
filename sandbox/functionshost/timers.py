"""Timer triggers: NCRONTAB schedules, missed runs, retries, no overlap (functions.md 5)."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from croniter import CroniterError, croniter

from sandbox.clock import Clock
from sandbox.functionshost import protos
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.functions import Function, TimerTrigger
from sandbox.functionshost.worker import Input, Outcome

_log = logging.getLogger(__name__)
# What .NET writes for a run that has never been.
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

type Invoke = Callable[[Function, Input], Awaitable[Outcome]]


class Schedule:
    """An NCRONTAB expression of six fields, seconds first, or five; times are UTC.

    Day of month and day of week must both match.

    Raises:
        StartError: it is not one, or means something else elsewhere (7, L, W, #, ?, a time span).
    """

    def __init__(self, expression: str, *, function: str) -> None:
        complaint = _complaint(expression)
        if complaint:
            raise StartError(
                f"Function '{function}': '{expression}' is no NCRONTAB schedule: {complaint}."
            )
        self._expression = expression

    def next(self, after: datetime) -> datetime:
        """Return the first occurrence later than `after`."""
        times = croniter(self._expression, after, second_at_beginning=True, day_or=False)
        found: datetime = times.get_next(datetime)
        return found

    def often(self, now: datetime) -> bool:
        """Tell whether it occurs more than once a minute; such timers are not monitored."""
        first = self.next(now)
        return self.next(first) - first < timedelta(minutes=1)


def _complaint(expression: str) -> str | None:
    fields = expression.split()
    if len(fields) not in {5, 6}:
        return "it needs five or six fields"
    day, weekday = fields[-3].upper(), fields[-1].upper()
    if re.search("[LW#?]", day) or re.search("L$|[#?]", weekday):
        return "L, W, # and ? are not known"
    if "7" in re.split("[-,/]", weekday):
        return "Sunday is 0, not 7"
    try:
        croniter(expression, second_at_beginning=True)
    except (CroniterError, ValueError) as error:
        return str(error)
    return None


@dataclass(frozen=True, slots=True)
class Status:
    """When a timer ran last, when that was noted, and when it runs next."""

    last: datetime
    next: datetime
    updated: datetime

    def as_json(self) -> dict[str, str]:
        """Return the form that is stored and handed to the function."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.updated.isoformat(),
        }


class StatusFile:
    """Keeps the status of one timer, in memory when no directory is given."""

    def __init__(self, directory: Path | None, function: str) -> None:
        self._path = directory / "timers" / f"{function}.json" if directory else None
        self._kept: Status | None = None

    def read(self) -> Status | None:
        """Return the status written last."""
        if self._path is None or not self._path.exists():
            return self._kept
        content = json.loads(self._path.read_text("utf-8"))
        last, following, updated = (
            datetime.fromisoformat(content[name]) for name in ("Last", "Next", "LastUpdated")
        )
        return Status(last, following, updated)

    def write(self, status: Status) -> None:
        """Replace the status in one step."""
        self._kept = status
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(status.as_json()), "utf-8")
            draft.replace(self._path)


class Timer:
    """Runs one function on its schedule, one run at a time, until it is stopped."""

    def __init__(
        self,
        function: Function,
        trigger: TimerTrigger,
        clock: Clock,
        invoke: Invoke,
        state: Path | None = None,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._clock = clock
        self._invoke = invoke
        self._schedule = Schedule(trigger.schedule, function=function.name)
        self._status = StatusFile(state, function.name)
        self._monitored = trigger.use_monitor is not False
        self._loop: asyncio.Task[None] | None = None
        self._busy = asyncio.Lock()

    def start(self) -> None:
        """Begin to keep the schedule; a run missed while nobody watched is made up for at once."""
        self._monitored = self._monitored and not self._schedule.often(self._clock.now())
        self._loop = asyncio.create_task(self._keep(), name=self._function.name)

    async def stop(self, seconds: float) -> bool:
        """Start no more runs and wait for a running one; tell whether it ended in time."""
        if self._loop is None:
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._busy.acquire()
        except TimeoutError:
            return False
        self._loop.cancel()
        await asyncio.wait({self._loop})
        self._busy.release()
        return True

    async def run_now(self) -> None:
        """Run the function once, outside its schedule and without retries."""
        await self._invoke(self._function, self._input(past_due=False))

    async def _keep(self) -> None:
        status = self._status.read() if self._monitored else None
        now = self._clock.now()
        past_due = status is not None and status.next < now
        if past_due or self._trigger.run_on_startup:
            await self._run(now, past_due=past_due)
        elif status is None:
            self._note(_BEGINNING, self._schedule.next(now))
        while True:
            due = self._schedule.next(self._clock.now())
            await self._clock.sleep(due.timestamp() - self._clock.timestamp())
            await self._run(due, past_due=False)

    async def _run(self, due: datetime, *, past_due: bool) -> None:
        async with self._busy:
            await self._attempt(past_due=past_due)
            self._note(due, self._schedule.next(self._clock.now()))

    async def _attempt(self, *, past_due: bool) -> None:
        """Invoke, and again as the retry policy says; -1 retries for ever."""
        policy = self._function.retry
        limit = policy.max_retry_count if policy else 0
        retry = protos.RetryContext(retry_count=0, max_retry_count=limit)
        while True:
            outcome = await self._invoke(
                self._function, self._input(past_due=past_due, retry=retry)
            )
            if policy is None or outcome.failure is None or retry.retry_count == limit:
                return
            await self._clock.sleep(retry_delay(policy, retry.retry_count).total_seconds())
            retry = protos.RetryContext(
                retry_count=retry.retry_count + 1, max_retry_count=limit, exception=outcome.failure
            )

    def _note(self, last: datetime, following: datetime) -> None:
        if self._monitored:
            self._status.write(Status(last, following, self._clock.now()))

    def _input(self, *, past_due: bool, retry: protos.RetryContext | None = None) -> Input:
        status = self._status.read() if self._monitored else None
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.as_json() if status else None,
            "IsPastDue": past_due,
        }
        return Input(protos.TypedData(json=json.dumps(info)), metadata={}, retry=retry)


def retry_delay(policy: protos.RpcRetryOptions, attempt: int) -> timedelta:
    """Return how long to wait after the failure of `attempt` (0 is the first run).

    Exponential back-off doubles from the minimum to the maximum interval, without the jitter that
    Azure adds.
    """
    if policy.retry_strategy == "fixed_delay":
        return policy.delay_interval
    doubled = policy.minimum_interval.total_seconds() * 2.0 ** min(attempt, 60)
    return timedelta(seconds=min(doubled, policy.maximum_interval.total_seconds()))
