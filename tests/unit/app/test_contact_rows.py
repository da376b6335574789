"""Which row in Dynamics a contact is tied to, and what becomes of its company."""

import asyncio

import pytest

from shared.changes import Change
from shared.identifiers import contact_id_of
from shared.sync.contacts.fields import FIELDS
from tests.unit.app.addressbook import CASEY, AddressBook
from tests.unit.app.sides import Ground


@pytest.fixture
async def book(ground: Ground) -> AddressBook:
    return await AddressBook(ground).open()


def owned_by(book: AddressBook, person: int) -> dict[str, object]:
    return {"ownerid@odata.bind": f"systemusers({book.people[person].systemuserid})"}


async def test_the_one_row_with_the_address_is_adopted(book: AddressBook) -> None:
    known = book.known(
        emailaddress1=CASEY.upper(), jobtitle="Old", department="East", **owned_by(book, 2)
    )
    change = await book.saved(jobTitle="New")
    await book.tell(change)
    row = book.row(change)
    assert row["contactid"] == known
    assert (row["lastname"], row["jobtitle"], row["department"]) == ("Customer", "New", "East")
    assert row["ownerid"]["id"] == book.people[2].systemuserid
    assert len(book.dataverse.rows("contact")) == 1


async def test_of_several_the_owner_s_own_is_adopted_then_the_oldest(book: AddressBook) -> None:
    oldest = book.known(emailaddress1=CASEY, **owned_by(book, 2))
    own = book.known(emailaddress1=CASEY, **owned_by(book, 0))
    rows = book.dataverse.organization.rows
    for key, created in ((oldest, "2020-01-01T00:00:00Z"), (own, "2024-01-01T00:00:00Z")):
        row = rows.get("contact", key)
        assert row is not None
        rows.put("contact", key, {**row, "createdon": created})
    mine, another_s = await book.saved(0), await book.saved(1)
    await book.tell(mine, another_s)
    assert book.row(mine)["contactid"] == own
    assert book.row(another_s)["contactid"] == oldest


async def test_a_row_out_of_use_is_not_adopted(book: AddressBook) -> None:
    known = book.known(emailaddress1=CASEY)
    book.dataverse.write("PATCH", f"contacts({known})", {"statecode": 1, "statuscode": 2})
    change = await book.saved()
    await book.tell(change)
    assert book.row(change)["contactid"] == contact_id_of(change.mailbox, change.item, CASEY)


async def test_a_second_address_is_not_the_person_s(book: AddressBook) -> None:
    known = book.known(emailaddress2=CASEY)
    change = await book.saved()
    await book.tell(change)
    assert book.row(change)["contactid"] != known


async def test_without_an_address_the_item_is_the_person(book: AddressBook) -> None:
    change = await book.saved(emailAddresses=[])
    await book.tell(change)
    key = contact_id_of(change.mailbox, change.item)
    assert book.row(change)["contactid"] == key
    book.save(change)
    await book.tell(await book.edit(change, emailAddresses=[{"address": CASEY}]))
    assert book.row(change)["contactid"] == key
    assert len(book.dataverse.rows("contact")) == 1


@pytest.mark.parametrize(
    "became", [{"emailaddress1": "casey@elsewhere.example"}, {"statecode": 1, "statuscode": 2}]
)
async def test_a_key_that_is_no_longer_that_person_s_is_not_used_again(
    book: AddressBook, became: dict[str, object]
) -> None:
    first = await book.saved(0)
    await book.tell(first)
    book.amend(first, **became)
    second = await book.saved(1)
    await book.tell(second)
    assert book.row(second)["contactid"] == contact_id_of(second.mailbox, second.item)
    assert book.row(first)["contactid"] != book.row(second)["contactid"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_two_sellers_who_save_one_person_share_a_row(
    book: AddressBook, *, at_once: bool
) -> None:
    one = await book.saved(0, jobTitle="Buyer")
    other = await book.saved(1, department="East", emailAddresses=[{"address": CASEY.upper()}])
    if at_once:
        await book.tell(one, other)
    else:
        outcomes = await asyncio.gather(
            book.reconciler.reconcile([one]), book.instance().reconcile([other])
        )
        assert not any(outcome.failed or outcome.impossible for outcome in outcomes)
    (row,) = book.dataverse.rows("contact").values()
    assert book.row(one) == book.row(other) == row
    assert (row["jobtitle"], row["department"]) == ("Buyer", "East")


async def test_they_do_so_even_where_addresses_are_not_written(ground: Ground) -> None:
    fields = [field for field in FIELDS if field.column != "emailaddress1"]
    book = await AddressBook(ground, fields).open()
    one, other = await book.saved(0), await book.saved(1)
    await book.tell(one)
    await book.tell(other)
    assert book.row(one) == book.row(other)


async def test_of_two_sellers_the_last_change_counts_field_by_field(book: AddressBook) -> None:
    one, other = await book.saved(0, jobTitle="Buyer"), await book.saved(1)
    await book.tell(one, other)
    await book.tell(await book.edit(one, jobTitle="Boss", department="East"))
    await book.tell(await book.edit(other, department="West"))
    await book.tell(book.again(one))
    row = book.row(one)
    assert (row["jobtitle"], row["department"]) == ("Boss", "West")


@pytest.mark.parametrize("turned", [True, False])
async def test_so_it_does_within_a_batch_whatever_its_order(
    book: AddressBook, *, turned: bool
) -> None:
    one, other = await book.saved(0), await book.saved(1)
    await book.tell(one, other)
    changes = [await book.edit(one, jobTitle="First"), await book.edit(other, jobTitle="Last")]
    await book.tell(*(reversed(changes) if turned else changes))
    assert book.row(one)["jobtitle"] == "Last"


async def test_one_seller_s_deletion_leaves_the_other_s_link(book: AddressBook) -> None:
    one, other = await book.saved(0), await book.saved(1)
    await book.tell(one, other)
    await book.tell(await book.delete(one))
    await book.tell(await book.edit(other, jobTitle="Boss"))
    assert book.row(other)["jobtitle"] == "Boss"


def parent_of(book: AddressBook, change: Change) -> str | None:
    parent = book.row(change).get("parentcustomerid")
    return parent["id"] if parent else None


async def test_the_one_active_account_of_the_company_s_name_is_the_parent(
    book: AddressBook,
) -> None:
    account = book.account("Fabrikam Ltd")
    former = book.account("FABRIKAM LTD")
    book.dataverse.write("PATCH", f"accounts({former})", {"statecode": 1, "statuscode": 2})
    change = await book.saved(companyName=" fabrikam ltd ")
    await book.tell(change)
    assert parent_of(book, change) == account


@pytest.mark.parametrize("names", [(), ("Fabrikam", "FABRIKAM"), ("Fabrikam Ltd",)])
async def test_none_or_several_of_that_name_make_no_parent(
    book: AddressBook, names: tuple[str, ...]
) -> None:
    for name in names:
        book.account(name)
    change = await book.saved(companyName="Fabrikam")
    await book.tell(change)
    assert parent_of(book, change) is None


async def test_an_account_that_comes_later_becomes_the_parent(book: AddressBook) -> None:
    change = await book.saved(companyName="Fabrikam")
    await book.tell(change)
    account = book.account("Fabrikam")
    await book.tell(book.again(change))
    assert parent_of(book, change) == account


async def test_another_company_is_another_parent_an_unknown_one_leaves_it(
    book: AddressBook,
) -> None:
    fabrikam, contoso = book.account("Fabrikam"), book.account("Contoso")
    change = await book.saved(companyName="Fabrikam")
    await book.tell(change)
    assert parent_of(book, change) == fabrikam
    await book.tell(await book.edit(change, companyName="Nobody knows"))
    assert parent_of(book, change) == fabrikam
    await book.tell(await book.edit(change, companyName="Contoso"))
    assert parent_of(book, change) == contoso
    await book.tell(await book.edit(change, companyName=None))
    assert parent_of(book, change) is None


async def test_a_parent_that_somebody_else_gave_stays(book: AddressBook) -> None:
    fabrikam, contoso = book.account("Fabrikam"), book.account("Contoso")
    bound = {"parentcustomerid_account@odata.bind": f"accounts({contoso})"}
    book.known(emailaddress1=CASEY, **bound)
    change = await book.saved(companyName="Fabrikam")
    await book.tell(change)
    assert parent_of(book, change) == contoso
    await book.tell(await book.edit(change, companyName=None))
    assert parent_of(book, change) == contoso
    await book.tell(await book.edit(change, companyName="Fabrikam"))
    assert parent_of(book, change) == fabrikam
    book.amend(change, **bound)
    await book.tell(book.again(change))
    await book.tell(await book.edit(change, companyName=None))
    assert parent_of(book, change) == contoso


async def test_a_parent_that_somebody_took_away_stays_away(book: AddressBook) -> None:
    book.account("Fabrikam")
    change = await book.saved(companyName="Fabrikam")
    await book.tell(change)
    book.amend(change, **{"parentcustomerid_account@odata.bind": None})
    await book.tell(await book.edit(change, jobTitle="Boss"))
    assert parent_of(book, change) is None


async def test_a_parent_that_is_a_contact_can_be_read_and_stays(book: AddressBook) -> None:
    other = book.known(lastname="Other")
    book.account("Fabrikam")
    bound = {"parentcustomerid_contact@odata.bind": f"contacts({other})"}
    book.known(emailaddress1=CASEY, **bound)
    change = await book.saved(companyName="Fabrikam")
    await book.tell(change)
    assert parent_of(book, change) == other
