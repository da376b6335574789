"""The broker refuses, forgets to answer, drops connections, or is away (peers.md C2 23, 40)."""

import pytest

from tests.faults.trial import Trial, busy_minute
from tests.system.company import Row
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAIL = {"service": "servicebus", "entity": "mail"}
FAULTS = {
    "a send is rejected": {**MAIL, "point": "send", "times": 2},
    "a send is not acknowledged": {**MAIL, "point": "send-noack", "disconnect": True},
    "a settlement is rejected": {**MAIL, "point": "settle"},
    "a settlement is not acknowledged": {**MAIL, "point": "settle-noack", "disconnect": True},
    "the receiver is thrown out": {**MAIL, "point": "deliver"},
    "the connection drops": {"service": "servicebus", "point": "drop-connection", "times": 2},
}


async def everything_ends_well(trial: Trial, items: list[str]) -> None:
    """Have Graph try again at once what it could not deliver, and locks end that nobody holds."""
    company = trial.company
    await company.faults()
    for _ in range(3):
        await company.control("PUT", "/clock", {"advance_seconds": 60})
        trial.stack.services.servicebus.expire_locks("mail")
    await trial.agree()
    assert [await trial.is_tracked(item) for item in items] == [True] * len(items)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_broker_that_fails_loses_nothing(trial: Trial, fault: Row) -> None:
    earlier = trial.earlier()
    await trial.company.faults(fault)
    items = await busy_minute(trial.company, earlier)
    await trial.company.struck()
    await everything_ends_well(trial, list(items))
    assert not await trial.is_tracked(earlier)


async def test_connections_cut_under_load(trial: Trial) -> None:
    items: list[str] = []
    for number in range(30):
        items.append((await trial.company.deliver("ada", mail()))["id"])
        if number % 10 == 5:
            trial.stack.services.servicebus.drop_connections()
    await everything_ends_well(trial, items)


async def test_a_broker_that_is_away_for_a_while(trial: Trial) -> None:
    bus = trial.stack.services.servicebus
    port = bus.port
    await bus.stop()
    items = [(await trial.company.deliver("ada", mail()))["id"] for _ in range(3)]
    await trial.refused()
    await bus.start(port=port)
    await everything_ends_well(trial, items)
