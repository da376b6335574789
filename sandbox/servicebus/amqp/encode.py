"""From values to bytes."""

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sandbox.servicebus.amqp.types import (
    Array,
    Byte,
    Char,
    Decimal,
    Described,
    Float,
    Int,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

type Writer = Callable[[bytearray, Any], None]  # any: the table below picks by the value's type


def encode(value: object) -> bytes:
    """Return the shortest encoding of a value.

    Raises:
        TypeError: the value is of no AMQP type.
        struct.error: a number is too large for its type.
    """
    out = bytearray()
    write(out, value)
    return bytes(out)


def write(out: bytearray, value: object) -> None:
    """Append the encoding of a value; raises what `encode` raises."""
    try:
        writer = _WRITERS[type(value)]
    except KeyError:
        raise TypeError(f"{type(value).__name__} is no AMQP type") from None
    writer(out, value)


def _null(out: bytearray, _: None) -> None:
    out.append(0x40)


def _boolean(out: bytearray, value: bool) -> None:
    out.append(0x41 if value else 0x42)


def _fixed(code: int, layout: str) -> Writer:
    pack = struct.Struct(">B" + layout).pack
    return lambda out, value: out.extend(pack(code, value))


def _small(low: int, high: int, short: int, wide: Writer) -> Writer:
    def write_number(out: bytearray, value: int) -> None:
        if low <= value <= high:
            out.append(short)
            out.append(value & 0xFF)
        else:
            wide(out, value)

    return write_number


def _sized(out: bytearray, short: int, content: bytes | bytearray) -> None:
    size = len(content)
    if size < 256:
        out.append(short)
        out.append(size)
    else:
        out.append(short + 0x10)
        out += size.to_bytes(4)
    out += content


def _binary(out: bytearray, value: bytes | bytearray) -> None:
    _sized(out, 0xA0, value)


def _string(out: bytearray, value: str) -> None:
    _sized(out, 0xA1, value.encode())


def _symbol(out: bytearray, value: Symbol) -> None:
    _sized(out, 0xA3, value.encode("ascii"))


def _counted(out: bytearray, short: int, count: int, content: bytes | bytearray) -> None:
    if len(content) < 255 and count < 256:
        out += bytes((short, len(content) + 1, count))
    else:
        out.append(short + 0x10)
        out += (len(content) + 4).to_bytes(4)
        out += count.to_bytes(4)
    out += content


def _list(out: bytearray, value: list[object]) -> None:
    if not value:
        out.append(0x45)
        return
    content = bytearray()
    for item in value:
        write(content, item)
    _counted(out, 0xC0, len(value), content)


def _map(out: bytearray, value: dict[object, object]) -> None:
    content = bytearray()
    for key, item in value.items():
        write(content, key)
        write(content, item)
    _counted(out, 0xC1, 2 * len(value), content)


def _described(out: bytearray, value: Described) -> None:
    out.append(0)
    write(out, value.descriptor)
    write(out, value.value)


def _array(out: bytearray, value: Array) -> None:
    content = bytearray()
    if value.descriptor is not None:
        content.append(0)
        write(content, value.descriptor)
    code = _WIDE_CODES.get(value.code, value.code)
    content.append(code)
    for item in value.items:
        _write_element(content, code, item)
    _counted(out, 0xE0, len(value.items), content)


def _write_element(out: bytearray, code: int, item: object) -> None:
    """Append an array element, which has no constructor of its own."""
    if code in _ELEMENT_LAYOUTS:
        out += struct.pack(_ELEMENT_LAYOUTS[code], item)
        return
    alone = encode(item)
    if code >> 4 in {0xB, 0xD, 0xF} and alone[0] >> 4 in {0xA, 0xC, 0xE}:
        out += _widened(alone)
    elif alone == b"\x45":  # the empty list has a constructor of its own, and no width
        out += (4).to_bytes(4) + bytes(4)
    else:
        out += alone[1:]


def _widened(alone: bytes) -> bytes:
    """Turn a value with sizes of one byte into its content with sizes of four."""
    if alone[0] >> 4 == 0xA:
        return (len(alone) - 2).to_bytes(4) + alone[2:]
    return (alone[1] + 3).to_bytes(4) + alone[2].to_bytes(4) + alone[3:]


_WIDE_CODES = {
    0x41: 0x56, 0x42: 0x56, 0x43: 0x70, 0x44: 0x80, 0x45: 0xD0, 0x52: 0x70, 0x53: 0x80, 0x54: 0x71,
    0x55: 0x81, 0xA0: 0xB0, 0xA1: 0xB1, 0xA3: 0xB3, 0xC0: 0xD0, 0xC1: 0xD1, 0xE0: 0xF0,
}  # fmt: skip

_ELEMENT_LAYOUTS = {
    0x50: ">B", 0x51: ">b", 0x56: ">?", 0x60: ">H", 0x61: ">h", 0x70: ">I", 0x71: ">i", 0x72: ">f",
    0x80: ">Q", 0x81: ">q", 0x82: ">d", 0x83: ">q",
}  # fmt: skip


def _ulong(out: bytearray, value: int) -> None:
    if value == 0:
        out.append(0x44)
    else:
        _ulong_above_zero(out, value)


def _uint(out: bytearray, value: int) -> None:
    if value == 0:
        out.append(0x43)
    else:
        _uint_above_zero(out, value)


def _char(out: bytearray, value: Char) -> None:
    out.append(0x73)
    out += value.encode("utf-32-be")


def _uuid(out: bytearray, value: UUID) -> None:
    out.append(0x98)
    out += value.bytes


def _decimal(out: bytearray, value: Decimal) -> None:
    out.append(value.code)
    out += value.raw


_ulong_above_zero = _small(1, 255, 0x53, _fixed(0x80, "Q"))
_uint_above_zero = _small(1, 255, 0x52, _fixed(0x70, "I"))

_WRITERS: dict[type, Writer] = {
    type(None): _null,
    bool: _boolean,
    UByte: _fixed(0x50, "B"),
    UShort: _fixed(0x60, "H"),
    UInt: _uint,
    ULong: _ulong,
    Byte: _fixed(0x51, "b"),
    Short: _fixed(0x61, "h"),
    Int: _small(-128, 127, 0x54, _fixed(0x71, "i")),
    int: _small(-128, 127, 0x55, _fixed(0x81, "q")),
    Timestamp: _fixed(0x83, "q"),
    Float: _fixed(0x72, "f"),
    float: _fixed(0x82, "d"),
    Char: _char,
    Decimal: _decimal,
    UUID: _uuid,
    bytes: _binary,
    bytearray: _binary,
    str: _string,
    Symbol: _symbol,
    list: _list,
    dict: _map,
    Array: _array,
    Described: _described,
}
