"""The stack that most system tests share: five mailboxes, each with the option 'replies'."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.system.agreement import assert_agreement
from tests.system.company import Company
from tests.system.stacks import running_company, tenant_of


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="office")
async def _office() -> AsyncIterator[Company]:
    async with running_company(tenant_of(5)) as (_, company):
        yield company


@pytest_asyncio.fixture(loop_scope="session")
async def company(office: Company) -> AsyncIterator[Company]:
    """Give the shared company, and check after the test that both sides agree."""
    yield office
    await office.quiet()
    assert await assert_agreement(office) > 0
