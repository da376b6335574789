"""From bytes to values, and past values that nobody needs to see."""

import struct
from collections.abc import Callable
from uuid import UUID

from sandbox.servicebus.amqp.types import (
    Array,
    Byte,
    Char,
    Decimal,
    DecodeError,
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

type Reader = Callable[[bytes, int], tuple[object, int]]

_U32 = struct.Struct(">I")


def decode(data: bytes, at: int = 0) -> tuple[object, int]:
    """Read the value that starts at `at`; return it and where the next one starts.

    Raises:
        DecodeError: truncated, an unknown constructor, or text that is not UTF-8.
    """
    try:
        return _READERS[data[at]](data, at + 1)
    except (IndexError, KeyError, struct.error, UnicodeError, TypeError, RecursionError) as error:
        raise DecodeError(f"no AMQP value at byte {at}: {error!r}") from error


def skip(data: bytes, at: int) -> int:
    """Return where the value that starts at `at` ends, without decoding it.

    Raises:
        DecodeError: truncated.
    """
    try:
        while data[at] == 0:
            at = skip(data, at + 1)
        width = data[at] >> 4
        at += 1
        if width in {0xA, 0xC, 0xE}:
            end = at + 1 + data[at]
        elif width in {0xB, 0xD, 0xF}:
            end = at + 4 + _U32.unpack_from(data, at)[0]
        else:
            end = at + _FIXED_WIDTHS[width]
    except (IndexError, KeyError, struct.error, RecursionError) as error:
        raise DecodeError(f"no AMQP value at byte {at}: {error!r}") from error
    if end > len(data):
        raise DecodeError(f"the value at byte {at} is cut off")
    return end


_FIXED_WIDTHS = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}


def _constant(value: object) -> Reader:
    return lambda _, at: (value, at)


def _number(layout: str, kind: Callable[[int], object] = int) -> Reader:
    packed = struct.Struct(layout)
    unpack, size = packed.unpack_from, packed.size

    def read(data: bytes, at: int) -> tuple[object, int]:
        return kind(unpack(data, at)[0]), at + size

    return read


def _floating(layout: str, kind: Callable[[float], object]) -> Reader:
    packed = struct.Struct(layout)
    return lambda data, at: (kind(packed.unpack_from(data, at)[0]), at + packed.size)


def _size(data: bytes, at: int, *, wide: bool) -> tuple[int, int]:
    """Read a size; return where its content starts and ends."""
    if wide:
        start = at + 4
        end = start + int(_U32.unpack_from(data, at)[0])
    else:
        start = at + 1
        end = start + data[at]
    if end > len(data):
        raise IndexError("cut off")
    return start, end


def _variable(kind: Callable[[bytes], object], *, wide: bool) -> Reader:
    def read(data: bytes, at: int) -> tuple[object, int]:
        start, end = _size(data, at, wide=wide)
        return kind(data[start:end]), end

    return read


def _bytes_of(size: int, kind: Callable[[bytes], object]) -> Reader:
    def read(data: bytes, at: int) -> tuple[object, int]:
        if at + size > len(data):
            raise IndexError("cut off")
        return kind(data[at : at + size]), at + size

    return read


def _count(data: bytes, at: int, *, wide: bool) -> tuple[int, int]:
    return (int(_U32.unpack_from(data, at)[0]), at + 4) if wide else (data[at], at + 1)


def _items(data: bytes, at: int, *, wide: bool) -> tuple[list[object], int]:
    start, end = _size(data, at, wide=wide)
    count, at = _count(data, start, wide=wide)
    if count > end - at:
        raise IndexError("more items than bytes")
    items = []
    for _ in range(count):
        item, at = _READERS[data[at]](data, at + 1)
        items.append(item)
    if at != end:
        raise IndexError("size and items disagree")
    return items, end


def _list(*, wide: bool) -> Reader:
    return lambda data, at: _items(data, at, wide=wide)


def _map(*, wide: bool) -> Reader:
    def read(data: bytes, at: int) -> tuple[object, int]:
        items, end = _items(data, at, wide=wide)
        if len(items) % 2:
            raise IndexError("a key without a value")
        return dict(zip(items[::2], items[1::2], strict=True)), end

    return read


def _array(*, wide: bool) -> Reader:
    def read(data: bytes, at: int) -> tuple[object, int]:
        start, end = _size(data, at, wide=wide)
        count, at = _count(data, start, wide=wide)
        descriptor: object = None
        code = data[at]
        at += 1
        if code == 0:
            descriptor, at = _READERS[data[at]](data, at + 1)
            code = data[at]
            at += 1
        if count > max(end - at, 0) and code >> 4 != 0x4:
            raise IndexError("more items than bytes")
        read_item, items = _READERS[code], []
        for _ in range(count):
            item, at = read_item(data, at)
            items.append(item)
        if at != end:
            raise IndexError("size and items disagree")
        return Array(code, items, descriptor), end

    return read


def _described(data: bytes, at: int) -> tuple[object, int]:
    descriptor, at = _READERS[data[at]](data, at + 1)
    value, at = _READERS[data[at]](data, at + 1)
    return Described(descriptor, value), at


def _text(raw: bytes) -> str:
    return raw.decode()


def _symbol(raw: bytes) -> Symbol:
    return Symbol(raw.decode("ascii"))


def _char(raw: bytes) -> Char:
    return Char(raw.decode("utf-32-be"))


def _decimal(code: int) -> Callable[[bytes], Decimal]:
    return lambda raw: Decimal(code, raw)


_READERS: dict[int, Reader] = {
    0x00: _described,
    0x40: _constant(None),
    0x41: _constant(value=True),
    0x42: _constant(value=False),
    0x43: _constant(UInt(0)),
    0x44: _constant(ULong(0)),
    0x45: lambda _, at: ([], at),
    0x50: _number(">B", UByte),
    0x51: _number(">b", Byte),
    0x52: _number(">B", UInt),
    0x53: _number(">B", ULong),
    0x54: _number(">b", Int),
    0x55: _number(">b"),
    0x56: _number(">B", bool),
    0x60: _number(">H", UShort),
    0x61: _number(">h", Short),
    0x70: _number(">I", UInt),
    0x71: _number(">i", Int),
    0x72: _floating(">f", Float),
    0x73: _bytes_of(4, _char),
    0x74: _bytes_of(4, _decimal(0x74)),
    0x80: _number(">Q", ULong),
    0x81: _number(">q"),
    0x82: _floating(">d", float),
    0x83: _number(">q", Timestamp),
    0x84: _bytes_of(8, _decimal(0x84)),
    0x94: _bytes_of(16, _decimal(0x94)),
    0x98: _bytes_of(16, lambda raw: UUID(bytes=raw)),
    0xA0: _variable(bytes, wide=False),
    0xA1: _variable(_text, wide=False),
    0xA3: _variable(_symbol, wide=False),
    0xB0: _variable(bytes, wide=True),
    0xB1: _variable(_text, wide=True),
    0xB3: _variable(_symbol, wide=True),
    0xC0: _list(wide=False),
    0xC1: _map(wide=False),
    0xD0: _list(wide=True),
    0xD1: _map(wide=True),
    0xE0: _array(wide=False),
    0xF0: _array(wide=True),
}
