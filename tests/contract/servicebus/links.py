"""Official clients on the broker, opened once per module: each link costs a second."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

from sandbox.clock import Clock
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.server import ServiceBus

ENTITIES = {
    "work": QueueSettings(lock_duration=timedelta(minutes=1), max_delivery_count=3),
    "once": QueueSettings(requires_duplicate_detection=True),
    "brief": QueueSettings(
        default_message_time_to_live=timedelta(hours=1), dead_lettering_on_message_expiration=True
    ),
    "small": QueueSettings(max_message_size_in_kilobytes=4),
    "fleeting": QueueSettings(lock_duration=timedelta(seconds=5)),
    "fleeting talks": QueueSettings(lock_duration=timedelta(seconds=5), requires_session=True),
    "talks": QueueSettings(requires_session=True),
    "events/subscriptions/audit": QueueSettings(),
    "events/subscriptions/billing": QueueSettings(),
}


class Links:
    """One client and its senders and receivers, closed all at once."""

    def __init__(self, service: ServiceBus, clock: Clock) -> None:
        self.service = service
        self.clock = clock
        self.client = self.new_client()
        self._hasty = self.new_client(retries=0)
        self._senders: dict[tuple[str, bool], ServiceBusSender] = {}
        self._receivers: dict[tuple[str, str, bool, bool], ServiceBusReceiver] = {}

    def new_client(self, retries: int = 3) -> ServiceBusClient:
        return ServiceBusClient.from_connection_string(
            self.service.connection_string, retry_total=retries, retry_backoff_factor=0.01
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        links = [*self._senders.values(), *self._receivers.values()]
        await asyncio.gather(*(link.close() for link in links))
        await asyncio.gather(self.client.close(), self._hasty.close())

    def sender(self, name: str, *, hasty: bool = False) -> ServiceBusSender:
        """Return the sender to a queue or topic; a hasty one tries nothing twice."""
        if (name, hasty) not in self._senders:
            client = self._hasty if hasty else self.client
            topic = name == "events"
            new = client.get_topic_sender(name) if topic else client.get_queue_sender(name)
            self._senders[name, hasty] = new
        return self._senders[name, hasty]

    def receiver(
        self, name: str, sub_queue: str = "", *, deletes: bool = False, hasty: bool = False
    ) -> ServiceBusReceiver:
        """Return the receiver of a queue; a hasty one tries nothing twice."""
        key = (name, sub_queue, deletes, hasty)
        if key not in self._receivers:
            client, mode = self._hasty if hasty else self.client, ServiceBusReceiveMode
            self._receivers[key] = client.get_queue_receiver(
                name,
                sub_queue=sub_queue or None,
                receive_mode=mode.RECEIVE_AND_DELETE if deletes else mode.PEEK_LOCK,
            )
        return self._receivers[key]

    async def send(self, name: str, *bodies: str) -> None:
        await self.sender(name).send_messages([ServiceBusMessage(body) for body in bodies])

    async def receive(self, name: str, sub_queue: str = "") -> ServiceBusReceivedMessage:
        """Return the next message; there must be one."""
        receiver = self.receiver(name, sub_queue)
        [message] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
        return message

    def count(self, name: str, state: str) -> int:
        return self.service.counts()[name][state]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the other side of a socket does; the test's timeout bounds it."""
        while not condition():
            await asyncio.sleep(0.01)

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))
