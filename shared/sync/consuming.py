"""Consumes the messages of one kind's queue: every change is reconciled, settled and reported."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from opentelemetry.trace import SpanKind

from shared.bus import PARKED, Bus, parked_body
from shared.changes import Change, decode
from shared.errors import Malformed, briefly
from shared.identifiers import Kind
from shared.sync.outcome import Outcome
from shared.sync.plan import Ignore, Keep, Plan, Refuse, Track, Unlink
from shared.sync.settling import GAVE_UP, settle
from shared.telemetry import (
    KIND,
    PLAN,
    REASON,
    Parked,
    changes_failed,
    changes_parked,
    changes_settled,
    lag,
)
from shared.tracing import span


class Reconciles(Protocol):
    """What makes both sides agree on a batch of changes."""

    async def reconcile(self, changes: Iterable[Change]) -> Outcome:
        """Return what became of each change; never raises for what a change does to it."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """What works off the queue of one kind; `now` is UTC."""

    kind: Kind
    reconciler: Reconciles
    bus: Bus
    now: Callable[[], datetime]

    async def consume(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Reconcile a batch of messages (id, body); raises only if the bus does not take the rest.

        One bad message never fails its neighbours: what cannot be read is parked as it came.
        """
        changes: list[Change] = []
        for message_id, body in messages:
            try:
                changes += decode(body)
            except Malformed as problem:
                await self.bus.send(PARKED, [parked_body(self.kind, body, str(problem))])
                changes_parked.add(1, {KIND: self.kind, REASON: Parked.UNREADABLE})
                cause, why = Parked.UNREADABLE, briefly(problem)
                self._log.error("parked message=%s cause=%s reason=%s", message_id, cause, why)
        attributes = {
            "messaging.system": "servicebus",
            "messaging.operation.type": "process",
            "messaging.destination.name": self.kind.value,
            "messaging.batch.message_count": len(messages),
            "tether.changes": len(changes),
        }
        links = (change.trace for change in changes)
        with span(f"process {self.kind}", SpanKind.CONSUMER, attributes, links=links) as batch:
            outcome = await self.reconciler.reconcile(changes)
            await settle(outcome, self.kind, self.bus, self.now())
            self._report(outcome)
            batch.set_attributes(
                {
                    "tether.settled": len(outcome.settled),
                    "tether.failed": len(outcome.failed),
                    "tether.parked": len(outcome.impossible),
                }
            )

    def _report(self, outcome: Outcome) -> None:
        log = self._log
        for settled in outcome.settled:
            name, why = _told(settled.plan)
            seconds = (self.now() - settled.change.noticed).total_seconds()
            told = {KIND: self.kind, PLAN: name}
            changes_settled.add(1, {**told, REASON: why})
            if not settled.change.looked_before:  # it has been settled once, in its own time
                lag.record(seconds, told)
            log.info(
                "settled plan=%s mailbox=%s item=%s lag=%.3f why=%s",
                name,
                settled.change.mailbox,
                settled.change.item,
                seconds,
                why,
            )
        for failed in outcome.failed:
            changes_failed.add(1, {KIND: self.kind})
            log.warning("failed item=%s problem=%s", failed.change.item, briefly(failed.problem))
        for impossible in outcome.impossible:
            cause = impossible.counted
            why = briefly(impossible.reason.removeprefix(GAVE_UP))
            changes_parked.add(1, {KIND: self.kind, REASON: cause})
            log.error("parked item=%s cause=%s reason=%s", impossible.change.item, cause, why)

    @property
    def _log(self) -> logging.Logger:
        return logging.getLogger(f"tether.{self.kind}")


def _told(plan: Plan[Any] | None) -> tuple[str, str]:
    """Return a plan's name and why it was made, in the words of the log."""
    match plan:
        case None:
            return "seen", "this version is known"
        case Track():
            return "track", plan.tracking.reason.name.lower()
        case Keep():
            return "keep", "tracked already"
        case Unlink():
            return "unlink", plan.why
        case Refuse():
            return "refuse", plan.why
        case Ignore():
            return "ignore", plan.why
