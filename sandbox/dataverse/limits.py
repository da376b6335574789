"""Service protection limits: how much one user may ask in five minutes (dataverse.md 6)."""

import math
from collections import deque

from sandbox.clock import Clock
from sandbox.dataverse.errors import DataverseError

WINDOW = 300.0  # seconds
MAX_REQUESTS = 6000
MAX_EXECUTION = 1200.0  # seconds of all requests together
MAX_CONCURRENT = 52
PARALLELISM_HINT = 52


class _Usage:
    """What one user asked within the window."""

    def __init__(self) -> None:
        self.arrivals: deque[float] = deque()
        self.executions: deque[tuple[float, float]] = deque()
        self.execution_total = 0.0
        self.concurrent = 0

    def forget(self, before: float) -> None:
        """Drop what has left the window."""
        while self.arrivals and self.arrivals[0] <= before:
            self.arrivals.popleft()
        while self.executions and self.executions[0][0] <= before:
            self.execution_total -= self.executions.popleft()[1]


class Limits:
    """Meters each user; every request calls `enter`, and `leave` when it is answered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._users: dict[str, _Usage] = {}

    def enter(self, user_id: str) -> None:
        """Count a request; a refused one counts, too, so sending on makes the penalty longer.

        Raises:
            DataverseError: 429, the user is over a limit.
        """
        usage = self._usage(user_id)
        usage.concurrent += 1
        usage.arrivals.append(self._clock.timestamp())
        if usage.concurrent > MAX_CONCURRENT:
            raise _throttled(
                "0x80072326",
                f"Number of concurrent requests exceeded the limit of {MAX_CONCURRENT}.",
                1.0,
            )
        if len(usage.arrivals) > MAX_REQUESTS:
            leaves = usage.arrivals[len(usage.arrivals) - MAX_REQUESTS - 1] + WINDOW
            raise _throttled(
                "0x80072322",
                f"Number of requests exceeded the limit of {MAX_REQUESTS} over time window of "
                f"{WINDOW:.0f} seconds.",
                leaves - self._clock.timestamp(),
            )
        if usage.execution_total > MAX_EXECUTION:
            raise _throttled(
                "0x80072321",
                "Combined execution time of incoming requests exceeded limit of 1,200,000 "
                "milliseconds over time window of 300 seconds. Decrease number of concurrent "
                "requests or reduce the duration of requests and try again later.",
                usage.executions[0][0] + WINDOW - self._clock.timestamp(),
            )

    def leave(self, user_id: str, seconds: float) -> None:
        """Note that a request is answered, after so many seconds."""
        usage = self._usage(user_id)
        usage.concurrent -= 1
        usage.executions.append((self._clock.timestamp(), seconds))
        usage.execution_total += seconds

    def headers(self, user_id: str) -> dict[str, str]:
        """Return what a response says about the remaining budget."""
        usage = self._usage(user_id)
        requests = max(0, MAX_REQUESTS - len(usage.arrivals))
        seconds = max(0.0, MAX_EXECUTION - usage.execution_total)
        return {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(requests),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{seconds:.2f}",
            "x-ms-dop-hint": str(PARALLELISM_HINT),
        }

    def _usage(self, user_id: str) -> _Usage:
        usage = self._users.setdefault(user_id, _Usage())
        usage.forget(self._clock.timestamp() - WINDOW)
        return usage


def _throttled(code: str, message: str, seconds: float) -> DataverseError:
    error = DataverseError(429, code, message)
    error.retry_after = max(1, math.ceil(seconds))
    return error
