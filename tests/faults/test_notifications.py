"""Notifications that get lost, come twice, or come in another order (peers.md C2 1 to 4)."""

import pytest

from tests.faults.trial import Trial
from tests.system.company import TRACKED, Row
from tests.system.mails import mail

pytestmark = pytest.mark.asyncio(loop_scope="session")


def notify(action: str, *, times: int | None = 1) -> Row:
    return {"service": "graph", "operation": "notify", "action": action, "times": times}


async def test_what_a_lost_notification_told_is_made_good_by_the_next_one(trial: Trial) -> None:
    company = trial.company
    await company.faults(notify("lose"))
    item = (await company.deliver("ada", mail()))["id"]
    await company.struck()
    await company.quiet()
    assert not await trial.is_tracked(item)
    await company.graph("PATCH", f"/users/{{ada}}/messages/{item}", {"isRead": True})
    await company.quiet()
    assert await trial.is_tracked(item)


async def test_a_lost_deletion_is_not_needed_where_the_mail_is_told_of_again(trial: Trial) -> None:
    company = trial.company
    item = (await company.deliver("ada", mail()))["id"]
    await company.quiet()
    await company.faults(notify("lose", times=2))
    await company.move("ada", item, "deleteditems")
    await company.struck(2)
    await company.quiet()
    assert await trial.is_tracked(item)
    await company.graph("PATCH", f"/users/{{ada}}/messages/{item}", {"isRead": True})
    await company.quiet()
    assert not await trial.is_tracked(item)


async def test_every_notification_twice_changes_nothing(trial: Trial) -> None:
    company = trial.company
    await company.faults(notify("duplicate", times=None))
    items = [(await company.deliver("ada", mail()))["id"] for _ in range(5)]
    await company.quiet()
    for item in items[:2]:
        await company.categorize("ada", item)
    await company.quiet()
    assert [await trial.is_tracked(item) for item in items] == [False, False, True, True, True]


@pytest.mark.parametrize("late", [1, 2, 3])
async def test_the_order_of_notifications_does_not_matter(trial: Trial, late: int) -> None:
    company = trial.company
    await company.faults({**notify("reorder", times=late), "skip": late - 1})
    kept = (await company.deliver("ada", mail("Kept")))["id"]
    gone = (await company.deliver("alan", mail("Gone"), categories=TRACKED))["id"]
    off = (await company.deliver("alan", mail("Off"), categories=TRACKED))["id"]
    on = (await company.deliver("alan", mail("On")))["id"]
    await company.delete("alan", gone)
    await company.categorize("alan", off)
    await company.categorize("alan", on, TRACKED)
    await company.struck(late)
    await company.quiet()
    tracked = [await trial.is_tracked(item) for item in (kept, gone, off, on)]
    assert tracked == [True, False, False, True]


async def test_a_notification_an_hour_late_finds_what_is_so_now(trial: Trial) -> None:
    company = trial.company
    await company.faults(notify("hold"))
    item = (await company.deliver("alan", mail(), categories=TRACKED))["id"]
    await company.struck()
    await company.categorize("alan", item)
    await company.quiet(held=1)
    await company.control("PUT", "/clock", {"advance_seconds": 3600})
    await company.faults()
    await company.quiet()
    assert await company.links(item=item) == []
