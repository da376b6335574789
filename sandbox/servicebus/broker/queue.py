"""A queue: takes messages, hands them out under locks, and settles what becomes of them.

Everything happens at the moment of the clock given; the queue starts no timers. Whoever owns it
calls `run_due` when `next_due` has come, and `pump` after anything changed.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid4

from sandbox.clock import Clock
from sandbox.servicebus.broker import errors
from sandbox.servicebus.broker.backlog import Backlog
from sandbox.servicebus.broker.duplicates import DuplicateWindow
from sandbox.servicebus.broker.message import Lock, Message, Settlement, State
from sandbox.servicebus.broker.receiver import Receiver
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.store.base import Kept, Store


@dataclass(frozen=True, slots=True)
class SessionWanted:
    """The session a receiver asks for, None for the next available, waiting `timeout` seconds."""

    session_id: str | None
    timeout: float


class Queue:
    """One entity's messages, locks and receivers.

    `dead_letter` is the queue that takes what cannot be delivered; a dead-letter queue has none,
    and so neither expires messages nor gives up on them (service-bus.md 1.6).
    """

    def __init__(
        self,
        name: str,
        settings: QueueSettings,
        clock: Clock,
        store: Store,
        operations: Counter[str],
        dead_letter: "Queue | None" = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.dead_letter = dead_letter
        self.clock = clock
        self._store = store
        self._operations = operations
        self._backlog = Backlog()
        self._last_sequence = 0
        self._locks: dict[UUID, Message] = {}
        self._receivers: deque[Receiver] = deque()
        self._duplicates = DuplicateWindow(
            settings.duplicate_detection_history_time_window.total_seconds()
        )
        self._restore(store.restore(name))

    @property
    def depth(self) -> int:
        """How many messages the queue holds, in any state."""
        return len(self._backlog)

    # Sending

    def check(self, message: Message) -> None:
        """See that the queue would take the message.

        Raises:
            BrokerError: too large, the queue is full, or a session is required and not named.
        """
        limit = self.settings.max_message_size_bytes
        if message.size > limit:
            raise errors.message_too_large(message.size, limit)
        if self._backlog.bytes + message.size > self.settings.max_size_bytes:
            raise errors.entity_full(self.name)
        if self.settings.requires_session and not message.session_id:
            raise errors.not_allowed(f"'{self.name}' requires a session id on every message.")

    def enqueue(self, message: Message) -> int:
        """Take a checked message; return its sequence number.

        A duplicate within the window is dropped, silently (service-bus.md 1.3).
        """
        now = self.clock.timestamp()
        if self.settings.requires_duplicate_detection:
            self._forget_duplicates(now)
            if message.message_id in self._duplicates:
                self._operations["duplicates_dropped"] += 1
                return self._last_sequence
            expires = self._duplicates.remember(message.message_id, now)
            self._store.keep_duplicate(self.name, message.message_id, expires)
        self._last_sequence += 1
        message.sequence = self._last_sequence
        message.enqueue_sequence = message.enqueue_sequence or message.sequence
        if message.scheduled is not None and message.scheduled > now:
            message.state = State.SCHEDULED
        message.enqueued = now
        self._start_life(message, max(now, message.scheduled or now))
        self._backlog.add(message)
        self._store.keep(self.name, message)
        self._make_ready(message)
        return message.sequence

    def cancel(self, sequences: Iterable[int]) -> None:
        """Take scheduled messages back.

        Raises:
            BrokerError: one of them is not scheduled (any more); then none is cancelled.
        """
        found = [self._backlog.find(sequence, State.SCHEDULED) for sequence in sequences]
        for message in found:
            self._remove(message)

    # Receiving

    def attach(self, receiver: Receiver, wanted: SessionWanted | None) -> bool:
        """Let a receiver have messages; return whether it may start at once.

        Raises:
            BrokerError: it asks for a session and the queue has none.
        """
        if wanted is not None:
            raise errors.not_allowed(f"'{self.name}' does not support sessions.")
        self._receivers.append(receiver)
        return True

    def detach(self, receiver: Receiver) -> None:
        """Let a receiver go; what it has locked stays locked (service-bus.md 1.1)."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)

    def pump(self) -> None:
        """Hand out what is ready to those who are, in turn."""
        idle = 0
        while self._backlog.lanes and idle < len(self._receivers):
            receiver = self._receivers[0]
            self._receivers.rotate(-1)
            message = self._next(None) if receiver.ready else None
            if message:
                self._hand_out(message, receiver)
                idle = 0
            else:
                idle += 1

    def peek(self, start: int, count: int, session_id: str | None = None) -> list[Message]:
        """Return up to `count` messages in any state from a sequence number on."""
        return self._backlog.peek(start, count, session_id)

    def receive_deferred(
        self, sequences: Iterable[int], *, deletes: bool, session_id: str | None, owner: object
    ) -> list[Message]:
        """Return deferred messages, locked or, with `deletes`, removed.

        Raises:
            BrokerError: one of them is not deferred, or locked by somebody else; then none is.
        """
        self.check_session(session_id, owner)
        found = [self._backlog.find(sequence, State.DEFERRED) for sequence in sequences]
        for message in found:
            if message.lock or message.session_id != (session_id or message.session_id):
                raise errors.message_not_found(message.sequence)
        for message in found:
            if deletes:
                self._remove(message)
            else:
                self._lock(message)
        return found

    # Locks

    def settle(
        self,
        token: UUID,
        settlement: Settlement,
        reason: str | None = None,
        description: str | None = None,
    ) -> None:
        """Do with a locked message what its receiver says; the lock ends.

        Raises:
            BrokerError: the lock is lost, or a dead-letter queue is asked to dead-letter.
        """
        message = self._locked(token)
        if settlement is Settlement.DEAD_LETTER and not self.dead_letter:
            raise errors.not_allowed("A dead-letter queue cannot dead-letter.")
        self._operations["settles"] += 1
        self._operations[settlement.value] += 1
        self._unlock(message)
        if settlement is Settlement.COMPLETE:
            self._remove(message)
        elif settlement is Settlement.DEAD_LETTER:
            self._bury(message, reason, description)
        elif settlement is Settlement.ABANDON:
            self._count_failure(message)
        elif settlement is Settlement.DEFER:
            message.state = State.DEFERRED
            self._store.keep(self.name, message)
        else:
            self._make_ready(message)

    def renew(self, tokens: Iterable[UUID]) -> list[float]:
        """Lock messages for another lock duration; return until when, seconds since 1970.

        Raises:
            BrokerError: one of the locks is lost; then none is renewed.
        """
        messages = [self._locked(token) for token in tokens]
        ends = []
        for message in messages:
            assert message.lock  # noqa: S101 - found by its lock
            message.lock.until = self._lock_end(message)
            ends.append(message.lock.until)
            # Locks all last equally long, so the order of the table is the order of expiry.
            self._locks[message.lock.token] = self._locks.pop(message.lock.token)
        return ends

    def expire_locks(self) -> None:
        """End every lock now, as if its time had come."""
        for message in self._locks.values():
            assert message.lock  # noqa: S101 - found by its lock
            message.lock.until = 0.0
        self.run_due()

    # Time

    def next_due(self) -> float | None:
        """Return when something is due next, seconds since 1970."""
        due = [self._backlog.next_due()]
        oldest = next(iter(self._locks.values()), None)
        if oldest and oldest.lock:
            due.append(oldest.lock.until)
        return min((at for at in due if at is not None), default=None)

    def run_due(self) -> None:
        """Activate, expire and unlock what is due."""
        now = self.clock.timestamp()
        for message in self._backlog.due_scheduled(now):
            message.state = State.ACTIVE
            message.enqueued = now
            self._store.keep(self.name, message)
            self._make_ready(message)
        for message in self._backlog.due_expiring(now):
            # A locked message is looked at when it is unlocked; a deferred one is never purged.
            if message.state is State.ACTIVE and not message.lock:
                self._expire(message)
        self._run_due_locks(now)
        self._forget_duplicates(now)

    def counts(self) -> dict[str, int]:
        """Return how many messages are active (and free), locked, scheduled and deferred."""
        return self._backlog.counts()

    def purge(self) -> None:
        """Forget every message, lock and message id."""
        for message in self._backlog:
            if message.lock:
                self._unlock(message)
            self._remove(message)
        for message_id in self._duplicates.clear():
            self._store.keep_duplicate(self.name, message_id, None)

    # What a session queue does differently

    def _lane(self, message: Message) -> str | None:  # noqa: ARG002 - one lane for all
        return None

    def _lock_end(self, message: Message) -> float:  # noqa: ARG002 - all locks last equally long
        return self.clock.timestamp() + self.settings.lock_duration.total_seconds()

    def check_session(self, session_id: str | None, owner: object) -> None:  # noqa: ARG002 - no session, no owner
        """See that the session named, if the queue has any, is the owner's.

        Raises:
            BrokerError: it is not.
        """
        if session_id is not None:
            raise errors.not_allowed(f"'{self.name}' does not support sessions.")

    def _lock_lost(self, token: UUID) -> errors.BrokerError:  # noqa: ARG002 - there is nothing to say of it
        return errors.message_lock_lost()

    def _run_due_locks(self, now: float) -> None:
        while self._locks:
            message = next(iter(self._locks.values()))
            if message.lock and message.lock.until > now:
                return
            self._unlock(message)
            self._operations["locks_expired"] += 1
            self._count_failure(message)

    # Inside

    def _restore(self, kept: Kept) -> None:
        self._last_sequence = kept.last_sequence
        for message in kept.messages:
            self._backlog.add(message)
            self._make_ready(message)
        for message_id, expires in kept.duplicates.items():
            self._duplicates.restore(message_id, expires)

    def _forget_duplicates(self, now: float) -> None:
        for message_id in self._duplicates.forget(now):
            self._store.keep_duplicate(self.name, message_id, None)

    def _start_life(self, message: Message, born: float) -> None:
        """Give a message its time to live: its own or the queue's, whichever is shorter."""
        if not self.dead_letter:
            return
        default = self.settings.default_message_time_to_live
        limits = [] if message.sections.ttl is None else [message.sections.ttl / 1000]
        limits += [] if default is None else [default.total_seconds()]
        if limits:
            message.expires = born + min(limits)

    def _next(self, lane: str | None) -> Message | None:
        """Take the next message out of a lane, letting expired ones go on the way."""
        now = self.clock.timestamp()
        while message := self._backlog.next_ready(lane):
            if message.expires is None or message.expires > now:
                return message
            self._expire(message)
        return None

    def _hand_out(self, message: Message, receiver: Receiver) -> None:
        self._operations["messages_delivered"] += 1
        if receiver.deletes:
            self._remove(message)
        else:
            self._lock(message)
        receiver.deliver(message)

    def _lock(self, message: Message) -> None:
        message.lock = Lock(uuid4(), self._lock_end(message))
        self._locks[message.lock.token] = message

    def _locked(self, token: UUID) -> Message:
        """Return the message a lock is on; a lock whose time is up is no lock any more."""
        message = self._locks.get(token)
        if message is None or not message.lock or message.lock.until <= self.clock.timestamp():
            raise self._lock_lost(token)
        return message

    def _unlock(self, message: Message) -> None:
        if message.lock:
            del self._locks[message.lock.token]
            message.lock = None

    def _make_ready(self, message: Message) -> None:
        if message.state is State.ACTIVE:
            self._backlog.make_ready(message, self._lane(message))

    def _count_failure(self, message: Message) -> None:
        message.delivery_count += 1
        if self.dead_letter and message.delivery_count >= self.settings.max_delivery_count:
            limit = self.settings.max_delivery_count
            text = f"Message could not be consumed after {limit} delivery attempts."
            self._bury(message, "MaxDeliveryCountExceeded", text)
            return
        self._store.keep(self.name, message)
        self._make_ready(message)

    def _expire(self, message: Message) -> None:
        self._operations["expired"] += 1
        if self.settings.dead_lettering_on_message_expiration:
            text = "The message expired and was dead lettered."
            self._bury(message, "TTLExpiredException", text)
        else:
            self._remove(message)

    def _bury(self, message: Message, reason: str | None, description: str | None) -> None:
        assert self.dead_letter  # noqa: S101 - callers have looked
        self._remove(message)
        self.dead_letter.enqueue(message.dead_letter(self.name, reason, description))

    def _remove(self, message: Message) -> None:
        self._backlog.remove(message)
        self._store.drop(self.name, message.sequence)
