"""What tracking costs in round trips, in a company of five hundred."""

import asyncio
from collections.abc import AsyncIterator
from math import ceil
from typing import Any

import pytest
import pytest_asyncio

from bench.ics import calendar
from tests.system.agreement import assert_agreement
from tests.system.company import TRACKED, Company
from tests.system.mails import mail
from tests.system.stacks import running_company, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = 0
MAILBOXES = 500
PER_BATCH = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[Company]:
    async with running_company(tenant_of(MAILBOXES, filtering=ALL)) as (_, running):
        yield running


async def requests_of(company: Company, *deliveries: tuple[str, bytes]) -> tuple[int, int, int]:
    """Deliver all mails at once; return Graph requests, Dataverse requests and stamps.

    Stamps, the category put on, count as the fewest batches they fit in, so that the other requests
    to Graph are if anything counted too high.
    """
    await company.control("DELETE", "/stats")
    await asyncio.gather(*(company.deliver(person, raw) for person, raw in deliveries))
    return await counted(company)


async def requests_of_import(company: Company, raw: bytes) -> tuple[int, int, int]:
    """Import a calendar into Ada's mailbox, all of it tracked; return the same."""
    await company.control("DELETE", "/stats")
    await company.import_calendar("ada", raw, categories=TRACKED)
    return await counted(company)


async def counted(company: Company) -> tuple[int, int, int]:
    """Return Graph requests, Dataverse requests and stamps once all is done."""
    await company.quiet(seconds=60)
    stats: dict[str, Any] = await company.stats()
    stamps = stats["graph"]["batched"].get("PATCH /users/{id}/messages/{id}", 0)
    return (
        stats["graph"]["requests"] - ceil(stamps / PER_BATCH),
        stats["dataverse"]["requests"],
        stamps,
    )


async def test_one_new_mail_costs_one_request_to_graph_and_two_to_dataverse(
    company: Company,
) -> None:
    graph, dataverse, stamps = await requests_of(company, ("ada", mail()))
    assert stamps == 1
    assert graph <= 1
    assert dataverse <= 2


async def test_five_hundred_mails_in_five_hundred_mailboxes_cost_a_hundred_requests(
    company: Company,
) -> None:
    each = [(person, mail(to=one["upn"])) for person, one in company.people.items()]
    graph, dataverse, stamps = await requests_of(company, *each)
    assert stamps == MAILBOXES
    assert graph + dataverse <= 100
    links = await company.rows("tether_links?$select=_tether_mailboxid_value,tether_state")
    tracked = {row["_tether_mailboxid_value"] for row in links if row["tether_state"] == 1}
    assert tracked == {one["id"] for one in company.people.values()}


async def test_a_thousand_mails_in_one_mailbox_cost_a_hundred_requests(company: Company) -> None:
    many = [("grace", mail(f"Offer {n}", to="grace@contoso.example")) for n in range(1000)]
    graph, dataverse, stamps = await requests_of(company, *many)
    assert stamps == len(many)
    assert graph + dataverse <= 100
    assert await assert_agreement(company, people=["grace"]) > len(many)


async def test_one_changed_event_costs_one_request_to_graph_and_two_to_dataverse(
    company: Company,
) -> None:
    await requests_of_import(company, calendar(["one"]))
    graph, dataverse, stamps = await requests_of_import(company, calendar(["one"], "Changed"))
    assert stamps == 0
    assert graph <= 1
    assert dataverse <= 2
    assert await company.rows("appointments?$filter=subject eq 'Changed one'")


@pytest.mark.parametrize("subject", ["New", "Changed"])
async def test_a_thousand_events_in_one_mailbox_cost_a_hundred_and_ten_requests(
    company: Company, subject: str
) -> None:
    raw = calendar((str(number) for number in range(1000)), subject)
    graph, dataverse, stamps = await requests_of_import(company, raw)
    assert stamps == 0
    assert graph + dataverse <= 110
    await assert_agreement(company, people=["ada"])
    rows = await company.rows(f"appointments?$filter=startswith(subject,'{subject} ')")
    assert len([row for row in rows if row["subject"] != "Changed one"]) == 1000
