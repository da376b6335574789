"""What a notification about a task leads to: its mailbox is polled, once, and nothing is lost."""

from collections.abc import Sequence
from itertools import count

import pytest

from shared.bus import PARKED, change_messages
from shared.changes import Change, Hint, decode
from shared.errors import Transient
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.client_state import ClientStateKeys, Subject
from shared.graph.notifications import changes_in
from shared.graph.tasks import list_and_task
from shared.identifiers import ItemId, Kind
from shared.sync.consuming import Consumer
from shared.sync.hinted import Hinted
from shared.sync.settling import MAX_ATTEMPTS
from tests.unit.app.desk import KEYS, Desk

TASKS_DELTA = "GET /users/{id}/todo/lists/{id}/tasks/delta"
BATCH = "POST /$batch"


class Asked:
    """A Graph that keeps what it is asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.urls: list[str] = []

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        self.urls += [one.url for one in requests]
        return await self._desk.graph.batch(requests)

    def deltas(self) -> list[str]:
        """Take what has been asked about changes."""
        urls, self.urls = self.urls, []
        return [url for url in urls if "/delta" in url]


@pytest.fixture
def graph(desk: Desk) -> Asked:
    return Asked(desk)


_numbers = count()


def hint(desk: Desk, item: ItemId, person: int = 0, **said: object) -> Change:
    """Return what the webhook makes of a notification: it names the task and not its list."""
    told = {
        "id": f"hint {next(_numbers)}",
        "mailbox": desk.mailbox(person),
        "kind": Kind.TASKS,
        "item": list_and_task(item)[1],
        "hint": Hint.CREATED,
        "noticed": desk.now,
        "etag": 'W/"1"',
    }
    return Change.model_validate({**told, **said})


async def consume(desk: Desk, graph: Asked, changes: Sequence[Change]) -> None:
    """Have the queue's function run."""
    reconciler = Hinted(desk.reconciler, desk.polling(graph=graph))
    consumer = Consumer(Kind.TASKS, reconciler, desk.bus, lambda: desk.now)
    messages = [(one.id, one.body) for one in change_messages(changes)]
    await consumer.consume(messages)


async def test_a_hint_brings_the_task_into_dynamics(desk: Desk, graph: Asked) -> None:
    item = await desk.add("Offer")
    await consume(desk, graph, [hint(desk, item)])
    found = desk.queued()
    assert [one.item for one in found] == [item]
    await consume(desk, graph, found)
    assert desk.row(item)
    assert not desk.queued()


async def test_only_its_own_mailbox_is_polled_and_once_however_many_hints_there_are(
    desk: Desk, graph: Asked
) -> None:
    await desk.sync()
    items = [await desk.add(f"Task {n}") for n in range(5)]
    await desk.add("Of another", person=1)
    await consume(desk, graph, [hint(desk, item) for item in items])
    asked = graph.deltas()
    assert len(asked) == 2  # the lists, and the one list
    assert all(desk.mailbox() in url for url in asked)
    assert {one.item for one in desk.queued()} == set(items)


async def test_a_hint_that_is_told_again_finds_nothing_and_writes_nothing(
    desk: Desk, graph: Asked
) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    row = desk.dataverse.rows("tether_mailbox")[desk.mailbox()]
    await consume(desk, graph, [hint(desk, item)])
    assert not desk.queued()
    assert desk.dataverse.rows("tether_mailbox")[desk.mailbox()] == row


async def test_changes_and_hints_of_one_batch_do_not_get_in_each_other_s_way(
    desk: Desk, graph: Asked
) -> None:
    known, hinted = await desk.add("Known"), await desk.add("Of another", person=1)
    await desk.poller.poll()
    found = desk.queued()
    late = await desk.add("Late", person=1)
    desk.fault("graph", TASKS_DELTA, 503)
    await consume(desk, graph, [*found, hint(desk, late, 1)])
    assert desk.row(known)
    assert desk.row(hinted, 1)
    (again,) = desk.queued()
    assert (again.mailbox, again.item) == (desk.mailbox(1), list_and_task(late)[1])


@pytest.mark.parametrize("operation", [TASKS_DELTA, BATCH])
async def test_what_cannot_be_found_out_now_comes_back_counted_when_graph_wishes(
    desk: Desk, graph: Asked, operation: str
) -> None:
    await desk.sync()
    items = [await desk.add("One"), await desk.add("Two")]
    desk.fault("graph", operation, 429, retry_after=42)
    await consume(desk, graph, [hint(desk, items[0], attempt=2), hint(desk, items[1])])
    (message,) = desk.bus.sent.pop("tasks")
    assert message.due is not None
    assert 42 <= (message.due - desk.now).total_seconds() <= 42 * 1.25
    (again,) = decode(message.body)
    assert again.attempt == 3
    desk.no_fault()
    await consume(desk, graph, [again])
    assert {one.item for one in desk.queued()} == set(items)


async def test_a_mailbox_that_fails_stops_no_other(desk: Desk, graph: Asked) -> None:
    await desk.sync()
    items = [await desk.add("Offer"), await desk.add("Of another", person=1)]
    desk.fault("graph", TASKS_DELTA, 503, skip=int(desk.mailbox(1) < desk.mailbox(0)))
    await consume(desk, graph, [hint(desk, item, person) for person, item in enumerate(items)])
    told = {one.mailbox: one for one in desk.queued()}
    assert told[desk.mailbox(0)].attempt == 1
    assert told[desk.mailbox(1)].item == items[1]


async def test_graph_is_left_alone_for_as_long_as_it_wished_a_poll(
    desk: Desk, graph: Asked
) -> None:
    await desk.sync()
    item = await desk.add("Offer")
    desk.fault("graph", TASKS_DELTA, 429, retry_after=90)
    poller = desk.polling(graph=graph)
    for told in (90.0, 90.0):
        again = await poller.visit([desk.mailbox()])
        assert again[desk.mailbox()].retry_after == told
    assert len(graph.deltas()) == 2
    assert not desk.queued()
    await desk.poller.poll()
    assert [one.item for one in desk.queued()] == [item]


@pytest.mark.parametrize("operation", ["POST $batch", "GET tether_mailboxes", "GET tether_links"])
async def test_a_silent_dynamics_sends_the_hint_back(
    desk: Desk, graph: Asked, operation: str
) -> None:
    item = await desk.add("Offer")
    desk.fault("dataverse", operation, 503)
    await consume(desk, graph, [hint(desk, item)])
    (again,) = desk.queued()
    assert again.attempt == 1
    assert again.item == list_and_task(item)[1]
    await consume(desk, graph, [again])
    assert [one.item for one in desk.queued()] == [item]


async def test_a_hint_that_keeps_failing_is_parked_at_last(desk: Desk, graph: Asked) -> None:
    item = await desk.add("Offer")
    desk.fault("graph", TASKS_DELTA, 503, message="not today")
    await consume(desk, graph, [hint(desk, item, attempt=MAX_ATTEMPTS - 1)])
    (parked,) = desk.bus.sent[PARKED]
    assert "not today" in parked.properties["reason"]


async def test_what_nobody_foresaw_parks_the_hint_alone(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.poller.poll()
    found = desk.queued()
    await consume(desk, Broken(desk), [*found, hint(desk, item)])
    assert desk.row(item)
    (parked,) = desk.bus.sent[PARKED]
    assert parked.properties["reason"] == "KeyError: 'nobody knows'"


async def test_nothing_is_lost_while_the_broker_is_down(desk: Desk, graph: Asked) -> None:
    item = await desk.add("Offer")
    desk.bus.down = True
    with pytest.raises(Transient):
        await consume(desk, graph, [hint(desk, item)])
    desk.bus.down = False
    await consume(desk, graph, [hint(desk, item)])
    assert [one.item for one in desk.queued()] == [item]


@pytest.mark.parametrize("person", [0, 2], ids=["suspended", "never enrolled"])
async def test_a_mailbox_that_does_not_sync_is_not_asked(
    desk: Desk, graph: Asked, person: int
) -> None:
    item = await desk.add("Offer", person)
    path = f"tether_mailboxes({desk.mailbox()})"
    desk.dataverse.write("PATCH", path, {"tether_state": 2})
    await consume(desk, graph, [hint(desk, item, person)])
    assert not graph.deltas()
    assert not desk.queued()


async def test_a_notification_about_a_task_is_genuine_by_its_seal_and_names_no_list(
    desk: Desk,
) -> None:
    keys = ClientStateKeys("tenant", KEYS)
    item = await desk.add("Offer")
    _, task = list_and_task(item)
    entry = {
        "subscriptionId": "b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01",
        "changeType": "created",
        "clientState": keys.seal(Subject(desk.mailbox(), Kind.TASKS)),
        "tenantId": "tenant",
        "resource": f"Users/{desk.mailbox()}/Tasks/{task}",
        "resourceData": {"id": task, "@odata.etag": 'W/"1"'},
    }
    (change,) = changes_in([entry], keys, tenant="tenant", now=desk.now).genuine
    assert (change.kind, change.mailbox, change.item) == (Kind.TASKS, desk.mailbox(), task)


class Broken(Asked):
    """A Graph that fails in a way nobody knows where delta is asked for."""

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        if any("/delta" in one.url for one in requests):
            raise KeyError("nobody knows")
        return await super().batch(requests)
