"""What sellers do in To Do: tasks made, changed and completed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bench.journal import Line
from bench.running import Run
from shared.graph.tasks import item_of, list_and_task
from shared.identifiers import ItemId, Kind

_POLLED = "polled mailboxes="  # shared/sync/polling.py


class ToDos:
    """The tasks of a run, as their owners keep them."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def add(self, upn: str, task: Mapping[str, Any], expected: str) -> Line:
        """Make a task in somebody's own list; return its line."""
        (own,) = (await self._run.read(f"/users/{upn}/todo/lists"))["value"]
        made = await self._run.graph("POST", f"{_list(upn, own['id'])}/tasks", task)
        item = item_of(own["id"], made["id"])
        return self._run.arrived(Kind.TASKS, upn, item, made["id"], made["title"], expected)

    async def change(self, line: Line, **changes: object) -> None:
        """Change a task."""
        await self._run.graph("PATCH", task_path(line), changes)

    async def delete(self, line: Line, expected: str) -> None:
        """Delete a task."""
        await self._run.graph("DELETE", task_path(line))
        line.expected = expected

    async def polled(self) -> None:
        """Have the app ask for changed tasks now, and wait until it has.

        Raises:
            RuntimeError: the function app is not running.
        """
        host = self._run.stack.host
        if host is None:
            raise RuntimeError("the function app is not running")
        before = sum(_POLLED in line for line in host.log)
        await self._run.stack.fire("tasks_polling")
        await host.logged(_POLLED, count=before + 1)


def task_path(line: Line) -> str:
    """Return where a task is in Graph."""
    list_id, task = list_and_task(ItemId(line.item))
    return f"{_list(line.upn, list_id)}/tasks/{quote(task, safe='')}"


def _list(upn: str, list_id: str) -> str:
    return f"/users/{upn}/todo/lists/{quote(list_id, safe='')}"
