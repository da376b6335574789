"""Tasks through the whole stack: the timer's poll, the queue, the genuine worker, Dynamics."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from bench.stack import TetherStack
from tests.system.company import TRACKED, Company, Row
from tests.system.stacks import running_company, tenant_of
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAILBOXES = 25
_COLUMNS = "subject,description,statecode,statuscode,percentcomplete,_ownerid_value"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[TetherStack, Company]]:
    async with running_company(tenant_of(MAILBOXES), warm=False) as (stack, company):
        yield stack, company


async def tasks_of(company: Company, person: str) -> str:
    """Return where the tasks of a person's one list are."""
    lists = await company.graph("GET", f"/users/{{{person}}}/todo/lists")
    return f"/users/{{{person}}}/todo/lists/{quote(lists['value'][0]['id'], safe='')}/tasks"


async def polled(running: tuple[TetherStack, Company], query: str) -> list[Row]:
    """Have the timer run, and return the rows of a query once there are any."""
    stack, company = running
    await stack.fire("tasks_polling")
    return await eventually(lambda: company.rows(query))


async def test_a_task_is_tracked_completed_and_let_go(
    running: tuple[TetherStack, Company],
) -> None:
    _, company = running
    tasks = await tasks_of(company, "ada")
    body = {"content": "About the offer", "contentType": "text"}
    made = {"title": "Call Casey", "body": body, "categories": [TRACKED]}
    task = (await company.graph("POST", tasks, made))["id"]
    (row,) = await polled(running, f"tasks?$select={_COLUMNS}")
    assert (row["subject"], row["description"]) == ("Call Casey", "About the offer")
    assert row["_ownerid_value"] == company.people["ada"]["systemuserid"]
    path = f"{tasks}/{quote(task, safe='')}"
    await company.graph("PATCH", path, {"status": "completed"})
    (row,) = await polled(running, f"tasks?$select={_COLUMNS}&$filter=statecode eq 1")
    assert (row["statuscode"], row["percentcomplete"]) == (5, 100)
    await company.graph("PATCH", path, {"categories": []})
    (link,) = await polled(running, "tether_links?$filter=tether_state eq 2")
    assert link["tether_detail"] == "the category was taken off in Outlook"
    assert len(await company.rows("tasks?$select=subject")) == 1


async def test_a_poll_of_many_mailboxes_takes_few_round_trips(
    running: tuple[TetherStack, Company],
) -> None:
    stack, company = running
    tasks = await tasks_of(company, "grace")
    await company.control("DELETE", "/stats")
    await company.graph("POST", tasks, {"title": "Private"})
    await stack.fire("tasks_polling")

    async def polls() -> list[int]:
        batched = (await company.stats())["graph"]["batched"]
        asked = [batched.get(f"GET /users/{{id}}/todo/lists{one}/delta", 0) for one in _DELTAS]
        return asked if asked == [MAILBOXES, MAILBOXES] else []

    await eventually(polls)
    stats = await company.stats()
    # The lists of all mailboxes and the list of each, twenty to a batch, and the task that changed.
    assert stats["graph"]["requests"] <= 3 + 2


_DELTAS = ("", "/{id}/tasks")
