"""The queue `parked`: looked at without touching it, and single messages taken out of it."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from shared.bus import PARKED
from shared.changes import Change, decode, message_id
from shared.errors import Malformed
from shared.identifiers import Kind

_PAGE = 100
_WAIT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message; `changes` is None where its body cannot be read.

    One of another queue may be held back until it is `due`.
    """

    number: int
    since: datetime | None
    kind: str
    mailbox: str
    reason: str
    body: bytes
    changes: tuple[Change, ...] | None
    due: datetime | None = None

    @property
    def can_be_replayed(self) -> bool:
        """Whether sending it again could help: what cannot be read would be parked again."""
        return self.changes is not None and self.kind in set(Kind)

    @property
    def replay(self) -> ServiceBusMessage:
        """What is sent to the queue of its kind."""
        return ServiceBusMessage(self.body, message_id=message_id(self.changes or ()))


Matches = Callable[[Parked], bool]
Locked = tuple[ServiceBusReceiver, ServiceBusReceivedMessage, Parked]


async def peek(
    client: ServiceBusClient, matches: Matches, queue: str = PARKED
) -> AsyncGenerator[Parked]:
    """Give the messages that match, oldest first; they stay where they are."""
    async with client.get_queue_receiver(queue) as receiver:
        following = 0
        while page := await receiver.peek_messages(
            max_message_count=_PAGE, sequence_number=following
        ):
            for message in page:
                if matches(read := _read(message)):
                    yield read
            following = (page[-1].sequence_number or 0) + 1


class Taking:
    """Takes messages out of the queue by their numbers; every other one is put back at the end."""

    def __init__(self, client: ServiceBusClient, numbers: Collection[int]) -> None:
        self._client = client
        self._wanted = set(numbers)

    async def replay(self) -> AsyncGenerator[Parked]:
        """Send each again, and only then take it out: it may come twice, but never not at all."""
        async with aclosing(self._locked()) as locked:
            async for receiver, message, read in locked:
                async with self._client.get_queue_sender(read.kind) as sender:
                    await sender.send_messages(read.replay)
                await receiver.complete_message(message)
                yield read

    async def drop(self) -> AsyncGenerator[Parked]:
        """Take each out, for good."""
        async with aclosing(self._locked()) as locked:
            async for receiver, message, read in locked:
                await receiver.complete_message(message)
                yield read

    async def _locked(self) -> AsyncGenerator[Locked]:
        others: list[ServiceBusReceivedMessage] = []
        async with self._client.get_queue_receiver(PARKED) as receiver:
            try:
                while self._wanted and (
                    page := await receiver.receive_messages(
                        max_message_count=_PAGE, max_wait_time=_WAIT_SECONDS
                    )
                ):
                    for message in page:
                        if message.sequence_number in self._wanted:
                            self._wanted.discard(message.sequence_number or 0)
                            yield receiver, message, _read(message)
                        else:
                            others.append(message)
            finally:
                for message in others:
                    await receiver.abandon_message(message)


def chosen(
    numbers: Sequence[int], *, kind: str | None, reason: str | None, mailbox: str | None
) -> Matches:
    """Return what tells whether a message is meant; no numbers means any."""

    def matches(one: Parked) -> bool:
        return (
            (not numbers or one.number in numbers)
            and (kind is None or one.kind == kind)
            and (mailbox is None or one.mailbox == mailbox.lower())
            and (reason is None or reason.lower() in one.reason.lower())
        )

    return matches


def _read(message: ServiceBusReceivedMessage) -> Parked:
    properties = {_text(k): _text(v) for k, v in (message.application_properties or {}).items()}
    body = b"".join(bytes(part) for part in message.body)
    try:
        changes = decode(body)
    except Malformed:
        changes = None
    return Parked(
        message.sequence_number or 0,
        message.enqueued_time_utc,
        properties.get("kind", ""),
        properties.get("mailbox", ""),
        properties.get("reason", ""),
        body,
        changes,
        message.scheduled_enqueue_time_utc,
    )


def _text(value: Any) -> str:  # noqa: ANN401 - AMQP gives bytes or text
    return value.decode() if isinstance(value, bytes) else str(value)
