import pytest
from azure.servicebus.exceptions import MessageLockLostError, ServiceBusError

from tests.contract.servicebus.links import Links

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_complete_removes(links: Links) -> None:
    await links.send("work", "a")
    message = await links.receive("work")
    assert links.count("work", "locked") == 1
    await links.receiver("work").complete_message(message)
    assert sum(links.service.counts()["work"].values()) == 0


async def test_abandon_counts_and_serves_again_until_the_limit(links: Links) -> None:
    await links.send("work", "a", "b")
    for attempt in range(3):
        message = await links.receive("work")
        assert (str(message), message.delivery_count) == ("a", attempt)
        await links.receiver("work").abandon_message(message)

    dead = await links.receive("work", "deadletter")
    assert str(dead) == "a"
    assert dead.dead_letter_reason == "MaxDeliveryCountExceeded"
    assert dead.delivery_count == 3
    await links.receiver("work", "deadletter").complete_message(dead)
    assert links.service.counts()["work"]["dead_letter"] == 0
    assert links.service.counts()["work"]["active"] == 1


async def test_dead_letter_keeps_the_message_and_says_why(links: Links) -> None:
    await links.send("work", "bad")
    message = await links.receive("work")
    await links.receiver("work").dead_letter_message(
        message, reason="unreadable", error_description="no such kind"
    )
    assert links.count("work", "dead_letter") == 1

    dead = await links.receive("work", "deadletter")

    assert str(dead) == "bad"
    assert dead.message_id == message.message_id
    assert dead.dead_letter_reason == "unreadable"
    assert dead.dead_letter_error_description == "no such kind"
    assert dead.dead_letter_source == "work"
    with pytest.raises(ServiceBusError):
        await links.receiver("work", "deadletter").dead_letter_message(dead)


async def test_a_deferred_message_comes_only_by_its_number(links: Links) -> None:
    await links.send("work", "a", "b")
    message = await links.receive("work")
    await links.receiver("work").defer_message(message)
    assert links.count("work", "deferred") == 1
    other = await links.receive("work")
    assert str(other) == "b"
    await links.receiver("work").complete_message(other)

    [again] = await links.receiver("work").receive_deferred_messages(message.sequence_number or 0)

    assert str(again) == "a"
    assert links.count("work", "locked") == 1
    await links.receiver("work").complete_message(again)
    assert sum(links.service.counts()["work"].values()) == 0


async def test_receive_and_delete_needs_no_settlement(links: Links) -> None:
    await links.send("work", "a", "b")
    receiver = links.receiver("work", deletes=True)
    got = await receiver.receive_messages(max_message_count=2, max_wait_time=5)
    assert [str(message) for message in got] == ["a", "b"]
    assert sum(links.service.counts()["work"].values()) == 0


async def test_peek_sees_every_state_and_locks_nothing(links: Links) -> None:
    await links.send("work", "locked", "free")
    await links.receive("work")
    seen = await links.receiver("work").peek_messages(max_message_count=10, sequence_number=1)
    assert [str(message) for message in seen] == ["locked", "free"]
    assert links.count("work", "active") == 1


async def test_prefetched_messages_go_back_on_close(links: Links) -> None:
    await links.send("work", *map(str, range(10)))
    async with links.client.get_queue_receiver("work", prefetch_count=9) as receiver:
        async for message in receiver:
            await receiver.complete_message(message)
            break
    left = links.service.counts()["work"]
    assert (left["active"], left["locked"]) == (9, 0)
    assert (await links.receive("work")).delivery_count == 0


async def test_a_lock_ends_with_its_time_and_counts(links: Links) -> None:
    await links.send("work", "a")
    message = await links.receive("work")
    links.advance(minutes=1)
    assert links.count("work", "active") == 1
    with pytest.raises(MessageLockLostError):
        await links.receiver("work").complete_message(message)
    again = await links.receive("work")
    assert again.delivery_count == 1
    assert again.lock_token != message.lock_token


async def test_a_lock_can_be_renewed_while_it_lasts(links: Links) -> None:
    await links.send("work", "a")
    message = await links.receive("work")
    links.advance(seconds=40)
    until = await links.receiver("work").renew_message_lock(message)
    assert (until - links.clock.now()).total_seconds() > 50
    links.advance(seconds=40)
    assert links.count("work", "locked") == 1
    links.advance(seconds=40)
    with pytest.raises(MessageLockLostError):
        await links.receiver("work").renew_message_lock(message)


async def test_a_settled_lock_is_gone_for_expire_locks(links: Links) -> None:
    await links.send("work", "a", "b")
    first = await links.receive("work")
    await links.receive("work")
    await links.receiver("work").complete_message(first)
    links.service.expire_locks("work")
    assert links.service.counts()["work"]["active"] == 1
    assert (await links.receive("work")).delivery_count == 1
