"""Links: credit, and messages in more than one frame."""

from typing import TYPE_CHECKING

from sandbox.servicebus.amqp.performatives import Attach, Disposition, Flow, Transfer
from sandbox.servicebus.amqp.termini import accepted, error, rejected
from sandbox.servicebus.broker.errors import BrokerError, message_too_large

if TYPE_CHECKING:
    from sandbox.servicebus.wire.session import Session

_CREDIT = 1_000


class Link:
    """One end of a link; the handle is the peer's number for it, and ours."""

    def __init__(self, session: "Session", attached: Attach) -> None:
        self.session = session
        self.attached = attached
        self.handle = attached.handle
        self.delivery_count = 0

    def closed(self) -> None:
        """Let go of what the link held."""

    def _answer(self, **fields: object) -> None:
        """Attach our end, with the peer's source and target exactly as they came."""
        peer = self.attached
        answer = Attach(
            peer.name,
            peer.handle,
            not peer.role,
            peer.snd_settle_mode,
            peer.rcv_settle_mode,
            peer.source,
            peer.target,
        )
        for name, value in fields.items():
            setattr(answer, name, value)
        self.session.links[self.handle] = self
        self.session.send(answer)


class IncomingLink(Link):
    """A link on which the peer sends; `largest` is the most bytes a message may have."""

    largest: int

    def open(self, properties: dict[object, object] | None = None) -> None:
        """Attach and grant credit at once."""
        self.delivery_count = self.attached.initial_delivery_count or 0
        self._credit = _CREDIT
        self._parts: list[bytes] = []
        self._size = 0
        self._first: Transfer | None = None
        self._answer(max_message_size=self.largest, properties=properties)
        self.session.send_flow(self, _CREDIT)

    def take(self, message_format: int, raw: bytes) -> bool:
        """Take a message; return whether to say so.

        Raises:
            BrokerError: it is refused.
        """
        raise NotImplementedError

    def receive(self, transfer: Transfer, payload: bytes) -> None:
        """Collect the parts of a message and take it when it is whole."""
        first = self._first = self._first or transfer
        if transfer.aborted:
            self._first, self._parts, self._size = None, [], 0
            return
        self._size += len(payload)
        if self._size <= self.largest:
            self._parts.append(payload)
        if transfer.more:
            return
        raw, size = b"".join(self._parts), self._size
        self._first, self._parts, self._size = None, [], 0
        self.delivery_count += 1
        self._credit -= 1
        self._take(first, raw, size)
        if self._credit <= _CREDIT // 2:
            self._credit = _CREDIT
            self.session.send_flow(self, _CREDIT)

    def _take(self, transfer: Transfer, raw: bytes, size: int) -> None:
        acknowledge = True
        state = accepted()
        try:
            if size > self.largest:
                raise message_too_large(size, self.largest)
            acknowledge = self.take(transfer.message_format or 0, raw)
        except BrokerError as problem:
            state = rejected(error(problem.condition, problem.description))
        if acknowledge and not transfer.settled and transfer.delivery_id is not None:
            self.session.send(
                Disposition(role=True, first=transfer.delivery_id, settled=True, state=state)
            )


class OutgoingLink(Link):
    """A link on which the peer receives."""

    credit = 0

    @property
    def ready(self) -> bool:
        """Whether one more message may be sent now."""
        return self.credit > 0 and self.session.open_window

    def transmit(self, tag: bytes, payload: bytes, *, settled: bool) -> int:
        """Send a message; return its delivery id."""
        self.credit -= 1
        self.delivery_count += 1
        return self.session.send_delivery(self, tag, payload, settled)

    def receive_flow(self, flow: Flow) -> None:
        """Take over the credit the peer grants; drain it when the peer wants it back."""
        if flow.link_credit is not None:
            self.credit = (flow.delivery_count or 0) + flow.link_credit - self.delivery_count
        self.serve()
        if flow.drain:
            self.delivery_count += max(self.credit, 0)
            self.credit = 0
            self.session.send_flow(self, 0, drain=True)
        elif flow.echo:
            self.session.send_flow(self, self.credit)

    def serve(self) -> None:
        """Send what is there for as long as there is credit."""
        raise NotImplementedError
