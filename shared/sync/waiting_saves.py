"""Puts on the queue what was asked for and has not been done: a save must not be lost.

A save of a mailbox that did not sync yet waits until it does; and whoever died between writing a
request and sending its message is made up for by the sweep.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from shared.bus import Bus, change_messages
from shared.changes import Change, Hint
from shared.dataverse.client import Dataverse
from shared.dataverse.waiting_requests import WaitingRequest, waiting_request, waiting_requests
from shared.identifiers import Kind, MailboxId

logger = logging.getLogger("tether.waiting")

PATIENCE = timedelta(minutes=2)
"""How long a request may be under way before it is told again."""


class WaitingSaves:
    """Sends waiting requests again; one for a process. `now` is UTC."""

    def __init__(self, dataverse: Dataverse, bus: Bus, now: Callable[[], datetime]) -> None:
        self._dataverse = dataverse
        self._bus = bus
        self._now = now

    async def send(
        self, mailbox: MailboxId | None = None, *, enrolled: Collection[MailboxId] = ()
    ) -> int:
        """Put what waits on its queue: all of a mailbox, or of every one what has waited long.

        Of the mailboxes that were `enrolled` just now nothing has been sent yet. Return how many.

        Raises:
            Transient: Dataverse or the broker did not answer; the next time does it.
        """
        now = self._now()
        rows = await self._dataverse.read_all(waiting_requests(mailbox))
        changes: dict[Kind, list[Change]] = defaultdict(list)
        for one in filter(None, map(waiting_request, rows)):
            if mailbox or one.mailbox in enrolled or now - one.since >= PATIENCE:
                changes[one.kind].append(_change(one, now))
        for kind, of_kind in changes.items():
            await self._bus.send(kind.value, change_messages(of_kind))
        count = sum(map(len, changes.values()))
        if count:
            logger.info("waiting requests sent=%d", count)
        return count


def _change(one: WaitingRequest, now: datetime) -> Change:
    return Change(
        id=f"{one.link}/waiting/{now:%Y-%m-%dT%H:%M:%S}",
        mailbox=one.mailbox,
        kind=one.kind,
        item=one.item,
        hint=Hint.UPDATED,
        noticed=now,
    )
