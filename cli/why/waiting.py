"""Finds what waits on the queues about an item: what is parked, and what is yet to be done."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusError

from cli.queue import Parked, peek
from shared.bus import PARKED
from shared.identifiers import ItemId, Kind, MailboxId

_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What there is; `unseen` says why the queues could not be looked at, or not to their end."""

    parked: tuple[Parked, ...] = ()
    queued: tuple[Parked, ...] = ()
    unseen: str = ""

    def about(self, item: ItemId) -> "Waiting":
        """Return what is about one item."""
        return Waiting(_about(item, self.parked), _about(item, self.queued), self.unseen)


async def waiting_in(client: ServiceBusClient, mailbox: MailboxId, kind: Kind) -> Waiting:
    """Return what waits of a mailbox; neither long queues nor refused ones fail an answer."""

    def is_meant(one: Parked) -> bool:
        return any(change.mailbox == mailbox for change in one.changes or ())

    async def look(queue: str, found: list[Parked]) -> str:
        try:
            # Opening and closing a link takes a second, so both queues are looked at at once.
            async with (
                asyncio.timeout(_SECONDS),
                aclosing(peek(client, is_meant, queue)) as peeked,
            ):
                async for one in peeked:
                    found.append(one)  # noqa: PERF401 - what was seen in time counts
        except ServiceBusError as error:
            return f"Service Bus queue '{queue}': {error.message}"
        except TimeoutError:
            return f"queue '{queue}': it is too long to be looked at to its end"
        return ""

    parked: list[Parked] = []
    queued: list[Parked] = []
    unseen = await asyncio.gather(look(PARKED, parked), look(kind, queued))
    return Waiting(tuple(parked), tuple(queued), "; ".join(filter(None, unseen)))


def _about(item: ItemId, messages: tuple[Parked, ...]) -> tuple[Parked, ...]:
    return tuple(
        one for one in messages if any(change.item == item for change in one.changes or ())
    )
