"""A message inside the broker, and what a receiver says became of it."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from uuid import UUID, uuid4

from sandbox.servicebus.amqp.sections import GROUP_ID, MESSAGE_ID, Sections
from sandbox.servicebus.amqp.types import DecodeError, Int, Symbol, Timestamp
from sandbox.servicebus.broker.errors import decode_failed, invalid

SCHEDULED_TIME = Symbol("x-opt-scheduled-enqueue-time")
_SEQUENCE = Symbol("x-opt-sequence-number")
_ENQUEUE_SEQUENCE = Symbol("x-opt-enqueue-sequence-number")
_ENQUEUED = Symbol("x-opt-enqueued-time")
_LOCKED_UNTIL = Symbol("x-opt-locked-until")
_STATE = Symbol("x-opt-message-state")
_SOURCE = Symbol("x-opt-deadletter-source")
_OURS = {_SEQUENCE, _ENQUEUE_SEQUENCE, _ENQUEUED, _LOCKED_UNTIL, _STATE, _SOURCE}
_LONGEST_ID = 128


class State(IntEnum):
    """Where a message stands; the numbers are those of the wire."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


class Settlement(Enum):
    """What a receiver asks for a message it holds."""

    COMPLETE = "completed"
    ABANDON = "abandoned"
    RELEASE = "released"
    DEFER = "deferred"
    DEAD_LETTER = "dead_lettered"


@dataclass(slots=True)
class Lock:
    """The claim of one receiver on one message, until a time (seconds since 1970)."""

    token: UUID
    until: float


@dataclass(slots=True)
class Message:
    """A message of a queue; times in seconds since 1970, `delivery_count` counts failed ones."""

    sections: Sections
    message_id: str
    session_id: str | None
    size: int
    sequence: int = 0
    enqueue_sequence: int = 0
    enqueued: float = 0.0
    expires: float | None = None
    scheduled: float | None = None
    state: State = State.ACTIVE
    delivery_count: int = 0
    source: str | None = None
    lock: Lock | None = None

    @classmethod
    def read(cls, raw: bytes) -> "Message":
        """Read a message as it was sent; one without a message id is given one.

        Raises:
            BrokerError: not a message, or an id of more than 128 characters.
        """
        try:
            sections = Sections.read(raw)
            fields = sections.property_fields()
        except DecodeError as error:
            raise decode_failed(str(error)) from error
        if fields[MESSAGE_ID] is None:
            fields[MESSAGE_ID] = uuid4().hex
            sections.set_property(MESSAGE_ID, fields[MESSAGE_ID])
        session_id = fields[GROUP_ID]
        if not isinstance(session_id, str | None):
            raise decode_failed("the group id must be a string")
        message_id = str(fields[MESSAGE_ID])
        for name, value in (("message id", message_id), ("session id", session_id or "")):
            if len(value) > _LONGEST_ID:
                raise invalid(f"The {name} has more than {_LONGEST_ID} characters.")
        return cls(sections, message_id, session_id, len(raw), scheduled=_scheduled(sections))

    def encode(self) -> bytes:
        """Return the message as a receiver gets it now."""
        known = self.sections.annotations
        annotations = {name: value for name, value in known.items() if name not in _OURS}
        annotations[_SEQUENCE] = self.sequence
        annotations[_ENQUEUE_SEQUENCE] = self.enqueue_sequence
        annotations[_ENQUEUED] = Timestamp(self.enqueued * 1000)
        if self.lock:
            annotations[_LOCKED_UNTIL] = Timestamp(self.lock.until * 1000)
        if self.state is not State.ACTIVE:
            annotations[_STATE] = Int(self.state)
        if self.source is not None:
            annotations[_SOURCE] = self.source
        return self.sections.encode(self.delivery_count, annotations)

    def stored(self) -> bytes:
        """Return the message as it is kept on disk, without what `encode` adds."""
        return self.sections.encode()

    def dead_letter(self, source: str, reason: str | None, description: str | None) -> "Message":
        """Return what goes to the dead-letter queue: the message with why and from where."""
        sections = Sections.read(self.stored())
        properties = sections.application_properties()
        if reason is not None:
            properties["DeadLetterReason"] = reason
        if description is not None:
            properties["DeadLetterErrorDescription"] = description
        if properties:
            sections.set_application_properties(properties)
        return Message(
            sections,
            self.message_id,
            self.session_id,
            self.size,
            enqueue_sequence=self.sequence,
            delivery_count=self.delivery_count,
            source=source,
        )


def _scheduled(sections: Sections) -> float | None:
    at = sections.annotations.get(SCHEDULED_TIME)
    return at / 1000 if isinstance(at, Timestamp) else None
