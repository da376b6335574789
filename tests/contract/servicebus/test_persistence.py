import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusError

from sandbox.clock import Clock
from sandbox.servicebus.server import ServiceBus
from tests.contract.servicebus.links import ENTITIES, Links

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # as in test_faults.py


@asynccontextmanager
async def _running(state: Path) -> AsyncIterator[Links]:
    clock = Clock()
    service = ServiceBus(ENTITIES, clock=clock, state=state)
    await service.start()
    try:
        async with Links(service, clock) as links:
            yield links
    finally:
        await service.stop()


async def test_everything_but_locks_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "bus.sqlite"
    async with _running(state) as links:
        await links.send("work", "done", "deferred", "buried", "abandoned", "locked")
        receiver = links.receiver("work")
        got = await receiver.receive_messages(max_message_count=5, max_wait_time=5)
        await receiver.complete_message(got[0])
        await receiver.defer_message(got[1])
        await receiver.dead_letter_message(got[2], reason="bad")
        await receiver.abandon_message(got[3])
        later = links.clock.now() + timedelta(hours=1)
        [number] = await links.sender("work").schedule_messages(ServiceBusMessage("later"), later)
        async with links.client.get_queue_receiver("talks", session_id="A") as session:
            await session.session.set_state("kept")

    async with _running(state) as links:
        assert links.service.counts()["work"] == {
            "active": 2, "locked": 0, "scheduled": 1, "deferred": 1, "dead_letter": 1,
        }  # fmt: skip
        again = await links.receive("work")
        assert (str(again), again.delivery_count) == ("abandoned", 1)
        [kept] = await links.receiver("work").receive_deferred_messages(got[1].sequence_number or 0)
        assert str(kept) == "deferred"
        links.advance(hours=1)
        assert links.count("work", "scheduled") == 0
        await links.send("work", "new")
        seen = await links.receiver("work").peek_messages(9, sequence_number=number + 1)
        assert [str(message) for message in seen] == ["new"], "numbers go on where they stopped"
        async with links.client.get_queue_receiver("talks", session_id="A") as session:
            assert await session.session.get_state() == b"kept"


async def test_the_duplicate_window_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "bus.sqlite"
    for _ in range(2):
        async with _running(state) as links:
            await links.sender("once").send_messages(ServiceBusMessage("a", message_id="1"))
            assert links.count("once", "active") == 1


@asynccontextmanager
async def _serving(
    entities: Path, state: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the broker in a process of its own; killed, never stopped."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.servicebus",
        "--entities", str(entities), "--state", str(state),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_kill_loses_nothing_acknowledged_and_brings_back_nothing_completed(
    tmp_path: Path,
) -> None:
    entities, state = tmp_path / "queues.json", tmp_path / "bus.sqlite"
    entities.write_text(json.dumps({"work": {"lockDuration": "PT5M"}}))
    stored: list[str] = []
    settling: set[str] = set()
    completed: set[str] = set()

    async def produce(client: ServiceBusClient) -> None:
        async with client.get_queue_sender("work") as sender:
            for number in range(100_000):
                await sender.send_messages(ServiceBusMessage("x", message_id=str(number)))
                stored.append(str(number))

    async def consume(client: ServiceBusClient, process: asyncio.subprocess.Process) -> None:
        async with client.get_queue_receiver("work") as receiver:
            while True:
                for message in await receiver.receive_messages(10, max_wait_time=5):
                    settling.add(str(message.message_id))
                    await receiver.complete_message(message)
                    completed.add(str(message.message_id))
                    if len(completed) == 200:
                        process.kill()

    async with (
        _serving(entities, state) as (process, address),
        ServiceBusClient.from_connection_string(address, retry_total=0) as client,
    ):
        outcome = await asyncio.gather(
            produce(client), consume(client, process), return_exceptions=True
        )
    assert all(isinstance(end, ServiceBusError) for end in outcome), outcome
    assert len(stored) > 200

    left: list[str] = []
    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    async with (
        _serving(entities, state) as (_, address),
        ServiceBusClient.from_connection_string(address) as client,
        client.get_queue_receiver("work", receive_mode=mode) as receiver,
    ):
        while got := await receiver.receive_messages(1000, max_wait_time=0.5):
            left += [str(message.message_id) for message in got]

    in_doubt = settling - completed  # asked for when the process died: applied or not
    assert len(left) == len(set(left))
    assert not completed & set(left), "what was completed came back"
    assert set(stored) - completed - in_doubt <= set(left), "what was acknowledged is lost"
    assert len(in_doubt) <= 1
