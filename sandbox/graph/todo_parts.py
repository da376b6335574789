"""What hangs on a task: the things it is about in other applications, and its steps."""

from functools import partial

from sandbox.graph import listing
from sandbox.graph.errors import item_not_found
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.todo_fields import PARTS, checked_part, part
from sandbox.graph.todo_lists import READ, WRITE
from sandbox.graph.todo_tasks import TASKS, find_task
from sandbox.store import Document


class TodoParts:
    """Answers what is asked about linked resources and checklist items."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        routes = []
        for name in PARTS:
            all_of = f"{TASKS}/{{task}}/{name}"
            one = f"{all_of}/{{part}}"
            routes += [
                Route("GET", all_of, partial(self._list, name), READ),
                Route("POST", all_of, partial(self._create, name), WRITE),
                Route("GET", one, partial(self._get, name), READ),
                Route("PATCH", one, partial(self._update, name), WRITE),
                Route("DELETE", one, partial(self._delete, name), WRITE),
            ]
        return routes

    async def _list(self, name: str, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        return listing.page(
            call,
            task[name],
            value_of=listing.property_of,
            show=lambda one: one,
            context=f"users('{tasks.mailbox}')/todo/lists/tasks/{name}",
        )

    async def _create(self, name: str, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        made = part(name, checked_part(name, call.json()), tasks.new_guid(), tasks.now())
        tasks.update(task, {name: [*task[name], made]})
        return Answer(201, made)

    async def _get(self, name: str, call: Call) -> Answer:
        _, task = find_task(self._mailboxes, call)
        return Answer(200, _find(task[name], call))

    async def _update(self, name: str, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        before = _find(task[name], call)
        changes = checked_part(name, call.json(), partly=True)
        changed = part(name, {**before, **changes}, before["id"], tasks.now())
        tasks.update(task, {name: [changed if one is before else one for one in task[name]]})
        return Answer(200, changed)

    async def _delete(self, name: str, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        gone = _find(task[name], call)
        tasks.update(task, {name: [one for one in task[name] if one is not gone]})
        return Answer(204)


def _find(parts: list[Document], call: Call) -> Document:
    found = next((one for one in parts if one["id"] == call.parameters["part"]), None)
    if found is None:
        raise item_not_found()
    return found
