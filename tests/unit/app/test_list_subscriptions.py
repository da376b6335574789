"""Subscriptions to To Do lists: who gets one, until when, and that nothing hangs on them."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.client_state import ClientStateKeys, Subject
from shared.graph.subscriptions import LIST_LIFETIME, TaskList, create_subscription
from shared.identifiers import Kind, MailboxId
from tests.unit.app.desk import KEYS, NOW, Desk
from tests.unit.app.watching import NEW_KEY, WatchedGraph

MINUTE = timedelta(minutes=1)
SEALED = ClientStateKeys("tenant", KEYS)


class WatchableTodo:
    """A Graph whose lists can be subscribed to; what is asked of it but for delta is kept."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.watched = WatchedGraph(lambda: desk.now)

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        about = [one for one in requests if one.url.startswith("/subscriptions")]
        others = [one for one in requests if one not in about]
        answers = [*await self.watched.batch(about), *await self._desk.graph.batch(others)]
        found = dict(zip(map(id, [*about, *others]), answers, strict=True))
        return [found[id(one)] for one in requests]

    def asked(self) -> list[str]:
        """Take the methods of what has been asked about subscriptions."""
        asked = [url.partition(" ")[0] for url in self.watched.urls()]
        self.watched.asked.clear()
        return asked

    def of(self, mailbox: MailboxId) -> dict[str, dict[str, Any]]:
        """Return a mailbox's subscriptions by list."""
        found = {}
        for one in self.watched.subscriptions.values():
            _, user, _, _, list_id, _ = one["resource"].split("/")
            if user == mailbox:
                found[list_id] = one
        return found


@pytest.fixture
def todo(desk: Desk) -> WatchableTodo:
    return WatchableTodo(desk)


def kept(desk: Desk, person: int = 0) -> dict[str, dict[str, str]]:
    row = desk.dataverse.rows("tether_mailbox")[desk.mailbox(person)]
    found: dict[str, dict[str, str]] = json.loads(row.get("tether_tasksubscriptions") or "{}")
    return found


async def poll(desk: Desk, todo: WatchableTodo, *, on: bool = True) -> list[str]:
    """Make a pass, and return what was asked about subscriptions."""
    await desk.polling(graph=todo, subscriptions=on).poll()
    return todo.asked()


def test_a_list_is_subscribed_to_for_as_long_as_graph_takes_it_without_a_lifecycle_url() -> None:
    request = create_subscription(
        TaskList(MailboxId("m"), "AAMk="),
        webhook_base_url="https://tether.example",
        client_state="sealed",
        expires=NOW + LIST_LIFETIME,
    )
    assert timedelta(minutes=4_230) > LIST_LIFETIME
    assert request.body == {
        "changeType": "created,updated,deleted",
        "notificationUrl": "https://tether.example/api/graph/notifications",
        "resource": "users/m/todo/lists/AAMk=/tasks",
        "expirationDateTime": "2026-11-05T06:00:00Z",
        "clientState": "sealed",
        "latestSupportedTlsVersion": "v1_2",
    }


async def test_every_polled_list_gets_one_sealed_for_its_mailbox_and_later_polls_ask_nothing(
    desk: Desk, todo: WatchableTodo
) -> None:
    errands = await desk.add_list("Errands")
    assert await poll(desk, todo) == ["POST"] * 3
    for person, lists in ((0, {await desk.default_list(), errands}), (1, None)):
        made = todo.of(desk.mailbox(person))
        assert made.keys() == (lists or {await desk.default_list(1)})
        assert {name: one["id"] for name, one in kept(desk, person).items()} == {
            name: one["id"] for name, one in made.items()
        }
        for one in made.values():
            subject = Subject(desk.mailbox(person), Kind.TASKS)
            assert SEALED.open(one["clientState"]) == subject
    assert await poll(desk, todo) == []


async def test_without_the_option_nothing_is_asked_or_written(
    desk: Desk, todo: WatchableTodo
) -> None:
    await desk.add("Offer")
    assert await poll(desk, todo, on=False) == []
    row = desk.dataverse.rows("tether_mailbox")[desk.mailbox()]
    assert row.get("tether_tasksubscriptions") is None


async def test_a_new_list_gets_one_and_one_that_is_gone_loses_it(
    desk: Desk, todo: WatchableTodo
) -> None:
    errands = await desk.add_list("Errands")
    await poll(desk, todo)
    await desk.remove_list(errands)
    chores = await desk.add_list("Chores")
    assert await poll(desk, todo) == ["DELETE", "POST"]
    assert todo.of(desk.mailbox()).keys() == {await desk.default_list(), chores}
    assert kept(desk).keys() == {await desk.default_list(), chores}


@pytest.mark.parametrize(("after", "asked"), [(0, []), (1, ["PATCH"] * 2)])
async def test_it_is_extended_once_half_its_life_is_over(
    desk: Desk, todo: WatchableTodo, after: int, asked: list[str]
) -> None:
    await poll(desk, todo)
    desk.now += LIST_LIFETIME / 2 + timedelta(seconds=after)
    assert await poll(desk, todo) == asked
    (one,) = kept(desk).values()
    since = desk.now if asked else NOW
    assert datetime.fromisoformat(one["expires"]) == since + LIST_LIFETIME


@pytest.mark.parametrize("how", ["vanished", "expired"])
async def test_one_that_is_gone_is_made_anew_and_nothing_is_lost(
    desk: Desk, todo: WatchableTodo, how: str
) -> None:
    await poll(desk, todo)
    item = await desk.add("Offer")
    if how == "vanished":
        todo.watched.subscriptions.clear()
        desk.now += LIST_LIFETIME / 2 + MINUTE
    else:
        desk.now += LIST_LIFETIME
    assert "POST" in await poll(desk, todo)
    (anew,) = todo.of(desk.mailbox()).values()
    assert kept(desk)[await desk.default_list()]["id"] == anew["id"]
    assert {change.item for change in desk.queued()} == {item}


async def test_one_nobody_noted_is_adopted(desk: Desk, todo: WatchableTodo) -> None:
    await poll(desk, todo)
    made = kept(desk)
    for nonsense in (None, "{", "[]", '{"a": 1}', '{"a": {"id": "b"}}'):
        path = f"tether_mailboxes({desk.mailbox()})"
        desk.dataverse.write("PATCH", path, {"tether_tasksubscriptions": nonsense})
        assert await poll(desk, todo) == ["POST", "GET", "PATCH"]
        assert kept(desk) == made


async def test_a_new_key_replaces_them_once(desk: Desk, todo: WatchableTodo) -> None:
    await poll(desk, todo)
    keys = {**NEW_KEY, **KEYS}
    await desk.polling(graph=todo, subscriptions=True, keys=keys).poll()
    assert sorted(set(todo.asked())) == ["DELETE", "GET", "POST"]
    (one,) = todo.of(desk.mailbox()).values()
    assert one["clientState"].startswith("k2.")
    await desk.polling(graph=todo, subscriptions=True, keys=keys).poll()
    assert todo.asked() == []


async def test_a_list_graph_refuses_stops_nothing_is_named_and_tried_again(
    desk: Desk, todo: WatchableTodo, caplog: pytest.LogCaptureFixture
) -> None:
    item = await desk.add("Offer")
    todo.watched.refused[Kind.TASKS] = 403
    with caplog.at_level(logging.WARNING, "tether.polling"):
        await poll(desk, todo)
    assert {change.item for change in desk.queued()} == {item}
    assert all(f"mailbox={desk.mailbox(person)}" in caplog.text for person in (0, 1))
    assert "Graph 403" in caplog.text
    assert not kept(desk)
    todo.watched.refused.clear()
    assert await poll(desk, todo) == ["POST"] * 2
    assert kept(desk)


async def test_a_list_is_not_taken_for_gone_where_graph_does_not_tell_the_lists(
    desk: Desk, todo: WatchableTodo
) -> None:
    await desk.add_list("Errands")
    await poll(desk, todo)
    made = kept(desk)
    desk.dataverse.write("PATCH", f"tether_mailboxes({desk.mailbox()})", {"tether_taskdelta": None})
    desk.fault("graph", "GET /users/{id}/todo/lists/delta", 503, times=2)
    assert await poll(desk, todo) == []
    assert kept(desk) == made


async def test_when_the_option_is_turned_off_they_end(desk: Desk, todo: WatchableTodo) -> None:
    await poll(desk, todo)
    assert await poll(desk, todo, on=False) == ["DELETE"] * 2
    assert not todo.watched.subscriptions
    assert not kept(desk)
    assert await poll(desk, todo, on=False) == []


async def test_those_of_a_suspended_mailbox_end_and_come_again_with_it(
    desk: Desk, todo: WatchableTodo
) -> None:
    await poll(desk, todo)
    path = f"tether_mailboxes({desk.mailbox()})"
    desk.dataverse.write("PATCH", path, {"tether_state": 2})
    assert await poll(desk, todo) == ["DELETE"]
    assert not todo.of(desk.mailbox())
    assert await poll(desk, todo) == []
    desk.dataverse.write("PATCH", path, {"tether_state": 1})
    assert await poll(desk, todo) == ["POST"]


async def test_one_that_graph_does_not_end_is_remembered(desk: Desk, todo: WatchableTodo) -> None:
    await poll(desk, todo)
    made = kept(desk)
    await desk.polling(graph=Undeletable(todo)).poll()
    assert kept(desk) == made
    todo.asked()
    assert await poll(desk, todo, on=False) == ["DELETE"] * 2


async def test_what_dynamics_does_not_take_is_adopted_the_next_time(
    desk: Desk, todo: WatchableTodo
) -> None:
    await poll(desk, todo, on=False)
    desk.fault("dataverse", "PATCH tether_mailboxes", 503, times=2)
    assert await poll(desk, todo) == ["POST"] * 2
    assert not kept(desk)
    assert sorted(set(await poll(desk, todo))) == ["GET", "PATCH", "POST"]
    assert kept(desk)[await desk.default_list()]["id"] in todo.watched.subscriptions


class Undeletable:
    """A Graph that ends no subscription."""

    def __init__(self, todo: WatchableTodo) -> None:
        self._todo = todo

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        if any(one.method == "DELETE" for one in requests):
            return [GraphResponse(503)] * len(requests)
        return await self._todo.batch(requests)
