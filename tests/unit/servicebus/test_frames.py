import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.servicebus.amqp.encode import encode
from sandbox.servicebus.amqp.frames import (
    AMQP_HEADER,
    EMPTY_FRAME,
    Frame,
    FrameSplitter,
    frame,
)
from sandbox.servicebus.amqp.performatives import (
    Attach,
    Detach,
    Disposition,
    Flow,
    Open,
    Performative,
    Transfer,
    read_performative,
)
from sandbox.servicebus.amqp.termini import accepted
from sandbox.servicebus.amqp.types import DecodeError, Described, Symbol, ULong

_SAMPLES: list[tuple[Performative, bytes]] = [
    (Open("me", max_frame_size=512, idle_time_out=30_000, properties={Symbol("p"): 1}), b""),
    (Attach("link", 3, role=True, initial_delivery_count=0, max_message_size=2**40), b""),
    (Flow(1, 2, 3, 4, 5, 6, 7, drain=True), b""),
    (Transfer(3, 1, b"tag", 0, settled=False, more=True), b"payload"),
    (Disposition(role=False, first=1, last=2, settled=True, state=accepted()), b""),
    (Detach(3, closed=True), b""),
]


@pytest.mark.parametrize(("performative", "payload"), _SAMPLES)
def test_a_performative_survives(performative: Performative, payload: bytes) -> None:
    [part] = FrameSplitter(4096).feed(frame(7, performative, payload))
    assert isinstance(part, Frame)
    assert part.channel == 7
    assert read_performative(part.body) == (performative, payload)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_frames_come_out_whole_however_they_arrive(sizes: list[int]) -> None:
    stream = AMQP_HEADER + EMPTY_FRAME + b"".join(frame(1, *sample) for sample in _SAMPLES)
    splitter, parts, at = FrameSplitter(4096), list[bytes | Frame](), 0
    for size in itertools.cycle(sizes):
        parts += splitter.feed(stream[at : at + size])
        at += size
        if at >= len(stream):
            break
    assert parts[0] == AMQP_HEADER
    assert parts[1] == Frame(0, 0, b"")
    read = [read_performative(part.body) for part in parts[2:] if isinstance(part, Frame)]
    assert read == _SAMPLES


def test_a_frame_larger_than_agreed_is_refused() -> None:
    with pytest.raises(DecodeError):
        list(FrameSplitter(512).feed((513).to_bytes(4) + b"\x02\x00\x00\x00"))


@pytest.mark.parametrize(
    "value",
    [
        "text",
        Described(ULong(0x99), []),
        Described(Symbol("amqp:open:list"), ["me"]),
        Described(ULong(0x10), []),
        Described(ULong(0x10), [5]),
        Described(ULong(0x17), [None, None]),
    ],
)
def test_what_is_no_performative_is_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        read_performative(encode(value))
