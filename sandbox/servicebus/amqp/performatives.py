"""What the two ends of a connection say to each other, field by field (AMQP 1.0 parts 2 and 5).

A performative travels as a described list that may stop early: missing fields are null. The
`wire` tuple of each class gives the AMQP type of its fields, in order.
"""

from dataclasses import dataclass, fields
from typing import ClassVar, Self

from sandbox.servicebus.amqp.decode import decode
from sandbox.servicebus.amqp.encode import write
from sandbox.servicebus.amqp.types import (
    DecodeError,
    Described,
    Symbol,
    UByte,
    UInt,
    ULong,
    UShort,
)


class Performative:
    """The body of a frame; subclasses are dataclasses whose fields are in wire order."""

    __slots__ = ()

    code: ClassVar[int]
    wire: ClassVar[tuple[type, ...]]
    names: ClassVar[tuple[str, ...]]
    mandatory: ClassVar[int]

    def encode(self) -> bytes:
        """Return the performative as a described list."""
        out = bytearray((0, 0x53, self.code))
        values: list[object] = []
        for name, kind in zip(self.names, self.wire, strict=True):
            value = getattr(self, name)
            values.append(value if value is None or kind is object else kind(value))
        while values and values[-1] is None:
            values.pop()
        write(out, values)
        return bytes(out)

    @classmethod
    def read(cls, values: list[object]) -> Self:
        """Check the fields of a list that came in, and build the performative from them."""
        if len(values) > len(cls.wire) or len(values) < cls.mandatory:
            raise DecodeError(f"{cls.__name__} has {len(values)} fields")
        for at, (value, kind) in enumerate(zip(values, cls.wire, strict=False)):
            if (value is None and at < cls.mandatory) or (
                value is not None and not isinstance(value, kind)
            ):
                raise DecodeError(f"{cls.__name__}.{cls.names[at]} must not be {value!r}")
        given = {
            name: value for name, value in zip(cls.names, values, strict=False) if value is not None
        }
        return cls(**given)


@dataclass(slots=True)
class Open(Performative):
    """Say who opens the connection and within which limits; `idle_time_out` in milliseconds."""

    container_id: str
    hostname: str | None = None
    max_frame_size: int = 0xFFFFFFFF
    channel_max: int = 0xFFFF
    idle_time_out: int | None = None
    outgoing_locales: object = None
    incoming_locales: object = None
    offered_capabilities: object = None
    desired_capabilities: object = None
    properties: object = None


@dataclass(slots=True)
class Begin(Performative):
    """Begin a session; `remote_channel` answers the peer's begin."""

    remote_channel: int | None = None
    next_outgoing_id: int = 0
    incoming_window: int = 0
    outgoing_window: int = 0
    handle_max: int = 0xFFFFFFFF
    offered_capabilities: object = None
    desired_capabilities: object = None
    properties: object = None


@dataclass(slots=True)
class Attach(Performative):
    """Attach a link; `role` is true at the receiving end."""

    name: str
    handle: int
    role: bool
    snd_settle_mode: int = 2
    rcv_settle_mode: int = 0
    source: object = None
    target: object = None
    unsettled: object = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: int | None = None
    max_message_size: int | None = None
    offered_capabilities: object = None
    desired_capabilities: object = None
    properties: object = None


@dataclass(slots=True)
class Flow(Performative):
    """Move the windows of a session and, with a handle, the credit of a link."""

    next_incoming_id: int | None = None
    incoming_window: int = 0
    next_outgoing_id: int = 0
    outgoing_window: int = 0
    handle: int | None = None
    delivery_count: int | None = None
    link_credit: int | None = None
    available: int | None = None
    drain: bool | None = None
    echo: bool | None = None
    properties: object = None


@dataclass(slots=True)
class Transfer(Performative):
    """Carry a delivery or a part of it; the payload follows the performative."""

    handle: int
    delivery_id: int | None = None
    delivery_tag: bytes | None = None
    message_format: int | None = None
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: int | None = None
    state: object = None
    resume: bool | None = None
    aborted: bool | None = None
    batchable: bool | None = None


@dataclass(slots=True)
class Disposition(Performative):
    """Tell the other end what became of the deliveries `first` to `last`."""

    role: bool
    first: int
    last: int | None = None
    settled: bool | None = None
    state: object = None
    batchable: bool | None = None


@dataclass(slots=True)
class Detach(Performative):
    """Detach a link, for good when `closed`."""

    handle: int
    closed: bool | None = None
    error: object = None


@dataclass(slots=True)
class End(Performative):
    """End a session."""

    error: object = None


@dataclass(slots=True)
class Close(Performative):
    """Close the connection."""

    error: object = None


@dataclass(slots=True)
class SaslMechanisms(Performative):
    """The ways to authenticate that the server offers."""

    mechanisms: object


@dataclass(slots=True)
class SaslInit(Performative):
    """The way the client chose."""

    mechanism: str
    initial_response: bytes | None = None
    hostname: str | None = None


@dataclass(slots=True)
class SaslOutcome(Performative):
    """How the authentication ended; 0 is success."""

    outcome: int
    additional_data: bytes | None = None


def _number(kind: type[Performative], code: int, mandatory: int, *wire: type) -> type[Performative]:
    kind.code, kind.wire, kind.mandatory = code, wire, mandatory
    kind.names = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]  # dataclass
    return kind


_BY_CODE = {
    kind.code: kind
    for kind in (
        _number(Open, 0x10, 1, str, str, UInt, UShort, UInt, *[object] * 5),
        _number(Begin, 0x11, 0, UShort, UInt, UInt, UInt, UInt, *[object] * 3),
        _number(
            Attach, 0x12, 3, str, UInt, bool, UByte, UByte, object, object, object, bool,
            UInt, ULong, object, object, object,
        ),
        _number(
            Flow, 0x13, 0, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, bool, bool, object
        ),
        _number(
            Transfer, 0x14, 1, UInt, UInt, bytes, UInt, bool, bool, UByte, object, bool, bool, bool
        ),
        _number(Disposition, 0x15, 2, bool, UInt, UInt, bool, object, bool),
        _number(Detach, 0x16, 1, UInt, bool, object),
        _number(End, 0x17, 0, object),
        _number(Close, 0x18, 0, object),
        _number(SaslMechanisms, 0x40, 1, object),
        _number(SaslInit, 0x41, 1, Symbol, bytes, str),
        _number(SaslOutcome, 0x44, 1, UByte, bytes),
    )
}  # fmt: skip


def read_performative(body: bytes) -> tuple[Performative, bytes]:
    """Read the performative at the start of a frame's body; return it and the payload after it.

    Raises:
        DecodeError: not a performative, or one with fields of the wrong type.
    """
    described, end = decode(body)
    if not isinstance(described, Described) or not isinstance(described.value, list):
        raise DecodeError("a frame must hold a performative")
    kind = _BY_CODE.get(described.descriptor) if type(described.descriptor) is ULong else None
    if kind is None:
        raise DecodeError(f"no performative has the descriptor {described.descriptor!r}")
    return kind.read(described.value), body[end:]
