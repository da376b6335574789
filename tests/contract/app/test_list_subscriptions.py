"""Subscriptions to To Do lists over the wire, by the sandbox's clock."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from sandbox.store import Document
from shared.changes import Change, Hint, decode
from shared.graph.client import GraphRequest
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.notifications import changes_in
from shared.graph.subscriptions import LIST_LIFETIME
from shared.identifiers import Kind
from shared.sync.list_watching import ListWatching
from shared.sync.polling import Poller
from shared.sync.subscribing import Subscriber
from tests.contract.app.enrolling import Enrolling, enrolling
from tests.unit.app.office import Queues

MINUTE = timedelta(minutes=1)


class Polling:
    """Two enrolled people whose tasks are polled, and subscribed to."""

    def __init__(self, office: Enrolling) -> None:
        self.office = office
        self.ada, self.grace = office.people
        self.bus = Queues()
        self.now = office.services.surroundings.clock.now

    def poller(self, *, on: bool = True) -> Poller:
        office = self.office
        subscriber = Subscriber(
            office.graph, office.keys, kinds=(), webhook_base_url=office.base_url, now=self.now
        )
        watching = ListWatching(office.dataverse, subscriber, self.now, on=on)
        return Poller(office.graph, office.dataverse, self.bus, watching, self.now)

    async def poll(self, *, on: bool = True) -> None:
        await self.poller(on=on).poll()

    def subscriptions(self, person: str) -> list[Document]:
        """Return the live subscriptions to a person's lists."""
        found = self.office.subscriptions(person)
        return [one for one in found if "/todo/" in one["resource"]]

    async def noted(self, person: str) -> list[str]:
        """Return the subscriptions that a person's row tells of."""
        row = await self.office.row(person)
        return [one["id"] for one in json.loads(row["tether_tasksubscriptions"] or "{}").values()]

    async def do(self, method: str, url: str, body: Document | None = None) -> Document:
        """Do what a person does in Outlook."""
        (answer,) = await self.office.graph.batch([GraphRequest(method, url, body=body)])
        assert answer.ok, answer.problem
        return answer.body

    async def add_list(self, person: str, name: str) -> None:
        await self.do("POST", f"/users/{person}/todo/lists", {"displayName": name})

    async def add(self, person: str, title: str) -> str:
        """Add a marked task, and return its immutable id."""
        lists = await self.do("GET", f"/users/{person}/todo/lists")
        url = f"/users/{person}/todo/lists/{quote(lists['value'][0]['id'], safe='')}/tasks"
        made = await self.do("POST", url, {"title": title, "categories": [TRACKED_CATEGORY]})
        return str(made["id"])

    def found(self) -> list[Change]:
        """Take what polling has put on the queue."""
        return [one for message in self.bus.sent.pop("tasks", []) for one in decode(message.body)]


@pytest.fixture
async def polling() -> AsyncIterator[Polling]:
    async with enrolling(2) as office:
        await office.enrolment.enrol_and_renew()
        yield Polling(office)


async def test_each_list_is_subscribed_to_and_a_new_task_is_told(polling: Polling) -> None:
    await polling.add_list(polling.ada, "Errands")
    await polling.poll()
    assert [len(polling.subscriptions(one)) for one in (polling.ada, polling.grace)] == [2, 1]
    polling.found()
    before = len(polling.office.webhook.entries)
    task = await polling.add(polling.ada, "Offer")
    (entry,) = (await polling.office.webhook.received(before + 1))[before:]
    tenant = polling.office.services.tenant.tenant_id
    (hint,) = changes_in([entry], polling.office.keys, tenant=tenant, now=polling.now()).genuine
    assert (hint.kind, hint.mailbox, hint.item) == (Kind.TASKS, polling.ada, task)
    assert not await polling.poller().visit([hint.mailbox])
    assert [(one.item.partition("/")[2], one.hint) for one in polling.found()] == [
        (task, Hint.UPDATED)
    ]


async def test_they_are_extended_at_half_of_their_life_and_not_before(polling: Polling) -> None:
    await polling.poll()
    (made,) = polling.subscriptions(polling.ada)
    polling.office.advance(LIST_LIFETIME / 2 - MINUTE)
    await polling.poll()
    assert polling.subscriptions(polling.ada) == [made]
    polling.office.advance(2 * MINUTE)
    await polling.poll()
    (longer,) = polling.subscriptions(polling.ada)
    assert longer["id"] == made["id"]
    ends = [datetime.fromisoformat(one["expirationDateTime"]) for one in (made, longer)]
    assert ends[1] - ends[0] >= LIST_LIFETIME / 2


@pytest.mark.parametrize("how", ["vanished", "expired"])
async def test_one_that_is_gone_is_made_anew_and_its_list_goes_on_where_it_was(
    polling: Polling, how: str
) -> None:
    await polling.poll()
    (made,) = polling.subscriptions(polling.ada)
    if how == "vanished":
        polling.office.services.graph.lifecycle.announce(made["id"], "subscriptionRemoved")
        polling.office.advance(LIST_LIFETIME / 2 + MINUTE)
    else:
        polling.office.advance(LIST_LIFETIME + MINUTE)
    assert not polling.subscriptions(polling.ada)
    task = await polling.add(polling.ada, "Offer")
    await polling.poll()
    (anew,) = polling.subscriptions(polling.ada)
    assert anew["id"] != made["id"]
    assert await polling.noted(polling.ada) == [anew["id"]]
    assert [one.item.partition("/")[2] for one in polling.found()] == [task]


async def test_one_nobody_noted_is_adopted(polling: Polling) -> None:
    await polling.poll()
    made = polling.subscriptions(polling.ada)
    polling.office.set_row(polling.ada, tether_tasksubscriptions=None)
    await polling.poll()
    assert [one["id"] for one in polling.subscriptions(polling.ada)] == [made[0]["id"]]
    assert await polling.noted(polling.ada) == [made[0]["id"]]


async def test_when_the_option_is_turned_off_they_end_and_polling_is_as_ever(
    polling: Polling,
) -> None:
    await polling.poll()
    await polling.poll(on=False)
    assert not polling.subscriptions(polling.ada)
    assert await polling.noted(polling.ada) == []
    polling.office.services.surroundings.stats.reset()
    await polling.poll(on=False)
    stats = polling.office.services.stats()
    assert stats["graph"]["requests"] == 1
    assert stats["graph"]["batched"] == {
        "GET /users/{id}/todo/lists/delta": 2,
        "GET /users/{id}/todo/lists/{id}/tasks/delta": 2,
    }
    assert stats["dataverse"]["requests"] == 1
    task = await polling.add(polling.ada, "Offer")
    await polling.poll(on=False)
    assert [one.item.partition("/")[2] for one in polling.found()] == [task]


async def test_those_of_a_mailbox_that_stops_being_ready_end(polling: Polling) -> None:
    await polling.poll()
    polling.office.set_mailbox(polling.ada, incomingemailstatus=2)
    await polling.office.enrolment.enrol_and_renew()
    await polling.poll()
    assert not polling.subscriptions(polling.ada)
    assert polling.subscriptions(polling.grace)
