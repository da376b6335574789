"""The metrics Tether counts by; without an exporter configured they cost next to nothing.

`METRICS` is the one table of their names and attributes: alerts and workbook ask for these alone.
An attribute's values are few words of the app's own, never a mailbox, an item, or what people
wrote. Times are seconds.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

KIND, PLAN, REASON = "tether.kind", "tether.plan", "tether.reason"
SERVICE, OPERATION, STATUS = "tether.service", "tether.operation", "tether.status"
CONDITION = "tether.condition"
ROUTE, HTTP_STATUS = "http.route", "http.response.status_code"

METRICS: Mapping[str, frozenset[str]] = {
    "tether.notifications.accepted": frozenset(),
    "tether.notifications.rejected": frozenset({REASON}),
    "tether.webhook.duration": frozenset({ROUTE, HTTP_STATUS}),
    "tether.changes.settled": frozenset({KIND, PLAN, REASON}),
    "tether.changes.failed": frozenset({KIND}),
    "tether.changes.parked": frozenset({KIND, REASON}),
    "tether.lag": frozenset({KIND, PLAN}),
    "tether.freshness": frozenset({KIND}),
    "tether.requests": frozenset({SERVICE, STATUS}),
    "tether.requests.throttled": frozenset({SERVICE}),
    "tether.request.duration": frozenset({SERVICE, OPERATION, STATUS}),
    "tether.subscriptions": frozenset({KIND, CONDITION}),
    "tether.subscriptions.remaining": frozenset({KIND}),
    "tether.subscriptions.lost": frozenset({KIND, REASON}),
    "tether.mailboxes": frozenset({CONDITION}),
}
"""Every metric there is, with the attributes it may have."""


class Parked(StrEnum):
    """Why a change is parked: the reason of `tether.changes.parked`."""

    UNREADABLE = "unreadable"
    REFUSED = "refused"
    KEPT_FAILING = "kept failing"
    DEFECT = "defect"


class MailboxCondition(StrEnum):
    """What is true of mailboxes; one may be counted under several: of `tether.mailboxes`."""

    ENROLLED = "enrolled"
    SUSPENDED = "suspended"
    NOT_READY = "not ready"
    CATCH_UP = "catch-up needed"
    LAST_ERROR = "last error"
    SILENT = "silent"
    CONFLICT = "native-sync-conflict"


class SubscriptionCondition(StrEnum):
    """How subscriptions stand; each is counted under one: of `tether.subscriptions`."""

    LIVE = "live"
    EXPIRING = "expiring"
    MISSING = "missing"


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_TOLD_FOR_SECONDS = 600.0
_meter = get_meter("tether")

notifications_accepted = _meter.create_counter(
    "tether.notifications.accepted", "{notification}", "Genuine notifications put on the bus."
)
notifications_rejected = _meter.create_counter(
    "tether.notifications.rejected", "{notification}", "Notifications turned away."
)
webhook_duration = _meter.create_histogram(
    "tether.webhook.duration",
    "s",
    "From Graph's post to the answer.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
changes_settled = _meter.create_counter(
    "tether.changes.settled", "{change}", "Changes after which both sides agree."
)
changes_failed = _meter.create_counter(
    "tether.changes.failed", "{change}", "Tries that failed and are made again."
)
changes_parked = _meter.create_counter(
    "tether.changes.parked", "{change}", "Changes that cannot be done and wait for an operator."
)
lag = _meter.create_histogram(
    "tether.lag",
    "s",
    "From the notification's arrival to both sides agreeing.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
requests = _meter.create_counter(
    "tether.requests", "{request}", "Requests as the services count them: each part of a batch."
)
requests_throttled = _meter.create_counter(
    "tether.requests.throttled", "{request}", "Those of the requests that were answered with 429."
)
request_duration = _meter.create_histogram(
    "tether.request.duration",
    "s",
    "Round trips: from the request to its answer, or to giving it up.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
subscriptions_lost = _meter.create_counter(
    "tether.subscriptions.lost", "{subscription}", "Subscriptions that ended before their renewal."
)


class Finding:
    """A gauge of what a timer last found, for as long as this process is the one that finds it.

    Timers run now here, now there: what another process has found since must not stand beside it.
    """

    def __init__(
        self,
        name: str,
        unit: str,
        description: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._found: Mapping[tuple[tuple[str, str], ...], float] = {}
        self._clock = clock
        self._at = clock()
        _meter.create_observable_gauge(name, [self.observe], unit, description)

    def tell(self, found: Iterable[tuple[Mapping[str, str], float]]) -> None:
        """Take the place of what was found before; each value comes with its attributes."""
        self._found = {tuple(attributes.items()): value for attributes, value in found}
        self._at = self._clock()

    def observe(self, _: CallbackOptions) -> list[Observation]:
        """Return the values, unless they have become old."""
        if self._clock() - self._at > _TOLD_FOR_SECONDS:
            return []
        return [Observation(value, dict(told)) for told, value in self._found.items()]


freshness = Finding(
    "tether.freshness", "s", "How long ago anything of a kind last changed in Dynamics."
)
subscriptions_by_condition = Finding(
    "tether.subscriptions", "{subscription}", "Subscriptions of the enrolled mailboxes."
)
subscriptions_remaining = Finding(
    "tether.subscriptions.remaining", "s", "What is left of the subscription that ends first."
)
mailboxes = Finding("tether.mailboxes", "{mailbox}", "Mailboxes of which something is true.")


def status_class(status: int) -> str:
    """Return 2xx to 5xx, or `none` for no answer (0)."""
    return f"{status // 100}xx" if status else "none"
