"""What the official clients never do: a peer that speaks frames, and speaks them badly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sandbox.clock import Clock
from sandbox.servicebus.amqp.encode import encode
from sandbox.servicebus.amqp.frames import AMQP_HEADER, SASL_HEADER, Frame, FrameSplitter, frame
from sandbox.servicebus.amqp.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    Flow,
    Open,
    Performative,
    SaslMechanisms,
    Transfer,
    read_performative,
)
from sandbox.servicebus.amqp.termini import SOURCE, TARGET
from sandbox.servicebus.amqp.types import Array, Described, ULong
from sandbox.servicebus.server import ServiceBus
from tests.contract.servicebus.links import ENTITIES


class Peer:
    """Writes frames and reads what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._splitter = FrameSplitter(65_536)
        self._parts: list[bytes | Frame] = []

    def say(self, *performatives: Performative) -> None:
        self.writer.write(b"".join(frame(0, performative) for performative in performatives))

    async def part(self) -> bytes | Frame:
        while not self._parts:
            data = await self._reader.read(4096)
            if not data:
                raise EOFError
            self._parts += self._splitter.feed(data)
        return self._parts.pop(0)

    async def hear(self) -> Performative:
        part = await self.part()
        assert isinstance(part, Frame)
        return read_performative(part.body)[0]

    async def begin(self, *, window: int = 10, idle_time_out: int | None = None) -> None:
        self.writer.write(AMQP_HEADER)
        opened = Open("peer", idle_time_out=idle_time_out)
        self.say(opened, Begin(incoming_window=window, outgoing_window=10))
        assert await self.part() == AMQP_HEADER
        assert isinstance(await self.hear(), Open)
        assert isinstance(await self.hear(), Begin)


@asynccontextmanager
async def _peer() -> AsyncIterator[Peer]:
    service = ServiceBus(ENTITIES, clock=Clock())
    await service.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        await service.stop()


def _condition(error: object) -> object:
    assert isinstance(error, Described)
    assert isinstance(error.value, list)
    return error.value[0]


async def test_the_mechanisms_clients_insist_on_are_offered() -> None:
    async with _peer() as peer:
        peer.writer.write(SASL_HEADER)
        assert await peer.part() == SASL_HEADER
        offered = await peer.hear()
        assert isinstance(offered, SaslMechanisms)
        assert isinstance(offered.mechanisms, Array)
        assert {"ANONYMOUS", "MSSBCBS"} <= set(offered.mechanisms.items)


@pytest.mark.parametrize("receives", [True, False])
async def test_a_link_without_a_token_is_refused(receives: bool) -> None:
    async with _peer() as peer:
        await peer.begin()
        queue, here = Described(SOURCE, ["work"]), Described(TARGET, ["here"])
        source, target = (queue, here) if receives else (Described(SOURCE, ["here"]), queue)
        if not receives:
            target = Described(TARGET, ["work"])
        peer.say(Attach("link", 0, role=receives, source=source, target=target))
        answer, detach = await peer.hear(), await peer.hear()
        assert isinstance(answer, Attach)
        assert (answer.source if receives else answer.target) is None
        assert isinstance(detach, Detach)
        assert detach.closed
        assert _condition(detach.error) == "amqp:unauthorized-access"


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff\x02\x00\x00\x00",
        b"\x00\x00\x00\x0c\x02\x00\x00\x00abcd",
        frame(9, Detach(1)),
        frame(0, Begin()),
        frame(5_000, Begin()),
    ],
)
async def test_what_is_no_amqp_ends_the_connection_with_a_reason(raw: bytes) -> None:
    async with _peer() as peer:
        await peer.begin()
        peer.writer.write(raw)
        closed = await peer.hear()
        assert isinstance(closed, Close)
        assert _condition(closed.error) == "amqp:decode-error"
        with pytest.raises(EOFError):
            await peer.part()


async def test_an_idle_peer_hears_a_heartbeat_in_time() -> None:
    async with _peer() as peer:
        await peer.begin(idle_time_out=20)
        assert await peer.part() == Frame(0, 0, b"")


async def test_nothing_is_sent_beyond_window_and_credit() -> None:
    async with _peer() as peer:
        await peer.begin(window=0)
        here, node = Described(SOURCE, ["$cbs"]), Described(TARGET, ["$cbs"])
        peer.say(Attach("replies", 0, role=True, source=here, target=node))
        peer.say(Attach("requests", 1, role=False, source=here, target=node))
        assert [type(await peer.hear()) for _ in range(3)] == [Attach, Attach, Flow]

        request = encode(Described(ULong(0x74), {"operation": "put-token"}))
        body = encode(Described(ULong(0x77), "token"))
        peer.writer.write(frame(0, Transfer(1, 0, b"tag"), request + body))
        assert isinstance(await peer.hear(), Disposition)
        peer.say(Flow(0, 0, 0, 10, 0, 0, 5, echo=True))
        assert isinstance(await peer.hear(), Flow), "there is credit, but no window"
        peer.say(Flow(0, 1, 0, 10, 0, 0, 5))
        assert isinstance(await peer.hear(), Transfer)
        peer.writer.write(frame(0, Transfer(1, 1, b"tag"), request + body))
        assert isinstance(await peer.hear(), Disposition)
        peer.say(Flow(1, 0, 0, 10, 0, 1, 4, drain=True))
        drained = await peer.hear()
        assert isinstance(drained, Flow), "the window is used up"
        assert (drained.drain, drained.link_credit, drained.delivery_count) == (True, 0, 5)


async def test_another_protocol_is_answered_with_ours_and_closed() -> None:
    async with _peer() as peer:
        peer.writer.write(b"AMQP\x00\x00\x09\x01")
        assert await peer.part() == AMQP_HEADER
        with pytest.raises(EOFError):
            await peer.part()
