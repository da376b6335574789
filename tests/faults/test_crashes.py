"""The consumer dies between any two of its effects, and the next one makes both sides agree."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.stack import PROJECT
from sandbox.functionshost.launch import HostProcess
from tests.faults.trial import DATAVERSE_BATCH, GRAPH_BATCH, Trial, busy_minute, settled_before
from tests.system.company import TRACKED, Row
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")


def before(request: Row, number: int) -> Row:
    """Stop before the service does the request of that number."""
    return {**request, "action": "hold", "skip": number - 1}


def after(request: Row, number: int) -> Row:
    """Stop when the service has done it, before the app knows."""
    return {**request, "action": "hold-after", "skip": number - 1}


# All that the app asks for on behalf of one batch of changes, in this order.
STOPS = {
    "before the mails are read": before(GRAPH_BATCH, 1),
    "before the look-up": before(DATAVERSE_BATCH, 1),
    "before the category is put on": before(GRAPH_BATCH, 2),
    "after the category was put on": after(GRAPH_BATCH, 2),
    "before the rows are written": before(DATAVERSE_BATCH, 2),
    "after the rows were written": after(DATAVERSE_BATCH, 2),
}


async def test_one_batch_of_changes_makes_the_requests_enumerated(trial: Trial) -> None:
    await settled_before(trial.company)
    await trial.company.control("DELETE", "/stats")
    await trial.company.deliver("ada", mail())
    await trial.company.quiet()
    stats = await trial.company.stats()
    made = {name: stats[name]["operations"] for name in ("graph", "dataverse")}
    assert made == {"graph": {"POST /$batch": 2}, "dataverse": {"POST $batch": 2}}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS.keys())
async def test_killed_at_a_request(trial: Trial, stop: Row) -> None:
    earlier = await settled_before(trial.company)
    await trial.company.faults(stop)
    items = await busy_minute(trial.company, earlier)
    await trial.company.struck()
    await trial.kill_host()
    await trial.recover()
    await trial.agree()
    assert [await trial.is_tracked(item) for item in items] == [True] * 3
    assert not await trial.is_tracked(earlier)


@pytest.mark.parametrize("point", ["send", "send-noack", "settle", "settle-noack"])
async def test_killed_at_the_broker(trial: Trial, point: str) -> None:
    earlier = await settled_before(trial.company)
    await trial.company.faults(
        {"service": "servicebus", "point": point, "entity": "mail", "times": None}
    )
    items = await busy_minute(trial.company, earlier)
    await trial.company.struck()
    await trial.kill_host()
    await trial.recover()
    await trial.agree()
    assert [await trial.is_tracked(item) for item in items] == [True] * 3
    assert not await trial.is_tracked(earlier)


@asynccontextmanager
async def second_consumer(trial: Trial) -> AsyncIterator[None]:
    """Run the app a second time; it gets what the first one holds."""
    second = await HostProcess.start(PROJECT, trial.stack.settings(), ["--port", "0"])
    try:
        trial.stack.services.servicebus.expire_locks("mail")
        yield
    finally:
        await second.kill()
        trial.stack.services.servicebus.expire_locks("mail")


async def test_a_consumer_that_wakes_after_another_did_its_work_breaks_nothing(
    trial: Trial,
) -> None:
    earlier = await settled_before(trial.company)
    await trial.company.faults(before(DATAVERSE_BATCH, 2))
    items = await busy_minute(trial.company, earlier)
    await trial.company.struck()
    done = trial.times_settled(items[0])
    async with second_consumer(trial):
        await trial.company.quiet()
        assert [await trial.is_tracked(item) for item in items] == [True] * 3
        await trial.company.faults()
        await trial.settled_again(items[0], done)
    await trial.agree()
    assert [await trial.is_tracked(item) for item in items] == [True] * 3


@pytest.mark.parametrize("linked_before", [False, True])
async def test_a_stale_consumer_does_not_undo_what_was_done_since(
    trial: Trial, linked_before: bool
) -> None:
    company = trial.company
    await settled_before(company)
    raw = mail("For two", to="ada@contoso.example, alan@contoso.example")
    await company.deliver("ada", raw)  # the activity is there already, all that is stale is a link
    item = (await company.deliver("alan", raw))["id"]
    await company.quiet()
    for categories in ((TRACKED,), ()) if linked_before else ():
        await company.categorize("alan", item, *categories)
        await company.quiet()
    done = trial.times_settled(item)
    await company.faults(before(DATAVERSE_BATCH, 2))
    await company.categorize("alan", item, TRACKED)
    await company.struck()
    async with second_consumer(trial):
        await company.quiet()
        assert await trial.is_tracked(item)
        await company.categorize("alan", item)
        await company.quiet()
        assert not await trial.is_tracked(item)
        await company.faults()
        await trial.settled_again(item, done)
    await trial.agree()
    assert not await trial.is_tracked(item)
