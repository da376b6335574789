"""Gathers what several webhook calls want to send, so that a burst reaches the consumer in bulk.

A consumer's round trips grow with the number of its batches, not with what is in them. On an idle
stack a notification goes out at once. What comes soon after a send waits a moment for the rest, and
in a burst, which Graph delivers in many small calls, a second; it then goes out in one send. Every
caller still returns only when the broker has accepted its messages.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.bus import Bus, Message


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two sends to a queue; a send of `many` messages or more is a burst's.

    With the broker's answer it must stay within Graph's three seconds (graph.md 2.2).
    """

    usual: float = 0.25
    burst: float = 1.0
    many: int = 4

    def after(self, messages: int) -> float:
        """Return how long to wait after a send of so many messages."""
        return self.burst if messages >= self.many else self.usual


class GatheringBus:
    """A bus that keeps a pace for each queue."""

    def __init__(self, bus: Bus, pace: Pace | None = None) -> None:
        self._bus = bus
        self._pace = pace or Pace()
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
        self._next[queue] = loop.time() + self._pace.after(len(gathered))
        await self._bus.send(queue, gathered)
