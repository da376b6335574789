"""A queue in memory with locks, sessions, delivery counts and dead letters, for the listener."""

import asyncio
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sandbox.clock import Clock
from sandbox.functionshost.messages import Message
from sandbox.functionshost.receiving import BrokerError


@dataclass
class _Held:
    message: Message
    token: str | None = None
    locked_until: float = 0.0


class MemoryQueue:
    """One queue. Messages are served in order, abandoned ones at their old place again.

    `outages` is how many of the next operations fail as if the broker were away.
    """

    def __init__(
        self, clock: Clock, *, lock: timedelta = timedelta(minutes=1), max_deliveries: int = 10
    ) -> None:
        self.clock = clock
        self.dead: list[Message] = []
        self.renewed: list[int] = []
        self.sessions_held = 0
        self.outages = 0
        self._lock = lock
        self._max_deliveries = max_deliveries
        self._held: list[_Held] = []
        self._locked_sessions: set[str] = set()
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()

    def send(self, *bodies: bytes, session_id: str | None = None) -> None:
        for body in bodies:
            message = Message(
                body=body,
                lock_token=str(uuid.UUID(int=0)),
                sequence_number=next(self._numbers),
                enqueued_at=self.clock.now(),
                session_id=session_id,
            )
            self._held.append(_Held(message))
        self._touch()

    @property
    def size(self) -> int:
        return len(self._held)

    def counts(self) -> list[int]:
        return [held.message.delivery_count for held in self._held]

    async def emptied(self) -> None:
        async with asyncio.timeout(5):
            while self._held:
                await self.change()

    async def change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def open(self) -> "MemoryReceiver":
        self.check()
        return MemoryReceiver(self, None)

    async def accept_session(self, wait: float) -> "MemoryReceiver | None":
        self.check()
        until = self.clock.timestamp() + wait
        while self.clock.timestamp() < until:
            for held in self._held:
                session = held.message.session_id
                if session and session not in self._locked_sessions and self.free(held):
                    self._locked_sessions.add(session)
                    self.sessions_held = max(self.sessions_held, len(self._locked_sessions))
                    return MemoryReceiver(self, session)
            await self._wait_until(until)
        return None

    async def close(self) -> None:
        """Nothing to close."""

    def check(self) -> None:
        if self.outages:
            self.outages -= 1
            raise BrokerError("the broker is away")

    def free(self, held: _Held) -> bool:
        if held.token and held.locked_until <= self.clock.timestamp():
            self.give_back(held)
        return held.token is None

    async def take(self, limit: int, wait: float, session: str | None) -> list[Message]:
        self.check()
        until = self.clock.timestamp() + wait
        while True:
            ready = [h for h in self._held if self.free(h) and h.message.session_id == session]
            if ready or self.clock.timestamp() >= until:
                return [self._locked(held) for held in ready[:limit]]
            await self._wait_until(until)

    def under_lock(self, message: Message) -> _Held:
        for held in self._held:
            if held.token == message.lock_token and held.locked_until > self.clock.timestamp():
                return held
        raise BrokerError("MessageLockLostError: the lock has expired")

    def remove(self, held: _Held) -> None:
        self._held.remove(held)
        self._touch()

    def give_back(self, held: _Held) -> None:
        held.token = None
        count = held.message.delivery_count + 1
        held.message = replace(held.message, delivery_count=count)
        if count >= self._max_deliveries:
            self._held.remove(held)
            self.dead.append(held.message)
        self._touch()

    def leave_session(self, session: str) -> None:
        self._locked_sessions.discard(session)
        self._touch()

    def _locked(self, held: _Held) -> Message:
        held.token = str(uuid.uuid4())
        held.locked_until = self.clock.timestamp() + self._lock.total_seconds()
        self.clock.call_at(held.locked_until, self._touch)
        held.message = replace(held.message, lock_token=held.token)
        return held.message

    def _touch(self) -> None:
        self._changed.set()

    async def _wait_until(self, moment: float) -> None:
        alarm = self.clock.call_at(moment, self._touch)
        try:
            await self.change()
        finally:
            alarm.cancel()


class MemoryReceiver:
    """Takes messages of the queue, or of one session."""

    def __init__(self, queue: MemoryQueue, session: str | None) -> None:
        self._queue = queue
        self._session = session

    async def receive(self, limit: int, wait: float) -> Sequence[Message]:
        return await self._queue.take(limit, wait, self._session)

    async def complete(self, message: Message) -> None:
        self._queue.check()
        self._queue.remove(self._queue.under_lock(message))

    async def abandon(self, message: Message) -> None:
        self._queue.check()
        self._queue.give_back(self._queue.under_lock(message))

    def keep_locked(self, message: Message, duration: timedelta) -> None:
        assert duration
        self._queue.renewed.append(message.sequence_number)

    async def close(self) -> None:
        if self._session:
            self._queue.leave_session(self._session)
