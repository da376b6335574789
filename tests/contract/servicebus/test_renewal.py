"""The client's own renewer; it goes by the machine's time, so nothing here advances the clock."""

import asyncio

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import AutoLockRenewer

from tests.contract.servicebus.links import Links

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _keep_a_message(links: Links) -> None:
    await links.send("fleeting", "a")
    async with AutoLockRenewer() as renewer:
        message = await links.receive("fleeting")
        before = message.locked_until_utc
        assert before
        # It renews at once what ends within ten seconds.
        renewer.register(links.receiver("fleeting"), message, max_lock_renewal_duration=60)
        await links.until(lambda: (message.locked_until_utc or before) > before)
    await links.receiver("fleeting").complete_message(message)


async def _keep_a_session(links: Links) -> None:
    await links.sender("fleeting talks").send_messages(ServiceBusMessage("a", session_id="A"))
    async with (
        AutoLockRenewer() as renewer,
        links.client.get_queue_receiver("fleeting talks", session_id="A") as receiver,
    ):
        before = receiver.session.locked_until_utc
        assert before
        renewer.register(receiver, receiver.session, max_lock_renewal_duration=60)
        await links.until(lambda: (receiver.session.locked_until_utc or before) > before)


async def test_it_keeps_messages_and_sessions(links: Links) -> None:
    await asyncio.gather(_keep_a_message(links), _keep_a_session(links))
