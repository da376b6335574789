"""The window in which a series has rows moves on: every tracked series is looked at once a day."""

import logging
from collections.abc import Callable
from datetime import datetime

from shared.bus import Bus, change_messages
from shared.changes import Change, Hint
from shared.dataverse import links
from shared.dataverse.client import Dataverse
from shared.identifiers import Kind

logger = logging.getLogger("tether.rolling")


class Rolling:
    """Has tracked series looked at; one for a process. `now` is UTC."""

    def __init__(self, dataverse: Dataverse, bus: Bus, now: Callable[[], datetime]) -> None:
        self._dataverse = dataverse
        self._bus = bus
        self._now = now

    async def roll(self) -> int:
        """Put a change for every tracked series on its queue; return how many.

        Raises:
            Transient: Dataverse or the broker did not answer; the next time does it.
        """
        now = self._now()
        rows = await self._dataverse.read_all(links.TRACKED_SERIES)
        changes = [
            Change(
                id=f"{link.id}/rolled/{now:%Y-%m-%d}",
                mailbox=link.mailbox,
                kind=Kind.CALENDAR,
                item=link.item,
                hint=Hint.UPDATED,
                noticed=now,
            )
            for link in map(links.link_row, rows)
            if link.mailbox and link.item
        ]
        await self._bus.send(Kind.CALENDAR, change_messages(changes))
        logger.info("rolled series=%d", len(changes))
        return len(changes)
