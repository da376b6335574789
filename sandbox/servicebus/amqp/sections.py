"""A message as sections: what a broker reads and rewrites, and what it leaves as it came.

Header and message annotations belong to the broker. The bare message (properties, application
properties, body, footer) stays byte for byte, because decoding and encoding again would lose what
the sender chose (service-bus.md 4.4).
"""

from dataclasses import dataclass, field
from typing import Self

from sandbox.servicebus.amqp.decode import decode, skip
from sandbox.servicebus.amqp.encode import encode, write
from sandbox.servicebus.amqp.types import DecodeError, Described, UByte, UInt, ULong

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES = range(
    0x70, 0x75
)
DATA, SEQUENCE, VALUE, FOOTER = range(0x75, 0x79)
MESSAGE_ID, CORRELATION_ID, GROUP_ID = 0, 5, 10
REPLY_TO = 4


@dataclass(slots=True)
class Sections:
    """A message taken apart; `properties`, `application` and `body` are encoded sections."""

    durable: bool = False
    priority: int | None = None
    ttl: int | None = None
    annotations: dict[object, object] = field(default_factory=dict)
    properties: bytes = b""
    application: bytes = b""
    body: bytes = b""

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Take an encoded message apart.

        Raises:
            DecodeError: not a message, or its sections are out of order.
        """
        sections = cls()
        at = previous = 0
        while at < len(raw):
            kind, start = _descriptor(raw, at)
            end = skip(raw, start)
            if kind < previous or (kind == previous and kind not in {DATA, SEQUENCE}):
                raise DecodeError(f"section {kind:#x} after {previous:#x}")
            if kind == HEADER:
                sections._read_header(decode(raw, start)[0])
            elif kind == MESSAGE_ANNOTATIONS:
                sections.annotations = _mapping(decode(raw, start)[0])
            elif kind == PROPERTIES:
                sections.properties = raw[at:end]
            elif kind == APPLICATION_PROPERTIES:
                sections.application = raw[at:end]
            elif kind in {DATA, SEQUENCE, VALUE, FOOTER}:
                sections.body = raw[at:]
                _check_body(raw, at)
                break
            previous, at = kind, end
        return sections

    def encode(
        self, delivery_count: int | None = None, annotations: dict[object, object] | None = None
    ) -> bytes:
        """Return the message, with this delivery count and these annotations when given."""
        if annotations is None:
            annotations = self.annotations
        out = bytearray()
        if delivery_count is not None or self.durable or self.priority is not None or self.ttl:
            out += b"\x00\x53\x70"
            write(
                out,
                [
                    self.durable,
                    None if self.priority is None else UByte(self.priority),
                    None if self.ttl is None else UInt(self.ttl),
                    None,
                    UInt(delivery_count or 0),
                ],
            )
        if annotations:
            out += b"\x00\x53\x72"
            write(out, annotations)
        return b"".join((out, self.properties, self.application, self.body))

    def property_fields(self) -> list[object]:
        """Return the fields of the properties section, padded to the group id."""
        fields = _section(self.properties)
        found = list(fields) if isinstance(fields, list) else []
        return found + [None] * (GROUP_ID + 1 - len(found))

    def set_property(self, at: int, value: object) -> None:
        """Give one property a value, leaving the others as they came."""
        fields = self.property_fields()
        fields[at] = value
        while fields and fields[-1] is None:
            fields.pop()
        self.properties = encode(Described(ULong(PROPERTIES), fields))

    def application_properties(self) -> dict[object, object]:
        """Return the application properties."""
        return _mapping(_section(self.application))

    def set_application_properties(self, properties: dict[object, object]) -> None:
        """Replace the application properties."""
        self.application = encode(Described(ULong(APPLICATION_PROPERTIES), properties))

    def value(self) -> object:
        """Return the value of a message whose body is one AMQP value, None for other bodies."""
        kind, start = _descriptor(self.body, 0) if self.body else (0, 0)
        return decode(self.body, start)[0] if kind == VALUE else None

    def data(self) -> list[bytes]:
        """Return the binaries of a message whose body is data sections.

        Raises:
            DecodeError: the body holds something else.
        """
        parts, at = [], 0
        while at < len(self.body):
            kind, start = _descriptor(self.body, at)
            part, at = decode(self.body, start)
            if kind == FOOTER:
                break
            if kind != DATA or not isinstance(part, bytes):
                raise DecodeError("a batch consists of data sections")
            parts.append(part)
        return parts

    def _read_header(self, value: object) -> None:
        if not isinstance(value, list):
            raise DecodeError("the header must be a list")
        durable, priority, ttl = (*value[:3], None, None, None)[:3]
        self.durable = bool(durable)
        self.priority = priority if isinstance(priority, int) else None
        self.ttl = ttl if isinstance(ttl, int) else None


def _check_body(raw: bytes, at: int) -> None:
    """See that the body is whole and of one kind."""
    body: int | None = None
    while at < len(raw):
        kind, start = _descriptor(raw, at)
        at = skip(raw, start)
        if kind == FOOTER and at == len(raw):
            return
        if kind not in {DATA, SEQUENCE, VALUE} or body not in {None, kind} or body == VALUE:
            raise DecodeError(f"section {kind:#x} in the body")
        body = kind


def _descriptor(raw: bytes, at: int) -> tuple[int, int]:
    """Read which section starts at `at`; return it and where its value starts."""
    if raw[at : at + 2] == b"\x00\x53" and at + 2 < len(raw):
        return raw[at + 2], at + 3
    if raw[at : at + 1] != b"\x00":
        raise DecodeError("a message consists of described sections")
    kind, start = decode(raw, at + 1)
    if type(kind) is not ULong:
        raise DecodeError(f"no section has the descriptor {kind!r}")
    return kind, start


def _section(raw: bytes) -> object:
    return decode(raw, _descriptor(raw, 0)[1])[0] if raw else None


def _mapping(value: object) -> dict[object, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DecodeError("a map was expected")
    return value
