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


@pytest.fixture(autouse=True)
def forgotten_sockets() -> Iterator[None]:
    """Collect the sockets a test leaves: the client forgets that of a connection it lost."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def links(shared_links: Links) -> Links:
    """The module's links, on queues as good as new."""
    shared_links.service.faults.clear()
    for name in ENTITIES:
        shared_links.service.purge(name)
    shared_links.service.reset_operations()
    return shared_links
