"""The messages of one queue: by sequence number, by readiness and by time."""

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from sandbox.servicebus.broker.errors import message_not_found
from sandbox.servicebus.broker.message import Message, State


class Backlog:
    """Messages in the order of their sequence numbers, which only grow.

    Ready messages wait in lanes: one for a plain queue (None), one per session otherwise.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.lanes: dict[str | None, list[int]] = {}
        self._messages: dict[int, Message] = {}
        self._order: list[int] = []
        self._scheduled: list[tuple[float, int]] = []
        self._expiring: list[tuple[float, int]] = []

    def __iter__(self) -> Iterator[Message]:
        return iter(list(self._messages.values()))

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message) -> None:
        """Take a message with a new sequence number."""
        self._messages[message.sequence] = message
        self._order.append(message.sequence)
        self.bytes += message.size
        if message.state is State.SCHEDULED and message.scheduled is not None:
            heapq.heappush(self._scheduled, (message.scheduled, message.sequence))
        if message.expires is not None:
            heapq.heappush(self._expiring, (message.expires, message.sequence))

    def remove(self, message: Message) -> None:
        """Let a message go; heaps and lanes pass over it when they come to it."""
        del self._messages[message.sequence]
        self.bytes -= message.size
        if len(self._order) > 2 * len(self._messages) + 64:
            self._order = [sequence for sequence in self._order if sequence in self._messages]

    def find(self, sequence: int, state: State) -> Message:
        """Return a message in a state.

        Raises:
            BrokerError: there is none of that sequence number, or it is in another state.
        """
        message = self._messages.get(sequence)
        if message is None or message.state is not state:
            raise message_not_found(sequence)
        return message

    def peek(self, start: int, count: int, session_id: str | None) -> list[Message]:
        """Return up to `count` messages from a sequence number on, in any state."""
        found: list[Message] = []
        for at in range(bisect_left(self._order, start), len(self._order)):
            if len(found) >= count:
                break
            message = self._messages.get(self._order[at])
            if message and (session_id is None or message.session_id == session_id):
                found.append(message)
        return found

    def make_ready(self, message: Message, lane: str | None) -> None:
        """Put an active message where receivers look; it keeps its place by sequence number."""
        heapq.heappush(self.lanes.setdefault(lane, []), message.sequence)

    def next_ready(self, lane: str | None) -> Message | None:
        """Take the first message out of a lane."""
        waiting = self.lanes.get(lane)
        while waiting:
            message = self._messages.get(heapq.heappop(waiting))
            if message and message.state is State.ACTIVE and not message.lock:
                if not waiting:
                    del self.lanes[lane]
                return message
        self.lanes.pop(lane, None)
        return None

    def next_due(self) -> float | None:
        """Return when a message becomes active or expires next, seconds since 1970."""
        for heap in (self._scheduled, self._expiring):
            while heap and heap[0][1] not in self._messages:
                heapq.heappop(heap)
        return min((heap[0][0] for heap in (self._scheduled, self._expiring) if heap), default=None)

    def due_scheduled(self, now: float) -> Iterator[Message]:
        """Take the scheduled messages whose time has come."""
        return self._due(self._scheduled, now)

    def due_expiring(self, now: float) -> Iterator[Message]:
        """Take the messages whose time to live is over, in any state."""
        return self._due(self._expiring, now)

    def counts(self) -> dict[str, int]:
        """Return how many messages are active (and free), locked, scheduled and deferred."""
        states = Counter(
            "locked" if message.lock else message.state.name.lower()
            for message in self._messages.values()
        )
        return {name: states[name] for name in ("active", "locked", "scheduled", "deferred")}

    def _due(self, heap: list[tuple[float, int]], now: float) -> Iterator[Message]:
        while heap and heap[0][0] <= now:
            message = self._messages.get(heapq.heappop(heap)[1])
            if message:
                yield message
