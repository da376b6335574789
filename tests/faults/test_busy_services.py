"""Graph and Dynamics are busy, broken, or cut off in the middle (peers.md C2 16 to 19, 25)."""

import pytest

from tests.faults.trial import (
    DATAVERSE_BATCH,
    GRAPH_BATCH,
    Trial,
    busy_minute,
)
from tests.system.company import TRACKED, Row
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = {"service": "graph", "operation": "GET /users/{id}/messages/{id}"}
STAMP = {"service": "graph", "operation": "PATCH /users/{id}/messages/{id}"}
LOOK_UP = {"service": "dataverse", "operation": "GET emails"}
CREATE = {"service": "dataverse", "operation": "POST emails"}
LINK = {"service": "dataverse", "operation": "PATCH tether_links"}
BUSY = {"action": "status", "status": 429, "retry_after": 1}
JITTER = 1.25  # how much later than asked the app may come again
DOWN = {"action": "status", "status": 503}
REFUSALS = {
    "Graph is busy": {**GRAPH_BATCH, **BUSY},
    "Graph is down": {**GRAPH_BATCH, **DOWN},
    "a read is throttled": {**READ, **BUSY},
    "a read fails": {**READ, **DOWN},
    "a stamp is throttled": {**STAMP, **BUSY},
    "a stamp fails": {**STAMP, **DOWN},
    "Dynamics is busy": {**DATAVERSE_BATCH, **BUSY},
    "Dynamics is down at the write": {**DATAVERSE_BATCH, **DOWN, "skip": 1},
    "a look-up is throttled": {**LOOK_UP, **BUSY},
    "an activity is throttled": {**CREATE, **BUSY},
    "a link fails": {**LINK, **DOWN},
}
CUTS = {
    "the read": GRAPH_BATCH,
    "the stamp": {**GRAPH_BATCH, "skip": 1},
    "the look-up": DATAVERSE_BATCH,
    "the write": {**DATAVERSE_BATCH, "skip": 1},
}


async def everything_ends_well(trial: Trial, *faults: Row) -> None:
    earlier = trial.earlier()
    await trial.company.faults(*faults)
    items = await busy_minute(trial.company, earlier)
    await trial.company.struck()
    await trial.agree()
    assert [await trial.is_tracked(item) for item in items] == [True] * 3
    assert not await trial.is_tracked(earlier)
    assert (await trial.company.queue("parked"))["active"] == 0


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refusal_is_tried_again(trial: Trial, refusal: Row) -> None:
    await everything_ends_well(trial, refusal)


@pytest.mark.parametrize("action", ["drop", "drop-after"])
@pytest.mark.parametrize("where", CUTS.values(), ids=CUTS.keys())
async def test_a_cut_connection_is_tried_again(trial: Trial, where: Row, action: str) -> None:
    await everything_ends_well(trial, {**where, "action": action})


async def test_much_of_everything_failing_only_takes_longer(trial: Trial) -> None:
    # Nine failures in all, so that no change can have failed for the tenth time.
    await everything_ends_well(
        trial,
        {**READ, **DOWN, "probability": 0.5, "seed": 1, "times": 2},
        {**LOOK_UP, **BUSY, "probability": 0.3, "seed": 2, "times": 3},
        {**STAMP, **BUSY, "probability": 0.5, "seed": 3, "times": 2},
        {**LINK, **DOWN, "probability": 0.5, "seed": 4, "times": 2},
    )


async def test_a_part_refused_does_not_hold_up_the_others(trial: Trial) -> None:
    company = trial.company
    wait = 3600
    await company.faults({**READ, **BUSY, "retry_after": wait})
    items = [(await company.deliver("ada", mail()))["id"] for _ in range(3)]
    await company.struck()
    await company.quiet()
    tracked = [await trial.is_tracked(item) for item in items]
    assert sorted(tracked) == [False, True, True]
    assert (await company.queue("mail"))["scheduled"] >= 1
    await company.control("PUT", "/clock", {"advance_seconds": wait * JITTER})
    await company.quiet()
    assert [await trial.is_tracked(item) for item in items] == [True] * 3


@pytest.mark.parametrize("where", [READ, GRAPH_BATCH, DATAVERSE_BATCH, LINK])
async def test_the_servers_own_retry_after_is_kept_to(trial: Trial, where: Row) -> None:
    company = trial.company
    # The app sets the time at which to try again, the sandbox's clock tells when it has come.
    ahead = trial.stack.services.surroundings.clock.offset.total_seconds()
    wait = int(ahead) + 120
    await company.faults({**where, **BUSY, "retry_after": wait})
    item = (await company.deliver("ada", mail(), categories=TRACKED))["id"]  # no stamp, no echo
    await company.struck()
    for early in (0, 60):
        await company.control("PUT", "/clock", {"advance_seconds": early})
        await company.quiet()
        assert not await trial.is_tracked(item)
    await company.control("PUT", "/clock", {"advance_seconds": wait * JITTER - ahead})
    await company.quiet()
    assert await trial.is_tracked(item)
