"""The API keeps what its OpenAPI document promises, whatever it is sent."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.tracking.routes import ROUTES, Route
from tests.contract.api.office import IDS
from tests.contract.api.promises import BOTH_WAYS, Promised
from tests.contract.api.serving import ADA, ALAN, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def promised() -> AsyncIterator[Promised]:
    async with serving() as api:
        yield await Promised.by(api.host.url, await api.headers(ALAN), examples=25)


@pytest.mark.parametrize("way", BOTH_WAYS)
async def test_every_answer_is_a_documented_one(promised: Promised, way: str) -> None:
    await promised.hold(*BOTH_WAYS[way])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.function)
async def test_every_answer_about_what_is_there_is_a_documented_one(
    promised: Promised, route: Route
) -> None:
    await promised.hold_for(route, ADA.id, IDS)
