import uuid
from datetime import timedelta

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageBodyType
from azure.servicebus.exceptions import MessageSizeExceededError

from tests.contract.servicebus.links import Links

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_property_arrives_as_it_was_sent(links: Links) -> None:
    sent = ServiceBusMessage(
        b"body \x00\xff",
        message_id="m-1",
        correlation_id="c-1",
        subject="kind",
        content_type="application/json",
        reply_to="answers",
        reply_to_session_id="s-2",
        to="somewhere",
        partition_key="p-1",
        session_id="p-1",
        time_to_live=timedelta(minutes=5),
        application_properties={
            "text": "café",
            "number": 7,
            "real": 1.5,
            "yes": True,
            "id": uuid.UUID(int=5),
            "binary": b"\x01",
        },
    )
    await links.sender("work").send_messages(sent)

    got = await links.receive("work")

    assert b"".join(got.body) == b"body \x00\xff"
    assert (got.message_id, got.correlation_id, got.subject) == ("m-1", "c-1", "kind")
    assert (got.content_type, got.reply_to, got.to) == ("application/json", "answers", "somewhere")
    assert (got.session_id, got.reply_to_session_id, got.partition_key) == ("p-1", "s-2", "p-1")
    assert got.time_to_live == timedelta(minutes=5)
    assert got.application_properties == {
        b"text": "café".encode(),
        b"number": 7,
        b"real": 1.5,
        b"yes": True,
        b"id": uuid.UUID(int=5),
        b"binary": b"\x01",
    }
    assert got.delivery_count == 0
    assert got.sequence_number == got.enqueued_sequence_number
    assert got.enqueued_time_utc
    assert got.locked_until_utc
    assert abs(got.enqueued_time_utc - links.clock.now()) < timedelta(seconds=30)
    lock = got.locked_until_utc - links.clock.now()
    assert timedelta(seconds=30) < lock <= timedelta(minutes=1)


async def test_a_message_without_an_id_is_given_one(links: Links) -> None:
    await links.send("work", "anonymous")
    assert (await links.receive("work")).message_id


async def test_a_list_and_a_batch_arrive_in_order(links: Links) -> None:
    sender = links.sender("work")
    await links.send("work", "0", "1", "2")
    batch = await sender.create_message_batch()
    for number in range(3, 6):
        batch.add_message(ServiceBusMessage(str(number)))
    await sender.send_messages(batch)

    got = await links.receiver("work").receive_messages(max_message_count=6, max_wait_time=5)

    assert [str(message) for message in got] == ["0", "1", "2", "3", "4", "5"]
    assert len({message.lock_token for message in got}) == 6
    assert links.service.operations()["sends"] == 2
    assert links.service.operations()["messages_sent"] == 6


async def test_a_body_that_is_itself_amqp_is_not_taken_for_a_batch(links: Links) -> None:
    inner = b"\x00\x53\x75\xa0\x03abc"
    sender = links.sender("work")
    await sender.send_messages(ServiceBusMessage(inner))
    batch = await sender.create_message_batch()
    batch.add_message(ServiceBusMessage(inner))
    await sender.send_messages(batch)

    got = await links.receiver("work").receive_messages(max_message_count=2, max_wait_time=5)

    assert [b"".join(message.body) for message in got] == [inner, inner]


async def test_a_message_of_many_frames_arrives_whole(links: Links) -> None:
    body = bytes(range(256)) * 800
    await links.sender("work").send_messages(ServiceBusMessage(body))
    assert b"".join((await links.receive("work")).body) == body


async def test_value_and_sequence_bodies_stay_what_they_are(links: Links) -> None:
    await links.sender("work").send_messages(AmqpAnnotatedMessage(value_body={"key": [1, None]}))
    await links.sender("work").send_messages(AmqpAnnotatedMessage(sequence_body=[[1, 2], ["x"]]))

    value, sequence = await links.receiver("work").receive_messages(2, max_wait_time=5)

    assert value.body_type is AmqpMessageBodyType.VALUE
    assert value.body == {b"key": [1, None]}
    assert sequence.body_type is AmqpMessageBodyType.SEQUENCE
    assert list(sequence.body) == [[1, 2], [b"x"]]


async def test_a_message_above_the_limit_is_refused(links: Links) -> None:
    with pytest.raises(MessageSizeExceededError):
        await links.sender("small").send_messages(ServiceBusMessage(b"x" * 5000))
    await links.sender("small").send_messages(ServiceBusMessage(b"x" * 3000))
    assert links.count("small", "active") == 1


async def test_batches_are_announced_with_the_limit_of_the_queue(links: Links) -> None:
    batch = await links.sender("small").create_message_batch()
    assert batch.max_size_in_bytes == 4096
    assert (await links.sender("work").create_message_batch()).max_size_in_bytes == 1024 * 1024


async def test_a_duplicate_is_accepted_and_dropped(links: Links) -> None:
    sender = links.sender("once")
    await sender.send_messages(
        [ServiceBusMessage("a", message_id="1"), ServiceBusMessage("b", message_id="1")]
    )
    await sender.send_messages(ServiceBusMessage("c", message_id="1"))
    first = await links.receive("once")
    await links.receiver("once").complete_message(first)
    await sender.send_messages(ServiceBusMessage("d", message_id="1"))
    assert str(first) == "a"
    assert links.count("once", "active") == 0
    assert links.service.operations()["duplicates_dropped"] == 3

    links.advance(minutes=10)
    await sender.send_messages(ServiceBusMessage("e", message_id="1"))
    assert links.count("once", "active") == 1


async def test_a_scheduled_message_waits_for_its_time(links: Links) -> None:
    later = links.clock.now() + timedelta(hours=1)
    [number] = await links.sender("work").schedule_messages(ServiceBusMessage("later"), later)
    by_property = ServiceBusMessage("too", scheduled_enqueue_time_utc=later)
    await links.sender("work").send_messages(by_property)
    assert links.count("work", "scheduled") == 2

    links.advance(minutes=59)
    assert links.count("work", "active") == 0
    links.advance(minutes=1, seconds=1)
    first = await links.receive("work")

    assert (str(first), first.sequence_number) == ("later", number)
    assert str(await links.receive("work")) == "too"


async def test_a_scheduled_message_can_be_cancelled_once(links: Links) -> None:
    later = links.clock.now() + timedelta(hours=1)
    numbers = await links.sender("work").schedule_messages(
        [ServiceBusMessage("a"), ServiceBusMessage("b")], later
    )
    await links.sender("work").cancel_scheduled_messages(numbers[0])
    links.advance(hours=2)
    assert str(await links.receive("work")) == "b"
    assert links.count("work", "active") == 0


async def test_what_expires_is_dropped_or_dead_lettered(links: Links) -> None:
    short = ServiceBusMessage("short", time_to_live=timedelta(seconds=30))
    await links.sender("work").send_messages(short)
    await links.send("brief", "queue's own limit")

    links.advance(seconds=31)
    assert links.service.counts()["work"] == dict.fromkeys(links.service.counts()["work"], 0)
    links.advance(hours=1)

    dead = await links.receive("brief", "deadletter")
    assert (dead.dead_letter_reason, dead.dead_letter_source) == ("TTLExpiredException", "brief")


async def test_topics_send_a_copy_to_every_subscription(links: Links) -> None:
    await links.sender("events").send_messages([ServiceBusMessage("x"), ServiceBusMessage("y")])
    assert links.count("events/subscriptions/audit", "active") == 2
    async with links.client.get_subscription_receiver("events", "billing") as receiver:
        got = await receiver.receive_messages(max_message_count=2, max_wait_time=5)
        assert [str(message) for message in got] == ["x", "y"]
        await receiver.complete_message(got[0])
    assert links.count("events/subscriptions/audit", "active") == 2


async def test_a_thousand_messages_cost_little(links: Links) -> None:
    messages = [ServiceBusMessage("x" * 500, message_id=str(n)) for n in range(1000)]
    await links.sender("once").send_messages(messages)
    got = await links.receiver("once").receive_messages(1000, max_wait_time=5)
    assert [message.message_id for message in got] == [str(n) for n in range(1000)]
    assert links.service.operations()["sends"] < 10
