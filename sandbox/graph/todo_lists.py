"""To Do lists, among them the one that everybody has."""

from pydantic import Field

from sandbox.graph import ids, listing, rounds
from sandbox.graph.contacts import check_options
from sandbox.graph.errors import bad_request
from sandbox.graph.items import Items
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import check_version
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.rounds import Token
from sandbox.graph.views import selected
from sandbox.graph.wire import Camel, checked, stated
from sandbox.store import Document

READ = frozenset({"Tasks.Read.All", "Tasks.ReadWrite.All"})
WRITE = frozenset({"Tasks.ReadWrite.All"})
LISTS = "/users/{user}/todo/lists"
_NAMES = ("displayName", "isOwner", "isShared", "wellknownListName", "id")
_OPTIONS = ("$select", "$top")


class TaskList(Camel):
    """What a caller says of a list."""

    display_name: str = Field(min_length=1)


class TodoLists:
    """Answers what is asked about lists."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        one = f"{LISTS}/{{list}}"
        return [
            Route("GET", LISTS, self._list, READ),
            Route("POST", LISTS, self._create, WRITE),
            Route("GET", f"{LISTS}/delta", self._delta, READ),
            Route("GET", one, self._get, READ),
            Route("PATCH", one, self._rename, WRITE),
            Route("DELETE", one, self._delete, WRITE),
        ]

    async def _list(self, call: Call) -> Answer:
        tasks = self._mailboxes.tasks(call.parameters["user"])
        return listing.page(
            call,
            tasks.children(None),
            value_of=lambda row, path: listing.property_of(_shown(row), path),
            show=lambda row: _chosen(call, row),
            context=_path(tasks),
        )

    async def _create(self, call: Call) -> Answer:
        tasks = self._mailboxes.tasks(call.parameters["user"])
        row = tasks.create_folder(_name(call))
        return _entity(call, tasks, row, status=201)

    async def _get(self, call: Call) -> Answer:
        return _entity(call, *self._find(call))

    async def _rename(self, call: Call) -> Answer:
        tasks, row = self._find(call)
        check_version(call, row)
        name = _name(call)
        if row["isDefault"]:
            raise bad_request("A list that is built in cannot be renamed.", "invalidRequest")
        return _entity(call, tasks, tasks.rename_folder(row, name))

    async def _delete(self, call: Call) -> Answer:
        tasks, row = self._find(call)
        check_version(call, row)
        tasks.delete_folder(row)
        return Answer(204)

    async def _delta(self, call: Call) -> Answer:
        tasks = self._mailboxes.tasks(call.parameters["user"])
        token = Token.read(call, _OPTIONS)
        check_options(call, _OPTIONS)
        asked = token.asked(call)

        def show(row: Document) -> Document:
            kind = {"@odata.type": "#microsoft.graph.todoTaskList"}
            if "removedFrom" in row:
                return {**kind, "id": row["id"], "@removed": {"reason": "deleted"}}
            return kind | _chosen(asked, row)

        rows = tasks.since(token, None)
        return rounds.page(call, token, rows, show, "Collection(todoTaskList)")

    def _find(self, call: Call) -> tuple[Items, Document]:
        tasks = self._mailboxes.tasks(call.parameters["user"])
        return tasks, tasks.folder(call.parameters["list"])


def _name(call: Call) -> str:
    return str(stated(checked(TaskList, call.json(), "todoTaskList"))["displayName"])


def _shown(row: Document) -> Document:
    return {
        "@odata.etag": ids.etag(row["changeKey"]),
        "displayName": row["displayName"],
        "isOwner": True,
        "isShared": False,
        "wellknownListName": "defaultList" if row["isDefault"] else "none",
        "id": row["id"],
    }


def _chosen(call: Call, row: Document) -> Document:
    names = selected(call.query.get("$select"), _NAMES, "todoTaskList") or _NAMES
    shown = _shown(row)
    return {name: shown[name] for name in dict.fromkeys(["@odata.etag", *names, "id"])}


def _entity(call: Call, tasks: Items, row: Document, *, status: int = 200) -> Answer:
    context = f"{call.base_url}/$metadata#{_path(tasks)}/$entity"
    headers = {"ETag": ids.etag(row["changeKey"])}
    if status == 201:
        headers["Location"] = f"{call.base_url}/{_path(tasks)}('{row['id']}')"
    return Answer(status, {"@odata.context": context, **_chosen(call, row)}, headers)


def _path(tasks: Items) -> str:
    return f"users('{tasks.mailbox}')/todo/lists"
