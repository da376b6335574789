import asyncio
from datetime import timedelta

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage
from azure.servicebus.aio import ServiceBusReceiver
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.contract.servicebus.links import Links

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _say(links: Links, session_id: str, *bodies: str) -> None:
    messages = [ServiceBusMessage(body, session_id=session_id) for body in bodies]
    await links.sender("talks").send_messages(messages)


def _session(links: Links, session_id: str) -> ServiceBusReceiver:
    return links.client.get_queue_receiver("talks", session_id=session_id)


async def test_a_session_is_in_order_stateful_and_exclusive(links: Links) -> None:
    await _say(links, "A", "1", "2")
    await _say(links, "B", "other")
    async with _session(links, "A") as receiver:
        assert receiver.session.session_id == "A"
        got = await receiver.receive_messages(max_message_count=5, max_wait_time=5)
        assert [(str(message), message.session_id) for message in got] == [("1", "A"), ("2", "A")]
        await receiver.complete_message(got[0])
        await receiver.abandon_message(got[1])
        [again] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
        assert (str(again), again.delivery_count) == ("2", 1)

        assert await receiver.session.get_state() is None
        await receiver.session.set_state("half way")
        assert await receiver.session.get_state() == b"half way"

        links.advance(seconds=40)
        until = await receiver.session.renew_lock()
        assert until - links.clock.now() > timedelta(seconds=50)

        client = links.new_client(retries=0)
        with pytest.raises(SessionCannotBeLockedError):
            async with client, client.get_queue_receiver("talks", session_id="A"):
                raise AssertionError("a session has one holder")

    async with _session(links, "A") as receiver:
        [again] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
        assert again.delivery_count == 1, "a session that is closed counts nothing"
        assert await receiver.session.get_state() == b"half way"
        await receiver.session.set_state(None)
        assert await receiver.session.get_state() is None


async def test_the_next_available_session_is_one_nobody_holds(links: Links) -> None:
    await _say(links, "A", "1")
    await _say(links, "B", "2")
    next_session = links.client.get_queue_receiver(
        "talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=5
    )
    async with _session(links, "A"), next_session as receiver:
        assert receiver.session.session_id == "B"
        [message] = await receiver.receive_messages(max_message_count=1)
        assert str(message) == "2"


async def test_a_receiver_waits_for_a_session_until_its_timeout(links: Links) -> None:
    async with links.new_client(retries=0) as client:
        late = client.get_queue_receiver(
            "talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=0.5
        )
        with pytest.raises(OperationTimeoutError):
            await late.receive_messages()


async def test_a_waiting_receiver_wakes_when_a_message_arrives(links: Links) -> None:
    waiting = links.client.get_queue_receiver(
        "talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=20
    )
    opening = asyncio.ensure_future(waiting.__aenter__())
    await asyncio.sleep(0)
    await _say(links, "late", "hello")
    async with await opening as receiver:
        assert receiver.session.session_id == "late"


async def test_a_lost_session_lock_ends_the_receiver_and_counts(links: Links) -> None:
    await _say(links, "A", "1")
    async with _session(links, "A") as receiver:
        [message] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
        links.advance(minutes=1)
        with pytest.raises(SessionLockLostError):
            await receiver.complete_message(message)
    async with _session(links, "A") as receiver:
        [message] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
        assert message.delivery_count == 1


async def test_deferred_messages_stay_in_their_session(links: Links) -> None:
    await _say(links, "A", "1")
    async with _session(links, "A") as receiver:
        [message] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
        await receiver.defer_message(message)
        [again] = await receiver.receive_deferred_messages(message.sequence_number or 0)
        await receiver.complete_message(again)
    assert sum(links.service.counts()["talks"].values()) == 0


async def test_sessions_are_listed_with_messages_or_state(links: Links) -> None:
    await _say(links, "B", "1")
    await _say(links, "A", "1")
    listed = [name async for name in links.client.list_queue_sessions("talks")]
    assert listed == ["A", "B"]


async def test_a_session_queue_takes_no_message_without_a_session(links: Links) -> None:
    with pytest.raises(ServiceBusError, match="requires a session id"):
        await links.sender("talks").send_messages(ServiceBusMessage("stray"))
    with pytest.raises(ServiceBusError, match="requires a session id"):
        await links.sender("talks").send_messages(
            [ServiceBusMessage("fine", session_id="A"), ServiceBusMessage("stray")]
        )
    assert links.count("talks", "active") == 0, "a batch is taken whole or not at all"


async def test_sessions_and_plain_queues_refuse_each_others_receivers(links: Links) -> None:
    async with links.new_client(retries=0) as client:
        with pytest.raises(ServiceBusError, match="not-allowed"):
            async with client.get_queue_receiver("work", session_id="A"):
                raise AssertionError("a plain queue has no sessions")
        with pytest.raises(ServiceBusError, match="not-allowed"):
            async with client.get_queue_receiver("talks"):
                raise AssertionError("a session queue needs a session")
