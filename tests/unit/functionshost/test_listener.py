"""Receiving, invoking and settling, as the real extension does it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.clock import Clock
from sandbox.functionshost.functions import DataType, Function, ServiceBusTrigger
from sandbox.functionshost.hostjson import ServiceBusOptions
from sandbox.functionshost.listener import Listener
from sandbox.functionshost.protos import CollectionBytes, RpcException
from sandbox.functionshost.settings import Connection
from sandbox.functionshost.worker import Input, Outcome
from tests.unit.functionshost.memorybroker import MemoryQueue

FAILED = Outcome(failure=RpcException(message="ValueError: no"))
OPTIONS = ServiceBusOptions(max_message_batch_size=3, max_concurrent_calls=2)


def trigger(
    *,
    many: bool = False,
    sessions: bool = False,
    auto_complete: bool | None = None,
    data_type: DataType = "BINARY",
) -> ServiceBusTrigger:
    return ServiceBusTrigger(
        parameter="messages",
        connection=Connection(connection_string="unused"),
        entity="queue",
        subscription=None,
        many=many,
        sessions=sessions,
        data_type=data_type,
        auto_complete=auto_complete,
    )


class Calls:
    """The function: notes the bodies it is given, answers `outcomes` in turn, then success."""

    def __init__(self, *outcomes: Outcome, held: bool = False) -> None:
        self.bodies: list[list[bytes]] = []
        self.inputs: list[Input] = []
        self.running = 0
        self.most_running = 0
        self.release = asyncio.Event()
        if not held:
            self.release.set()
        self._outcomes = list(outcomes)
        self._changed = asyncio.Condition()

    async def invoke(self, _: Function, given: Input) -> Outcome:
        content = given.value.content
        bodies = content.bytes if isinstance(content, CollectionBytes) else [content]
        async with self._changed:
            self.inputs.append(given)
            self.bodies.append([body for body in bodies if isinstance(body, bytes)])
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            self._changed.notify_all()
        await self.release.wait()
        async with self._changed:
            self.running -= 1
            self._changed.notify_all()
        return self._outcomes.pop(0) if self._outcomes else Outcome()

    async def until(self, condition: Callable[["Calls"], bool]) -> None:
        async with self._changed, asyncio.timeout(5):
            await self._changed.wait_for(lambda: condition(self))

    def delivery_counts(self, call: int) -> list[int]:
        metadata = self.inputs[call].metadata
        counts: list[int] = json.loads(str(metadata["DeliveryCountArray"].content))
        return counts


@asynccontextmanager
async def listening(
    queue: MemoryQueue,
    calls: Calls,
    to: ServiceBusTrigger,
    options: ServiceBusOptions = OPTIONS,
) -> AsyncIterator[Listener]:
    function = Function("consume", "id", to, [], None)
    listener = Listener(function, to, queue, options, calls.invoke, pause=0)
    listener.start()
    try:
        yield listener
    finally:
        calls.release.set()
        assert await listener.stop(5)


async def settled() -> None:
    """Let every task go on until it waits for something."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_batch_holds_what_is_there_up_to_the_limit_and_is_completed() -> None:
    queue, calls = MemoryQueue(Clock()), Calls()
    queue.send(b"1", b"2", b"3", b"4")
    async with listening(queue, calls, trigger(many=True)):
        await queue.emptied()
    assert calls.bodies == [[b"1", b"2", b"3"], [b"4"]]
    assert queue.renewed == []


async def test_batches_are_strictly_serial() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(held=True)
    queue.send(b"1", b"2", b"3", b"4", b"5")
    async with listening(queue, calls, trigger(many=True)):
        await calls.until(lambda c: c.running == 1)
        await settled()
        assert len(calls.bodies) == 1
        calls.release.set()
        await queue.emptied()
    assert calls.most_running == 1


async def test_a_failed_batch_is_abandoned_whole_and_comes_again() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(FAILED)
    queue.send(b"1", b"2")
    async with listening(queue, calls, trigger(many=True)):
        await queue.emptied()
    assert calls.bodies == [[b"1", b"2"], [b"1", b"2"]]
    assert [calls.delivery_counts(0), calls.delivery_counts(1)] == [[1, 1], [2, 2]]


async def test_what_always_fails_is_dead_lettered_with_its_neighbours() -> None:
    queue, calls = MemoryQueue(Clock(), max_deliveries=3), Calls(FAILED, FAILED, FAILED)
    queue.send(b"good", b"poison")
    async with listening(queue, calls, trigger(many=True)):
        await queue.emptied()
    assert [m.body for m in queue.dead] == [b"good", b"poison"]
    assert len(calls.bodies) == 3


async def test_without_auto_complete_success_settles_nothing() -> None:
    clock = Clock()
    queue, calls = MemoryQueue(clock), Calls()
    queue.send(b"1")
    async with listening(queue, calls, trigger(many=True, auto_complete=False)):
        await calls.until(lambda c: len(c.bodies) == 1 and not c.running)
        await settled()
        assert queue.size == 1
        clock.advance(timedelta(seconds=59))
        await settled()
        assert len(calls.bodies) == 1
        clock.advance(timedelta(seconds=2))
        await calls.until(lambda c: len(c.bodies) == 2)
    assert calls.delivery_counts(1) == [2]


async def test_without_auto_complete_failure_still_abandons() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(FAILED)
    queue.send(b"1")
    async with listening(queue, calls, trigger(many=True, auto_complete=False)):
        await calls.until(lambda c: len(c.bodies) == 2)
    assert calls.delivery_counts(1) == [2]


@pytest.mark.parametrize(("on_trigger", "left"), [(True, 0), (None, 1)])
async def test_the_trigger_overrides_auto_complete_of_host_json(
    on_trigger: bool | None, left: int
) -> None:
    queue, calls = MemoryQueue(Clock()), Calls()
    queue.send(b"1")
    options = replace(OPTIONS, auto_complete_messages=False)
    async with listening(queue, calls, trigger(auto_complete=on_trigger), options):
        await calls.until(lambda c: len(c.bodies) == 1 and not c.running)
        await settled()
        assert queue.size == left


async def test_single_messages_run_side_by_side_up_to_the_limit_under_renewal() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(held=True)
    queue.send(b"1", b"2", b"3")
    async with listening(queue, calls, trigger()):
        await calls.until(lambda c: c.running == 2)
        await settled()
        assert calls.running == 2
        calls.release.set()
        await queue.emptied()
    assert sorted(calls.bodies) == [[b"1"], [b"2"], [b"3"]]
    assert sorted(queue.renewed) == [1, 2, 3]


async def test_a_failed_single_message_leaves_the_others_alone() -> None:
    queue, calls = MemoryQueue(Clock(), max_deliveries=1), Calls(FAILED)
    queue.send(b"1", b"2")
    async with listening(queue, calls, trigger()):
        await queue.emptied()
    assert [m.body for m in queue.dead] == [b"1"]


async def test_sessions_run_side_by_side_each_in_order() -> None:
    queue, calls = MemoryQueue(Clock()), Calls()
    for number in range(3):
        queue.send(b"a%d" % number, session_id="a")
        queue.send(b"b%d" % number, session_id="b")
    options = replace(OPTIONS, max_concurrent_sessions=2)
    async with listening(queue, calls, trigger(sessions=True), options):
        await queue.emptied()
        assert queue.sessions_held == 2
    bodies = [bodies[0] for bodies in calls.bodies]
    assert [b for b in bodies if b[:1] == b"a"] == [b"a0", b"a1", b"a2"]
    assert [b for b in bodies if b[:1] == b"b"] == [b"b0", b"b1", b"b2"]


async def test_no_more_sessions_than_allowed() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(held=True)
    for session in "abc":
        queue.send(session.encode(), session_id=session)
    options = replace(OPTIONS, max_concurrent_sessions=2)
    async with listening(queue, calls, trigger(sessions=True), options):
        await calls.until(lambda c: c.running == 2)
        await settled()
        assert (calls.running, queue.sessions_held) == (2, 2)


async def test_an_idle_session_makes_room_for_the_next() -> None:
    clock = Clock()
    queue, calls = MemoryQueue(clock), Calls()
    queue.send(b"a", session_id="a")
    queue.send(b"b", session_id="b")
    options = replace(OPTIONS, max_concurrent_sessions=1, session_idle_timeout=timedelta(seconds=5))
    async with listening(queue, calls, trigger(sessions=True), options):
        await calls.until(lambda c: c.bodies == [[b"a"]])
        await settled()
        clock.advance(timedelta(seconds=4))
        await settled()
        assert calls.bodies == [[b"a"]]
        clock.advance(timedelta(seconds=2))
        await calls.until(lambda c: c.bodies == [[b"a"], [b"b"]])


async def test_batches_with_sessions_take_one_session_at_a_time() -> None:
    clock = Clock()
    queue, calls = MemoryQueue(clock), Calls()
    queue.send(b"a1", session_id="a")
    queue.send(b"b1", session_id="b")
    queue.send(b"a2", session_id="a")
    options = replace(OPTIONS, session_idle_timeout=timedelta(seconds=5))
    async with listening(queue, calls, trigger(many=True, sessions=True), options):
        await calls.until(lambda c: c.bodies == [[b"a1", b"a2"]])
        await settled()
        clock.advance(timedelta(seconds=6))
        await queue.emptied()
    assert calls.bodies == [[b"a1", b"a2"], [b"b1"]]
    assert queue.sessions_held == 1


async def test_a_batch_is_held_back_until_it_is_big_enough() -> None:
    queue, calls = MemoryQueue(Clock()), Calls()
    options = replace(OPTIONS, min_message_batch_size=2)
    queue.send(b"1")
    async with listening(queue, calls, trigger(many=True), options):
        await settled()
        assert calls.bodies == []
        queue.send(b"2")
        await queue.emptied()
    assert calls.bodies == [[b"1", b"2"]]


async def test_a_batch_is_not_held_back_for_longer_than_allowed() -> None:
    queue, calls = MemoryQueue(Clock()), Calls()
    options = replace(
        OPTIONS, min_message_batch_size=2, max_batch_wait_time=timedelta(milliseconds=20)
    )
    queue.send(b"1")
    async with listening(queue, calls, trigger(many=True), options):
        await queue.emptied()
    assert calls.bodies == [[b"1"]]


async def test_an_absent_broker_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue, calls = MemoryQueue(Clock()), Calls()
    queue.outages = 3
    queue.send(b"1")
    with caplog.at_level(logging.WARNING):
        async with listening(queue, calls, trigger(many=True)):
            await queue.emptied()
    assert caplog.text.count("'consume' cannot receive, trying again: the broker is away") == 3


async def test_a_lost_lock_is_logged_and_the_message_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    queue, calls = MemoryQueue(clock), Calls(held=True)
    queue.send(b"1")
    with caplog.at_level(logging.WARNING):
        async with listening(queue, calls, trigger(many=True)):
            await calls.until(lambda c: c.running == 1)
            clock.advance(timedelta(seconds=61))
            calls.release.set()
            await queue.emptied()
    assert "message 1 is not settled: MessageLockLostError" in caplog.text
    assert calls.delivery_counts(1) == [2]


async def test_stopping_settles_the_running_batch_and_takes_no_other() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(held=True)
    queue.send(b"1", b"2", b"3", b"4")
    async with listening(queue, calls, trigger(many=True)) as listener:
        await calls.until(lambda c: c.running == 1)
        stopping = asyncio.create_task(listener.stop(5))
        await settled()
        assert not stopping.done()
        calls.release.set()
        assert await stopping
    assert calls.bodies == [[b"1", b"2", b"3"]]
    assert queue.size == 1
    assert queue.counts() == [0]


async def test_stopping_waits_for_single_messages_too() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(held=True)
    queue.send(b"1", b"2")
    options = replace(OPTIONS, max_concurrent_calls=3)
    async with listening(queue, calls, trigger(), options) as listener:
        await calls.until(lambda c: c.running == 2)
        stopping = asyncio.create_task(listener.stop(5))
        await settled()
        assert not stopping.done()
        queue.send(b"too late")
        calls.release.set()
        assert await stopping
    assert (len(calls.bodies), queue.size) == (2, 1)


async def test_stopping_gives_up_after_its_time() -> None:
    queue, calls = MemoryQueue(Clock()), Calls(held=True)
    queue.send(b"1")
    async with listening(queue, calls, trigger(many=True)) as listener:
        await calls.until(lambda c: c.running == 1)
        assert not await listener.stop(0.01)
        assert calls.running == 1


async def test_an_undeclared_type_takes_json_only() -> None:
    queue, calls = MemoryQueue(Clock(), max_deliveries=2), Calls()
    queue.send(b'{"a":  1}', b"not JSON")
    async with listening(queue, calls, trigger(many=True, data_type="UNDEFINED")):
        await queue.emptied()
    assert [m.body for m in queue.dead] == [b'{"a":  1}', b"not JSON"]
    assert calls.bodies == []
