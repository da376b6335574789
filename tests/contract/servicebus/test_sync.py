"""The synchronous client, against a broker in a thread with a loop of its own."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta

import pytest
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import MessageLockLostError

from sandbox.clock import Clock
from sandbox.servicebus.server import ServiceBus
from tests.contract.servicebus.links import ENTITIES


class Thread:
    """A broker that lives in a thread; `do` runs something on its loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.service: ServiceBus = asyncio.run_coroutine_threadsafe(
            self._start(), self.loop
        ).result(10)

    async def _start(self) -> ServiceBus:
        service = ServiceBus(ENTITIES, clock=self.clock)
        await service.start()
        return service

    def counts(self, name: str) -> dict[str, int]:
        answer: Future[dict[str, int]] = Future()
        self.loop.call_soon_threadsafe(lambda: answer.set_result(self.service.counts()[name]))
        return answer.result(10)

    def advance(self, **by: float) -> None:
        done: Future[None] = Future()

        def act() -> None:
            self.clock.advance(timedelta(**by))
            done.set_result(None)

        self.loop.call_soon_threadsafe(act)
        done.result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.service.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[Thread]:
    thread = Thread()
    yield thread
    thread.stop()


@pytest.fixture(scope="module")
def client(broker: Thread) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(broker.service.connection_string) as client:
        yield client


def test_a_message_goes_all_the_ways_it_can(broker: Thread, client: ServiceBusClient) -> None:
    bodies = ["complete", "abandon", "defer", "bury", "expire"]
    with client.get_queue_sender("work") as sender:
        sender.send_messages([ServiceBusMessage(body) for body in bodies])
        [later] = sender.schedule_messages(
            ServiceBusMessage("later"), broker.clock.now() + timedelta(hours=1)
        )
        sender.cancel_scheduled_messages(later)

    with client.get_queue_receiver("work") as receiver:
        peeked = receiver.peek_messages(max_message_count=9, sequence_number=1)
        assert [str(message) for message in peeked] == bodies
        got = receiver.receive_messages(max_message_count=5, max_wait_time=5)
        assert [str(message) for message in got] == bodies
        complete, abandon, defer, bury, expire = got
        receiver.complete_message(complete)
        receiver.abandon_message(abandon)
        receiver.defer_message(defer)
        receiver.dead_letter_message(bury, reason="because", error_description="of that")
        [deferred] = receiver.receive_deferred_messages(defer.sequence_number or 0)
        receiver.complete_message(deferred)
        receiver.renew_message_lock(expire)
        broker.advance(minutes=1)
        with pytest.raises(MessageLockLostError):
            receiver.complete_message(expire)
    assert broker.counts("work") == {
        "active": 2, "locked": 0, "scheduled": 0, "deferred": 0, "dead_letter": 1,
    }  # fmt: skip

    with client.get_queue_receiver("work", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        [dead] = receiver.receive_messages(max_message_count=1, max_wait_time=5)
        assert (dead.dead_letter_reason, str(dead)) == ("because", "bury")
        receiver.complete_message(dead)
    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    with client.get_queue_receiver("work", receive_mode=mode) as receiver:
        rest = receiver.receive_messages(max_message_count=2, max_wait_time=5)
        assert [(str(message), message.delivery_count) for message in rest] == [
            ("abandon", 1),
            ("expire", 1),
        ]
    assert sum(broker.counts("work").values()) == 0


def test_a_session_keeps_its_state(broker: Thread, client: ServiceBusClient) -> None:
    with client.get_queue_sender("talks") as sender:
        sender.send_messages(ServiceBusMessage("hello", session_id="A"))
    with client.get_queue_receiver("talks", session_id="A") as receiver:
        receiver.session.set_state(b"known")
        assert receiver.session.get_state() == b"known"
        [message] = receiver.receive_messages(max_message_count=1, max_wait_time=5)
        receiver.complete_message(message)
    assert sum(broker.counts("talks").values()) == 0
