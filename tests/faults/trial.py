"""A company that things go wrong in: its stack can be stopped at any point and set going again."""

import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from azure.servicebus import ServiceBusMessage, ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusClient

from bench.stack import TetherStack
from tests.system.agreement import assert_agreement
from tests.system.company import TRACKED, Company, Row
from tests.system.mails import mail
from tests.system.stacks import running_company, tenant_of

AHEAD = 400
"""Seconds the sandbox's clock is ahead of the app's: more than the app ever waits by itself, so
that a try that was put off comes at once."""

_EARLIER = 40  # mails; more than there are tests that take one

GRAPH_BATCH = {"service": "graph", "operation": "POST /$batch"}
DATAVERSE_BATCH = {"service": "dataverse", "operation": "POST $batch"}


@dataclass
class Trial:
    """Three mailboxes; Ada's and Grace's option is 'all', Alan's 'none'."""

    stack: TetherStack
    company: Company
    _earlier: list[str]
    _shown: int = 0

    def earlier(self) -> str:
        """Return another of the mails that Ada tracked before the trial began."""
        return self._earlier.pop()

    async def kill_host(self) -> None:
        """End the function app as a crash does."""
        assert self.stack.host
        await self.stack.host.kill()

    async def recover(self) -> None:
        """Let everything go right again, run the app anew, and have the locks of the dead end."""
        await self.company.faults()
        for queue in ("mail", "calendar", "contacts", "tasks", "lifecycle"):
            self.stack.services.servicebus.expire_locks(queue)
        self._shown = 0
        await self.stack.start_host()
        await self.company.control("PUT", "/clock", {"advance_seconds": 5})

    async def agree(self, *, seconds: float = 20) -> None:
        """Wait until nothing is left to do, then check that both sides agree."""
        await self.company.quiet(seconds=seconds)
        assert await assert_agreement(self.company) > 0

    async def is_tracked(self, item: str) -> bool:
        """Tell whether an item has its one tracked link."""
        return [row["tether_state"] for row in await self.company.links(item=item)] == [1]

    def show_log(self) -> None:
        """Print what the app has logged since the last call, for whoever reads a failure."""
        if self.stack.host:
            sys.stdout.write("\n".join(self.stack.host.log[self._shown :]))
            self._shown = len(self.stack.host.log)

    async def refused(self) -> None:
        """Wait until the webhook has told Graph to come again."""
        assert self.stack.host
        await self.stack.host.logged("not queued, Graph will try again")

    def times_settled(self, item: str) -> int:
        """Return how often the app has said that it is done with an item."""
        assert self.stack.host
        return sum(bool(re.search(_settled(item), line)) for line in self.stack.host.log)

    async def settled_again(self, item: str, before: int) -> None:
        """Wait until the app has said so once more than `before`."""
        assert self.stack.host
        await self.stack.host.logged(_settled(item), count=before + 1)

    async def send(self, queue: str, *bodies: bytes) -> None:
        """Put messages on a queue, as another program could."""
        async with self._bus() as client, client.get_queue_sender(queue) as sender:
            await sender.send_messages([ServiceBusMessage(body) for body in bodies])

    async def take_parked(self, number: int) -> list[tuple[bytes, Row]]:
        """Take so many messages off the queue `parked`; return body and properties of each."""
        taken: list[tuple[bytes, Row]] = []
        async with (
            self._bus() as client,
            client.get_queue_receiver(
                "parked", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE
            ) as receiver,
        ):
            while len(taken) < number:
                received = await receiver.receive_messages(number - len(taken), max_wait_time=10)
                assert received, f"only {len(taken)} of {number} messages are parked"
                for message in received:
                    properties = _texts(message.application_properties or {})
                    taken.append((b"".join(message.body), properties))
        return taken

    def _bus(self) -> ServiceBusClient:
        address = self.stack.services.servicebus.connection_string
        return ServiceBusClient.from_connection_string(address)


@asynccontextmanager
async def trial() -> AsyncIterator[Trial]:
    """Run the company of a trial."""
    async with running_company(tenant_of(3, filtering=0)) as (stack, company):
        await company.choose_filter("alan", 4)
        await company.control("PUT", "/clock", {"advance_seconds": AHEAD})
        earlier = [(await company.deliver("ada", mail()))["id"] for _ in range(_EARLIER)]
        await settled_before(company)
        yield Trial(stack, company, earlier)


async def settled_before(company: Company) -> str:
    """Have everybody's mailbox known to the app, and return an item that Ada has tracked."""
    earlier = {
        name: await company.deliver(name, mail("Earlier"), categories=TRACKED)
        for name in company.people
    }
    await company.quiet()
    return str(earlier["ada"]["id"])


async def busy_minute(company: Company, earlier: str) -> Sequence[str]:
    """Have several things happen at once; return the items that come to be tracked by them.

    A mail arrives for two people, who do not mark it, and one for a third, who does; Ada throws
    away what she had tracked earlier.
    """
    raw = mail("For two", to="ada@contoso.example, grace@contoso.example")
    for_two = [(await company.deliver(name, raw))["id"] for name in ("ada", "grace")]
    marked = await company.deliver("alan", mail("Marked"), categories=TRACKED)
    await company.move("ada", earlier, "deleteditems")
    return [*for_two, marked["id"]]


def _settled(item: str) -> str:
    return rf"settled plan=.*item={re.escape(item)} "


def _texts(properties: Mapping[str | bytes, object]) -> Row:
    """Return properties as text: the client leaves them as the wire has them."""
    return {_text(name): _text(value) for name, value in properties.items()}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
