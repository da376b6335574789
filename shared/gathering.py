"""Gathers what several webhook calls want to send, so that a burst reaches the consumer in bulk.

A consumer's round trips grow with the number of its batches, not with what is in them. On an idle
stack a notification goes out at once. In a burst, which Graph delivers in many small calls, what
comes within `interval` of the last send waits for the rest of it and goes out in one send. Every
caller still returns only when the broker has accepted its messages.
"""

import asyncio
from collections.abc import Sequence

from shared.bus import Bus, Message

INTERVAL_SECONDS = 0.4  # together with the broker's answer within Graph's three (graph.md 2.2)


class GatheringBus:
    """A bus that sends at most once in `interval` seconds to each queue."""

    def __init__(self, bus: Bus, interval: float = INTERVAL_SECONDS) -> None:
        self._bus = bus
        self._interval = interval
        self._waiting: dict[str, list[Message]] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, float] = {}

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        """See `Bus.send`; if the shared send fails, it fails for everyone who shared it."""
        if not messages:
            return
        self._waiting.setdefault(queue, []).extend(messages)
        if queue not in self._sending:
            self._sending[queue] = asyncio.create_task(self._send_soon(queue))
        # A caller that gives up must not take the others' send with it.
        await asyncio.shield(self._sending[queue])

    async def _send_soon(self, queue: str) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._next.get(queue, 0.0) - loop.time()))
        gathered = self._waiting.pop(queue)
        del self._sending[queue]
        self._next[queue] = loop.time() + self._interval
        await self._bus.send(queue, gathered)
