"""The app's role in Dynamics holds what the app makes use of: no more, and no less."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from bench.add_in import AddIn
from bench.stack import SELDOM, TetherStack
from shared.dataverse.schema.apply import apply_schema
from shared.dataverse.schema.roles import ACTIVITY, SERVICE
from tests.system.company import TRACKED, Company
from tests.system.mails import mail
from tests.system.meetings import Meeting, next_week, weekly
from tests.system.stacks import tenant_of
from tests.system.test_contacts import save
from tests.system.test_tasks import tasks_of
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

KNOWN_SENDERS = 2
OPPORTUNITY = "0c0ffee0-0000-4000-8000-000000000009"
ACTIVITIES = {
    "email",
    "appointment",
    "task",
    "activityparty",
    "activitypointer",
    "activitymimeattachment",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[TetherStack, Company]]:
    stack = TetherStack(
        tenant_of(4, filtering=KNOWN_SENDERS, not_ready=(3,)),
        settings={"TASKS_POLLING_SCHEDULE": SELDOM, "ATTACHMENTS": "on"},
    )
    try:
        await stack.start()
        async with Company(stack.addresses()) as company:
            yield stack, company
    finally:
        if stack.host:
            await stack.host.kill()
        await stack.stop()


async def plant(company: Company) -> None:
    """Put in the records that mail is from or about, as people in Dynamics do."""
    for entity_set, body in {
        "contacts": {"lastname": "Contact", "emailaddress1": "contact@fabrikam.example"},
        "accounts": {"name": "Fabrikam", "emailaddress1": "account@fabrikam.example"},
        "leads": {"lastname": "Lead", "emailaddress1": "lead@fabrikam.example"},
        "queues": {"name": "Queue", "emailaddress": "queue@fabrikam.example"},
        "opportunities": {"opportunityid": OPPORTUNITY, "name": "Engine"},
    }.items():
        await company.write("POST", entity_set, body)


async def mails(company: Company) -> None:
    for who in ("contact", "account", "lead", "queue", "nobody"):
        message_id = f"<{who}@fabrikam.example>"
        raw = mail(f"From {who}", sender=f"{who}@fabrikam.example", message_id=message_id)
        item = (await company.deliver("ada", raw, categories=TRACKED))["id"]
        await company.activity(message_id)
    await company.deliver("ada", mail("Files", files={"a.pdf": b"%PDF"}), categories=TRACKED)
    await company.deliver("grace", mail("Reply", answers="<contact@fabrikam.example>"))
    await company.quiet()
    await company.delete("ada", item)
    await company.quiet()


async def meetings(company: Company) -> None:
    series = await Meeting.of(
        company, "ada", "grace", subject="Weekly", recurrence=weekly(next_week(), 3)
    )
    await series.track("ada", "grace")
    await company.quiet()
    await series.change("ada", subject="Every week")
    await company.quiet()
    meeting = await Meeting.of(company, "ada", "grace")
    await meeting.track("ada")
    await company.quiet()
    await meeting.delete("ada")
    await company.quiet()


async def contacts(company: Company) -> None:
    item = await save(company, "ada", "casey@fabrikam.example")
    path = f"/users/{{ada}}/contacts/{quote(item, safe='')}"
    for changed in ({"companyName": "Fabrikam"}, {"jobTitle": "Buyer"}):
        await company.graph("PATCH", path, changed)
        await company.quiet()


async def tasks(stack: TetherStack, company: Company) -> None:
    path = await tasks_of(company, "ada")
    made = await company.graph("POST", path, {"title": "Call", "categories": [TRACKED]})
    await stack.fire("tasks_polling")
    await eventually(lambda: company.rows("tasks"))
    await company.graph("PATCH", f"{path}/{quote(made['id'], safe='')}", {"status": "completed"})
    await stack.fire("tasks_polling")
    await eventually(lambda: company.rows("tasks?$filter=statecode eq 1"))
    await company.graph("DELETE", f"{path}/{quote(made['id'], safe='')}")
    await stack.fire("tasks_polling")
    await eventually(lambda: company.rows("tether_links?$filter=tether_state eq 2"))
    await company.quiet()


async def clicks(stack: TetherStack, company: Company) -> None:
    """Have Ada save a mail about an opportunity, look at it, and remove it with its row."""
    item = (await company.deliver("ada", mail("Saved", sender="nobody@nowhere.example")))["id"]
    add_in, ada = AddIn(stack, company.http), company.people["ada"]["upn"]
    await add_in.save(ada, item, regarding={"table": "opportunity", "id": OPPORTUNITY})
    await company.quiet()
    assert (await add_in.look(ada, item)).state == "saved"
    await add_in.remove(ada, item)
    await company.quiet()
    assert (await add_in.look(ada, item)).state == "removed"


async def turning_on(stack: TetherStack, company: Company) -> None:
    """Have the last of the people turn on their mailbox, which has not even a server profile."""
    person = stack.services.tenant.people[-1]
    rows = stack.services.dataverse.organization.rows
    (key,) = rows.find("mailbox", "regardingobjectid", person.systemuserid)
    rows.put("mailbox", key, {**(rows.get("mailbox", key) or {}), "emailserverprofile": None})
    told = await AddIn(stack, company.http).ask(person.upn, "POST", "mailbox/enable")
    assert (told.status, told.state) == (202, "waiting"), told


async def test_the_service_role_is_what_the_app_uses(
    running: tuple[TetherStack, Company],
) -> None:
    stack, company = running
    assert stack.dataverse
    await apply_schema(stack.dataverse, application_id=stack.services.principal.app_id)
    await plant(company)
    await company.write("DELETE", f"tether_mailboxes({company.people['alan']['id']})")
    used = stack.services.dataverse.organization.rights_used
    used.clear()
    await stack.enrol()
    await mails(company)
    await meetings(company)
    await contacts(company)
    await tasks(stack, company)
    await clicks(stack, company)
    await turning_on(stack, company)
    rights = {(ACTIVITY if table in ACTIVITIES else table, right) for _, table, right in used}
    assert rights == {(table, right) for table, held in SERVICE.rights.items() for right in held}
