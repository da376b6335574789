"""Exchange's limits on one application in one mailbox (graph.md 7)."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.clock import Clock
from sandbox.graph.errors import GraphError
from sandbox.graph.rules import Rules


class Throttle:
    """Lets requests in, four at a time and ten thousand in ten minutes for each app and mailbox."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._inside: Counter[tuple[str, str]] = Counter()
        self._seen: dict[tuple[str, str], deque[float]] = {}
        self._uploads: dict[tuple[str, str], deque[tuple[float, int]]] = {}

    @contextmanager
    def slot(self, app: str, mailbox: str, *, upload: int = 0) -> Iterator[None]:
        """Count a request of `upload` bytes and keep one of the four places while it is served.

        Raises:
            GraphError: 429, a limit is reached. The refused request counts as well.
        """
        who = (app, mailbox)
        self._check_rate(who)
        self._check_upload(who, upload)
        if self._inside[who] >= self._rules.concurrent:
            raise _throttled("MailboxConcurrency", 10)
        self._inside[who] += 1
        try:
            yield
        finally:
            self._inside[who] -= 1

    def _check_rate(self, who: tuple[str, str]) -> None:
        now = self._clock.timestamp()
        seen = self._seen.setdefault(who, deque())
        while seen and seen[0] <= now - self._rules.request_window:
            seen.popleft()
        seen.append(now)
        if len(seen) > self._rules.requests_per_window:
            wait = seen[-self._rules.requests_per_window] + self._rules.request_window - now
            raise _throttled("RequestRate", max(1, int(wait) + 1))

    def _check_upload(self, who: tuple[str, str], size: int) -> None:
        if not size:
            return
        now = self._clock.timestamp()
        sent = self._uploads.setdefault(who, deque())
        while sent and sent[0][0] <= now - self._rules.upload_window:
            sent.popleft()
        sent.append((now, size))
        if sum(one for _, one in sent) > self._rules.upload_bytes_per_window:
            raise _throttled("IncomingBytes", int(self._rules.upload_window))


def _throttled(limit: str, retry_after: int) -> GraphError:
    message = f"Application is over its {limit} limit."
    return GraphError(429, "ApplicationThrottled", message, retry_after=retry_after)
