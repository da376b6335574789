"""A contact that a seller has saved is a row in Dynamics, and is kept in step with it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from shared.changes import Change
from shared.dataverse.batch import ChangeSet, Operation, Response
from shared.dataverse.client import Dataverse
from shared.dataverse.links import LinkState
from shared.dataverse.mailboxes import MailboxState
from shared.graph.client import Graph, GraphRequest, GraphResponse
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.messages import Folder
from shared.identifiers import contact_id_of
from shared.sync.contacts.decide import INACTIVE
from shared.sync.plan import Ignore, Keep, Track, Unlink
from tests.unit.app.addressbook import CASEY, AddressBook
from tests.unit.app.sides import Ground


@pytest.fixture
async def book(ground: Ground) -> AddressBook:
    return await AddressBook(ground).open()


class Slow:
    """A Graph that is slow to answer the first reads: `meanwhile` happens before it does."""

    def __init__(self, graph: Graph, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._graph = graph
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        answers = await self._graph.batch(requests)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            await meanwhile()
        return answers


class CountedGraph:
    """A Graph whose round trips are counted, and their methods noted."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.trips = 0
        self.methods: set[str] = set()

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        self.trips += bool(requests)
        self.methods |= {request.method for request in requests}
        return await self._graph.batch(requests)


class CountedDataverse:
    """A Dataverse whose round trips are counted."""

    def __init__(self, dataverse: Dataverse) -> None:
        self._dataverse = dataverse
        self.trips = 0

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        self.trips += bool(parts)
        return await self._dataverse.batch(parts)

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        self.trips += 1
        return await self._dataverse.read_all(path)


async def test_a_saved_contact_becomes_a_row_of_its_seller_s(book: AddressBook) -> None:
    change = await book.saved(
        middleName="Q.", jobTitle="Buyer", businessPhones=["1", "2"], homePhones=["3", "4"],
        mobilePhone="5", birthday="1974-07-22T11:59:00Z", children=["Kim", "Lou"],
        businessAddress={"street": "1 Main\r\nFloor 2\r\nDoor 3\r\nLeft", "city": "Oslo"},
    )  # fmt: skip
    assert isinstance(await book.plan_of(change), Track)
    row, link = book.row(change), book.link(change)
    said = {
        "fullname": "Casey Q. Customer", "emailaddress1": CASEY, "jobtitle": "Buyer",
        "telephone1": "1", "business2": "2", "telephone2": "3", "home2": "4", "mobilephone": "5",
        "birthdate": "1974-07-22", "childrensnames": "Kim, Lou", "address1_line1": "1 Main",
        "address1_line2": "Floor 2", "address1_line3": "Door 3, Left", "address1_city": "Oslo",
    }  # fmt: skip
    assert {name: row.get(name) for name in said} == said
    assert row["contactid"] == contact_id_of(change.mailbox, change.item, CASEY.upper())
    assert row["ownerid"]["id"] == book.people[0].systemuserid
    assert link["tether_name"] == "Casey Q. Customer"
    assert (link["tether_state"], link["tether_reason"]) == (LinkState.TRACKED, 1)
    assert link["tether_trackedon"]


async def test_what_no_seller_saved_is_left_alone_even_with_the_category(book: AddressBook) -> None:
    change = await book.add(categories=[TRACKED_CATEGORY])
    assert await book.plan_of(change) == Ignore("no seller has saved it")
    assert not book.dataverse.rows("contact")
    assert not book.dataverse.rows("tether_link")


async def test_only_what_changed_in_outlook_is_written(book: AddressBook) -> None:
    change = await book.saved(jobTitle="Buyer", department="East")
    await book.tell(change)
    book.amend(change, department="West", nickname="Cas")
    await book.tell(await book.edit(change, jobTitle="Boss", surname="Chief"))
    row = book.row(change)
    assert (row["jobtitle"], row["department"], row["nickname"]) == ("Boss", "West", "Cas")
    assert book.link(change)["tether_name"] == "Casey Chief"
    await book.tell(await book.edit(change, department=None))
    assert book.row(change)["department"] is None


async def test_told_again_nothing_is_written_and_what_dynamics_says_stays(
    book: AddressBook,
) -> None:
    change = await book.saved(jobTitle="Buyer")
    await book.tell(change)
    book.amend(change, jobtitle="Chief Buyer")
    before = book.versions()
    assert isinstance(await book.plan_of(book.again(change)), Keep)
    assert book.versions() == before
    assert isinstance(await book.plan_of(await book.edit(change, categories=["Blue"])), Keep)
    assert book.row(change)["jobtitle"] == "Chief Buyer"


async def test_what_the_row_says_already_is_not_written(book: AddressBook) -> None:
    change = await book.saved(jobTitle="Buyer")
    await book.tell(change)
    book.amend(change, jobtitle="Boss")
    version = book.row(change)["versionnumber"]
    await book.tell(await book.edit(change, jobTitle="Boss"))
    assert book.row(change)["versionnumber"] == version
    book.amend(change, jobtitle="Chief")
    await book.tell(book.again(change))
    assert book.row(change)["jobtitle"] == "Chief"


async def test_a_row_deleted_in_dynamics_is_not_made_again_until_saved_again(
    book: AddressBook,
) -> None:
    change = await book.saved()
    await book.tell(change)
    key = book.row(change)["contactid"]
    book.dataverse.write("DELETE", f"contacts({key})")
    change = await book.edit(change, jobTitle="Boss")
    plan = await book.plan_of(change)
    assert isinstance(plan, Unlink)
    assert plan.why == "the contact was deleted in Dynamics"
    assert book.link(change)["tether_state"] == LinkState.REMOVED
    assert book.link(change)["tether_detail"] == plan.why
    assert isinstance(await book.plan_of(await book.edit(change, jobTitle="Chief")), Ignore)
    assert not book.dataverse.rows("contact")
    book.save(change)
    await book.tell(book.again(change))
    assert book.row(change)["jobtitle"] == "Chief"
    assert book.link(change)["tether_detail"] is None


@pytest.mark.parametrize("pending", [True, False])
async def test_deleted_in_outlook_it_is_unlinked_and_its_row_stays(
    book: AddressBook, *, pending: bool
) -> None:
    change = await book.saved()
    if not pending:
        await book.tell(change)
    assert isinstance(await book.plan_of(await book.delete(change)), Unlink)
    assert book.link(change)["tether_detail"] == "deleted in Outlook"
    assert len(book.dataverse.rows("contact")) == (0 if pending else 1)
    assert await book.plan_of(book.again(change)) == Ignore("deleted in Outlook")


async def test_what_lies_in_deleted_items_counts_as_deleted(book: AddressBook) -> None:
    change = await book.saved()
    await book.tell(change)
    shown = await book.graph.do("GET", f"/users/{change.mailbox}/contacts/{change.item}")
    folders = {folder.value: folder.value for folder in Folder}
    folders[Folder.DELETED] = shown["parentFolderId"]
    path = f"tether_mailboxes({change.mailbox})"
    book.dataverse.write("PATCH", path, {"tether_folders": json.dumps(folders)})
    plan = await book.plan_of(book.again(change))
    assert isinstance(plan, Unlink)
    assert plan.why == "moved to Deleted Items"


async def test_in_a_suspended_mailbox_nothing_happens(book: AddressBook) -> None:
    change = await book.saved()
    path = f"tether_mailboxes({change.mailbox})"
    book.dataverse.write("PATCH", path, {"tether_state": MailboxState.SUSPENDED})
    assert isinstance(await book.plan_of(change), Ignore)
    assert not book.dataverse.rows("contact")


async def test_a_deactivated_row_is_not_written_until_it_is_active_again(
    book: AddressBook,
) -> None:
    change = await book.saved(jobTitle="Buyer")
    await book.tell(change)
    book.amend(change, statecode=1, statuscode=2)
    version = book.row(change)["versionnumber"]
    await book.tell(await book.edit(change, jobTitle="Boss"))
    assert book.row(change)["versionnumber"] == version
    link = book.link(change)
    assert (link["tether_state"], link["tether_detail"]) == (LinkState.TRACKED, INACTIVE)
    await book.tell(book.again(change))
    assert book.link(change)["versionnumber"] == link["versionnumber"]
    book.amend(change, statecode=0, statuscode=1)
    await book.tell(book.again(change))
    assert book.row(change)["jobtitle"] == "Boss"
    assert book.link(change)["tether_detail"] is None


async def test_what_dynamics_refuses_says_so_and_is_tried_again_with_the_next_change(
    book: AddressBook,
) -> None:
    change = await book.saved()
    book.fault("dataverse", "POST contacts", 400, code="0x80040203", message="wrong")
    (end,) = (await book.reconciler.reconcile([change])).impossible
    assert "wrong" in end.reason
    link = book.link(change)
    assert link["tether_state"] == LinkState.FAILED
    assert "wrong" in link["tether_detail"]
    assert isinstance(await book.plan_of(book.again(change)), Ignore)
    await book.tell(await book.edit(change, jobTitle="Boss"))
    assert book.row(change)["jobtitle"] == "Boss"
    assert book.link(change)["tether_detail"] is None


async def test_what_dynamics_refused_is_tried_again_when_replayed(book: AddressBook) -> None:
    change = await book.saved()
    book.fault("dataverse", "POST contacts", 400, code="0x80040203")
    await book.reconciler.reconcile([change])
    await book.tell(change.model_copy(update={"id": "replayed", "replays": 1}))
    assert book.row(change)["lastname"] == "Customer"


@pytest.mark.parametrize("operation", ["PATCH contacts", "PATCH tether_links"])
async def test_what_another_writer_got_to_first_is_looked_at_again_at_once(
    book: AddressBook, operation: str
) -> None:
    change = await book.saved()
    await book.tell(change)
    change = await book.edit(change, jobTitle="Boss")
    book.fault("dataverse", operation, 412, times=3)
    await book.tell(change)
    assert book.row(change)["jobtitle"] == "Boss"


async def test_a_contact_read_before_a_later_change_was_told_does_not_undo_it(
    book: AddressBook,
) -> None:
    change = await book.saved(jobTitle="Buyer")
    await book.tell(change)
    change = await book.edit(change, jobTitle="Boss")

    async def meanwhile() -> None:
        later = await book.edit(change, jobTitle="Chief")
        await book.tell(later)

    slow = Slow(book.graph, meanwhile)
    outcome = await book.instance(graph=slow).reconcile([change])
    assert not outcome.failed
    assert book.row(change)["jobtitle"] == "Chief"


async def test_two_changes_in_one_second_get_a_later_look(book: AddressBook) -> None:
    change = await book.saved(jobTitle="Buyer")
    await book.tell(change)
    change = await book.edit(change, jobTitle="Boss")
    shown = await book.graph.do("GET", f"/users/{change.mailbox}/contacts/{change.item}")
    key = book.link(change)["tether_linkid"]
    moment = {"tether_itemmodifiedon": shown["lastModifiedDateTime"]}
    book.dataverse.write("PATCH", f"tether_links({key})", moment)
    outcome = await book.tell(change)
    assert [look.change.item for look in outcome.look_again] == [change.item]
    assert not (await book.tell(outcome.look_again[0].change)).look_again


@pytest.mark.parametrize("nonsense", ["{", "[]", '{"account": 5}', '{"fields": 3}'])
async def test_what_somebody_made_of_a_link_s_memory_is_healed(
    book: AddressBook, nonsense: str
) -> None:
    change = await book.saved(jobTitle="Buyer")
    await book.tell(change)
    before = book.link(change)
    path = f"tether_links({before['tether_linkid']})"
    book.dataverse.write("PATCH", path, {"tether_told": nonsense})
    await book.tell(book.again(change))
    assert book.link(change)["tether_told"] == before["tether_told"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"emailAddresses": "casey@customer.example"},
        {"jobTitle": 7},
        {"businessPhones": [None]},
        {"businessAddress": ["Oslo"]},
        {"birthday": "some day"},
        {"birthday": "1974-07-22T00:00:00"},
        {"lastModifiedDateTime": None},
    ],
)
async def test_a_shape_nobody_knows_is_refused_alone(
    book: AddressBook, wrong: dict[str, Any]
) -> None:
    strange, plain = await book.saved(), await book.saved(person=1)

    class Strange:
        async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
            answers = await book.graph.batch(requests)
            return [
                GraphResponse(200, {**answer.body, **wrong}, None)
                if answer.body["id"] == strange.item
                else answer
                for answer in answers
            ]

    outcome = await book.instance(graph=Strange()).reconcile([strange, plain])
    (end,) = outcome.impossible
    assert "the contact in a shape nobody knows" in end.reason
    assert len(book.dataverse.rows("contact")) == 1


async def test_what_a_contact_costs(book: AddressBook) -> None:
    graph, dataverse = CountedGraph(book.graph), CountedDataverse(book.dataverse)
    instance = book.instance(graph=graph, dataverse=dataverse)

    async def cost(*changes: Change) -> tuple[int, int]:
        graph.trips = dataverse.trips = 0
        outcome = await instance.reconcile(changes)
        assert len(outcome.settled) == len(changes)
        return graph.trips, dataverse.trips

    await instance.reconcile([await book.add()])  # whose mailbox it is was asked for
    first = await book.saved(givenName="New", emailAddresses=[{"address": "new@customer.example"}])
    untracked = await book.add(givenName="Private")
    assert await cost(untracked) == (1, 1)
    assert await cost(first) == (1, 2)
    assert await cost(book.again(first)) == (1, 1)
    changed = await book.edit(first, jobTitle="Boss")
    assert await cost(changed) == (1, 2)
    more = [
        await book.saved(emailAddresses=[{"address": f"{n}@customer.example"}]) for n in range(20)
    ]
    assert await cost(*more) == (1, 2)
    assert graph.methods == {"GET"}  # Contacts.Read is enough


async def test_a_refused_write_loses_nothing(book: AddressBook) -> None:
    change = await book.saved()

    class Cut:
        """A Dataverse whose answer to the first write is lost."""

        lost = False

        async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
            answers = await book.dataverse.batch(parts)
            if not self.lost and any(isinstance(part, ChangeSet) for part in parts):
                self.lost = True
                return [Response(503, {}, 1.0) for _ in parts]
            return answers

        async def read_all(self, path: str) -> list[dict[str, Any]]:
            return await book.dataverse.read_all(path)

    cut = book.instance(dataverse=Cut())
    assert len((await cut.reconcile([change])).failed) == 1
    before = book.versions()
    await book.tell(book.again(change))
    assert book.versions() == before


async def test_a_link_that_names_a_row_already_is_tied_to_that_one(book: AddressBook) -> None:
    known = book.known(lastname="Other", emailaddress1="other@customer.example", jobtitle="Old")
    change = await book.saved(jobTitle="New")
    link = book.link(change)["tether_linkid"]
    bound = {"tether_ContactId@odata.bind": f"contacts({known})"}
    book.dataverse.write("PATCH", f"tether_links({link})", bound)
    await book.tell(change)
    assert book.row(change)["contactid"] == known
    assert book.row(change)["jobtitle"] == "New"
    assert book.link(change)["tether_trackedon"]
