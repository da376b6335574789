"""A burst goes out in one send, a lone message at once; nobody is told more than is so."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.bus import Message
from shared.errors import Transient
from shared.gathering import GatheringBus, Pace
from tests.unit.app.skipping import run

EVERY_TEN = Pace(usual=10, burst=10)


class Broker:
    """A bus that notes what it is sent and when; it takes `seconds`, and may be `down`."""

    def __init__(self, *, seconds: float = 0.0, down: bool = False) -> None:
        self.sends: list[tuple[float, str, list[str]]] = []
        self._seconds = seconds
        self.down = down

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        now = asyncio.get_running_loop().time()
        self.sends.append((now, queue, [message.id for message in messages]))
        await asyncio.sleep(self._seconds)
        if self.down:
            raise Transient("the broker is down")


def message(name: str) -> Message:
    return Message(id=name, body=b"")


def clock() -> float:
    return asyncio.get_running_loop().time()


def test_on_an_idle_stack_a_message_goes_out_at_once() -> None:
    async def scenario() -> None:
        broker = Broker()
        bus = GatheringBus(broker)
        await bus.send("mail", [message("a")])
        assert clock() == 0.0
        await asyncio.sleep(Pace().usual)
        await bus.send("mail", [message("b")])
        assert broker.sends == [(0.0, "mail", ["a"]), (Pace().usual, "mail", ["b"])]

    run(scenario())


def test_what_comes_soon_after_goes_out_at_its_end_in_one_send() -> None:
    async def scenario() -> None:
        broker = Broker()
        bus = GatheringBus(broker, EVERY_TEN)

        async def call(at: float, name: str) -> float:
            await asyncio.sleep(at)
            await bus.send("mail", [message(f"{name}1"), message(f"{name}2")])
            return clock()

        ended = await asyncio.gather(call(0, "a"), call(1, "b"), call(5, "c"), call(9, "d"))
        assert list(ended) == [0.0, 10.0, 10.0, 10.0]
        gathered = ["b1", "b2", "c1", "c2", "d1", "d2"]
        assert broker.sends == [(0, "mail", ["a1", "a2"]), (10, "mail", gathered)]
        await bus.send("mail", [message("e")])
        assert broker.sends[2:] == [(20, "mail", ["e"])]

    run(scenario())


def test_after_a_burst_the_wait_is_longer_until_little_comes_again() -> None:
    async def scenario() -> None:
        broker = Broker()
        bus = GatheringBus(broker, Pace(usual=2, burst=10, many=3))
        for names in ("ab", "cde", "fgh", "i", "j"):
            await bus.send("mail", [message(name) for name in names])
        assert [at for at, _, _ in broker.sends] == [0, 2, 12, 22, 24]

    run(scenario())


def test_a_send_waits_well_within_the_time_graph_gives() -> None:
    pace = Pace()
    assert 0 < pace.after(1) == pace.after(pace.many - 1) < pace.after(pace.many) <= 1.5


def test_a_caller_returns_only_when_the_broker_has_accepted() -> None:
    async def scenario() -> None:
        bus = GatheringBus(Broker(seconds=2), EVERY_TEN)
        calls = [asyncio.create_task(bus.send("mail", [message(name)])) for name in "ab"]
        await asyncio.sleep(1.9)
        assert not any(call.done() for call in calls)
        await asyncio.gather(*calls)
        assert clock() == 2.0

    run(scenario())


def test_what_comes_while_a_send_is_under_way_is_not_taken_for_sent_with_it() -> None:
    async def scenario() -> None:
        broker = Broker(seconds=2)
        bus = GatheringBus(broker, Pace(usual=1, burst=1))
        first = asyncio.create_task(bus.send("mail", [message("a")]))
        await asyncio.sleep(0.5)
        await bus.send("mail", [message("b")])
        await first
        assert broker.sends == [(0, "mail", ["a"]), (1, "mail", ["b"])]
        assert clock() == 3.0

    run(scenario())


def test_a_failure_reaches_everyone_who_shared_the_send_and_nobody_after() -> None:
    async def scenario() -> None:
        broker = Broker(down=True)
        bus = GatheringBus(broker, EVERY_TEN)
        calls = [bus.send("mail", [message(name)]) for name in "abc"]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [Transient] * 3
        assert broker.sends == [(0, "mail", ["a", "b", "c"])]
        broker.down = False
        await bus.send("mail", [message("d")])
        assert broker.sends[1:] == [(10, "mail", ["d"])]

    run(scenario())


def test_a_caller_that_gives_up_does_not_take_the_others_messages_along() -> None:
    async def scenario() -> None:
        broker = Broker(seconds=3)
        bus = GatheringBus(broker, EVERY_TEN)
        await bus.send("mail", [message("a")])
        first = asyncio.create_task(bus.send("mail", [message("b")]))
        other = asyncio.create_task(bus.send("mail", [message("c")]))
        await asyncio.sleep(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await other
        assert broker.sends[1:] == [(10, "mail", ["b", "c"])]

    run(scenario())


def test_giving_up_while_the_broker_is_at_it_breaks_nothing_off() -> None:
    async def scenario() -> None:
        broker = Broker(seconds=3)
        bus = GatheringBus(broker, EVERY_TEN)
        calls = [asyncio.create_task(bus.send("mail", [message(name)])) for name in "ab"]
        await asyncio.sleep(1)
        assert len(broker.sends) == 1
        calls[0].cancel()
        await calls[1]
        assert clock() == 3.0
        assert calls[0].cancelled()

    run(scenario())


def test_queues_do_not_wait_for_each_other() -> None:
    async def scenario() -> None:
        broker = Broker()
        bus = GatheringBus(broker, EVERY_TEN)
        await bus.send("mail", [message("a")])
        await bus.send("lifecycle", [message("b")])
        assert broker.sends == [(0, "mail", ["a"]), (0, "lifecycle", ["b"])]

    run(scenario())


def test_nothing_to_send_is_not_sent_and_begins_no_wait() -> None:
    async def scenario() -> None:
        broker = Broker()
        bus = GatheringBus(broker, EVERY_TEN)
        await bus.send("mail", [])
        await bus.send("mail", [message("a")])
        assert broker.sends == [(0, "mail", ["a"])]

    run(scenario())
