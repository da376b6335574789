"""What can never be done is set aside with its reason, and holds nobody up (peers.md C2 24, 36)."""

import json
from datetime import UTC, datetime

import pytest

from tests.faults.test_busy_services import CREATE, READ
from tests.faults.trial import Trial
from tests.system.company import TRACKED
from tests.system.mails import mail

FAILED = 3  # tether_state

pytestmark = pytest.mark.asyncio(loop_scope="session")


def change(trial: Trial, item: str, **other: object) -> dict[str, object]:
    """Return a change as the bus carries it."""
    return {
        "id": f"written by hand {item}",
        "mailbox": trial.company.people["ada"]["id"],
        "kind": "mail",
        "item": item,
        "hint": "created",
        "noticed": datetime.now(UTC).isoformat(),
        **other,
    }


async def test_messages_nobody_can_read_are_parked_as_they_came(trial: Trial) -> None:
    unreadable = {
        b"\xff\xfe not JSON": "Invalid JSON",
        b"": "Invalid JSON",
        b"[]": "should be an object",
        b'{"changes": []}': "changes",
        b'{"version": 2, "changes": [{}]}': "version",
        b'{"changes": [{"id": "x"}]}': "mailbox",
    }
    item = (await trial.company.deliver("ada", mail()))["id"]
    readable = json.dumps({"changes": [change(trial, item)]}).encode()
    await trial.send("mail", readable, *unreadable, readable)
    parked = dict(await trial.take_parked(len(unreadable)))
    assert parked.keys() == unreadable.keys()
    for body, reason in unreadable.items():
        assert parked[body]["kind"] == "mail"
        assert reason in parked[body]["reason"]
    await trial.company.quiet()
    assert await trial.is_tracked(item)


async def test_a_change_no_server_will_ever_do_is_parked_with_the_servers_words(
    trial: Trial,
) -> None:
    body = json.dumps({"changes": [change(trial, "no id at all")]}).encode()
    await trial.send("mail", body)
    item = (await trial.company.deliver("ada", mail()))["id"]
    ((parked, properties),) = await trial.take_parked(1)
    assert json.loads(parked)["changes"][0]["item"] == "no id at all"
    assert properties["mailbox"] == trial.company.people["ada"]["id"]
    assert "ErrorInvalidIdMalformed" in properties["reason"]
    await trial.company.quiet()
    assert await trial.is_tracked(item)


async def test_a_row_dynamics_refuses_is_parked_and_the_category_tries_again(trial: Trial) -> None:
    company = trial.company
    said = "A plug-in of the customer's does not like this mail."
    await company.faults(
        {
            **CREATE,
            "action": "status",
            "status": 400,
            "code": "0x80040265",
            "message": said,
            "times": None,
        }
    )
    item = (await company.deliver("ada", mail()))["id"]
    ((_, properties),) = await trial.take_parked(1)
    assert said in properties["reason"]
    await company.quiet()
    (link,) = await company.links(item=item)
    assert link["tether_state"] == FAILED
    assert said in link["tether_detail"]
    await company.faults()
    await company.categorize("ada", item, TRACKED)
    await company.quiet()
    assert await trial.is_tracked(item)


async def test_after_ten_tries_a_change_is_parked_and_the_others_have_gone_on(
    trial: Trial,
) -> None:
    company = trial.company
    tries = 10
    await company.faults({**READ, "action": "status", "status": 503, "times": tries})
    failing = (await company.deliver("ada", mail("Failing")))["id"]
    await company.struck()
    ((parked, properties),) = await trial.take_parked(1)
    assert properties["reason"].startswith(f"failed {tries} times: Graph 503")
    (change,) = json.loads(parked)["changes"]
    assert change["item"] == failing
    assert change["replays"] == 1
    assert "attempt" not in change
    await company.quiet()
    assert not await trial.is_tracked(failing)
    following = (await company.deliver("ada", mail("Following")))["id"]
    await company.quiet()
    assert await trial.is_tracked(following)
    await trial.send("mail", parked)
    await company.quiet()
    assert await trial.is_tracked(failing)
