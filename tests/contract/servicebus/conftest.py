import gc
import warnings
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from sandbox.clock import Clock
from sandbox.servicebus.server import ServiceBus
from tests.contract.servicebus.links import ENTITIES, Links


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_links() -> AsyncIterator[Links]:
    clock = Clock()
    service = ServiceBus(ENTITIES, clock=clock)
    await service.start()
    async with Links(service, clock) as links:
        yield links
    await service.stop()


@pytest.fixture
def links(shared_links: Links) -> Iterator[Links]:
    """The module's links, on queues as good as new."""
    shared_links.service.faults.clear()
    for name in ENTITIES:
        shared_links.service.purge(name)
    shared_links.service.reset_operations()
    yield shared_links
    with warnings.catch_warnings():
        # The client forgets the socket of a connection that was dropped: not the next test's fault.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
