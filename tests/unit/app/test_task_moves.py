"""A task moved to another list, told as gone from the one and new in the other, keeps its row.

To Do may keep a task's id when it moves or not; where it does not, it is another task.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

import pytest

from shared.changes import Change, Hint
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.tasks import item_of, list_and_task
from shared.identifiers import ItemId, Kind
from tests.unit.app.desk import NOW, Desk

GONE = {"error": {"code": "ErrorItemNotFound", "message": "gone"}}


class Moved:
    """A Graph whose tasks in the list `left` are in the list `into`, by the same ids."""

    def __init__(self, desk: Desk, left: str, into: str) -> None:
        self._desk = desk
        self._left, self._into = f"/lists/{quote(left, safe='')}", f"/lists/{quote(into, safe='')}"

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        return [await self._one(request) for request in requests]

    async def _one(self, request: GraphRequest) -> GraphResponse:
        if self._left in request.url:
            return GraphResponse(404, GONE)
        there = replace(request, url=request.url.replace(self._into, self._left))
        (answer,) = await self._desk.graph.batch([there])
        return answer


def told(desk: Desk, item: ItemId, hint: Hint) -> Change:
    return Change(
        id=f"{item}/{hint}",
        mailbox=desk.mailbox(),
        kind=Kind.TASKS,
        item=item,
        hint=hint,
        noticed=NOW,
    )


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("gone_first", [True, False])
async def test_its_row_goes_with_it(desk: Desk, *, together: bool, gone_first: bool) -> None:
    errands = await desk.add_list("Errands")
    item = await desk.add("Offer")
    await desk.sync()
    list_id, task = list_and_task(item)
    moved = item_of(errands, task)
    reconciler = desk.instance(graph=Moved(desk, list_id, errands))
    changes = [told(desk, item, Hint.DELETED), told(desk, moved, Hint.UPDATED)]
    if not gone_first:
        changes.reverse()
    before = desk.row(item)
    assert before
    for batch in [changes] if together else [[change] for change in changes]:
        outcome = await reconciler.reconcile(batch)
        assert not outcome.failed
    after = desk.row(moved)
    assert after
    assert len(desk.dataverse.rows("task")) == 1
    # Told alone that it is gone, it is gone; then it is made anew.
    if together or not gone_first:
        assert after["createdon"] == before["createdon"]
        assert after["versionnumber"] > before["versionnumber"]
    assert desk.link(moved)["tether_taskid"]["id"] == after["activityid"]
    assert desk.link(item)["tether_state"] == 2
