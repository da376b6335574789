import asyncio
from datetime import timedelta

import pytest
from azure.core.credentials import AccessToken
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import (
    MessageNotFoundError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusConnectionError,
    ServiceBusError,
    ServiceBusServerBusyError,
)

from sandbox.clock import Clock
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.faults import Fault
from sandbox.servicebus.server import ServiceBus
from tests.contract.servicebus.links import Links

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The client forgets the socket of a connection that was dropped.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


async def test_an_unknown_queue_is_not_found(links: Links) -> None:
    async with links.new_client(retries=0) as client:
        outcomes = await asyncio.gather(
            client.get_queue_sender("nowhere").send_messages(ServiceBusMessage("a")),
            client.get_queue_receiver("nowhere").receive_messages(),
            client.get_subscription_receiver("events", "nobody").receive_messages(),
            return_exceptions=True,
        )
    assert [type(outcome) for outcome in outcomes] == [MessagingEntityNotFoundError] * 3


async def test_a_forged_signature_is_refused(links: Links) -> None:
    forged = links.service.connection_string.replace("SharedAccessKey=", "SharedAccessKey=x")
    async with ServiceBusClient.from_connection_string(forged, retry_total=0) as client:
        with pytest.raises(ServiceBusAuthenticationError):
            await client.get_queue_sender("work").send_messages(ServiceBusMessage("a"))


async def test_a_busy_service_is_tried_again(links: Links) -> None:
    links.service.faults.add(Fault(point="send", entity="work"))
    sender = links.sender("work")
    await sender.send_messages(ServiceBusMessage("a"))
    assert links.count("work", "active") == 1
    assert links.service.faults.faults[0].hits == 1


async def test_the_client_hears_why_it_is_refused(links: Links) -> None:
    links.service.faults.add(Fault(point="send", skip=1))
    sender = links.sender("work", hasty=True)
    await sender.send_messages(ServiceBusMessage("a"))
    with pytest.raises(ServiceBusServerBusyError):
        await sender.send_messages(ServiceBusMessage("b"))
    assert links.count("work", "active") == 1


async def test_links_and_tokens_can_be_refused(links: Links) -> None:
    links.service.faults.add(Fault(point="cbs"))
    async with links.new_client(retries=0) as client:
        with pytest.raises(ServiceBusAuthenticationError):
            await client.get_queue_sender("work").send_messages(ServiceBusMessage("a"))
    links.service.faults.replace([Fault(point="attach", entity="work")])
    async with links.new_client(retries=0) as client:
        with pytest.raises(ServiceBusServerBusyError):
            await client.get_queue_sender("work").send_messages(ServiceBusMessage("a"))


async def test_what_was_stored_unacknowledged_is_stored_once(links: Links) -> None:
    links.service.faults.add(Fault(point="send-noack", entity="once", disconnect=True))
    sender = links.sender("once")
    await sender.send_messages(ServiceBusMessage("a", message_id="1"))
    assert links.count("once", "active") == 1
    assert links.service.operations()["duplicates_dropped"] == 1


async def test_a_sender_survives_a_dropped_connection(links: Links) -> None:
    sender = links.sender("work")
    await sender.send_messages(ServiceBusMessage("a"))
    links.service.faults.add(Fault(point="drop-connection", entity="work"))
    await sender.send_messages(ServiceBusMessage("b"))
    assert links.count("work", "active") == 2


async def test_a_settlement_survives_a_dropped_connection(links: Links) -> None:
    await links.send("work", "a")
    receiver = links.receiver("work")
    [message] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
    links.service.faults.add(Fault(point="settle", entity="work", disconnect=True))
    await receiver.complete_message(message)
    assert sum(links.service.counts()["work"].values()) == 0


async def test_a_settlement_that_was_not_confirmed_was_applied(links: Links) -> None:
    await links.send("work", "a")
    links.service.faults.add(Fault(point="settle-noack", entity="work", disconnect=True))
    receiver = links.receiver("work", hasty=True)
    [message] = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
    with pytest.raises(ServiceBusError):
        await receiver.complete_message(message)
    assert sum(links.service.counts()["work"].values()) == 0


async def test_a_delivery_lost_on_the_way_stays_locked(links: Links) -> None:
    await links.send("work", "a")
    links.service.faults.add(
        Fault(point="deliver", entity="work", condition="amqp:link:detach-forced")
    )
    receiver = links.receiver("work", hasty=True)
    with pytest.raises(ServiceBusConnectionError):
        await receiver.receive_messages(max_message_count=1, max_wait_time=5)
    assert links.count("work", "locked") == 1
    links.advance(minutes=1)
    assert (await links.receive("work")).delivery_count == 1


async def test_a_management_request_can_fail(links: Links) -> None:
    later = links.clock.now() + timedelta(hours=1)
    sender = links.sender("work", hasty=True)
    links.service.faults.add(Fault(point="management"))
    with pytest.raises(ServiceBusServerBusyError):
        await sender.schedule_messages(ServiceBusMessage("a"), later)
    with pytest.raises(MessageNotFoundError):
        await links.receiver("work", hasty=True).receive_deferred_messages([4711])
    assert links.count("work", "scheduled") == 0


async def test_latency_holds_back_what_the_service_sends(links: Links) -> None:
    links.service.faults.add(Fault(point="latency", times=None, seconds=0.02))
    await links.send("work", "a")
    assert str(await links.receive("work")) == "a"
    assert links.service.faults.faults[0].hits > 1


async def test_faults_travel_as_json() -> None:
    fault = Fault(point="settle-noack", entity="mail", skip=2)
    assert Fault.model_validate_json(fault.model_dump_json()) == fault


class _Credential:
    """Hands out one fixed token, as a managed identity would a real one."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self._token, 4_000_000_000)


async def test_a_jwt_is_judged_by_whoever_can() -> None:
    asked: list[str] = []

    def judge(token: str) -> None:
        asked.append(token)
        if token != "good":
            raise PermissionError("not one of ours")

    service = ServiceBus({"work": QueueSettings()}, clock=Clock(), tokens=judge)
    await service.start()
    client = ServiceBusClient.from_connection_string(service.connection_string, retry_total=0)
    async with client:
        good, bad = client.get_queue_sender("work"), client.get_queue_sender("work")
        for sender, token in ((good, "good"), (bad, "bad")):
            # The client lets a credential be given only together with TLS.
            setattr(sender, "_credential", _Credential(token))  # noqa: B010 - no attribute of its type
        await good.send_messages(ServiceBusMessage("a"))
        with pytest.raises(ServiceBusAuthenticationError):
            await bad.send_messages(ServiceBusMessage("b"))
    assert asked == ["good", "bad"]
    assert service.counts()["work"]["active"] == 1
    await service.stop()
