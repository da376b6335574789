"""Tasks told by notification through the whole stack: Graph, the webhook, the queue, Dynamics."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from bench.stack import TetherStack
from sandbox.store import Document
from tests.system.company import TRACKED, Company, Row
from tests.system.stacks import running_company, tenant_of
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[TetherStack, Company]]:
    settings = {"TASKS_SUBSCRIPTIONS": "true"}
    async with running_company(tenant_of(2), warm=False, settings=settings) as (stack, company):
        yield stack, company


async def test_a_marked_task_and_what_becomes_of_it_arrive_without_a_poll(
    running: tuple[TetherStack, Company],
) -> None:
    stack, company = running
    ada = company.people["ada"]["id"]

    async def subscribed() -> list[Document]:
        found = stack.services.graph.notifications.of_mailbox(ada)
        return [one for one in found if "/todo/" in one["resource"]]

    async def noted() -> list[Row]:
        return await company.rows("tether_mailboxes?$filter=tether_tasksubscriptions ne null")

    assert not await subscribed()
    await stack.fire("tasks_polling")
    await eventually(noted)
    assert len(await subscribed()) == 1
    lists = await company.graph("GET", "/users/{ada}/todo/lists")
    tasks = f"/users/{{ada}}/todo/lists/{quote(lists['value'][0]['id'], safe='')}/tasks"
    made = await company.graph("POST", tasks, {"title": "Call Casey", "categories": [TRACKED]})
    (row,) = await eventually(lambda: company.rows("tasks?$select=subject,_ownerid_value"))
    assert (row["subject"], row["_ownerid_value"]) == (
        "Call Casey",
        company.people["ada"]["systemuserid"],
    )
    path = f"{tasks}/{quote(made['id'], safe='')}"
    await company.graph("PATCH", path, {"status": "completed"})
    await eventually(lambda: company.rows("tasks?$filter=statecode eq 1"))
    await company.graph("DELETE", path)
    (link,) = await eventually(lambda: company.rows("tether_links?$filter=tether_state eq 2"))
    assert link["tether_detail"] == "deleted in Outlook"
