"""Reconciles tasks by what is told of them, whether or not it says where they are.

A notification need not name a task's list (graph.md 2.5), and a task cannot be read without it. So
it is a hint about its mailbox: the poller goes through that now, and what it finds comes by the
queue like anything it finds.
"""

import logging
from collections.abc import Iterable, Sequence

from shared.changes import Change, coalesce
from shared.errors import Transient, where
from shared.graph.tasks import names_its_list
from shared.sync.consuming import Reconciles
from shared.sync.outcome import Failed, Impossible, Outcome, Settled
from shared.sync.plan import Ignore
from shared.sync.polling import Poller
from shared.telemetry import Parked

logger = logging.getLogger("tether.tasks")


class Hinted:
    """Has `poller` find out what hints are about; all else is `reconciler`'s."""

    def __init__(self, reconciler: Reconciles, poller: Poller) -> None:
        self._reconciler = reconciler
        self._poller = poller

    async def reconcile(self, changes: Iterable[Change]) -> Outcome:
        """See `Reconciles`; hints about one mailbox are one."""
        told = list(changes)
        outcome = await self._reconciler.reconcile(
            [change for change in told if names_its_list(change.item)]
        )
        hints = [change for change in told if not names_its_list(change.item)]
        if hints:
            await self._follow(coalesce(hints, by=lambda hint: hint.mailbox), outcome)
        return outcome

    async def _follow(self, hints: Sequence[Change], outcome: Outcome) -> None:
        mailboxes = [hint.mailbox for hint in hints]
        try:
            again = await self._poller.visit(mailboxes)
        except Transient as problem:
            again = dict.fromkeys(mailboxes, problem)
        except Exception as problem:  # noqa: BLE001 - it ends in the outcome
            logger.warning("mailboxes cannot be polled: %s", where(problem))
            reason = f"{type(problem).__name__}: {problem}"
            outcome.impossible += [Impossible(hint, reason, Parked.DEFECT) for hint in hints]
            return
        for hint in hints:
            if why := again.get(hint.mailbox):
                outcome.failed.append(Failed(hint, str(why), why.retry_after))
            else:
                outcome.settled.append(Settled(hint, Ignore("a hint: its mailbox was polled")))
