"""The trial that the fault tests share: every test leaves it without faults and in agreement."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.faults.trial import Trial, trial


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="shared_trial")
async def _shared_trial() -> AsyncIterator[Trial]:
    async with trial() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", name="trial")
async def _trial(shared_trial: Trial) -> AsyncIterator[Trial]:
    shared_trial.stack.services.servicebus.purge("parked")
    yield shared_trial
    shared_trial.show_log()
    await shared_trial.company.faults()
    await shared_trial.agree()
