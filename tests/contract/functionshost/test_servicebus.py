"""Service Bus functions of a genuine app, over AMQP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Self

import aiohttp
import pytest
import pytest_asyncio
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender
from azure.servicebus.amqp import AmqpAnnotatedMessage

from sandbox.clock import Clock
from sandbox.functionshost.launch import HostProcess
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.server import ServiceBus

APP = Path(__file__).parent / "apps" / "bus"
PLAIN = ("batches", "gathered", "texts", "documents", "single", "untyped", "manual", "returns")
AUDIT = "events/subscriptions/audit"
# Only the batch function, and only whole batches of three: what shares a batch is then certain.
OTHERS = (
    "texts", "documents", "single", "untyped", "manual", "returns", "session", "session_batch",
    "subscribed",
)  # fmt: skip
ONLY_BATCH = {f"AzureWebJobs.{name}.Disabled": "true" for name in OTHERS}
GATHERING = ONLY_BATCH | {
    "BATCH": "gathered",
    "AzureFunctionsJobHost__extensions__serviceBus__minMessageBatchSize": "3",
}
SETTINGS = {"BATCH": "batches", "AUDIT": "audit"}
pytestmark = pytest.mark.asyncio(loop_scope="module")

type Seen = list[dict[str, object]]


def _bus(clock: Clock) -> ServiceBus:
    queue = QueueSettings(max_delivery_count=3, lock_duration=timedelta(minutes=5))
    sessions = queue.model_copy(update={"requires_session": True})
    return ServiceBus(
        dict.fromkeys(PLAIN, queue)
        | {"sessions": sessions, "sessionbatches": sessions, AUDIT: queue},
        clock=clock,
    )


class Outbox:
    """Sends to the queues of one broker, over one connection each."""

    def __init__(self, bus: ServiceBus) -> None:
        self.client = ServiceBusClient.from_connection_string(bus.connection_string)
        self._senders: dict[str, ServiceBusSender] = {}

    async def send(self, queue: str, *messages: ServiceBusMessage | AmqpAnnotatedMessage) -> None:
        if queue not in self._senders:
            self._senders[queue] = self.client.get_queue_sender(queue)
        batch = await self._senders[queue].create_message_batch()
        for message in messages:
            batch.add_message(message)
        await self._senders[queue].send_messages(batch)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(sender.close() for sender in self._senders.values()))
        await self.client.close()


async def _seen(host: HostProcess, word: str, *, count: int = 1) -> list[Seen]:
    """Return what the invocations that logged `word` were given."""
    lines = await host.logged(rf"\] {word} \[", count=count)
    return [json.loads(line.partition(f"] {word} ")[2]) for line in lines]


async def _until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a condition of the broker, which tells nobody when it changes."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _running(
    bus: ServiceBus, settings: dict[str, str] | None = None
) -> AsyncIterator[HostProcess]:
    host = await HostProcess.start(
        APP, {"Bus": bus.connection_string} | SETTINGS | (settings or {})
    )
    try:
        yield host
    finally:
        await host.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus() -> AsyncIterator[ServiceBus]:
    running = _bus(Clock())
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(bus: ServiceBus) -> AsyncIterator[HostProcess]:
    async with _running(bus) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gathering(bus: ServiceBus) -> AsyncIterator[HostProcess]:
    async with _running(bus, GATHERING) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outbox(bus: ServiceBus) -> AsyncIterator[Outbox]:
    async with Outbox(bus) as opened:
        yield opened


def _empty(bus: ServiceBus, queue: str) -> bool:
    counts = bus.counts()[queue]
    return counts["active"] == counts["locked"] == 0


async def test_a_batch_arrives_with_all_its_properties(
    bus: ServiceBus, outbox: Outbox, gathering: HostProcess
) -> None:
    await outbox.send(
        "gathered",
        ServiceBusMessage(b"", message_id="m1"),
        ServiceBusMessage(
            b"\x00\xff",
            message_id="m2",
            correlation_id="c2",
            subject="s2",
            application_properties={"text": "x", "number": 7, "flag": True},
            time_to_live=timedelta(hours=1),
        ),
        ServiceBusMessage(b'{"a":  1}', message_id="m3"),
    )
    await _until(lambda: _empty(bus, "gathered"))
    [batch] = await _seen(gathering, "BATCH")
    assert [m["body"] for m in batch] == ["", "\x00\xff", '{"a":  1}']
    assert [m["message_id"] for m in batch] == ["m1", "m2", "m3"]
    assert [m["delivery_count"] for m in batch] == [1, 1, 1]
    assert [m["properties"] for m in batch] == [{}, {"text": "x", "number": 7, "flag": True}, {}]
    # Only the second message has them: the real host drops empty strings (trap 1).
    assert [m["correlation_id"] for m in batch] == ["c2", None, None]
    assert [m["subject"] for m in batch] == ["s2", None, None]
    # Times come without a zone (trap 3).
    assert {m["enqueued_zone"] for m in batch} == {"None"}
    assert str(batch[0]["expires"]).startswith("9999-12-31")
    assert str(batch[1]["expires"]) > str(batch[1]["enqueued"])
    assert len({m["lock_token"] for m in batch}) == 3
    numbers = [m["sequence_number"] for m in batch]
    assert numbers == sorted(numbers, key=str)


async def test_a_message_on_an_idle_queue_is_there_at_once(
    outbox: Outbox, host: HostProcess
) -> None:
    delays = []
    for number in range(10):
        before = time.monotonic()
        await outbox.send("batches", ServiceBusMessage(f"quick{number}"))
        await host.logged(f"BATCH .*quick{number}")
        delays.append(time.monotonic() - before)
    # The client left to itself would wait 200 ms for more messages.
    assert sorted(delays)[5] < 0.15, delays


async def test_a_failed_batch_comes_again_whole_until_it_is_dead(
    bus: ServiceBus, outbox: Outbox, gathering: HostProcess
) -> None:
    bodies = [b"fail", b"neighbour", b"another"]
    await outbox.send("gathered", *map(ServiceBusMessage, bodies))
    await _until(lambda: bus.counts()["gathered"]["dead_letter"] == 3)
    batches = [b for b in await _seen(gathering, "BATCH") if "fail" in {m["body"] for m in b}]
    assert [[m["delivery_count"] for m in b] for b in batches] == [[1] * 3, [2] * 3, [3] * 3]
    await gathering.logged(r"Executed 'batch' \(Failed\): ValueError: no", count=3)
    async with outbox.client.get_queue_receiver(
        "gathered", sub_queue=ServiceBusSubQueue.DEAD_LETTER
    ) as dead:
        [first] = await dead.receive_messages(1, max_wait_time=5)
        assert first.dead_letter_reason == "MaxDeliveryCountExceeded"


async def test_strings_lose_empty_bodies_and_then_the_batch(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("texts", ServiceBusMessage("é"))
    [[seen]] = await _seen(host, "TEXTS")
    assert seen["body"] == "é".encode().decode("latin-1")
    await outbox.send("texts", ServiceBusMessage(""))
    await _until(lambda: bus.counts()["texts"]["dead_letter"] == 1)
    await host.logged(r"Executed 'texts' \(Failed\): IndexError", count=3)


async def test_without_a_type_bodies_are_json_written_anew(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("documents", ServiceBusMessage('{"a":1}'))
    [[seen]] = await _seen(host, "DOCUMENTS")
    assert seen["body"] == '{"a": 1}'
    await outbox.send("documents", ServiceBusMessage("no JSON"))
    await _until(lambda: bus.counts()["documents"]["dead_letter"] == 1)


async def test_a_single_message(bus: ServiceBus, outbox: Outbox, host: HostProcess) -> None:
    message = ServiceBusMessage(b"\xff", correlation_id="c", application_properties={"n": 1})
    await outbox.send("single", message)
    await _until(lambda: _empty(bus, "single"))
    [[seen]] = await _seen(host, "SINGLE")
    assert (seen["body"], seen["correlation_id"]) == ("\xff", "c")
    assert (seen["delivery_count"], seen["properties"]) == (1, {"n": 1})
    assert seen["session_id"] is None


async def test_single_messages_run_side_by_side(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("single", ServiceBusMessage(b"hold"), ServiceBusMessage(b"passes"))
    await host.logged('SINGLE .*"passes"')
    await _until(lambda: bus.counts()["single"]["locked"] == 1)
    async with aiohttp.ClientSession(host.url) as web, web.get("/api/release"):
        await _until(lambda: _empty(bus, "single"))


async def test_a_failing_single_message_is_dead_in_the_end(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("single", ServiceBusMessage(b"fail"))
    await _until(lambda: bus.counts()["single"]["dead_letter"] == 1)
    calls = [m for [m] in await _seen(host, "SINGLE") if m["body"] == "fail"]
    assert [m["delivery_count"] for m in calls] == [1, 2, 3]


async def test_a_single_untyped_message_is_text(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("untyped", ServiceBusMessage(b"\xff!"))
    [[seen]] = await _seen(host, "UNTYPED")
    assert seen["body"] == "\ufffd!".encode().decode("latin-1")
    await _until(lambda: _empty(bus, "untyped"))


async def test_without_auto_complete_success_leaves_the_lock(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("manual", ServiceBusMessage(b"kept"))
    await _seen(host, "MANUAL")
    assert bus.counts()["manual"] | {"scheduled": 0} == bus.counts()["manual"]
    assert bus.counts()["manual"]["locked"] == 1
    bus.expire_locks("manual")
    batches = await _seen(host, "MANUAL", count=2)
    assert batches[1][0]["delivery_count"] == 2
    bus.purge("manual")


async def test_without_auto_complete_failure_abandons(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("manual", ServiceBusMessage(b"fail"))
    await _until(lambda: bus.counts()["manual"]["dead_letter"] == 1)
    await host.logged(r"Executed 'manual' \(Failed\)", count=3)


async def test_a_returned_value_fails_the_batch_after_the_fact(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("returns", ServiceBusMessage(b"x"))
    await _until(lambda: bus.counts()["returns"]["dead_letter"] == 1)
    assert len(await _seen(host, "RETURNS", count=3)) == 3


async def test_sessions_keep_their_order(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send(
        "sessions",
        *(ServiceBusMessage(f"{s}{n}", session_id=s) for n in range(3) for s in "abc"),
    )
    await _until(lambda: _empty(bus, "sessions"))
    bodies = [str(m["body"]) for [m] in await _seen(host, "SESSION", count=9)]
    for session in "abc":
        assert [b for b in bodies if b[0] == session] == [f"{session}{n}" for n in range(3)]


async def test_session_batches_hold_one_session_each(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send(
        "sessionbatches",
        *(ServiceBusMessage(f"{s}{n}", session_id=s) for n in range(2) for s in "ab"),
    )
    await _until(lambda: _empty(bus, "sessionbatches"))
    batches = await _seen(host, "SESSIONBATCH", count=2)
    assert [m["body"] for b in batches for m in b] == ["a0", "a1", "b0", "b1"]
    assert {len({m["session_id"] for m in b}) for b in batches} == {1}


async def test_a_subscription_gets_what_its_topic_is_sent(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    async with outbox.client.get_topic_sender("events") as sender:
        await sender.send_messages(ServiceBusMessage(b"event"))
    [[seen]] = await _seen(host, "SUBSCRIBED")
    assert seen["body"] == "event"
    await _until(lambda: _empty(bus, AUDIT))


async def test_a_message_without_a_binary_body_never_reaches_the_function(
    bus: ServiceBus, outbox: Outbox, host: HostProcess
) -> None:
    await outbox.send("returns", AmqpAnnotatedMessage(value_body="value"))
    await host.logged("message .* has no binary body", count=3)
    await _until(lambda: _empty(bus, "returns"))
    assert not [line for line in host.log if "RETURNS" in line and "value" in line]


async def test_a_message_can_be_made_up_by_hand(host: HostProcess) -> None:
    headers = {"x-functions-key": host.admin_key}
    async with aiohttp.ClientSession(host.url, headers=headers) as web:
        for name in ("batch", "single"):
            async with web.post(f"/admin/functions/{name}", json={"input": "by hand"}) as answer:
                assert answer.status == 202
    await host.logged("BATCH .*by hand")
    await host.logged("SINGLE .*by hand")


async def _post(bus: ServiceBus, queue: str, *messages: ServiceBusMessage) -> None:
    async with Outbox(bus) as outbox:
        await outbox.send(queue, *messages)


async def test_a_restarted_broker_is_found_again(tmp_path: Path) -> None:
    clock = Clock()
    queues = {"batches": QueueSettings()}
    first = ServiceBus(queues, clock=clock, state=tmp_path / "bus.db")
    await first.start()
    async with _running(first, ONLY_BATCH) as host:
        await _post(first, "batches", ServiceBusMessage(b"before"))
        await host.logged("BATCH .*before")
        port = first.port
        await first.stop()
        await host.logged("'batch' cannot receive, trying again", seconds=30)
        second = ServiceBus(queues, clock=clock, state=tmp_path / "bus.db")
        await second.start(port=port)
        await _post(second, "batches", ServiceBusMessage(b"after"))
        await host.logged("BATCH .*after", seconds=30)
        await _until(lambda: _empty(second, "batches"))
    await second.stop()


@asynccontextmanager
async def _own_bus() -> AsyncIterator[ServiceBus]:
    bus = _bus(Clock())
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


async def test_a_dropped_connection_is_survived() -> None:
    async with _own_bus() as bus, _running(bus) as host:
        await _post(bus, "batches", ServiceBusMessage(b"before"))
        await host.logged("BATCH .*before")
        bus.drop_connections()
        await _post(bus, "batches", ServiceBusMessage(b"after"))
        await host.logged("BATCH .*after")
        await _until(lambda: _empty(bus, "batches"))


async def test_a_crash_before_settling_delivers_again() -> None:
    async with _own_bus() as bus:
        async with _running(bus) as host:
            await _post(bus, "batches", ServiceBusMessage(b"hold"), ServiceBusMessage(b"other"))
            [crashed] = await _seen(host, "BATCH")
            await host.kill()
        assert bus.counts()["batches"]["locked"] >= len(crashed)
        bus.expire_locks("batches")
        async with _running(bus) as host:
            [batch] = await _seen(host, "BATCH")
            assert (batch[0]["body"], batch[0]["delivery_count"]) == ("hold", 2)
            async with aiohttp.ClientSession(host.url) as web, web.get("/api/release"):
                await _until(lambda: _empty(bus, "batches"))


async def test_a_stopping_host_finishes_its_batch_within_the_configured_size() -> None:
    async with _own_bus() as bus:
        limit = {"AzureFunctionsJobHost__extensions__serviceBus__maxMessageBatchSize": "2"}
        await _post(bus, "batches", *(ServiceBusMessage(b"slow") for _ in range(3)))
        async with _running(bus, limit) as host:
            [batch] = await _seen(host, "BATCH")
            assert len(batch) <= 2
            assert await host.stop() == 0
            assert len(await host.logged("BATCH done")) == 1
        assert bus.operations()["completed"] == len(batch)
        counts = bus.counts()["batches"]
        assert (counts["active"], counts["locked"]) == (3 - len(batch), 0)
