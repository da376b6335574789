"""What polling finds, and that nothing is lost or written for nothing when something fails."""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.changes import Hint
from shared.dataverse.links import LinkState
from shared.errors import Transient
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.tasks import item_of
from shared.identifiers import ItemId
from tests.unit.app.desk import MARKED, NOW, Desk

TASKS_DELTA = "GET /users/{id}/todo/lists/{id}/tasks/delta"
LISTS_DELTA = "GET /users/{id}/todo/lists/delta"
BATCH = "POST /$batch"
MINUTE = timedelta(minutes=1)


def links(desk: Desk, person: int = 0) -> dict[str, str]:
    row = desk.dataverse.rows("tether_mailbox")[desk.mailbox(person)]
    known: dict[str, str] = json.loads(row.get("tether_taskdelta") or "{}")
    return known


def found(desk: Desk) -> dict[ItemId, Hint]:
    return {change.item: change.hint for change in desk.queued()}


def before(desk: Desk) -> int:
    """Return how many mailboxes are asked about before the first person's."""
    return int(desk.mailbox(1) < desk.mailbox(0))


async def test_the_first_round_tells_of_marked_tasks_in_every_list_and_mailbox(desk: Desk) -> None:
    errands = await desk.add_list("Errands")
    told = [await desk.add("Offer"), await desk.add("Errand", in_list=errands)]
    told.append(await desk.add("Of another", person=1))
    await desk.add("Private", categories=[])
    await desk.poller.poll()
    assert found(desk) == dict.fromkeys(told, Hint.UPDATED)
    assert links(desk).keys() == {"lists", await desk.default_list(), errands}
    assert all(links(desk).values())


async def test_later_rounds_tell_what_came_changed_and_went(desk: Desk) -> None:
    changed, gone = await desk.add("One"), await desk.add("Two")
    unmarked = await desk.add("Three")
    await desk.sync()
    await desk.change(changed, title="Uno")
    await desk.change(unmarked, categories=[])
    await desk.delete(gone)
    come = await desk.add("Four", in_list=await desk.add_list("Errands"))
    await desk.poller.poll()
    assert found(desk) == {
        changed: Hint.UPDATED,
        unmarked: Hint.UPDATED,
        gone: Hint.DELETED,
        come: Hint.UPDATED,
    }


async def test_where_nothing_changed_each_list_costs_a_request_and_nothing_is_written(
    desk: Desk,
) -> None:
    await desk.add_list("Errands")
    await desk.add("Offer")
    await desk.sync()
    row = desk.dataverse.rows("tether_mailbox")[desk.mailbox()]
    watched = Watched(desk)
    await desk.polling(graph=watched).poll()
    assert not desk.queued()
    # Two mailboxes: their lists, the list everybody has, and one more; in one round trip.
    assert [len(requests) for requests in watched.asked] == [5]
    assert desk.dataverse.rows("tether_mailbox")[desk.mailbox()] == row


async def test_pages_are_followed(desk: Desk) -> None:
    told = [await desk.add(f"Task {n}") for n in range(450)]
    watched = Watched(desk)
    await desk.polling(graph=watched).poll()
    assert found(desk).keys() == set(told)
    assert len(watched.asked) == 4  # the lists, then three pages


async def test_a_change_told_twice_is_the_same_message(desk: Desk) -> None:
    await desk.add("Offer")
    refusing = Refusing(desk)
    for _ in range(2):
        await desk.polling(dataverse=refusing).poll()
    first, second = desk.bus.sent["tasks"]
    assert first.id == second.id


async def test_nothing_is_lost_while_the_broker_is_down(desk: Desk) -> None:
    await desk.sync()
    before = links(desk)
    item = await desk.add("Offer")
    desk.bus.down = True
    with pytest.raises(Transient):
        await desk.poller.poll()
    assert links(desk) == before
    desk.bus.down = False
    await desk.poller.poll()
    assert found(desk) == {item: Hint.UPDATED}
    assert links(desk) != before


async def test_links_advance_only_after_the_changes_are_on_the_queue(desk: Desk) -> None:
    item = await desk.add("Offer")
    refusing = Refusing(desk)
    await desk.polling(dataverse=refusing).poll()
    assert refusing.queued_when_written == [1]
    assert not links(desk)
    assert found(desk) == {item: Hint.UPDATED}
    await desk.poller.poll()
    assert found(desk) == {item: Hint.UPDATED}


@pytest.mark.parametrize("status", [403, 429, 500, 503])
@pytest.mark.parametrize("operation", [TASKS_DELTA, LISTS_DELTA, BATCH])
@pytest.mark.parametrize("first", [True, False])
async def test_nothing_is_lost_when_graph_refuses(
    desk: Desk, operation: str, status: int, *, first: bool
) -> None:
    if not first:
        await desk.sync()
    item = await desk.add("Offer")
    other = await desk.add("Of another", person=1)
    desk.fault("graph", operation, status)
    await desk.poller.poll()
    told = desk.queued()
    desk.no_fault()
    await desk.poller.poll()
    told += desk.queued()
    assert {change.item for change in told} == {item, other}


async def test_a_mailbox_that_fails_stops_no_other_and_is_named(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.sync()
    await desk.add("Offer")
    other = await desk.add("Of another", person=1)
    desk.fault("graph", TASKS_DELTA, 429, skip=before(desk), retry_after=600)
    with caplog.at_level(logging.WARNING, "tether.polling"):
        await desk.poller.poll()
    assert found(desk) == {other: Hint.UPDATED}
    (told,) = caplog.messages
    assert desk.mailbox() in told
    assert "429" in told


async def test_graph_is_left_alone_for_as_long_as_it_wishes(desk: Desk) -> None:
    await desk.sync()
    item = await desk.add("Offer")
    desk.fault("graph", TASKS_DELTA, 429, skip=before(desk), retry_after=90)
    for after, expected in ((0, {}), (60, {}), (91, {item: Hint.UPDATED})):
        desk.now = NOW + timedelta(seconds=after)
        await desk.poller.poll()
        assert found(desk) == expected


@pytest.mark.parametrize(
    ("status", "code"),
    [(410, "SyncStateNotFound"), (400, "syncStateInvalid"), (404, "ResyncRequired"), (410, None)],
)
async def test_a_list_graph_has_forgotten_is_walked_afresh_and_what_went_meanwhile_is_told(
    desk: Desk, status: int, code: str | None
) -> None:
    tracked, gone, unmarked = [await desk.add(f"Task {n}") for n in range(3)]
    await desk.sync()
    await desk.delete(gone)
    await desk.change(unmarked, categories=[])
    desk.fault("graph", TASKS_DELTA, status, code=code, skip=before(desk))
    await desk.sync()
    assert desk.row(gone) is None
    assert desk.link(gone)["tether_state"] == LinkState.REMOVED
    assert desk.link(unmarked)["tether_state"] == LinkState.REMOVED
    assert desk.link(tracked)["tether_state"] == LinkState.TRACKED
    assert all(links(desk).values())


async def test_a_list_forgotten_and_then_refused_is_walked_by_the_next_round(desk: Desk) -> None:
    await desk.sync()
    item = await desk.add("Offer")
    desk.fault("graph", TASKS_DELTA, 410, times=4)  # both mailboxes, twice
    await desk.poller.poll()
    assert not found(desk)
    assert links(desk)[await desk.default_list()] == ""
    desk.no_fault()
    await desk.poller.poll()
    assert found(desk) == {item: Hint.UPDATED}


async def test_lists_graph_has_forgotten_are_looked_at_afresh(desk: Desk) -> None:
    errands = await desk.add_list("Errands")
    gone = await desk.add("Errand", in_list=errands)
    await desk.sync()
    await desk.remove_list(errands)
    come = await desk.add("Chore", in_list=await desk.add_list("Chores"))
    desk.fault("graph", LISTS_DELTA, 410, skip=before(desk))
    await desk.sync()
    assert desk.row(gone) is None
    assert desk.row(come)
    assert errands not in links(desk)


async def test_a_list_graph_denies_without_saying_that_it_is_gone_is_asked_for_again(
    desk: Desk,
) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    await desk.change(item, title="The offer")
    desk.fault("graph", TASKS_DELTA, 404, skip=before(desk))
    await desk.poller.poll()
    assert found(desk) == {item: Hint.UPDATED}  # it is tracked, so it is looked at
    assert links(desk) == {"lists": ""}
    await desk.poller.poll()
    assert found(desk) == {item: Hint.UPDATED}
    assert all(links(desk).values())


@pytest.mark.parametrize("nonsense", ["{", "[]", '{"lists": 3}', "null"])
async def test_a_row_edited_into_nonsense_is_walked_afresh(desk: Desk, nonsense: str) -> None:
    errands = await desk.add_list("Errands")
    gone = await desk.add("Errand", in_list=errands)
    item = await desk.add("Offer")
    await desk.sync()
    path = f"tether_mailboxes({desk.mailbox()})"
    desk.dataverse.write("PATCH", path, {"tether_taskdelta": nonsense})
    await desk.remove_list(errands)
    await desk.change(item, title="The offer")
    await desk.sync()
    row = desk.row(item)
    assert row
    assert row["subject"] == "The offer"
    assert desk.row(gone) is None


async def test_a_suspended_mailbox_is_not_polled_and_goes_on_where_it_was(desk: Desk) -> None:
    item = await desk.add("Offer")
    await desk.sync()
    path = f"tether_mailboxes({desk.mailbox()})"
    desk.dataverse.write("PATCH", path, {"tether_state": 2})
    await desk.delete(item)
    await desk.sync()
    assert desk.row(item)
    desk.dataverse.write("PATCH", path, {"tether_state": 1})
    await desk.sync()
    assert desk.row(item) is None


async def test_what_dynamics_does_not_say_is_asked_again(desk: Desk) -> None:
    errands = await desk.add_list("Errands")
    gone = await desk.add("Errand", in_list=errands)
    await desk.sync()
    await desk.remove_list(errands)
    desk.fault("dataverse", "GET tether_links", 503)
    await desk.sync()
    assert errands in links(desk)
    await desk.sync()
    assert desk.row(gone) is None


async def test_a_page_nobody_can_read_concerns_its_list_alone(desk: Desk) -> None:
    errands = await desk.add_list("Errands")
    await desk.sync()
    item = await desk.add("Errand", in_list=errands)
    await desk.polling(graph=Babbling(desk, await desk.default_list())).poll()
    assert found(desk) == {item: Hint.UPDATED}


@pytest.mark.parametrize("said", [{"wellknownListName": "flaggedEmails"}, {"isOwner": False}])
async def test_flagged_mail_and_what_others_share_are_not_looked_at(
    desk: Desk, said: dict[str, object]
) -> None:
    errands = await desk.add_list("Errands")
    await desk.add("Errand", in_list=errands)
    item = await desk.add("Offer")
    await desk.polling(graph=Describing(desk, errands, said)).poll()
    assert found(desk) == {item: Hint.UPDATED}
    assert errands not in links(desk)


async def test_an_item_s_name_holds_its_list(desk: Desk) -> None:
    item = await desk.add("Offer")
    list_id = await desk.default_list()
    assert item == item_of(list_id, item.removeprefix(f"{list_id}/"))
    await desk.change(item, categories=MARKED)


class Watched:
    """A Graph that notes what it is asked."""

    def __init__(self, desk: Desk) -> None:
        self._graph = desk.graph
        self.asked: list[list[GraphRequest]] = []

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        self.asked.append(list(requests))
        return await self._graph.batch(requests)


class Babbling(Watched):
    """A Graph that shows the changes of one list in a shape nobody knows."""

    def __init__(self, desk: Desk, list_id: str) -> None:
        super().__init__(desk)
        self._list_id = list_id

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        answers = await super().batch(requests)
        return [
            GraphResponse(200, {"value": [{"name": "?"}]}) if self._list_id in asked.url else answer
            for asked, answer in zip(requests, answers, strict=True)
        ]


class Describing(Watched):
    """A Graph that says something else of one list."""

    def __init__(self, desk: Desk, list_id: str, said: dict[str, object]) -> None:
        super().__init__(desk)
        self._list_id = list_id
        self._said = said

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        answers = await super().batch(requests)
        for entry in (one for answer in answers for one in answer.body.get("value", ())):
            if entry["id"] == self._list_id:
                entry.update(self._said)
        return answers


class Refusing:
    """A Dataverse in which no delta link can be kept."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.queued_when_written: list[int] = []

    async def batch(self, parts: Any) -> Any:  # noqa: ANN401 - as Dataverse's own
        if any("tether_taskdelta" in (getattr(part, "body", None) or {}) for part in parts):
            self.queued_when_written.append(len(self._desk.bus.sent["tasks"]))
            self._desk.fault("dataverse", "PATCH tether_mailboxes", 503, times=None)
        try:
            return await self._desk.dataverse.batch(parts)
        finally:
            self._desk.no_fault()

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        return await self._desk.dataverse.read_all(path)
