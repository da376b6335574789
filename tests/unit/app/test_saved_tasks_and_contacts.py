"""Tasks and contacts that sellers save and remove by the API."""

from typing import Any
from uuid import UUID

import pytest

from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import Kind
from shared.tracking.contract import State
from shared.tracking.problems import Refusal
from tests.unit.app.addressbook import AddressBook
from tests.unit.app.desk import Desk
from tests.unit.app.front_desk import FrontDesk
from tests.unit.app.sides import Ground

ACCOUNT = "00000000-0000-4000-8000-00000000ac02"
ABOUT = {"regarding": {"table": "account", "id": UUID(ACCOUNT)}}
DAILY: dict[str, Any] = {
    "dueDateTime": {"dateTime": "2026-11-10T00:00:00", "timeZone": "UTC"},
    "recurrence": {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "noEnd", "startDate": "2026-11-10"},
    },
}


@pytest.fixture
def tasks(desk: Desk) -> FrontDesk:
    desk.dataverse.write("POST", "accounts", {"accountid": ACCOUNT, "name": "Contoso"})
    return FrontDesk(Kind.TASKS, desk.graph, desk.dataverse, desk.reconciler)


@pytest.fixture
async def book(ground: Ground) -> AddressBook:
    return await AddressBook(ground).open()


@pytest.fixture
def contacts(book: AddressBook) -> FrontDesk:
    return FrontDesk(Kind.CONTACTS, book.graph, book.dataverse, book.reconciler)


async def test_a_task_is_saved_about_something_and_removed(desk: Desk, tasks: FrontDesk) -> None:
    item = await desk.add("Offer", categories=[])
    assert (await tasks.save(0, item, **ABOUT)).state is State.SAVING
    await desk.reconciler.reconcile(tasks.queued())
    row = desk.row(item)
    assert row
    assert row["regardingobjectid"]["id"] == ACCOUNT
    assert await desk.categories(item) == [TRACKED_CATEGORY]
    status = await tasks.status(0, item)
    assert status
    assert status.activity
    assert (status.state, status.activity.table) == (State.SAVED, "task")
    await tasks.save(0, item, regarding=None)
    await desk.reconciler.reconcile(tasks.queued())
    row = desk.row(item)
    assert row
    assert row["regardingobjectid"] is None
    await tasks.remove(0, item)
    await desk.reconciler.reconcile(tasks.queued())
    assert desk.row(item) is None
    assert await desk.categories(item) == []
    status = await tasks.status(0, item)
    assert status
    assert status.state is State.REMOVED


async def test_a_recurring_task_is_ignored_and_cannot_be_saved(
    desk: Desk, tasks: FrontDesk
) -> None:
    item = await desk.add("Stand-up", categories=[], **DAILY)
    status = await tasks.status(0, item)
    assert status
    assert (status.state, status.why) == (State.IGNORED, "a recurring task is never in Dynamics")
    with pytest.raises(Refusal, match="kept-out-by-rule"):
        await tasks.save(0, item)


async def test_a_contact_is_saved_and_removed_but_its_row_never_deleted(
    book: AddressBook, contacts: FrontDesk
) -> None:
    change = await book.add()
    assert (await contacts.save(0, change.item)).state is State.SAVING
    await book.tell(*contacts.queued())
    (key,) = book.dataverse.rows("contact")
    status = await contacts.status(0, change.item)
    assert status
    assert status.activity
    assert (status.state, status.activity.table) == (State.SAVED, "contact")
    assert str(status.activity.id) == key
    await contacts.remove(0, change.item)
    await book.tell(*contacts.queued())
    assert list(book.dataverse.rows("contact")) == [key]
    status = await contacts.status(0, change.item)
    assert status
    assert status.state is State.REMOVED


async def test_a_contact_is_about_nothing(book: AddressBook, contacts: FrontDesk) -> None:
    change = await book.add()
    with pytest.raises(Refusal, match="regarding-not-possible"):
        await contacts.save(0, change.item, **ABOUT)
