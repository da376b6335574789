"""Tasks on both sides: what is in Dynamics once what changed in To Do has been told."""

from typing import Any

import pytest

from shared.dataverse.links import LinkState, Reason
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId
from shared.sync.plan import Ignore, Keep, Plan, Track, Unlink
from shared.sync.tasks.policy import Fate, TaskPolicy
from tests.unit.app.desk import MARKED, Desk

DAILY = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "noEnd", "startDate": "2026-11-02"},
}
DUE = {"dateTime": "2026-11-05T00:00:00", "timeZone": "Europe/Berlin"}
START = {"dateTime": "2026-11-03T00:00:00", "timeZone": "UTC"}
DONE = {"dateTime": "2026-11-04T00:00:00", "timeZone": "UTC"}
OPEN, COMPLETED, CANCELED = range(3)


async def plan_of(desk: Desk) -> Plan[Any] | None:
    """Sync, and return what was planned for the one task that changed."""
    outcome = await desk.sync()
    assert not outcome.failed
    assert not outcome.impossible
    (settled,) = outcome.settled
    return settled.plan


def said(desk: Desk, item: ItemId, *columns: str) -> tuple[Any, ...]:
    row = desk.row(item)
    assert row is not None
    return tuple(row[column] for column in columns)


async def test_a_marked_task_becomes_a_row_of_its_user(desk: Desk) -> None:
    item = await desk.add(
        "Call Casey",
        person=1,
        body={"content": "About the offer", "contentType": "text"},
        importance="high",
        dueDateTime=DUE,
        startDateTime=START,
    )
    assert isinstance(await plan_of(desk), Track)
    row = desk.row(item, person=1)
    assert row is not None
    owner = desk.graph.mailboxes.all()[1].person.systemuserid
    assert row["ownerid"]["id"] == owner
    columns = ("subject", "description", "prioritycode", "percentcomplete", "actualend")
    assert tuple(row.get(one) for one in columns) == ("Call Casey", "About the offer", 2, 0, None)
    assert (row["statecode"], row["statuscode"]) == (OPEN, 2)
    assert row["scheduledend"] == "2026-11-04T23:00:00Z"
    assert row["scheduledstart"] == "2026-11-03T00:00:00Z"
    link = desk.link(item, person=1)
    assert (link["tether_state"], link["tether_reason"]) == (LinkState.TRACKED, Reason.CATEGORY)
    assert link["tether_taskid"]["id"] == row["activityid"]
    assert (link["tether_kind"], link["tether_name"]) == (4, "Call Casey")


async def test_a_task_without_the_category_is_not_in_dynamics(desk: Desk) -> None:
    await desk.sync()
    item = await desk.add("Private", categories=["Red"])
    assert await plan_of(desk) == Ignore("it has no category")
    assert desk.row(item) is None


async def test_html_becomes_its_words(desk: Desk) -> None:
    body = {"content": "<html><body><p>Ask <b>Lee</b> &amp; co</p></body></html>"}
    item = await desk.add("Ask", body={**body, "contentType": "html"})
    await desk.sync()
    assert said(desk, item, "description") == ("Ask Lee & co",)


@pytest.mark.parametrize(
    ("status", "state", "reason", "percent"),
    [
        ("notStarted", OPEN, 2, 0),
        ("inProgress", OPEN, 3, 0),
        ("waitingOnOthers", OPEN, 4, 0),
        ("deferred", OPEN, 7, 0),
        ("completed", COMPLETED, 5, 100),
    ],
)
@pytest.mark.parametrize("later", [True, False])
async def test_how_far_it_has_come_is_told(
    desk: Desk, status: str, state: int, reason: int, percent: int, *, later: bool
) -> None:
    if later:
        item = await desk.add("Offer")
        await desk.sync()
        await desk.change(item, status=status)
    else:
        item = await desk.add("Offer", status=status)
    await desk.sync()
    assert said(desk, item, "statecode", "statuscode", "percentcomplete") == (
        state,
        reason,
        percent,
    )


async def test_completion_says_when_and_reopening_takes_it_back(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    await desk.change(item, status="completed", completedDateTime=DONE)
    assert isinstance(await plan_of(desk), Keep)
    assert said(desk, item, "statecode", "actualend") == (COMPLETED, "2026-11-04T00:00:00Z")
    await desk.change(item, status="notStarted")
    await desk.sync()
    columns = ("statecode", "statuscode", "actualend", "percentcomplete")
    assert said(desk, item, *columns) == (OPEN, 2, None, 0)


async def test_a_completed_task_that_is_renamed_is_renamed_and_stays_completed(desk: Desk) -> None:
    item = await desk.add("Offer", status="completed")
    await desk.sync()
    await desk.change(item, title="The offer")
    await desk.sync()
    assert said(desk, item, "subject", "statecode", "statuscode") == ("The offer", COMPLETED, 5)


async def test_what_somebody_completed_in_dynamics_stays_so_until_outlook_has_done_and_undone_it(
    desk: Desk,
) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    desk.in_dynamics(item, statecode=COMPLETED, statuscode=5)
    for name, value in (
        ("title", "The offer"),
        ("status", "inProgress"),
        ("status", "notStarted"),
    ):
        await desk.change(item, 0, **{name: value})
        await desk.sync()
        assert said(desk, item, "statecode", "subject") == (COMPLETED, "Offer")
    await desk.change(item, status="completed")
    await desk.sync()
    assert said(desk, item, "statecode", "subject") == (COMPLETED, "The offer")
    await desk.change(item, status="inProgress")
    await desk.sync()
    columns = ("statecode", "statuscode", "percentcomplete")
    assert said(desk, item, *columns) == (OPEN, 3, 0)


async def test_what_somebody_reopened_in_dynamics_stays_open_while_outlook_does_not_move(
    desk: Desk,
) -> None:
    item = await desk.add("Offer", status="completed")
    await desk.sync()
    desk.in_dynamics(item, statecode=OPEN, statuscode=3)
    await desk.change(item, title="The offer")
    await desk.sync()
    assert said(desk, item, "statecode", "statuscode", "subject") == (OPEN, 3, "The offer")


async def test_how_much_is_done_is_people_s_in_dynamics_while_it_is_in_progress(
    desk: Desk,
) -> None:
    item = await desk.add("Offer", status="inProgress")
    await desk.sync()
    desk.in_dynamics(item, percentcomplete=30)
    await desk.change(item, status="waitingOnOthers")
    await desk.sync()
    assert said(desk, item, "statuscode", "percentcomplete") == (4, 30)


async def test_only_what_differs_is_written_and_nothing_if_nothing_does(desk: Desk) -> None:
    item = await desk.add("Offer", importance="high")
    await desk.sync()
    desk.in_dynamics(item, prioritycode=2)
    before = desk.row(item)
    await desk.change(item, isReminderOn=True)
    assert isinstance(await plan_of(desk), Keep)
    assert desk.row(item) == before


async def test_the_owner_is_never_changed_again(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    other = desk.graph.mailboxes.all()[1].person.systemuserid
    desk.in_dynamics(item, 0, **{"ownerid@odata.bind": f"systemusers({other})"})
    await desk.change(item, title="The offer")
    await desk.sync()
    (owner,) = said(desk, item, "ownerid")
    assert owner["id"] == other


async def test_the_category_taken_off_leaves_the_row(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    await desk.change(item, categories=[])
    assert isinstance(await plan_of(desk), Unlink)
    assert desk.row(item)
    assert desk.link(item)["tether_state"] == LinkState.REMOVED


async def test_the_category_put_on_again_tracks_the_same_row(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    await desk.change(item, categories=[])
    await desk.sync()
    await desk.change(item, categories=MARKED, title="The offer")
    await desk.sync()
    assert said(desk, item, "subject") == ("The offer",)
    assert len(desk.dataverse.rows("task")) == 1
    assert desk.link(item)["tether_state"] == LinkState.TRACKED


async def test_a_row_deleted_in_dynamics_takes_the_category_off(desk: Desk) -> None:
    item = await desk.add("Offer", categories=["Red", TRACKED_CATEGORY])
    await desk.sync()
    desk.delete_row(item)
    await desk.change(item, title="The offer")
    await desk.sync()
    assert await desk.categories(item) == ["Red"]
    assert desk.link(item)["tether_state"] == LinkState.REMOVED
    assert desk.row(item) is None


@pytest.mark.parametrize(
    ("fate", "status", "stays"),
    [
        (Fate.DELETE, "notStarted", False),
        (Fate.DELETE, "completed", True),
        (Fate.KEEP, "notStarted", True),
    ],
)
async def test_deleted_in_outlook(desk: Desk, fate: Fate, status: str, *, stays: bool) -> None:
    desk.reconciler = desk.instance(TaskPolicy(deleted=fate))
    item = await desk.add("Offer", status=status)
    await desk.sync()
    await desk.delete(item)
    await desk.sync()
    assert bool(desk.row(item)) == stays
    assert desk.link(item)["tether_state"] == LinkState.REMOVED


async def test_a_row_somebody_completed_survives_its_task(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    desk.in_dynamics(item, statecode=COMPLETED, statuscode=5)
    await desk.delete(item)
    await desk.sync()
    assert desk.row(item)


async def test_a_list_deleted_takes_its_rows_with_it(desk: Desk) -> None:
    errands = await desk.add_list("Errands")
    gone = [await desk.add(f"Errand {n}", in_list=errands) for n in range(3)]
    kept = await desk.add("Offer")
    await desk.sync()
    await desk.remove_list(errands)
    await desk.sync()
    assert not any(map(desk.row, gone))
    assert desk.row(kept)


async def test_a_recurring_task_is_never_in_dynamics(desk: Desk) -> None:
    item = await desk.add("Water", dueDateTime=DUE, recurrence=DAILY)
    assert await plan_of(desk) == Ignore("a recurring task is never in Dynamics", excluded=True)
    assert desk.row(item) is None


async def test_a_task_that_begins_to_recur_is_let_go_and_comes_back_when_it_does_not(
    desk: Desk,
) -> None:
    item = await desk.add("Water", dueDateTime=DUE)
    await desk.sync()
    await desk.change(item, recurrence=DAILY)
    assert isinstance(await plan_of(desk), Unlink)
    assert desk.row(item)
    await desk.change(item, recurrence=None)
    assert isinstance(await plan_of(desk), Track)


async def test_what_dynamics_refuses_says_so_in_its_link_and_the_next_change_tries_again(
    desk: Desk,
) -> None:
    item = await desk.add("Offer")
    desk.fault("dataverse", "POST tasks", 400, code="0x80040203", message="wrong")
    outcome = await desk.sync()
    assert len(outcome.impossible) == 1
    assert desk.link(item)["tether_state"] == LinkState.FAILED
    await desk.change(item, title="The offer")
    await desk.sync()
    assert desk.link(item)["tether_state"] == LinkState.TRACKED
    assert said(desk, item, "subject") == ("The offer",)


async def test_one_changed_task_costs_one_read_and_two_requests(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    await desk.change(item, title="The offer", status="completed")
    await desk.poller.poll()
    counting = Counting(desk)
    reconciler = desk.instance(graph=counting, dataverse=counting)
    await reconciler.reconcile([])
    changes = desk.queued()
    await reconciler.reconcile(changes)
    # Whose the mailbox is was not known yet: that is asked once in a process.
    assert (counting.reads, counting.requests) == (1, 3)
    await desk.change(item, title="An offer")
    await desk.poller.poll()
    await reconciler.reconcile(desk.queued())
    assert (counting.reads, counting.requests) == (2, 5)


class Counting:
    """Both sides, and how often each is asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.reads = self.requests = 0

    async def batch(self, parts: Any) -> Any:  # noqa: ANN401 - either side's
        if not parts:
            return []
        if hasattr(parts[0], "mailbox"):
            self.reads += 1
            return await self._desk.graph.batch(parts)
        self.requests += 1
        return await self._desk.dataverse.batch(parts)

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        self.requests += 1
        return await self._desk.dataverse.read_all(path)
