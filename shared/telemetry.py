"""The metrics Tether counts by; without an exporter configured they cost nothing."""

from opentelemetry.metrics import get_meter

_meter = get_meter("tether")

notifications_accepted = _meter.create_counter(
    "tether.notifications.accepted", "{notification}", "Genuine notifications put on the bus."
)
notifications_rejected = _meter.create_counter(
    "tether.notifications.rejected", "{notification}", "Notifications turned away, by reason."
)
changes_settled = _meter.create_counter(
    "tether.changes.settled", "{change}", "Changes after which both sides agree, by plan."
)
changes_failed = _meter.create_counter(
    "tether.changes.failed", "{change}", "Tries that failed and are made again."
)
changes_parked = _meter.create_counter(
    "tether.changes.parked", "{change}", "Changes that cannot be done, parked with their reason."
)
lag = _meter.create_histogram(
    "tether.lag", "s", "From the notification's arrival to both sides agreeing."
)
