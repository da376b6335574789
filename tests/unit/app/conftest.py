"""A tenant with the app's tables, made once; an office in it, new for each test."""

import asyncio

import pytest

from sandbox.tenant import make_tenant
from tests.unit.app.desk import Desk
from tests.unit.app.office import Office
from tests.unit.app.sellers import Sellers
from tests.unit.app.sides import Ground


@pytest.fixture(scope="session")
def ground() -> Ground:
    return asyncio.run(Ground.prepare(make_tenant(3)))


@pytest.fixture
async def office(ground: Ground) -> Office:
    return await Office(ground).open()


@pytest.fixture
async def desk(ground: Ground) -> Desk:
    return await Desk(ground).open()


@pytest.fixture
async def sellers(ground: Ground) -> Sellers:
    return await Sellers(ground, mails=2).open()
