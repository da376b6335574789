"""Request and response over a pair of links: how `$cbs` and `$management` are spoken to."""

from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from sandbox.servicebus.amqp.encode import write
from sandbox.servicebus.amqp.performatives import Attach
from sandbox.servicebus.amqp.sections import CORRELATION_ID, MESSAGE_ID, REPLY_TO, Sections
from sandbox.servicebus.amqp.termini import address
from sandbox.servicebus.amqp.types import DecodeError
from sandbox.servicebus.broker.errors import decode_failed, not_allowed
from sandbox.servicebus.wire.links import IncomingLink, OutgoingLink

if TYPE_CHECKING:
    from sandbox.servicebus.wire.session import Session

_LARGEST_REQUEST = 100 * 1024 * 1024

type Properties = dict[object, object]


class Node(Protocol):
    """Answers requests."""

    def respond(self, properties: Properties, body: object) -> tuple[Properties, object] | None:
        """Return application properties and value of the reply, None to give none."""
        ...


class ResponseLink(OutgoingLink):
    """The link on which a client gets its replies, from the node at `path`."""

    def __init__(self, session: "Session", attached: Attach, path: str) -> None:
        super().__init__(session, attached)
        self.path = path
        self.target = address(attached.target)
        self._waiting: list[bytes] = []
        self._answer(initial_delivery_count=0)

    def reply(self, raw: bytes) -> None:
        """Send a reply as soon as there is credit."""
        self._waiting.append(raw)
        self.serve()

    def serve(self) -> None:
        """Send the replies that wait."""
        while self._waiting and self.ready:
            self.transmit(uuid4().bytes, self._waiting.pop(0), settled=True)


class RequestLink(IncomingLink):
    """The link on which a client sends its requests, to the node at `path`."""

    largest = _LARGEST_REQUEST

    def __init__(self, session: "Session", attached: Attach, path: str, node: Node) -> None:
        super().__init__(session, attached)
        self._path = path
        self._node = node
        self.open()

    def take(self, message_format: int, raw: bytes) -> bool:
        """Have the node answer a request; the reply carries its message id as correlation id."""
        del message_format
        try:
            request = Sections.read(raw)
            fields, properties = request.property_fields(), request.application_properties()
            body = request.value()
        except DecodeError as problem:
            raise decode_failed(str(problem)) from problem
        link = self._response_link(fields[REPLY_TO])
        answer = self._node.respond(properties, body)
        if answer is not None:
            link.reply(_reply(fields[MESSAGE_ID], *answer))
        return True

    def _response_link(self, reply_to: object) -> ResponseLink:
        """Find where the reply goes: some clients name no reply-to (service-bus.md 4.2)."""
        links = [
            link
            for link in self.session.links.values()
            if isinstance(link, ResponseLink) and link.path == self._path
        ]
        for link in links:
            if link.target == reply_to:
                return link
        if not links:
            raise not_allowed("There is no link to reply on.")
        return links[-1]


def _reply(correlation_id: object, properties: Properties, value: object) -> bytes:
    reply = Sections()
    reply.set_property(CORRELATION_ID, correlation_id)
    reply.set_application_properties(properties)
    body = bytearray(b"\x00\x53\x77")
    write(body, value)
    reply.body = bytes(body)
    return reply.encode()
