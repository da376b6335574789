from collections.abc import AsyncIterator

import pytest

from tests.contract.graph.service import Service
from tests.contract.graph.webhook import Webhook


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as running:
        yield running


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook() as running:
        yield running
