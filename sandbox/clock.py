"""The time every sandbox service goes by, so that a test or a person can move it."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time plus what `advance` added, and calls that are due at a time of this clock.

    `now` and `timestamp` tell the time (UTC; seconds since 1970). `call_at` runs a callback on the
    running event loop once the clock has reached a time, whether it got there by waiting or by
    `advance`. One clock serves one event loop.
    """

    def __init__(self, *, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset.total_seconds()
        self._order = itertools.count()
        self._due: list[tuple[float, int, Timer]] = []
        self._wakeup: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        """Return the present moment in seconds since 1970."""
        return time.time() + self._offset

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return timedelta(seconds=self._offset)

    def advance(self, by: timedelta) -> None:
        """Move the clock forward and run what has become due, earliest first.

        Raises:
            ValueError: `by` is negative; the services' locks and expiries never run backwards.
        """
        if by < timedelta(0):
            raise ValueError(f"the clock only moves forward, not by {by}")
        self._offset += by.total_seconds()
        self._run_due()

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        """Run `callback` on the event loop when the clock reaches `when` (seconds since 1970)."""
        timer = Timer(callback)
        heapq.heappush(self._due, (when, next(self._order), timer))
        self._arm()
        return timer

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Timer":
        """Run `callback` `delay` seconds from now."""
        return self.call_at(self.timestamp() + delay, callback)

    async def sleep(self, delay: float) -> None:
        """Wait until the clock has moved on by `delay` seconds."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(delay, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def _arm(self) -> None:
        if self._wakeup:
            self._wakeup.cancel()
            self._wakeup = None
        while self._due and self._due[0][2].cancelled:
            heapq.heappop(self._due)
        if self._due:
            delay = max(0.0, self._due[0][0] - self.timestamp())
            self._wakeup = asyncio.get_running_loop().call_later(delay, self._run_due)

    def _run_due(self) -> None:
        while self._due and (self._due[0][2].cancelled or self._due[0][0] <= self.timestamp()):
            _, _, timer = heapq.heappop(self._due)
            if not timer.cancelled:
                timer.callback()
        if self._due:
            self._arm()


class Timer:
    """A call the clock will make, unless cancelled."""

    __slots__ = ("callback", "cancelled")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        """Take the call back; harmless when it has been made."""
        self.cancelled = True
