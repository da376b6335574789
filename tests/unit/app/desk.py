"""Two enrolled mailboxes whose people work with To Do, a poller, and what works off its queue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from sandbox.dataverse.rows import Row
from sandbox.faults import Fault
from shared.changes import Change, decode
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import FilteringMethod
from shared.graph.client import Graph
from shared.graph.client_state import ClientStateKeys
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.tasks import TodoTask, item_of, list_and_task
from shared.identifiers import ItemId, MailboxId, activity_id_of_task, link_id_of_item
from shared.sync.list_watching import ListWatching
from shared.sync.outcome import Outcome
from shared.sync.polling import Poller
from shared.sync.reconcile import Reconciler
from shared.sync.subscribing import Subscriber
from shared.sync.tasks.facts import TaskFacts
from shared.sync.tasks.policy import TaskPolicy
from shared.sync.tasks.rules import TaskRules
from shared.sync.tasks.telling import Telling
from tests.unit.app.office import Queues
from tests.unit.app.sides import Ground, InProcessDataverse, InProcessGraph, enrol

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
MARKED = [TRACKED_CATEGORY]
KEYS = {"k1": b"0123456789abcdef0123456789abcdef"}


class Desk:
    """What people do with tasks, on either side; `item` is a task as the bus names it."""

    def __init__(self, ground: Ground) -> None:
        self.now = NOW
        self.graph: InProcessGraph
        self.dataverse: InProcessDataverse
        self.graph, self.dataverse = ground.fresh()
        self._faults = ground.surroundings.faults
        self.stats = ground.surroundings.stats
        self.bus = Queues()
        self.reconciler = self.instance()
        self.poller = self.polling()

    async def open(self) -> "Desk":
        await enrol(self.graph, self.dataverse, [FilteringMethod.NONE] * 2)
        return self

    def instance(
        self,
        policy: TaskPolicy | None = None,
        *,
        graph: Graph | None = None,
        dataverse: Dataverse | None = None,
    ) -> Reconciler[TodoTask, TaskFacts, Telling]:
        sides = graph or self.graph, dataverse or self.dataverse
        return Reconciler(TaskRules(policy or TaskPolicy()), *sides, lambda: self.now)

    def polling(
        self,
        *,
        graph: Graph | None = None,
        dataverse: Dataverse | None = None,
        subscriptions: bool = False,
        keys: Mapping[str, bytes] = KEYS,
    ) -> Poller:
        graph, dataverse = graph or self.graph, dataverse or self.dataverse
        subscriber = Subscriber(
            graph,
            ClientStateKeys("tenant", keys),
            kinds=(),
            webhook_base_url="https://tether.example",
            now=lambda: self.now,
        )
        watching = ListWatching(dataverse, subscriber, lambda: self.now, on=subscriptions)
        return Poller(graph, dataverse, self.bus, watching, lambda: self.now)

    def mailbox(self, person: int = 0) -> MailboxId:
        return MailboxId(self.graph.mailboxes.all()[person].id)

    async def default_list(self, person: int = 0) -> str:
        lists = await self.graph.do("GET", f"/users/{self.mailbox(person)}/todo/lists")
        return str(lists["value"][0]["id"])

    async def add_list(self, name: str, person: int = 0) -> str:
        url = f"/users/{self.mailbox(person)}/todo/lists"
        return str((await self.graph.do("POST", url, {"displayName": name}))["id"])

    async def remove_list(self, list_id: str, person: int = 0) -> None:
        await self.graph.do("DELETE", f"/users/{self.mailbox(person)}/todo/lists/{quote(list_id)}")

    async def add(
        self, title: str, person: int = 0, *, in_list: str | None = None, **said: object
    ) -> ItemId:
        """Add a task that is to be in Dynamics, unless its categories say otherwise."""
        list_id = in_list or await self.default_list(person)
        url = f"/users/{self.mailbox(person)}/todo/lists/{quote(list_id)}/tasks"
        body = {"title": title, "categories": MARKED, **said}
        return item_of(list_id, (await self.graph.do("POST", url, body))["id"])

    async def change(self, item: ItemId, person: int = 0, **said: object) -> None:
        await self.graph.do("PATCH", self._url(item, person), said)

    async def delete(self, item: ItemId, person: int = 0) -> None:
        await self.graph.do("DELETE", self._url(item, person))

    async def categories(self, item: ItemId, person: int = 0) -> list[str]:
        return list((await self.graph.do("GET", self._url(item, person)))["categories"])

    def queued(self) -> list[Change]:
        """Take what is on the queue."""
        return [one for message in self.bus.sent.pop("tasks", []) for one in decode(message.body)]

    async def sync(self) -> Outcome:
        """Poll, and work off the queue."""
        await self.poller.poll()
        return await self.reconciler.reconcile(self.queued())

    def row(self, item: ItemId, person: int = 0) -> Row | None:
        """Return the row of a task, None if there is none."""
        _, task = list_and_task(item)
        return self.dataverse.rows("task").get(activity_id_of_task(self.mailbox(person), task))

    def link(self, item: ItemId, person: int = 0) -> Row:
        return self.dataverse.rows("tether_link")[link_id_of_item(self.mailbox(person), item)]

    def in_dynamics(self, item: ItemId, person: int = 0, **columns: object) -> None:
        """Change the row of a task, as somebody does in Dynamics."""
        self.dataverse.write("PATCH", self._path(item, person), columns)

    def delete_row(self, item: ItemId, person: int = 0) -> None:
        self.dataverse.write("DELETE", self._path(item, person))

    def fault(self, service: str, operation: str, status: int, **stated: object) -> None:
        fault = {"service": service, "operation": operation, "action": "status", "status": status}
        self._faults.replace([Fault.model_validate({**fault, **stated})])

    def no_fault(self) -> None:
        self._faults.replace([])

    def _url(self, item: ItemId, person: int) -> str:
        list_id, task = list_and_task(item)
        return f"/users/{self.mailbox(person)}/todo/lists/{quote(list_id)}/tasks/{quote(task)}"

    def _path(self, item: ItemId, person: int) -> str:
        _, task = list_and_task(item)
        return f"tasks({activity_id_of_task(self.mailbox(person), task)})"
