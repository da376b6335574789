"""A contact that a seller has saved, over the whole stack, in a company of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from shared.dataverse.links import LinkState
from shared.dataverse.requests import Action, Request
from shared.identifiers import ItemId, MailboxId, SystemUserId, link_id_of_item
from tests.system.company import Company, Row
from tests.system.stacks import running_company, tenant_of
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CASEY = {"givenName": "Casey", "surname": "Customer"}
ADDRESS = "casey@fabrikam.example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[Company]:
    async with running_company(tenant_of(2)) as (_, running):
        yield running


async def save(company: Company, person: str, address: str) -> str:
    """Add a contact, and do what a seller's save comes down to; return the item."""
    body = {**CASEY, "emailAddresses": [{"address": address}]}
    item = str((await company.graph("POST", f"/users/{{{person}}}/contacts", body))["id"])
    mailbox = company.people[person]["id"]
    link = link_id_of_item(MailboxId(mailbox), ItemId(item))
    user = SystemUserId(company.people[person]["systemuserid"])
    asked = Request(action=Action.SAVE, by=user, on=datetime.now(UTC))
    await company.write(
        "PATCH",
        f"tether_links({link})",
        {
            "tether_kind": 3,
            "tether_state": LinkState.REQUESTED,
            "tether_request": asked.written(),
            "tether_MailboxId@odata.bind": f"tether_mailboxes({mailbox})",
            "tether_itemid": item,
        },
    )
    return item


async def edit(company: Company, person: str, item: str, **said: Any) -> None:  # noqa: ANN401 - JSON
    await company.graph("PATCH", f"/users/{{{person}}}/contacts/{quote(item, safe='')}", said)


async def rows_of(company: Company, address: str, condition: str) -> list[Row]:
    """Return the rows of a person, as soon as they are as they should be."""
    query = f"contacts?$filter=emailaddress1 eq '{address}' and {condition}"
    return await eventually(lambda: company.rows(query))


async def test_two_sellers_save_a_person_and_the_row_follows_both(company: Company) -> None:
    ada = await save(company, "ada", ADDRESS)
    await edit(company, "ada", ada, jobTitle="Buyer")
    (row,) = await rows_of(company, ADDRESS, "jobtitle eq 'Buyer'")
    assert row["fullname"] == "Casey Customer"
    assert row["_ownerid_value"] == company.people["ada"]["systemuserid"]
    grace = await save(company, "grace", ADDRESS.upper())
    await edit(company, "grace", grace, mobilePhone="4711", businessAddress={"city": "Oslo"})
    (same,) = await rows_of(company, ADDRESS, "mobilephone eq '4711'")
    assert same["contactid"] == row["contactid"]
    assert (same["jobtitle"], same["address1_city"]) == ("Buyer", "Oslo")
    for item in (ada, grace):
        (link,) = await company.links(item=item)
        assert link["_tether_contactid_value"] == row["contactid"]


async def test_deleted_in_outlook_the_row_stays(company: Company) -> None:
    address = "deleted@fabrikam.example"
    item = await save(company, "ada", address)
    await edit(company, "ada", item, jobTitle="Buyer")
    await rows_of(company, address, "jobtitle eq 'Buyer'")
    await company.graph("DELETE", f"/users/{{ada}}/contacts/{quote(item, safe='')}")
    await company.quiet()
    (link,) = await company.links(item=item)
    assert (link["tether_state"], link["tether_detail"]) == (2, "deleted in Outlook")
    assert await rows_of(company, address, "statecode eq 0")


async def test_a_change_costs_one_request_to_graph_and_two_to_dataverse(company: Company) -> None:
    address = "cost@fabrikam.example"
    item = await save(company, "grace", address)
    await edit(company, "grace", item, jobTitle="Buyer")
    await rows_of(company, address, "jobtitle eq 'Buyer'")
    await company.quiet()
    await company.control("DELETE", "/stats")
    await edit(company, "grace", item, jobTitle="Boss")
    await company.quiet()
    stats = await company.stats()
    assert stats["graph"]["requests"] <= 2  # the seller's own is one
    assert stats["dataverse"]["requests"] <= 2
    assert await company.rows(
        f"contacts?$filter=emailaddress1 eq '{address}' and jobtitle eq 'Boss'"
    )
