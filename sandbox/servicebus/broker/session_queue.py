"""A queue whose messages are handed out session by session (service-bus.md 1.2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sandbox.servicebus.broker import errors
from sandbox.servicebus.broker.message import Message
from sandbox.servicebus.broker.queue import Queue, SessionWanted
from sandbox.servicebus.broker.receiver import Receiver
from sandbox.servicebus.store.base import Kept


@dataclass(slots=True, eq=False)
class Session:
    """A session; it is locked while it has a holder, `until` seconds since 1970."""

    id: str
    state: bytes | None = None
    state_set: float = 0.0
    holder: Receiver | None = None
    until: float = 0.0
    locked: dict[UUID, Message] = field(default_factory=dict)


@dataclass(slots=True)
class _Waiter:
    receiver: Receiver
    until: float


class SessionQueue(Queue):
    """A queue that requires sessions: one holder each, and the session's lock is the messages'."""

    _sessions: dict[str, Session]
    _held: dict[str, Session]
    _waiters: list[_Waiter]

    def attach(self, receiver: Receiver, wanted: SessionWanted | None) -> bool:
        """Lock a session for a receiver, at once or when one has a message.

        Raises:
            BrokerError: it asks for no session, or for one that somebody else holds.
        """
        if wanted is None:
            raise errors.not_allowed(f"'{self.name}' requires a session receiver.")
        if wanted.session_id is None:
            self._waiters.append(_Waiter(receiver, self.clock.timestamp() + wanted.timeout))
            return False
        session = self._sessions.get(wanted.session_id)
        if session and session.holder:
            raise errors.session_cannot_be_locked(wanted.session_id)
        self._grant(wanted.session_id, receiver)
        return True

    def detach(self, receiver: Receiver) -> None:
        """Let a receiver go; its session is free at once, no delivery counts as failed."""
        self._waiters = [waiter for waiter in self._waiters if waiter.receiver is not receiver]
        session = next((s for s in self._held.values() if s.holder is receiver), None)
        if session:
            for message in self._free(session):
                self._make_ready(message)
            self._drop_if_empty(session)

    def pump(self) -> None:
        """Grant free sessions to those who wait, then hand each holder its messages."""
        while self._waiters and (session_id := self._next_available()):
            waiter = self._waiters.pop(0)
            self._grant(session_id, waiter.receiver)
        for session in list(self._held.values()):
            while (holder := session.holder) and holder.ready:
                message = self._next(session.id)
                if not message:
                    break
                self._hand_out(message, holder)

    def renew_session(self, session_id: str, owner: object) -> float:
        """Lock a session for another lock duration; return until when, seconds since 1970.

        Raises:
            BrokerError: the session is not the owner's.
        """
        session = self._owned(session_id, owner)
        session.until = self._session_end()
        for message in session.locked.values():
            if message.lock:
                message.lock.until = session.until
        self._held[session_id] = self._held.pop(session_id)
        return session.until

    def session_state(self, session_id: str, owner: object) -> bytes | None:
        """Return a session's state; raises as `renew_session` does."""
        return self._owned(session_id, owner).state

    def set_session_state(self, session_id: str, state: bytes | None, owner: object) -> None:
        """Set or, with None, clear a session's state; raises as `renew_session` does."""
        session = self._owned(session_id, owner)
        if state is not None and len(state) > self.settings.max_message_size_bytes:
            raise errors.message_too_large(len(state), self.settings.max_message_size_bytes)
        session.state, session.state_set = state, self.clock.timestamp()
        self._store.keep_session(self.name, session_id, state, session.state_set)

    def session_ids(self, state_set_after: float | None) -> list[str]:
        """Return the sessions with messages or state, or those whose state was set after a time."""
        if state_set_after is not None:
            return [s.id for s in self._sessions.values() if s.state_set > state_set_after]
        named = {message.session_id for message in self._backlog if message.session_id}
        named |= {session.id for session in self._sessions.values() if session.state is not None}
        return sorted(named)

    def renew(self, tokens: Iterable[UUID]) -> list[float]:
        """Refuse: in a session the session's lock is renewed, never a message's."""
        del tokens
        raise errors.not_allowed("The lock of a session's message is renewed with the session.")

    def expire_locks(self) -> None:
        """End every session lock now, as if its time had come."""
        for session in self._held.values():
            session.until = 0.0
        self.run_due()

    def next_due(self) -> float | None:
        """Return when something is due next, seconds since 1970."""
        due = [self._backlog.next_due(), *(waiter.until for waiter in self._waiters)]
        due += [session.until for session in self._held.values()]
        return min((at for at in due if at is not None), default=None)

    def purge(self) -> None:
        """Forget every message and message id, and the state of every session."""
        super().purge()
        for session in list(self._sessions.values()):
            session.locked.clear()
            if session.state is not None:
                session.state = None
                self._store.keep_session(self.name, session.id, None, 0.0)
            self._drop_if_empty(session)

    def _restore(self, kept: Kept) -> None:
        self._sessions = {
            session_id: Session(session_id, state, at)
            for session_id, (state, at) in kept.sessions.items()
        }
        self._held = {}
        self._waiters = []
        super()._restore(kept)

    def _lane(self, message: Message) -> str | None:
        return message.session_id

    def _session_end(self) -> float:
        return self.clock.timestamp() + self.settings.lock_duration.total_seconds()

    def _lock_end(self, message: Message) -> float:
        return self._held[message.session_id or ""].until

    def _lock(self, message: Message) -> None:
        super()._lock(message)
        if message.lock:
            self._held[message.session_id or ""].locked[message.lock.token] = message

    def _unlock(self, message: Message) -> None:
        session = self._held.get(message.session_id or "")
        if session and message.lock:
            session.locked.pop(message.lock.token, None)
        super()._unlock(message)

    def check_session(self, session_id: str | None, owner: object) -> None:
        """See that the session named is the owner's; raises as `renew_session` does."""
        if session_id is None:
            raise errors.not_allowed(f"'{self.name}' requires a session id.")
        self._owned(session_id, owner)

    def _lock_lost(self, token: UUID) -> errors.BrokerError:
        return errors.session_lock_lost(f"of lock {token}")

    def _owned(self, session_id: str, owner: object) -> Session:
        session = self._held.get(session_id)
        if (
            session is None
            or session.holder is None
            or session.holder.owner is not owner
            or session.until <= self.clock.timestamp()
        ):
            raise errors.session_lock_lost(session_id)
        return session

    def _next_available(self) -> str | None:
        for lane in self._backlog.lanes:
            if lane is not None and lane not in self._held:
                message = self._next(lane)
                if message:
                    self._make_ready(message)
                    return lane
                return self._next_available()
        return None

    def _grant(self, session_id: str, receiver: Receiver) -> None:
        session = self._sessions.setdefault(session_id, Session(session_id))
        session.holder, session.until = receiver, self._session_end()
        self._held[session_id] = session
        receiver.granted(session)

    def _free(self, session: Session) -> list[Message]:
        """End a session's lock; return the messages that were locked with it, unlocked."""
        messages = list(session.locked.values())
        for message in messages:
            self._unlock(message)
        session.holder = None
        del self._held[session.id]
        # A session that was just held goes to the back of those that wait to be held.
        if session.id in self._backlog.lanes:
            self._backlog.lanes[session.id] = self._backlog.lanes.pop(session.id)
        return messages

    def _drop_if_empty(self, session: Session) -> None:
        if session.state is None and session.id not in self._held:
            self._sessions.pop(session.id, None)

    def _run_due_locks(self, now: float) -> None:
        for session in [s for s in self._held.values() if s.until <= now]:
            receiver = session.holder
            self._operations["locks_expired"] += 1
            for message in self._free(session):
                self._count_failure(message)
            self._drop_if_empty(session)
            if receiver:
                receiver.fail(errors.session_lock_lost(session.id))
        late = [waiter for waiter in self._waiters if waiter.until <= now]
        self._waiters = [waiter for waiter in self._waiters if waiter.until > now]
        for waiter in late:
            waiter.receiver.fail(errors.no_session_in_time())
