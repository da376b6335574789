"""Timers on a clock the test moves."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.clock import Clock
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.functions import Function, TimerTrigger
from sandbox.functionshost.protos import RpcException, RpcRetryOptions
from sandbox.functionshost.timers import Schedule, Timer, retry_delay
from sandbox.functionshost.worker import Input, Outcome

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("*/5 * * * * *", datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)),
        ("0 */5 * * * *", datetime(2026, 11, 23, 12, 5, tzinfo=UTC)),
        ("*/5 * * * *", datetime(2026, 11, 23, 12, 5, tzinfo=UTC)),
        ("0 0 9 * Jan Mon", datetime(2027, 1, 4, 9, tzinfo=UTC)),
        ("0 0 0 13 * 5", datetime(2027, 8, 13, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 11, 29, tzinfo=UTC)),
        ("0 0 0 * JUL *", datetime(2027, 7, 1, tzinfo=UTC)),
    ],
)
def test_schedules(expression: str, following: datetime) -> None:
    assert Schedule(expression, function="f").next(NOON) == following


@pytest.mark.parametrize(
    "expression",
    ["0 0 0 * * 7", "0 0 0 L * *", "0 0 0 1W * *", "0 0 0 ? * *", "0 0 0 * * 5#1", "00:05:00",
     "0 0 0 * *  1-7", "61 * * * * *", "", "0 0 0 0 0 0 0"],
)  # fmt: skip
def test_refuses_schedules_that_are_not_portable(expression: str) -> None:
    with pytest.raises(StartError, match="NCRONTAB"):
        Schedule(expression, function="f")


class Runs:
    """Invocations as they come; `outcomes` are answered in turn, then success."""

    def __init__(self, *outcomes: Outcome, held: bool = False) -> None:
        self.inputs: list[Input] = []
        self.release = asyncio.Event()
        if not held:
            self.release.set()
        self.overlapped = False
        self._outcomes = list(outcomes)
        self._running = 0
        self._changed = asyncio.Condition()

    async def invoke(self, _: Function, given: Input) -> Outcome:
        async with self._changed:
            self.inputs.append(given)
            self._running += 1
            self.overlapped = self.overlapped or self._running > 1
            self._changed.notify_all()
        await self.release.wait()
        async with self._changed:
            self._running -= 1
            self._changed.notify_all()
        return self._outcomes.pop(0) if self._outcomes else Outcome()

    async def begun(self, count: int) -> None:
        async with self._changed, asyncio.timeout(5):
            await self._changed.wait_for(lambda: len(self.inputs) == count)

    async def ended(self, count: int) -> None:
        async with self._changed, asyncio.timeout(5):
            await self._changed.wait_for(lambda: len(self.inputs) == count and not self._running)
        await _settled()

    def info(self, number: int) -> Mapping[str, object]:
        content: Mapping[str, object] = json.loads(str(self.inputs[number].value.content))
        return content


async def _settled() -> None:
    """Let every task go on until it waits for the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


async def _advance(clock: Clock, by: timedelta) -> None:
    await _settled()
    clock.advance(by)
    await _settled()


def after_the_hour() -> Clock:
    """Return a clock that stands a moment after a full hour."""
    clock = Clock()
    now = clock.now()
    full = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1, milliseconds=1)
    clock.advance(full - now)
    return clock


def timer(
    runs: Runs,
    clock: Clock,
    schedule: str = "0 */5 * * * *",
    *,
    state: Path | None = None,
    retry: RpcRetryOptions | None = None,
    run_on_startup: bool = False,
    use_monitor: bool | None = None,
) -> Timer:
    trigger = TimerTrigger("timer", schedule, run_on_startup, use_monitor)
    function = Function("tick", "id", trigger, [], retry)
    return Timer(function, trigger, clock, runs.invoke, state)


async def stopped(*timers: Timer) -> None:
    for one in timers:
        assert await one.stop(5)


async def test_runs_at_each_occurrence() -> None:
    runs, clock = Runs(), after_the_hour()
    tick = timer(runs, clock)
    tick.start()
    for count in (1, 2, 3):
        await _advance(clock, timedelta(minutes=5))
        await runs.ended(count)
    assert runs.info(0)["IsPastDue"] is False
    assert runs.info(0)["Schedule"] == {"AdjustForDST": True}
    await stopped(tick)


async def test_tells_the_function_when_it_ran_last_and_runs_next() -> None:
    runs, clock = Runs(), after_the_hour()
    start = clock.now()
    tick = timer(runs, clock)
    tick.start()
    await _advance(clock, timedelta(minutes=5))
    await runs.ended(1)
    await _advance(clock, timedelta(minutes=5))
    await runs.ended(2)
    first, second = runs.info(0)["ScheduleStatus"], runs.info(1)["ScheduleStatus"]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["Last"] == "0001-01-01T00:00:00+00:00"
    hour = start.replace(minute=0, second=0, microsecond=0)
    assert first["Next"] == (hour + timedelta(minutes=5)).isoformat()
    assert second["Last"] == (hour + timedelta(minutes=5)).isoformat()
    assert second["Next"] == (hour + timedelta(minutes=10)).isoformat()
    await stopped(tick)


async def test_never_overlaps_itself_and_skips_what_passed_meanwhile() -> None:
    clock = after_the_hour()
    runs = Runs(held=True)
    tick = timer(runs, clock)
    tick.start()
    await _advance(clock, timedelta(minutes=5))
    await runs.begun(1)
    await _advance(clock, timedelta(minutes=12))
    runs.release.set()
    await runs.ended(1)
    await _advance(clock, timedelta(minutes=3, seconds=1))
    await runs.ended(2)
    assert not runs.overlapped
    await stopped(tick)


async def test_a_run_missed_while_down_is_made_up_for_past_due(tmp_path: Path) -> None:
    runs, clock = Runs(), after_the_hour()
    before = timer(runs, clock, state=tmp_path)
    before.start()
    await _settled()
    await stopped(before)
    clock.advance(timedelta(hours=1))
    after = timer(runs, clock, state=tmp_path)
    after.start()
    await runs.ended(1)
    assert runs.info(0)["IsPastDue"] is True
    await stopped(after)


async def test_nothing_is_made_up_for_without_monitor(tmp_path: Path) -> None:
    runs, clock = Runs(), after_the_hour()
    first = timer(runs, clock, state=tmp_path, use_monitor=False)
    first.start()
    await _advance(clock, timedelta(minutes=5))
    await runs.ended(1)
    assert runs.info(0)["ScheduleStatus"] is None
    await stopped(first)
    assert not (tmp_path / "timers").exists()


async def test_timers_faster_than_a_minute_are_not_monitored(tmp_path: Path) -> None:
    runs, clock = Runs(), after_the_hour()
    tick = timer(runs, clock, "*/20 * * * * *", state=tmp_path)
    tick.start()
    await _advance(clock, timedelta(seconds=20))
    await runs.ended(1)
    assert runs.info(0)["ScheduleStatus"] is None
    await stopped(tick)


async def test_run_on_startup_runs_at_once() -> None:
    runs = Runs()
    tick = timer(runs, after_the_hour(), run_on_startup=True)
    tick.start()
    await runs.ended(1)
    assert runs.info(0)["IsPastDue"] is False
    await stopped(tick)


async def test_a_failing_timer_waits_for_its_next_occurrence_without_a_policy() -> None:
    clock = after_the_hour()
    runs = Runs(Outcome(failure=RpcException(message="ValueError: no")))
    tick = timer(runs, clock)
    tick.start()
    await _advance(clock, timedelta(minutes=5))
    await runs.ended(1)
    await _advance(clock, timedelta(minutes=4))
    assert len(runs.inputs) == 1
    await _advance(clock, timedelta(minutes=1))
    await runs.ended(2)
    await stopped(tick)


async def test_a_retry_policy_repeats_a_failed_run_and_tells_it_so() -> None:
    failed = Outcome(failure=RpcException(message="ValueError: no"))
    clock, runs = after_the_hour(), Runs(failed, failed, failed)
    policy = RpcRetryOptions(
        max_retry_count=2, retry_strategy="fixed_delay", delay_interval=timedelta(seconds=5)
    )
    tick = timer(runs, clock, retry=policy, run_on_startup=True)
    tick.start()
    for attempt in (0, 1, 2):
        await runs.ended(attempt + 1)
        retry = runs.inputs[attempt].retry
        assert retry is not None
        assert (retry.retry_count, retry.max_retry_count) == (attempt, 2)
        assert (retry.exception == failed.failure) is (attempt > 0)
        await _advance(clock, timedelta(seconds=5))
    await _advance(clock, timedelta(minutes=1))
    assert len(runs.inputs) == 3
    await stopped(tick)


def test_exponential_delays_double_up_to_the_maximum() -> None:
    policy = RpcRetryOptions(
        max_retry_count=-1,
        retry_strategy="exponential_backoff",
        minimum_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=5),
    )
    delays = [retry_delay(policy, attempt).total_seconds() for attempt in (0, 1, 2, 3, 500)]
    assert delays == [1, 2, 4, 5, 5]


async def test_stopping_waits_for_the_running_function() -> None:
    runs = Runs(held=True)
    tick = timer(runs, after_the_hour(), run_on_startup=True)
    tick.start()
    await runs.begun(1)
    assert not await tick.stop(0.01)
    runs.release.set()
    await stopped(tick)
    await runs.ended(1)


async def test_run_now_runs_beside_the_schedule() -> None:
    runs = Runs()
    tick = timer(runs, after_the_hour())
    await tick.run_now()
    assert len(runs.inputs) == 1
