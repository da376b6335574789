"""What is encoded decodes to the same value of the same type, and the other way round."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.servicebus.amqp.decode import decode, skip
from sandbox.servicebus.amqp.encode import encode
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

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def _numbers(kind: type[int], bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high).map(kind)


_INTEGERS = {
    0x50: _numbers(UByte, 8, signed=False),
    0x60: _numbers(UShort, 16, signed=False),
    0x70: _numbers(UInt, 32, signed=False),
    0x80: _numbers(ULong, 64, signed=False),
    0x51: _numbers(Byte, 8, signed=True),
    0x61: _numbers(Short, 16, signed=True),
    0x71: _numbers(Int, 32, signed=True),
    0x81: _numbers(int, 64, signed=True),
    0x83: _numbers(Timestamp, 64, signed=True),
}
_SCALARS: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    *_INTEGERS.values(),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, width=32).map(Float),
    st.uuids(),
    st.binary(max_size=300),
    _TEXT,
    st.text(st.characters(max_codepoint=127), max_size=300).map(Symbol),
    st.characters(exclude_categories=["Cs"]).map(Char),
    st.builds(Decimal, st.just(0x84), st.binary(min_size=8, max_size=8)),
)


def _arrays() -> st.SearchStrategy[object]:
    elements: dict[int, st.SearchStrategy[object]] = {
        **_INTEGERS,
        0x56: st.booleans(),
        0x82: st.floats(allow_nan=False),
        0x98: st.uuids(),
        0xB0: st.binary(max_size=300),
        0xB1: _TEXT,
        0xD0: st.lists(_SCALARS, max_size=3),
        0xD1: st.dictionaries(_TEXT, _SCALARS, max_size=3),
    }
    return st.sampled_from(sorted(elements)).flatmap(
        lambda code: st.lists(elements[code], max_size=5).map(lambda items: Array(code, items))
    )


_VALUES = st.recursive(
    st.one_of(_SCALARS, _arrays()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(_TEXT, inner, max_size=4),
        st.builds(Described, _numbers(ULong, 64, signed=False), inner),
    ),
    max_leaves=20,
)


def _typed(value: object) -> object:
    """Return the value with its types spelt out: UInt(1) equals 1, but is not the same."""
    match value:
        case list():
            return [_typed(item) for item in value]
        case dict():
            return {(type(key), key): _typed(item) for key, item in value.items()}
        case Described():
            return ("described", _typed(value.descriptor), _typed(value.value))
        case Array():
            return ("array", value.code, [_typed(item) for item in value.items])
    return (type(value), value)


@given(_VALUES)
def test_values_survive_with_their_types(value: object) -> None:
    raw = encode(value)
    decoded, end = decode(raw)
    assert _typed(decoded) == _typed(value)
    assert end == len(raw) == skip(raw, 0)


@given(_VALUES, st.data())
def test_a_value_cut_short_is_refused(value: object, data: st.DataObject) -> None:
    raw = encode(value)
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(DecodeError):
        decode(raw[:cut])
    with pytest.raises(DecodeError):
        skip(raw[:cut], 0)


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused(raw: bytes) -> None:
    try:
        _, end = decode(raw)
    except DecodeError:
        return
    assert end <= len(raw)


def test_the_shortest_encodings_are_used() -> None:
    assert encode(UInt(0)) == b"\x43"
    assert encode(ULong(0)) == b"\x44"
    assert encode([]) == b"\x45"
    assert encode(5) == b"\x55\x05"
    assert encode(-129)[0] == 0x81
    assert encode("é") == b"\xa1\x02\xc3\xa9"
    assert encode("x" * 256)[:5] == b"\xb1\x00\x00\x01\x00"
    assert encode(uuid.UUID(int=1)) == b"\x98" + bytes(15) + b"\x01"


def test_what_is_no_amqp_type_is_refused() -> None:
    with pytest.raises(TypeError):
        encode(object())


@pytest.mark.parametrize(
    ("element", "items"),
    [
        (b"\x52\x00\x05", [UInt(0), UInt(5)]),
        (b"\x53\x00\x05", [ULong(0), ULong(5)]),
        (b"\x54\x00\xff", [Int(0), Int(-1)]),
        (b"\x43", [UInt(0), UInt(0)]),
        (b"\x41", [True, True]),
        (b"\x45", [[], []]),
        (b"\xa1\x01x\x00", ["x", ""]),
        (b"\xc0\x02\x01\x40\x01\x00", [[None], []]),
    ],
)
def test_arrays_of_short_elements_are_written_wide(element: bytes, items: list[object]) -> None:
    read, _ = decode(bytes((0xE0, len(element) + 1, 2)) + element)
    assert isinstance(read, Array)
    assert _typed(read.items) == _typed(items)
    again, _ = decode(encode(read))
    assert isinstance(again, Array)
    assert _typed(again.items) == _typed(items)
