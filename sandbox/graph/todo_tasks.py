"""To Do tasks: list, read, create, change, delete, and what has changed (graph.md 2.5, 5, 8.4)."""

from sandbox.graph import listing, rounds
from sandbox.graph.contacts import check_options
from sandbox.graph.items import Items
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import check_version
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.rounds import Token
from sandbox.graph.shapes import ShapedView
from sandbox.graph.todo_fields import TASK, changes_of, new_task, part
from sandbox.graph.todo_lists import LISTS, READ, WRITE
from sandbox.store import Document

TASKS = f"{LISTS}/{{list}}/tasks"
_OPTIONS = ("$select", "$top", "$expand")


class TodoTasks:
    """Answers what is asked about the tasks in a list."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        one = f"{TASKS}/{{task}}"
        return [
            Route("GET", TASKS, self._list, READ),
            Route("POST", TASKS, self._create, WRITE),
            Route("GET", f"{TASKS}/delta", self._delta, READ),
            Route("GET", one, self._get, READ),
            Route("PATCH", one, self._update, WRITE),
            Route("DELETE", one, self._delete, WRITE),
        ]

    async def _list(self, call: Call) -> Answer:
        tasks, folder = self._list_of(call)
        view = ShapedView(call, TASK)
        answer = listing.page(
            call,
            tasks.in_folder(folder),
            value_of=TASK.value_of,
            show=view.show,
            context=_path(tasks, folder),
        )
        answer.headers |= view.applied
        return answer

    async def _get(self, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        return ShapedView(call, TASK).entity(call, task, _path(tasks, task["parentFolderId"]))

    async def _create(self, call: Call) -> Answer:
        tasks, folder = self._list_of(call)
        view = ShapedView(call, TASK)
        task, parts = new_task(call.json(), tasks.now())
        for name, given in parts.items():
            task[name] = [part(name, one, tasks.new_guid(), tasks.now()) for one in given]
        return view.entity(call, tasks.add(task, folder), _path(tasks, folder), status=201)

    async def _update(self, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        check_version(call, task)
        view = ShapedView(call, TASK)
        changed = tasks.update(task, changes_of(task, call.json(), tasks.now()))
        return view.entity(call, changed, _path(tasks, task["parentFolderId"]))

    async def _delete(self, call: Call) -> Answer:
        tasks, task = find_task(self._mailboxes, call)
        check_version(call, task)
        tasks.delete(task)
        return Answer(204)

    async def _delta(self, call: Call) -> Answer:
        tasks, folder = self._list_of(call)
        token = Token.read(call, _OPTIONS)
        check_options(call, _OPTIONS)
        view = ShapedView(token.asked(call), TASK)
        rows = tasks.since(token, folder)
        answer = rounds.page(call, token, rows, view.in_delta, "Collection(todoTask)")
        answer.headers |= view.applied
        return answer

    def _list_of(self, call: Call) -> tuple[Items, str]:
        tasks = self._mailboxes.tasks(call.parameters["user"])
        return tasks, str(tasks.folder(call.parameters["list"])["id"])


def find_task(mailboxes: Mailboxes, call: Call) -> tuple[Items, Document]:
    """Return someone's tasks and the one a call is about.

    Raises:
        GraphError: 404, no such mailbox, list or task, or it is in another list.
    """
    tasks = mailboxes.tasks(call.parameters["user"])
    folder = tasks.folder(call.parameters["list"])["id"]
    return tasks, tasks.item(call.parameters["task"], folder)


def _path(tasks: Items, folder: str) -> str:
    return f"users('{tasks.mailbox}')/todo/lists('{folder}')/tasks"
