"""A session: windows, handles, and which delivery holds which lock."""

from typing import TYPE_CHECKING

from sandbox.servicebus.amqp.performatives import (
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Performative,
    Transfer,
)
from sandbox.servicebus.amqp.termini import error
from sandbox.servicebus.amqp.types import DecodeError
from sandbox.servicebus.broker.errors import BrokerError
from sandbox.servicebus.wire.attach import attach
from sandbox.servicebus.wire.entity_links import EntityReceiver
from sandbox.servicebus.wire.links import IncomingLink, Link, OutgoingLink

if TYPE_CHECKING:
    from sandbox.servicebus.wire.connection import Connection

_WINDOW = 2**31 - 1
_PART_OVERHEAD = 128
"""Bytes to leave in a frame for its header and the transfer performative."""


class Session:
    """Routes what comes in on one channel to its links, and numbers what goes out."""

    def __init__(self, connection: "Connection", channel: int, begun: Begin) -> None:
        self.connection = connection
        self.namespace = connection.namespace
        self.links: dict[int, Link] = {}
        self.unsettled: dict[int, EntityReceiver] = {}
        self._channel = channel
        self._frames_in = begun.next_outgoing_id
        self._frames_out = 0
        self._deliveries_out = 0
        self._peer_window = begun.incoming_window
        connection.send(
            channel,
            Begin(
                remote_channel=channel,
                next_outgoing_id=0,
                incoming_window=_WINDOW,
                outgoing_window=_WINDOW,
                handle_max=255,
            ),
        )

    @property
    def open_window(self) -> bool:
        """Whether the peer takes another transfer now."""
        return self._peer_window > 0

    def receive(self, performative: Performative, payload: bytes) -> None:
        """Act on a performative of this session."""
        match performative:
            case Transfer():
                self._on_transfer(performative, payload)
            case Disposition():
                self._on_disposition(performative)
            case Flow():
                self._on_flow(performative)
            case Attach():
                self._on_attach(performative)
            case Detach():
                self._on_detach(performative)
            case _:
                raise DecodeError(f"{type(performative).__name__} within a session")

    def send(self, performative: Performative) -> None:
        """Send a performative of this session."""
        self.connection.send(self._channel, performative)

    def send_flow(self, link: Link | None, credit: int = 0, *, drain: bool | None = None) -> None:
        """Tell the peer the windows and, with a link, its credit."""
        flow = Flow(self._frames_in, _WINDOW, self._frames_out, _WINDOW)
        if link:
            flow.handle, flow.delivery_count = link.handle, link.delivery_count
            flow.link_credit, flow.drain = credit, drain
        self.send(flow)

    def send_delivery(self, link: OutgoingLink, tag: bytes, payload: bytes, settled: bool) -> int:
        """Send a message in as many transfers as it takes; return its delivery id."""
        delivery_id = self._deliveries_out
        self._deliveries_out += 1
        size = self.connection.peer_max_frame - _PART_OVERHEAD
        for at in range(0, max(len(payload), 1), size):
            more = at + size < len(payload)
            part = Transfer(link.handle, delivery_id, tag, 0, settled, more)
            self.connection.send(self._channel, part, payload[at : at + size])
            self._frames_out += 1
            self._peer_window -= 1
        return delivery_id

    def refuse(self, link: Attach, problem: BrokerError) -> None:
        """Refuse a link: attach without the terminus on our side, then detach with why."""
        source, target = (None, link.target) if link.role else (link.source, None)
        count = 0 if link.role else None
        self.send(
            Attach(
                link.name,
                link.handle,
                not link.role,
                link.snd_settle_mode,
                link.rcv_settle_mode,
                source,
                target,
                initial_delivery_count=count,
            )
        )
        self.detach(link.handle, problem)

    def detach(self, handle: int, problem: BrokerError) -> None:
        """Detach a link for good, with why."""
        link = self.links.pop(handle, None)
        if link:
            link.closed()
        self.send(Detach(handle, True, error(problem.condition, problem.description)))

    def end(self) -> None:
        """Let everything go that the session's links held."""
        for link in self.links.values():
            link.closed()
        self.links.clear()
        self.unsettled.clear()

    def _on_attach(self, link: Attach) -> None:
        if link.handle in self.links:
            raise DecodeError(f"handle {link.handle} is in use")
        self.namespace.broker.operations["attaches"] += 1
        try:
            attach(self, link)
        except BrokerError as problem:
            self.refuse(link, problem)

    def _on_detach(self, detached: Detach) -> None:
        link = self.links.pop(detached.handle, None)
        if link:  # otherwise it is the answer to our own
            link.closed()
            self.send(Detach(detached.handle, detached.closed))
            self.namespace.broker.wake()

    def _on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        self._frames_in += 1
        link = self.links.get(transfer.handle)
        if isinstance(link, IncomingLink):
            link.receive(transfer, payload)

    def _on_flow(self, flow: Flow) -> None:
        start = flow.next_incoming_id or 0
        self._peer_window = start + flow.incoming_window - self._frames_out
        link = None if flow.handle is None else self.links.get(flow.handle)
        if isinstance(link, OutgoingLink):
            link.receive_flow(flow)
        elif flow.echo:
            self.send_flow(None)
        self.namespace.broker.wake()

    def _on_disposition(self, disposition: Disposition) -> None:
        if not disposition.role:
            return
        last = disposition.first if disposition.last is None else disposition.last
        # The range is the peer's to choose: walk what is tracked, not the range.
        if last - disposition.first < len(self.unsettled):
            settled = [i for i in range(disposition.first, last + 1) if i in self.unsettled]
        else:
            settled = [i for i in self.unsettled if disposition.first <= i <= last]
        for delivery_id in settled:
            self.unsettled.pop(delivery_id).settle(delivery_id, disposition)
