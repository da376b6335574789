"""Sellers who save and remove over HTTP, and what Outlook and Dynamics show of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from bench.add_in import AddIn
from shared.identifiers import Kind
from tests.system.company import TRACKED, Company, Row
from tests.system.mails import mail
from tests.system.meetings import Meeting, next_week, weekly
from tests.system.stacks import running_company, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT = "0c0ffee0-0000-4000-8000-0000000000ac"
ABOUT = {"table": "account", "id": ACCOUNT}


@dataclass
class Sellers:
    """Ada and Grace, and the add-in in their Outlook."""

    company: Company
    add_in: AddIn

    async def save(self, person: str, item: str, kind: Kind = Kind.MAIL, **wish: object) -> str:
        told = await self.add_in.save(self._upn(person), item, kind, **wish)
        assert told.status in {200, 202}, told
        return told.state

    async def remove(self, person: str, item: str, kind: Kind = Kind.MAIL, **how: str) -> None:
        told = await self.add_in.remove(self._upn(person), item, kind, **how)
        assert told.status == 202, told
        await self.company.quiet()

    async def look(self, person: str, item: str, kind: Kind = Kind.MAIL) -> dict[str, Any]:
        told = await self.add_in.look(self._upn(person), item, kind)
        assert told.status == 200, told
        return told.document

    async def state(self, person: str, item: str, kind: Kind = Kind.MAIL) -> str:
        return str((await self.look(person, item, kind))["state"])

    def _upn(self, person: str) -> str:
        return str(self.company.people[person]["upn"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sellers() -> AsyncIterator[Sellers]:
    async with running_company(tenant_of(2)) as (stack, company):
        await company.write("POST", "accounts", {"accountid": ACCOUNT, "name": "Fabrikam"})
        yield Sellers(company, AddIn(stack, company.http))


async def activities(company: Company, message_id: str) -> list[Row]:
    return await company.rows(f"emails?$filter=messageid eq '{message_id}'")


async def test_a_mail_is_one_activity_with_one_state_for_both(sellers: Sellers) -> None:
    company, message_id = sellers.company, "<shared@fabrikam.example>"
    raw = mail("Shared", message_id=message_id)
    item = (await company.deliver("ada", raw))["id"]
    copy = (await company.deliver("grace", raw))["id"]
    await company.quiet()
    assert await sellers.state("grace", copy) == "notSaved"
    assert await sellers.save("ada", item, regarding=ABOUT) == "saving"
    await company.quiet()
    seen = await sellers.look("grace", copy)
    assert (seen["state"], seen["participants"]) == ("saved", 1)
    assert seen["activity"]["regarding"]["name"] == "Fabrikam"
    assert await sellers.save("grace", copy) == "saving"
    await company.quiet()
    assert len(await activities(company, message_id)) == 1
    assert {
        one["categories"][0] for one in await company.messages("grace") if one["id"] == copy
    } == {TRACKED}
    await sellers.remove("ada", item, scope="all")
    assert await sellers.state("grace", copy) == "removed"
    assert not await activities(company, message_id)
    assert all(TRACKED not in one["categories"] for one in await company.messages("grace"))


async def test_what_a_mail_is_about_is_set_changed_and_cleared(sellers: Sellers) -> None:
    company, message_id = sellers.company, "<about@fabrikam.example>"
    item = (await company.deliver("ada", mail("About", message_id=message_id)))["id"]
    await sellers.save("ada", item)
    await company.quiet()
    upn = company.people["ada"]["upn"]
    for wish, found in ((ABOUT, ACCOUNT), (None, None)):
        told = await sellers.add_in.ask(upn, "PUT", f"items/{item}/regarding", {"regarding": wish})
        assert told.status == 202, told
        await company.quiet()
        (row,) = await activities(company, message_id)
        assert row["_regardingobjectid_value"] == found


async def test_files_come_along_where_they_are_asked_for(sellers: Sellers) -> None:
    company, message_id = sellers.company, "<files@fabrikam.example>"
    files = {"offer.pdf": b"%PDF-1.7", "setup.exe": b"MZ"}
    raw = mail("Files", message_id=message_id, files=files)
    item = (await company.deliver("ada", raw))["id"]
    await sellers.save("ada", item, attachments=True)
    await company.quiet()
    (row,) = await activities(company, message_id)
    query = f"activitymimeattachments?$filter=_objectid_value eq {row['activityid']}"
    assert [one["filename"] for one in await company.rows(query)] == ["offer.pdf"]
    seen = await sellers.look("ada", item)
    assert seen["state"] == "saved"
    assert ["setup.exe" in note for note in seen["notes"]] == [True]


async def test_a_draft_is_saved_once_it_is_sent(sellers: Sellers) -> None:
    company = sellers.company
    to = [{"emailAddress": {"address": "casey@customer.example"}}]
    body = {"subject": "Draft", "toRecipients": to}
    draft = (await company.graph("POST", "/users/{ada}/messages", body))["id"]
    assert await sellers.save("ada", draft) == "saving"
    await company.quiet()
    assert not await company.rows("emails?$filter=subject eq 'Draft'")
    await company.graph("POST", f"/users/{{ada}}/messages/{draft}/send")
    await company.quiet()
    assert await sellers.state("ada", draft) == "saved"
    (row,) = await company.rows("emails?$filter=subject eq 'Draft'")
    assert row["directioncode"]


async def test_an_occurrence_saves_and_removes_the_series(sellers: Sellers) -> None:
    company = sellers.company
    series = await Meeting.of(
        company, "ada", "grace", subject="Weekly", recurrence=weekly(next_week(), 3)
    )
    second = (await series.occurrences())[1]["id"]
    assert await sellers.save("ada", second, Kind.CALENDAR, regarding=ABOUT) == "saving"
    await company.quiet()
    rows = await series.rows()
    assert [row["_regardingobjectid_value"] for row in rows] == [ACCOUNT] * 3
    assert await sellers.state("ada", second, Kind.CALENDAR) == "saved"
    await sellers.remove("ada", second, Kind.CALENDAR, activity="delete")
    assert not await series.rows()


async def test_a_contact_and_a_task_are_saved_and_removed(sellers: Sellers) -> None:
    company = sellers.company
    contact = {"givenName": "Casey", "emailAddresses": [{"address": "casey@fabrikam.example"}]}
    lists = await company.graph("GET", "/users/{ada}/todo/lists")
    list_id = lists["value"][0]["id"]
    path = f"/users/{{ada}}/todo/lists/{list_id}/tasks"
    items = {
        Kind.CONTACTS: (await company.graph("POST", "/users/{ada}/contacts", contact))["id"],
        Kind.TASKS: f"{list_id}/{(await company.graph('POST', path, {'title': 'Call'}))['id']}",
    }
    for kind, item in items.items():
        assert await sellers.save("ada", item, kind) == "saving"
    await company.quiet()
    for kind, item in items.items():
        assert await sellers.state("ada", item, kind) == "saved"
        await sellers.remove("ada", item, kind)
        assert await sellers.state("ada", item, kind) == "removed"
    assert (
        len(await company.rows("contacts?$filter=emailaddress1 eq 'casey@fabrikam.example'")) == 1
    )
    assert not await company.rows("tasks?$filter=subject eq 'Call'")
