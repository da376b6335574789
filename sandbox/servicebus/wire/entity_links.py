"""Links to entities: who sends to them and who receives from them."""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sandbox.servicebus.amqp.performatives import Attach, Disposition
from sandbox.servicebus.amqp.sections import Sections
from sandbox.servicebus.amqp.termini import (
    ACCEPTED,
    MODIFIED,
    REJECTED,
    RELEASED,
    Outcome,
    error,
    rejected,
    with_filter,
)
from sandbox.servicebus.amqp.types import DecodeError, Described, Symbol, UInt
from sandbox.servicebus.broker.errors import (
    BrokerError,
    decode_failed,
    invalid,
    not_implemented,
)
from sandbox.servicebus.broker.message import Message, Settlement
from sandbox.servicebus.broker.queue import Queue, SessionWanted
from sandbox.servicebus.broker.session_queue import Session as MessageSession
from sandbox.servicebus.wire.links import IncomingLink, OutgoingLink

if TYPE_CHECKING:
    from sandbox.servicebus.wire.session import Session

SESSION_FILTER = "com.microsoft:session-filter"
_LOCKED_UNTIL = Symbol("com.microsoft:locked-until-utc")
_BATCH_FORMAT = 0x80013700
_MAX_BATCH = 1024 * 1024
_TICKS_AT_1970 = 621_355_968_000_000_000
_BATCH_SIZE = Symbol("com.microsoft:max-message-batch-size")


class EntitySender(IncomingLink):
    """A link on which a client sends to a queue or topic."""

    def __init__(self, session: "Session", attached: Attach, name: str) -> None:
        super().__init__(session, attached)
        self._name = name
        queues = session.namespace.broker.destinations(name)
        self.largest = min(queue.settings.max_message_size_bytes for queue in queues)
        self.open({_BATCH_SIZE: UInt(min(self.largest, _MAX_BATCH))})

    def take(self, message_format: int, raw: bytes) -> bool:
        """Put a message or a batch in the entity."""
        connection = self.session.connection
        connection.check_faults(self._name, "drop-connection", "send")
        messages = [raw]
        if message_format == _BATCH_FORMAT:
            try:
                messages = Sections.read(raw).data()
            except DecodeError as problem:
                raise decode_failed(str(problem)) from problem
        elif message_format:
            raise not_implemented(f"Message format {message_format:#x}")
        self.session.namespace.broker.send(self._name, messages)
        return connection.strike("send-noack", self._name) is None


class EntityReceiver(OutgoingLink):
    """A link on which a client receives from a queue: the broker's `Receiver`."""

    def __init__(self, session: "Session", attached: Attach, queue: Queue) -> None:
        super().__init__(session, attached)
        self._queue = queue
        self._tokens: dict[int, UUID] = {}
        self._answered = False

    @property
    def deletes(self) -> bool:
        """Whether messages are sent settled: receive-and-delete."""
        return self.attached.snd_settle_mode == 1

    @property
    def owner(self) -> object:
        """The connection."""
        return self.session.connection

    def open(self, wanted: SessionWanted | None) -> None:
        """Attach; for the next available session the answer is held back until there is one.

        Raises:
            BrokerError: the queue refuses the receiver.
        """
        if self._queue.attach(self, wanted):
            if not self._answered:
                self._answer(initial_delivery_count=0)
                self._answered = True
        else:
            self.session.links[self.handle] = self
            self.session.namespace.broker.wake()

    def granted(self, session: MessageSession) -> None:
        """Attach, now that a session is locked."""
        ticks = int(session.until * 1000) * 10_000 + _TICKS_AT_1970
        self._answer(
            initial_delivery_count=0,
            source=with_filter(self.attached.source, SESSION_FILTER, session.id),
            properties={_LOCKED_UNTIL: ticks},
        )
        self._answered = True

    def fail(self, error: BrokerError) -> None:
        """Detach or, while the answer to the attach is held back, refuse."""
        if self.session.links.get(self.handle) is not self:
            return
        if self._answered:
            self.session.detach(self.handle, error)
        else:
            del self.session.links[self.handle]
            self.session.refuse(self.attached, error)

    def closed(self) -> None:
        """Leave the queue; deliveries of this link can no longer be settled on it."""
        self._queue.detach(self)
        for delivery_id in self._tokens:
            self.session.unsettled.pop(delivery_id, None)

    def serve(self) -> None:
        """Have the queue hand out what is ready."""
        self._queue.run_due()
        self._queue.pump()

    def deliver(self, message: Message) -> None:
        """Send a message, with its lock token as the delivery's tag."""
        if fault := self.session.connection.strike("deliver", self._queue.name):
            self.credit = 0
            # Not at once: the queue is in the middle of handing out.
            asyncio.get_running_loop().call_soon(
                self.fail, BrokerError(fault.condition, fault.description)
            )
            return
        tag = message.lock.token if message.lock else uuid4()
        delivery_id = self.transmit(tag.bytes_le, message.encode(), settled=self.deletes)
        if not self.deletes:
            self._tokens[delivery_id] = tag
            self.session.unsettled[delivery_id] = self

    def settle(self, delivery_id: int, disposition: Disposition) -> None:
        """Do what the client says with a message, and answer with the outcome it asked for."""
        token = self._tokens.pop(delivery_id)
        connection = self.session.connection
        state: object = disposition.state
        try:
            connection.check_faults(self._queue.name, "drop-connection", "settle")
            self._queue.settle(token, *_settlement(disposition.state))
        except BrokerError as problem:
            state = rejected(error(problem.condition, problem.description))
        else:
            if isinstance(state, Described) and state.descriptor == REJECTED:
                state = rejected()  # with the client's own error it would read as a failure
            if connection.strike("settle-noack", self._queue.name):
                return
        if not disposition.settled:
            self.session.send(
                Disposition(
                    role=False, first=delivery_id, last=delivery_id, settled=True, state=state
                )
            )
        self.session.namespace.broker.wake()


def _settlement(state: object) -> tuple[Settlement, str | None, str | None]:
    """Read which settlement an outcome asks for, with reason and description (4.5)."""
    outcome = Outcome.read(state)
    if outcome is None:
        raise invalid("A disposition needs an outcome.")
    if outcome.kind == MODIFIED:
        if outcome.field(2):
            raise not_implemented("Changing a message's annotations while settling it")
        return (Settlement.DEFER if outcome.field(1) else Settlement.ABANDON), None, None
    if outcome.kind == REJECTED:
        return Settlement.DEAD_LETTER, *_why(outcome.field(0))
    if outcome.kind == ACCEPTED:
        return Settlement.COMPLETE, None, None
    if outcome.kind == RELEASED:
        return Settlement.RELEASE, None, None
    raise invalid(f"No settlement has the descriptor {outcome.kind:#x}.")


def _why(reason: object) -> tuple[str | None, str | None]:
    """Read reason and description out of the error of a rejection."""
    fields = reason.value if isinstance(reason, Described) else None
    info = fields[2] if isinstance(fields, list) and len(fields) > 2 else None
    if not isinstance(info, dict):
        return None, None
    found = (info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription"))
    cause, text = (value if isinstance(value, str) else None for value in found)
    return cause, text
