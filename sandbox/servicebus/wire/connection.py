"""One client's connection: headers, SASL, open, heartbeats, and frames to its sessions."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.servicebus.amqp.frames import (
    AMQP_HEADER,
    EMPTY_FRAME,
    SASL,
    SASL_HEADER,
    Frame,
    FrameSplitter,
    frame,
)
from sandbox.servicebus.amqp.performatives import (
    Begin,
    Close,
    End,
    Open,
    Performative,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    read_performative,
)
from sandbox.servicebus.amqp.termini import error
from sandbox.servicebus.amqp.types import SYMBOLS, Array, DecodeError, Symbol
from sandbox.servicebus.broker.errors import BrokerError, unauthorized
from sandbox.servicebus.faults import Fault, Point
from sandbox.servicebus.tokens import within
from sandbox.servicebus.wire.session import Session

if TYPE_CHECKING:
    from sandbox.servicebus.wire.namespace import Namespace

MAX_FRAME = 65_536
CHANNEL_MAX = 4_999
IDLE_TIME_OUT = 240_000
"""What the service announces: bytes, channels, milliseconds (service-bus.md 4.1)."""

_MECHANISMS = ("MSSBCBS", "ANONYMOUS", "EXTERNAL")


class Connection(asyncio.Protocol):
    """Reads what a client sends; writes only when the broker says that it has committed."""

    def __init__(self, namespace: "Namespace", closed: Callable[["Connection"], None]) -> None:
        self.namespace = namespace
        self.peer_max_frame = MAX_FRAME
        self._closed = closed
        self._transport: asyncio.Transport | None = None
        self._splitter = FrameSplitter(MAX_FRAME)
        self._out = bytearray()
        self._late: deque[bytes] = deque()
        self._closing = False
        self._sessions: dict[int, Session] = {}
        self._scopes: set[str] = set()
        self._heard = 0.0
        self._heartbeat: asyncio.TimerHandle | None = None

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream server's are
        self._transport = transport
        self._heard = asyncio.get_running_loop().time()
        self._beat(IDLE_TIME_OUT / 2000)

    def data_received(self, data: bytes) -> None:
        """Act on every header and frame that has come in whole."""
        self._heard = asyncio.get_running_loop().time()
        try:
            for part in self._splitter.feed(data):
                if self._closing:
                    return
                if isinstance(part, Frame):
                    self._on_frame(part)
                else:
                    self._on_header(part)
        except DecodeError as problem:
            self.close("amqp:decode-error", str(problem))

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go that the client held."""
        del exc
        self._closing = True
        if self._heartbeat:
            self._heartbeat.cancel()
        for session in self._sessions.values():
            session.end()
        self._sessions.clear()
        self.namespace.broker.wake()
        self._closed(self)

    # The links' side

    def send(self, channel: int, performative: Performative, payload: bytes = b"") -> None:
        """Queue a frame; it leaves after the broker's next commit."""
        self._write(frame(channel, performative, payload))

    def close(self, condition: str, description: str) -> None:
        """Tell the client why, and close."""
        self.send(0, Close(error(condition, description)))
        self._closing = True

    def drop(self) -> None:
        """Cut the connection without a word, as a failing network does."""
        self._closing = True
        self._out.clear()
        if self._transport:
            self._transport.abort()

    def authorise(self, scope: str) -> None:
        """Let this connection use what lies within a path."""
        self._scopes.add(scope)

    def check_authorised(self, path: str) -> None:
        """See that a token for this path has been put.

        Raises:
            BrokerError: none has.
        """
        if not any(within(path, scope) for scope in self._scopes):
            raise unauthorized(f"No token for '{path}' was put on this connection.")

    def strike(self, point: Point, entity: str) -> Fault | None:
        """Return the fault that hits this moment; it may have dropped the connection."""
        fault = self.namespace.faults.strike(point, entity)
        if fault and (fault.disconnect or point == "drop-connection"):
            self.drop()
        return fault

    def check_faults(self, entity: str, *points: Point) -> None:
        """See that no fault hits this moment.

        Raises:
            BrokerError: one does.
        """
        for point in points:
            if fault := self.strike(point, entity):
                raise BrokerError(fault.condition, fault.description, fault.status)

    # Inside

    def _write(self, data: bytes) -> None:
        if not self._closing:
            self._out += data
            self.namespace.broker.wake(self._flush)

    def _flush(self) -> None:
        if not self._transport or self._transport.is_closing():
            return
        latency = self.namespace.faults.strike("latency")
        if latency or self._late:
            self._late.append(bytes(self._out))
            clock = self.namespace.broker.clock
            clock.call_later(latency.seconds if latency else 0.0, self._write_late)
        else:
            self._transport.write(bytes(self._out))
            self._close_if_done()
        self._out.clear()

    def _write_late(self) -> None:
        """Write the oldest of what waits: latencies differ, the order of frames does not."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(self._late.popleft())
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._closing and self._transport and not self._late:
            self._transport.close()

    def _on_header(self, header: bytes) -> None:
        if header == SASL_HEADER:
            mechanisms = Array(SYMBOLS, [Symbol(name) for name in _MECHANISMS])
            self._write(SASL_HEADER + frame(0, SaslMechanisms(mechanisms), kind=SASL))
        else:
            self._write(AMQP_HEADER)
            if header != AMQP_HEADER:
                self._closing = True

    def _on_frame(self, part: Frame) -> None:
        if not part.body:
            return
        performative, payload = read_performative(part.body)
        match performative:
            case SaslInit():
                code = 0 if performative.mechanism in _MECHANISMS else 1
                self._write(frame(0, SaslOutcome(code), kind=SASL))
            case Open():
                self._on_open(performative)
            case Begin():
                if part.channel in self._sessions or part.channel > CHANNEL_MAX:
                    raise DecodeError(f"channel {part.channel} is not free")
                self._sessions[part.channel] = Session(self, part.channel, performative)
            case End():
                self._session(part.channel).end()
                del self._sessions[part.channel]
                self.send(part.channel, End())
            case Close():
                self.send(0, Close())
                self._closing = True
            case _:
                self._session(part.channel).receive(performative, payload)

    def _on_open(self, opened: Open) -> None:
        self.peer_max_frame = min(opened.max_frame_size, MAX_FRAME)
        self.namespace.broker.operations["connections"] += 1
        self.send(
            0,
            Open(
                self.namespace.container_id,
                max_frame_size=MAX_FRAME,
                channel_max=CHANNEL_MAX,
                idle_time_out=IDLE_TIME_OUT,
            ),
        )
        if opened.idle_time_out:
            self._beat(min(opened.idle_time_out, IDLE_TIME_OUT) / 2000)

    def _session(self, channel: int) -> Session:
        try:
            return self._sessions[channel]
        except KeyError:
            raise DecodeError(f"no session on channel {channel}") from None

    def _beat(self, interval: float) -> None:
        """Send an empty frame every `interval` seconds; close when the client sends none."""
        loop = asyncio.get_running_loop()
        if self._heartbeat:
            self._heartbeat.cancel()
        if loop.time() - self._heard > IDLE_TIME_OUT / 1000:
            self.close("amqp:connection:forced", "The connection was idle for too long.")
            return
        if self._sessions:
            self._write(EMPTY_FRAME)
        self._heartbeat = loop.call_later(interval, self._beat, interval)
