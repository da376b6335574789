"""The `$management` node of an entity (service-bus.md 4.7)."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from sandbox.servicebus.amqp.types import (
    LONGS,
    STRINGS,
    TIMESTAMPS,
    Array,
    Int,
    Symbol,
    Timestamp,
    UInt,
)
from sandbox.servicebus.broker.errors import BrokerError, invalid, not_allowed, not_implemented
from sandbox.servicebus.broker.message import Message, Settlement
from sandbox.servicebus.broker.queue import Queue
from sandbox.servicebus.broker.session_queue import SessionQueue

if TYPE_CHECKING:
    from sandbox.servicebus.wire.connection import Connection
    from sandbox.servicebus.wire.requests import Properties

type Body = dict[object, object]
type Answer = tuple[int, Body | None]

_PREFIX = "com.microsoft:"
_SETTLEMENTS = {
    "completed": Settlement.COMPLETE,
    "abandoned": Settlement.ABANDON,
    "defered": Settlement.DEFER,  # the service's own spelling
    "suspended": Settlement.DEAD_LETTER,
}
_ANY_TIME = 253_402_300_800_000
"""Year 10000 in milliseconds: the sentinel for sessions with messages, whenever set."""


class ManagementNode:
    """Answers the requests that need no link of their own."""

    def __init__(self, connection: "Connection", entity: str) -> None:
        self._connection = connection
        self._entity = entity
        self._broker = connection.namespace.broker
        self._broker.check_known(entity)

    def respond(self, properties: "Properties", body: object) -> tuple["Properties", object] | None:
        """Answer a request; `statusCode` tells how it went."""
        operation = str(properties.get("operation")).removeprefix(_PREFIX)
        self._broker.operations["management"] += 1
        try:
            self._connection.check_faults(self._entity, "management")
            status, answer = self._carry_out(operation, body)
        except BrokerError as problem:
            return {
                "statusCode": Int(problem.status),
                "statusDescription": problem.description,
                "errorCondition": Symbol(problem.condition),
            }, None
        self._broker.wake()
        return {"statusCode": Int(status), "statusDescription": "OK"}, answer

    def _carry_out(self, operation: str, body: object) -> Answer:
        if operation not in _OPERATIONS:
            raise not_implemented(f"The operation '{operation}'")
        if not isinstance(body, dict):
            raise invalid("The body of a request is a map.")
        return _OPERATIONS[operation](self, body)

    # Messages

    def _peek(self, body: Body) -> Answer:
        start, count = _integer(body, "from-sequence-number"), _integer(body, "message-count")
        session_id = _text(body, "session-id")
        found = self._queue().peek(start, count, session_id)
        if not found:
            return 204, None
        return 200, {"messages": [{"message": message.encode()} for message in found]}

    def _receive_deferred(self, body: Body) -> Answer:
        mode = body.get("receiver-settle-mode")
        if mode not in {UInt(0), UInt(1)}:
            raise invalid("receiver-settle-mode must be 0 or 1.")
        messages = self._queue().receive_deferred(
            _numbers(body, "sequence-numbers"),
            deletes=mode == 0,
            session_id=_text(body, "session-id"),
            owner=self._connection,
        )
        return 200, {"messages": [_deferred(message) for message in messages]}

    def _schedule(self, body: Body) -> Answer:
        queue = self._queue()
        entries = body.get("messages")
        if not isinstance(entries, list) or not entries:
            raise invalid("There are no messages to schedule.")
        messages = [Message.read(_binary(entry)) for entry in entries]
        for message in messages:
            if message.scheduled is None:
                raise invalid("A message to schedule says when.")
            queue.check(message)
        self._broker.operations["sends"] += 1
        self._broker.operations["messages_sent"] += len(messages)
        sequences: list[object] = [queue.enqueue(message) for message in messages]
        return 200, {"sequence-numbers": Array(LONGS, sequences)}

    def _cancel(self, body: Body) -> Answer:
        self._queue().cancel(_numbers(body, "sequence-numbers"))
        return 200, None

    # Locks

    def _settle(self, body: Body) -> Answer:
        settlement = _SETTLEMENTS.get(str(body.get("disposition-status")))
        if settlement is None:
            raise invalid(f"No disposition is called '{body.get('disposition-status')}'.")
        if body.get("properties-to-modify"):
            raise not_implemented("Changing a message's properties while settling it")
        queue, session_id = self._queue(), _text(body, "session-id")
        if isinstance(queue, SessionQueue) or session_id is not None:
            queue.check_session(session_id, self._connection)
        for token in _tokens(body):
            queue.settle(
                token,
                settlement,
                _text(body, "deadletter-reason"),
                _text(body, "deadletter-description"),
            )
        return 200, None

    def _renew(self, body: Body) -> Answer:
        until = self._queue().renew(_tokens(body))
        ends: list[object] = [Timestamp(at * 1000) for at in until]
        return 200, {"expirations": Array(TIMESTAMPS, ends)}

    # Sessions

    def _renew_session(self, body: Body) -> Answer:
        queue, session_id = self._session(body)
        until = queue.renew_session(session_id, self._connection)
        return 200, {"expiration": Timestamp(until * 1000)}

    def _get_state(self, body: Body) -> Answer:
        queue, session_id = self._session(body)
        return 200, {"session-state": queue.session_state(session_id, self._connection)}

    def _set_state(self, body: Body) -> Answer:
        queue, session_id = self._session(body)
        state = body.get("session-state")
        if not isinstance(state, bytes | None):
            raise invalid("A session's state is binary.")
        queue.set_session_state(session_id, state, self._connection)
        return 200, None

    def _sessions(self, body: Body) -> Answer:
        queue = self._queue()
        if not isinstance(queue, SessionQueue):
            raise not_allowed(f"'{queue.name}' does not support sessions.")
        after, skip, top = (_integer(body, name) for name in ("last-updated-time", "skip", "top"))
        found = queue.session_ids(None if after >= _ANY_TIME else after / 1000)
        page: list[object] = [*found[skip : skip + top]]
        if not page:
            return 204, None
        return 200, {"skip": Int(skip + len(page)), "sessions-ids": Array(STRINGS, page)}

    def _queue(self) -> Queue:
        return self._broker.queue(self._entity)

    def _session(self, body: Body) -> tuple[SessionQueue, str]:
        queue, session_id = self._queue(), _text(body, "session-id")
        if not isinstance(queue, SessionQueue) or session_id is None:
            raise not_allowed(f"'{queue.name}' does not support sessions, or none was named.")
        return queue, session_id


_OPERATIONS: dict[str, Callable[[ManagementNode, Body], Answer]] = {
    "peek-message": ManagementNode._peek,  # noqa: SLF001 - the class's own table
    "receive-by-sequence-number": ManagementNode._receive_deferred,  # noqa: SLF001
    "schedule-message": ManagementNode._schedule,  # noqa: SLF001
    "cancel-scheduled-message": ManagementNode._cancel,  # noqa: SLF001
    "update-disposition": ManagementNode._settle,  # noqa: SLF001
    "renew-lock": ManagementNode._renew,  # noqa: SLF001
    "renew-session-lock": ManagementNode._renew_session,  # noqa: SLF001
    "get-session-state": ManagementNode._get_state,  # noqa: SLF001
    "set-session-state": ManagementNode._set_state,  # noqa: SLF001
    "get-message-sessions": ManagementNode._sessions,  # noqa: SLF001
}


def _deferred(message: Message) -> Body:
    """Return a deferred message with its lock token, if it was not deleted."""
    entry: Body = {"message": message.encode()}
    if message.lock:
        entry["lock-token"] = message.lock.token
    return entry


def _integer(body: Body, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int):
        raise invalid(f"{name} must be a number.")
    return value


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if not isinstance(value, str | None):
        raise invalid(f"{name} must be text.")
    return value


def _items(body: Body, name: str) -> list[object]:
    value = body.get(name)
    if not isinstance(value, Array) or not value.items:
        raise invalid(f"{name} must be an array with something in it.")
    return value.items


def _numbers(body: Body, name: str) -> list[int]:
    return [item for item in _items(body, name) if isinstance(item, int)]


def _tokens(body: Body) -> list[UUID]:
    return [item for item in _items(body, "lock-tokens") if isinstance(item, UUID)]


def _binary(entry: object) -> bytes:
    raw = entry.get("message") if isinstance(entry, dict) else None
    if not isinstance(raw, bytes):
        raise invalid("Each message comes encoded, as binary.")
    return raw
