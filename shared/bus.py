"""Sends to Service Bus: changes, failed ones again with a schedule, dead ones aside."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import batched
from typing import Any, Protocol

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from shared.changes import Change, encode, message_id
from shared.errors import Transient
from shared.tracing import current_trace

PARKED = "parked"
LIFECYCLE = "lifecycle"
CHANGES_PER_MESSAGE = 20
_SEND_TIMEOUT_SECONDS = 2.5  # Graph gives the webhook three seconds (graph.md 2.2)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to send; `due` (UTC) holds it back until then.

    Several changes may share a message; `id` is what duplicate detection goes by.
    """

    id: str
    body: bytes
    due: datetime | None = None
    properties: dict[str, str] = field(default_factory=dict)


class Bus(Protocol):
    """Where messages go. `send` returns only when the broker has accepted all of them."""

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        """Send `messages` in as few sends as possible.

        Raises:
            Transient: the broker did not accept all of them; some may have been sent.
        """


class ServiceBus:
    """The bus on Azure Service Bus: one long-lived sender per queue."""

    def __init__(self, client: ServiceBusClient) -> None:
        self._client = client
        self._senders: dict[str, ServiceBusSender] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        """See `Bus.send`."""
        if not messages:
            return
        # Concurrent sends on one sender degrade quadratically (service-bus.md 2.3).
        async with self._locks.setdefault(queue, asyncio.Lock()):
            if queue not in self._senders:
                self._senders[queue] = self._client.get_queue_sender(queue)
            try:
                await _send_all(self._senders[queue], [_outgoing(message) for message in messages])
            except ServiceBusError as error:
                raise Transient(f"Service Bus queue '{queue}': {error}") from error

    async def close(self) -> None:
        """Close the senders and the client."""
        for sender in self._senders.values():
            await sender.close()
        await self._client.close()


def change_messages(changes: Iterable[Change], *, due: datetime | None = None) -> list[Message]:
    """Pack changes into messages, a Graph batch's worth in each.

    One that is new is part of the present trace from here on.
    """
    trace = current_trace()
    traced = (one if one.trace else one.model_copy(update={"trace": trace}) for one in changes)
    return [
        Message(id=message_id(chunk), body=encode(chunk), due=due)
        for chunk in batched(traced if trace else changes, CHANGES_PER_MESSAGE, strict=False)
    ]


def retry_message(change: Change, *, due: datetime) -> Message:
    """Return the message that brings a failed change back, its attempt counted."""
    again = change.model_copy(update={"attempt": change.attempt + 1, "etag": None})
    return Message(id=message_id([again]), body=encode([again]), due=due)


def parked_message(change: Change, reason: str) -> Message:
    """Return the message that keeps a change that could not be done, with its reason.

    Its body is what to send to the kind's queue once the cause is mended.
    """
    update = {"attempt": 0, "etag": None, "replays": change.replays + 1}
    replay = change.model_copy(update=update)
    return Message(
        id=f"parked-{message_id([change])}",
        body=encode([replay]),
        properties={"reason": reason[:1024], "kind": change.kind, "mailbox": change.mailbox},
    )


def parked_body(queue: str, body: bytes, reason: str) -> Message:
    """Return the message that keeps a body nobody can read, as it came."""
    return Message(
        id=f"parked-{sha256(body).hexdigest()}",
        body=body,
        properties={"reason": reason[:1024], "kind": queue},
    )


def _outgoing(message: Message) -> ServiceBusMessage:
    # The trigger drops empty strings from a batch and so misaligns them (functions.md 4.3): nothing
    # but the body, the id and the application properties is ever set.
    properties: dict[str | bytes, Any] = dict(message.properties.items())
    return ServiceBusMessage(
        message.body,
        message_id=message.id,
        scheduled_enqueue_time_utc=message.due,
        application_properties=properties,
    )


async def _send_all(sender: ServiceBusSender, messages: list[ServiceBusMessage]) -> None:
    batch = await sender.create_message_batch()
    for message in messages:
        try:
            batch.add_message(message)
        except (ValueError, MessageSizeExceededError):
            await sender.send_messages(batch, timeout=_SEND_TIMEOUT_SECONDS)
            batch = await sender.create_message_batch()
            batch.add_message(message)
    await sender.send_messages(batch, timeout=_SEND_TIMEOUT_SECONDS)
