"""Finds what waits on the queues about an item: what is parked, and what is yet to be done."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusError

from cli.queue import Parked, peek
from shared.bus import PARKED
from shared.identifiers import ItemId, Kind, MailboxId

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What there is; `unseen` says why the queues could not be looked at, or not to their end."""

    parked: tuple[Parked, ...] = ()
    queued: tuple[Parked, ...] = ()
    unseen: str = ""


async def waiting_for(
    client: ServiceBusClient, mailbox: MailboxId, kind: Kind, item: ItemId
) -> Waiting:
    """Look at both queues; an answer does not wait for long ones, nor fail for want of them."""

    def is_meant(one: Parked) -> bool:
        named = [(change.mailbox, change.item) for change in one.changes or ()]
        return (mailbox, item) in named

    found: dict[str, list[Parked]] = {PARKED: [], kind: []}
    unseen = ""
    try:
        async with asyncio.timeout(_SECONDS):
            for queue, messages in found.items():
                async with aclosing(peek(client, is_meant, queue)) as peeked:
                    async for one in peeked:
                        messages.append(one)
    except ServiceBusError as error:
        unseen = f"Service Bus: {error.message}"
    except TimeoutError:
        unseen = "there is so much on the queues that not all of it was looked at"
    return Waiting(tuple(found[PARKED]), tuple(found[kind]), unseen)
