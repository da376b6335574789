"""All entities of a namespace, and the turn in which everything that happened takes effect."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from sandbox.clock import Clock, Timer
from sandbox.servicebus.broker.errors import not_found, not_implemented
from sandbox.servicebus.broker.message import Message
from sandbox.servicebus.broker.queue import Queue
from sandbox.servicebus.broker.session_queue import SessionQueue
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.store.base import Store

_DEAD_LETTERS = "/$deadletterqueue"
_SUBSCRIPTIONS = "/subscriptions/"


class Topic:
    """Sends a copy of every message to each of its subscriptions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.subscriptions: list[Queue] = []


class Broker:
    """Finds entities by name, and brings changes about turn by turn.

    What comes in during one turn of the event loop is acted on at its end: messages are handed out,
    the store commits, and only then do the `flushes` asked for send what was written. So nothing is
    acknowledged that could still be lost (service-bus.md 8).
    """

    def __init__(
        self, entities: Mapping[str, QueueSettings], *, clock: Clock, store: Store
    ) -> None:
        self.clock = clock
        self.operations: Counter[str] = Counter()
        self._store = store
        self._queues: dict[str, Queue] = {}
        self._topics: dict[str, Topic] = {}
        self._flushes: dict[Callable[[], None], None] = {}
        self._turn: asyncio.Handle | None = None
        self._timer: Timer | None = None
        self._timer_at = float("inf")
        for name, settings in entities.items():
            self._declare(name, settings)

    @property
    def queues(self) -> Iterator[Queue]:
        """Every queue and subscription, without the dead-letter queues."""
        return (queue for queue in self._queues.values() if queue.dead_letter)

    def queue(self, name: str) -> Queue:
        """Return a queue, subscription or dead-letter queue; names ignore case.

        Raises:
            BrokerError: there is none, or it is a topic: nobody receives from that.
        """
        found = self._queues.get(name.lower())
        if found is None:
            if name.lower() in self._topics:
                raise not_implemented("Receiving from or scheduling on a topic")
            if name.lower().endswith("/$transfer" + _DEAD_LETTERS):
                raise not_implemented("Transfer dead-letter queues")
            raise not_found(name)
        return found

    def destinations(self, name: str) -> list[Queue]:
        """Return the queues that what is sent to `name` goes to.

        Raises:
            BrokerError: there is none, or messages cannot be sent to it.
        """
        key = name.lower()
        if key in self._topics:
            return self._topics[key].subscriptions
        if _SUBSCRIPTIONS in key or key.endswith(_DEAD_LETTERS):
            raise not_found(name)
        return [self.queue(name)]

    def check_known(self, name: str) -> None:
        """See that there is a queue, subscription, dead-letter queue or topic of this name.

        Raises:
            BrokerError: there is none.
        """
        if name.lower() not in self._topics:
            self.queue(name)

    def send(self, name: str, messages: list[bytes]) -> None:
        """Take messages, all or none.

        Raises:
            BrokerError: one of them is refused.
        """
        queues = self.destinations(name)
        copies = [[Message.read(raw) for raw in messages] for _ in queues]
        for queue, batch in zip(queues, copies, strict=True):
            for message in batch:
                queue.check(message)
        self.operations["sends"] += 1
        self.operations["messages_sent"] += len(messages)
        for queue, batch in zip(queues, copies, strict=True):
            for message in batch:
                queue.enqueue(message)

    def wake(self, flush: Callable[[], None] | None = None) -> None:
        """End this turn of the loop with a turn of the broker, and `flush` after its commit."""
        if flush:
            self._flushes[flush] = None
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self.turn)

    def turn(self) -> None:
        """Do what is due, hand out what is ready, commit, then send."""
        if self._turn:
            self._turn.cancel()
            self._turn = None
        for queue in self._queues.values():
            queue.run_due()
        for queue in self._queues.values():
            queue.pump()
        self._store.commit()
        flushes, self._flushes = self._flushes, {}
        for flush in flushes:
            flush()
        self._arm()

    def close(self) -> None:
        """Commit and stop."""
        for pending in (self._turn, self._timer):
            if pending:
                pending.cancel()
        self._turn = self._timer = None
        self._store.close()

    def _declare(self, name: str, settings: QueueSettings) -> None:
        topic, subscription, _ = name.lower().partition(_SUBSCRIPTIONS)
        if subscription and settings.requires_duplicate_detection:
            raise ValueError(f"{name}: duplicate detection belongs to a topic, not a subscription")
        grave = Queue(
            name + _DEAD_LETTERS,
            QueueSettings(
                lock_duration=settings.lock_duration, max_message_size_in_kilobytes=102400
            ),
            self.clock,
            self._store,
            self.operations,
        )
        kind = SessionQueue if settings.requires_session else Queue
        queue = kind(name, settings, self.clock, self._store, self.operations, grave)
        self._queues[name.lower()] = queue
        self._queues[name.lower() + _DEAD_LETTERS] = grave
        if subscription:
            self._topics.setdefault(topic, Topic(topic)).subscriptions.append(queue)

    def _arm(self) -> None:
        """Have the clock wake the broker when something is due next."""
        due = [at for queue in self._queues.values() if (at := queue.next_due()) is not None]
        at = min(due, default=float("inf"))
        if at == self._timer_at:
            return
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._timer_at = at
        if due:
            self._timer = self.clock.call_at(at, self._on_time)

    def _on_time(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        self.turn()
