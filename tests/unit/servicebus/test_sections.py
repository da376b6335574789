import pytest

from sandbox.servicebus.amqp.encode import encode
from sandbox.servicebus.amqp.sections import (
    APPLICATION_PROPERTIES,
    DATA,
    FOOTER,
    HEADER,
    MESSAGE_ANNOTATIONS,
    MESSAGE_ID,
    PROPERTIES,
    VALUE,
    Sections,
)
from sandbox.servicebus.amqp.types import DecodeError, Described, Symbol, UByte, UInt, ULong


def _section(kind: int, value: object) -> bytes:
    return encode(Described(ULong(kind), value))


_PROPERTIES = _section(PROPERTIES, ["id-1", None, None, None, None, 5])
_APPLICATION = _section(APPLICATION_PROPERTIES, {"n": UByte(1)})
_MESSAGE = (
    _section(HEADER, [True, UByte(4), UInt(1000)])
    + _section(MESSAGE_ANNOTATIONS, {Symbol("x-opt-partition-key"): "p"})
    + _PROPERTIES
    + _APPLICATION
    + _section(DATA, b"one")
    + _section(DATA, b"two")
    + _section(FOOTER, {Symbol("sum"): 1})
)


def test_a_message_is_taken_apart() -> None:
    sections = Sections.read(_MESSAGE)
    assert (sections.durable, sections.priority, sections.ttl) == (True, 4, 1000)
    assert sections.annotations == {"x-opt-partition-key": "p"}
    assert sections.property_fields()[MESSAGE_ID] == "id-1"
    assert sections.application_properties() == {"n": 1}
    assert sections.data() == [b"one", b"two"]


def test_the_bare_message_stays_byte_for_byte() -> None:
    bare = _MESSAGE[_MESSAGE.index(_PROPERTIES) :]
    delivered = Sections.read(_MESSAGE).encode(3, {Symbol("x-opt-sequence-number"): 9})
    assert delivered.endswith(bare)
    again = Sections.read(delivered)
    assert (again.durable, again.priority, again.ttl) == (True, 4, 1000)
    assert again.annotations == {"x-opt-sequence-number": 9}


def test_one_property_can_be_set() -> None:
    sections = Sections.read(_section(VALUE, "body"))
    sections.set_property(MESSAGE_ID, "given")
    again = Sections.read(sections.encode())
    assert again.property_fields()[MESSAGE_ID] == "given"
    assert again.value() == "body"


@pytest.mark.parametrize(
    "raw",
    [
        b"plain text",
        _section(DATA, b"x") + _PROPERTIES,
        _PROPERTIES + _PROPERTIES,
        _section(DATA, b"x") + _section(VALUE, 1),
        _section(VALUE, 1) + _section(VALUE, 2),
        _section(HEADER, "no list"),
        _section(DATA, b"long enough")[:-1],
    ],
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        Sections.read(raw)


def test_only_data_sections_make_a_batch() -> None:
    with pytest.raises(DecodeError):
        Sections.read(_section(VALUE, 1)).data()
