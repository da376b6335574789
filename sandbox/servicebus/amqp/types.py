"""AMQP 1.0 values that Python has no type of its own for.

Null, boolean, long, double, string, binary, uuid, list and map are None, bool, int, float, str,
bytes, UUID, list and dict. Everything else has a type here, so that what was decoded is encoded
as the same AMQP type again: peers compare and dispatch on it.
"""

from dataclasses import dataclass


class UByte(int):
    """An unsigned number of one byte."""


class UShort(int):
    """An unsigned number of two bytes."""


class UInt(int):
    """An unsigned number of four bytes."""


class ULong(int):
    """An unsigned number of eight bytes; also names a described type."""


class Byte(int):
    """A signed number of one byte."""


class Short(int):
    """A signed number of two bytes."""


class Int(int):
    """A signed number of four bytes."""


class Timestamp(int):
    """Milliseconds since 1970, UTC."""


class Float(float):
    """A floating-point number of four bytes."""


class Char(str):
    """One Unicode character."""

    __slots__ = ()


class Symbol(str):
    """A name from a constrained domain, ASCII; equal to the string of the same letters."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal number kept as its bytes: nothing here computes with one."""

    code: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor that says what it means."""

    descriptor: object
    value: object


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one type; `code` is the constructor of every element, `descriptor` its meaning."""

    code: int
    items: list[object]
    descriptor: object = None


UUIDS, LONGS, TIMESTAMPS, STRINGS, SYMBOLS = 0x98, 0x81, 0x83, 0xB1, 0xB3
"""Element constructors of the arrays a broker writes."""


class DecodeError(ValueError):
    """The bytes are not the AMQP they should be."""
