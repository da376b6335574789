"""`$batch` and its change sets on the wire (dataverse.md 4)."""

import json
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, NamedTuple, cast
from uuid import uuid4

import aiohttp
import pytest

from sandbox.dataverse import Dataverse, service_principal
from sandbox.faults import Fault
from sandbox.tenant import Tenant
from sandbox.web import Surroundings
from tests.contract.dataverse.webapi import Part, Reply, Web


class Inner(NamedTuple):
    status: int
    content_id: str
    headers: dict[str, str]
    body: Any


def inner(reply: Reply) -> list[Inner]:
    """Return the answers of a batch, change sets flattened."""
    head = f"Content-Type: {reply.headers['Content-Type']}\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes((head + reply.text).encode())
    return list(_answers(message))


def _answers(message: EmailMessage) -> list[Inner]:
    found = []
    for part in cast("list[EmailMessage]", message.get_payload()):
        if part.get_content_maintype() == "multipart":
            found += _answers(part)
            continue
        payload = cast("bytes", part.get_payload(decode=True)).decode()
        first, _, body = payload.partition("\r\n\r\n")
        line, *lines = first.split("\r\n")
        headers = {n.lower(): v for n, v in (one.split(": ", 1) for one in lines)}
        found.append(
            Inner(int(line.split()[1]), part.get("Content-ID", ""), headers,
                  json.loads(body) if body.strip() else None)
        )  # fmt: skip
    return found


async def test_the_answers_come_in_order(web: Web) -> None:
    contact = str(uuid4())
    reply = await web.batch(
        Part("POST", "contacts", {"contactid": contact, "lastname": "Nöther"}),
        Part("GET", f"contacts({contact})?$select=lastname"),
        Part("PATCH", f"contacts({contact})?$select=contactid", {"lastname": "y"},
             headers={"Prefer": "return=representation"}),
        Part("DELETE", f"contacts({contact})", headers={"If-Match": "*"}),
    )  # fmt: skip
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    created, read, updated, deleted = inner(reply)
    uri = f"{web.root}contacts({contact})"
    assert (created.status, created.headers["odata-entityid"]) == (204, uri)
    assert created.headers["location"] == uri
    assert read.body["lastname"] == "Nöther"
    assert (updated.status, updated.body["contactid"]) == (200, contact)
    assert deleted.status == 204


async def test_a_change_set_refers_to_what_it_made(web: Web, things: str) -> None:
    email, reply = str(uuid4()), None
    reply = await web.batch([
        Part("POST", "emails", {"activityid": email, "email_activity_parties": [
            {"participationtypemask": 1, "addressused": "$1@x.example"}]}, "1"),
        Part("POST", things, {"new_hash": "h", "new_EmailId@odata.bind": "$1"}, "2"),
        Part("PATCH", "$1", {"statecode": 1, "statuscode": 4}, "3"),
    ])  # fmt: skip
    assert [(one.status, one.content_id) for one in inner(reply)] == [
        (204, "1"), (204, "2"), (204, "3"),
    ]  # fmt: skip
    assert "boundary=changesetresponse_" in reply.text
    row = (await web.get(f"{things}?$expand=new_EmailId($select=statuscode)")).rows[0]
    assert row["new_EmailId"]["statuscode"] == 4
    parties = (await web.get(f"emails({email})/email_activity_parties")).rows
    assert "$1@x.example" in {party["addressused"] for party in parties}


async def test_a_change_set_is_all_or_nothing(web: Web, things: str) -> None:
    await web.created(things, new_hash="taken")
    before = (await web.get(things)).text
    reply = await web.batch([
        Part("POST", "accounts", {"name": "Contoso"}, "1"),
        Part("PATCH", f"{things}(new_hash='taken')", {"new_note": "changed"}, "2"),
        Part("POST", things, {"new_hash": "taken"}, "3"),
        Part("POST", "accounts", {"name": "never reached"}, "4"),
    ])  # fmt: skip
    assert reply.status == 412
    (failed,) = inner(reply)
    assert (failed.status, failed.body["error"]["code"]) == (412, "0x80060892")
    assert failed.headers["req_id"]
    assert "changesetresponse" not in reply.text
    assert (await web.get("accounts")).rows == []
    assert (await web.get(things)).text == before
    # the index behind the key has been put back, too
    assert (await web.patch(f"{things}(new_hash='taken')", {}, If_Match="*")).status == 204


async def test_a_stale_version_stops_a_change_set(web: Web) -> None:
    account = await web.created("accounts", name="a")
    tag = (await web.get(f"accounts({account})")).headers["ETag"]
    await web.patch(f"accounts({account})", {"name": "b"})
    reply = await web.batch([
        Part("POST", "contacts", {"lastname": "x"}, "1"),
        Part("PATCH", f"accounts({account})", {"name": "c"}, "2", {"If-Match": tag}),
    ])  # fmt: skip
    assert (reply.status, inner(reply)[0].body["error"]["code"]) == (412, "0x80060882")
    assert (await web.get("contacts")).rows == []


async def test_the_first_failure_ends_a_batch(web: Web) -> None:
    parts = (
        Part("POST", "accounts", {"name": "a"}),
        Part("POST", "accounts", {"nosuch": 1}),
        Part("POST", "accounts", {"name": "b"}),
    )
    stopped = await web.batch(*parts)
    assert (stopped.status, [one.status for one in inner(stopped)]) == (400, [204, 400])
    assert len((await web.get("accounts")).rows) == 1
    went_on = await web.batch(*parts, Prefer="odata.continue-on-error")
    assert (went_on.status, [one.status for one in inner(went_on)]) == (200, [204, 400, 204])


async def test_a_failed_change_set_among_others(web: Web) -> None:
    reply = await web.batch(
        [Part("POST", "accounts", {"name": "a"}, "1"), Part("POST", "accounts", {"x": 1}, "2")],
        [Part("POST", "accounts", {"name": "b"}, "3")],
        Prefer="odata.continue-on-error",
    )
    assert [(one.status, one.content_id) for one in inner(reply)] == [(400, ""), (204, "3")]
    assert [row["name"] for row in (await web.get("accounts")).rows] == ["b"]


@pytest.fixture
async def nesting(
    tenant: Tenant, surroundings: Surroundings, session: aiohttp.ClientSession
) -> AsyncIterator[Web]:
    service = Dataverse(tenant, surroundings, nested_change_set_errors=True)
    await service.start()
    token, _ = surroundings.authority.issue(service_principal(tenant), service.url)
    yield Web(session, service.url, token)
    await service.stop()


async def test_the_other_shape_of_a_failed_change_set(nesting: Web) -> None:
    reply = await nesting.batch(
        [Part("POST", "accounts", {"name": "a"}, "1"), Part("POST", "accounts", {"x": 1}, "2")]
    )
    assert "changesetresponse_" in reply.text
    assert [(one.status, one.content_id) for one in inner(reply)] == [(400, "2")]


async def test_a_reference_forward(web: Web) -> None:
    reply = await web.batch([
        Part("PATCH", "$2", {"name": "a"}, "1"), Part("POST", "accounts", {"name": "b"}, "2"),
    ])  # fmt: skip
    (failed,) = inner(reply)
    assert failed.body["error"]["message"] == (
        "Content-ID Reference: '$2' does not exist in the batch context."
    )


@pytest.mark.parametrize(
    "items",
    [
        [[Part("GET", "accounts", None, "1")]],
        [[Part("POST", "accounts", {})]],
        [[Part("POST", "accounts", {}, "1"), Part("POST", "accounts", {}, "1")]],
        [[Part("POST", "accounts", {}, "1")], [Part("POST", "accounts", {}, "1")]],
    ],
)
async def test_malformed_change_sets(web: Web, items: list[list[Part]]) -> None:
    reply = await web.batch(*items)
    assert (reply.status, reply.headers["Content-Type"].partition(";")[0]) == (
        400, "application/json",
    )  # fmt: skip
    assert (await web.get("accounts")).rows == []


async def test_definitions_do_not_change_in_a_change_set(web: Web) -> None:
    reply = await web.batch([Part("POST", "EntityDefinitions", {}, "1")])
    assert reply.status == 400


async def test_a_batch_holds_a_thousand_requests(web: Web) -> None:
    parts = [Part("GET", "WhoAmI")] * 1000
    assert len(inner(await web.batch(*parts))) == 1000
    reply = await web.batch(*parts, Part("GET", "WhoAmI"))
    assert (reply.status, "1001" in reply.message) == (400, True)
    nested = await web.batch(Part("POST", "$batch", {}))
    assert nested.status == 400


async def test_parts_are_counted_and_struck(web: Web, surroundings: Surroundings) -> None:
    surroundings.stats.reset()
    fault = Fault(service="dataverse", operation="POST accounts", action="status", skip=1,
                  status=503, retry_after=7)  # fmt: skip
    surroundings.faults.replace([fault])
    reply = await web.batch(
        Part("POST", "accounts", {"name": "a"}),
        [Part("POST", "contacts", {"lastname": "x"}, "1"),
         Part("POST", "accounts", {"name": "b"}, "2")],
        Part("POST", "accounts", {"name": "c"}),
        Prefer="odata.continue-on-error",
    )  # fmt: skip
    assert [one.status for one in inner(reply)] == [204, 503, 204]
    assert inner(reply)[1].headers["retry-after"] == "7"
    assert (await web.get("contacts")).rows == []
    counted = surroundings.stats.snapshot()["dataverse"]
    assert counted["batched"] == {"POST accounts": 3, "POST contacts": 1}
    assert counted["operations"] == {"POST $batch": 1, "GET contacts": 1}


async def test_impersonation_of_the_batch_and_of_a_part(web: Web, tenant: Tenant) -> None:
    ada, grace = tenant.people[0], tenant.people[1]
    reply = await web.batch(
        Part("POST", "accounts", {"name": "a"}),
        Part("POST", "accounts", {"name": "b"}, headers={"CallerObjectId": grace.id}),
        CallerObjectId=ada.id,
    )
    assert reply.status == 200
    rows = (await web.get("accounts?$orderby=name")).rows
    assert [row["_createdby_value"] for row in rows] == [ada.systemuserid, grace.systemuserid]


async def test_three_hundred_creates_with_parties_are_quick(web: Web) -> None:
    def parties(n: int) -> list[dict[str, object]]:
        return [
            {"participationtypemask": mask, "addressused": f"{n}@x.example"} for mask in (1, 2, 3)
        ]

    parts = [
        Part("POST", "emails", {"messageid": f"<{n}@x>", "email_activity_parties": parties(n)})
        for n in range(300)
    ]
    started = time.process_time()
    reply = await web.batch(*parts)
    spent = time.process_time() - started
    assert reply.status == 200
    assert spent < 0.5, f"{spent:.2f} s of processor time, the client's part included"
