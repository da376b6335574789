"""Measures a round trip to Graph or Dataverse: a span, its duration, and what it counts for."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind

from shared.telemetry import (
    OPERATION,
    SERVICE,
    STATUS,
    request_duration,
    requests,
    requests_throttled,
    status_class,
)
from shared.tracing import span


class Call:
    """A round trip under way; without an answer, none of its requests was answered."""

    def __init__(self, span: Span, requests: int) -> None:
        self._span = span
        self._began = time.monotonic()
        self._seconds: float | None = None
        self.status = 0
        self.parts = Counter({0: requests})

    def answered(self, status: int) -> None:
        """Note the answer, here and now: it stands for every request until they have their own."""
        self.status = status
        self._seconds = self.seconds
        self.parts = Counter({status: self.parts.total()})
        self._span.set_attribute("http.response.status_code", status)

    def of_parts(self, statuses: Iterable[int]) -> None:
        """Note the answers to the requests of a batch."""
        self.parts = Counter(statuses)

    @property
    def seconds(self) -> float:
        """How long it took, or takes so far."""
        return time.monotonic() - self._began if self._seconds is None else self._seconds


@contextmanager
def calling(service: str, method: str, operation: str, *, requests_in: int = 1) -> Iterator[Call]:
    """Measure what is inside, which sends `requests_in` requests to `service` in one go."""
    told: dict[str, str | int] = {
        "http.request.method": method,
        "peer.service": service,
        "tether.requests": requests_in,
    }
    with span(f"{method} {operation}", SpanKind.CLIENT, told) as begun:
        call = Call(begun, requests_in)
        try:
            yield call
        finally:
            _count(service, operation, call)


def _count(service: str, operation: str, call: Call) -> None:
    status = status_class(call.status)
    request_duration.record(call.seconds, {SERVICE: service, OPERATION: operation, STATUS: status})
    by_class: Counter[str] = Counter()
    for one, number in call.parts.items():
        by_class[status_class(one)] += number
    for told, number in by_class.items():
        requests.add(number, {SERVICE: service, STATUS: told})
    if throttled := call.parts[429]:
        requests_throttled.add(throttled, {SERVICE: service})
