"""Attachments through the whole stack: fetched from Graph, written within the limits, or named."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bench.stack import TetherStack
from tests.system.company import TRACKED, Company
from tests.system.mails import mail
from tests.system.stacks import running_company, tenant_of
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTENT = "GET /users/{id}/messages/{id}/attachments/{id}/$value"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[tuple[TetherStack, Company]]:
    async with running_company(tenant_of(2), settings={"ATTACHMENTS": "on"}) as both:
        yield both


async def link_when_done(company: Company, message_id: str) -> dict[str, Any]:
    async def look() -> list[dict[str, Any]]:
        links = await company.links(message_id=message_id)
        return [one for one in links if one["tether_attachmentspending"] is False]

    return dict((await eventually(look))[0])


async def files_of(company: Company, activity: str) -> dict[str, bytes]:
    query = f"activitymimeattachments?$filter=_objectid_value eq {activity}"
    return {row["filename"]: base64.b64decode(row["body"]) for row in await company.rows(query)}


async def test_files_follow_a_mail_and_the_refused_one_is_named(
    running: tuple[TetherStack, Company],
) -> None:
    _, company = running
    message_id = "<files@fabrikam.example>"
    large = bytes(range(256)) * 2_000
    files = {"offer.pdf": b"%PDF-1.7", "setup.exe": b"MZ", "scan of the contract.tif": large}
    raw = mail("Files", message_id=message_id, files=files)
    await company.deliver("ada", raw, categories=TRACKED)
    link = await link_when_done(company, message_id)
    email = await company.activity(message_id)
    assert email["attachmentcount"] == 2
    del files["setup.exe"]
    assert await files_of(company, email["activityid"]) == files
    said = link["tether_notes"]
    assert said == "setup.exe is left out: the organisation takes no files of this kind."


async def test_a_file_that_fails_for_now_comes_later_the_mail_at_once(
    running: tuple[TetherStack, Company],
) -> None:
    _, company = running
    message_id = "<later@fabrikam.example>"
    await company.faults(
        {"service": "graph", "operation": CONTENT, "action": "status", "status": 503, "times": 1}
    )
    raw = mail("Later", message_id=message_id, files={"offer.pdf": b"%PDF-1.7"})
    await company.deliver("ada", raw, categories=TRACKED)
    email = await company.activity(message_id)
    await link_when_done(company, message_id)
    assert await files_of(company, email["activityid"]) == {"offer.pdf": b"%PDF-1.7"}
    await company.faults()
