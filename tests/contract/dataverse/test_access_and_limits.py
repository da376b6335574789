"""Who may call, as whom, how much, and what goes wrong on purpose."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from sandbox.dataverse import Dataverse, service_principal
from sandbox.faults import Fault
from sandbox.identity.tokens import Principal
from sandbox.tenant import Tenant
from sandbox.web import Surroundings
from tests.contract.dataverse.webapi import Reply, Web


async def test_a_token_is_needed(web: Web, tenant: Tenant) -> None:
    web.token = "nonsense"
    reply = await web.get("WhoAmI")
    assert reply.status == 401
    challenge = reply.headers["WWW-Authenticate"]
    assert tenant.tenant_id in challenge
    assert "resource_id=http" in challenge


async def test_the_audience_is_the_organization(
    web: Web, tenant: Tenant, surroundings: Surroundings
) -> None:
    web.token, _ = surroundings.authority.issue(service_principal(tenant), "https://other.example")
    assert (await web.get("WhoAmI")).status == 401


async def test_an_application_without_a_user_is_no_member(
    web: Web, surroundings: Surroundings
) -> None:
    stranger = Principal(app_id="a" * 8, object_id="b" * 8)
    web.token, _ = surroundings.authority.issue(stranger, web.root.partition("/api")[0])
    reply = await web.get("WhoAmI")
    assert (reply.status, reply.code) == (403, "0x80072560")


async def test_who_am_i(web: Web) -> None:
    reply = await web.get("WhoAmI()")
    me = await web.get(f"systemusers({reply.json['UserId']})?$select=applicationid")
    assert me.json["applicationid"]
    assert set(reply.json) == {"@odata.context", "BusinessUnitId", "UserId", "OrganizationId"}
    assert int(reply.headers["x-ms-dop-hint"]) > 0
    assert (await web.post("WhoAmI", {})).status == 405


@pytest.mark.parametrize("header", ["CallerObjectId", "MSCRMCallerID"])
async def test_acting_for_somebody_else(web: Web, tenant: Tenant, header: str) -> None:
    ada = tenant.people[0]
    value = ada.id if header == "CallerObjectId" else ada.systemuserid
    me = (await web.get("WhoAmI")).json["UserId"]
    reply = await web.post("tasks", {"subject": "x"}, **{header: value})
    row = (await web.get(f"tasks({reply.entity_id})")).json
    assert {row["_createdby_value"], row["_modifiedby_value"], row["_ownerid_value"]} == {
        ada.systemuserid
    }
    assert (row["_createdonbehalfby_value"], row["_modifiedonbehalfby_value"]) == (me, me)
    await web.patch(f"tasks({reply.entity_id})", {"subject": "y"}, MSCRMCallerID=me)
    row = (await web.get(f"tasks({reply.entity_id})")).json
    assert (row["_modifiedby_value"], row["_modifiedonbehalfby_value"]) == (me, None)


async def test_acting_for_nobody(web: Web) -> None:
    reply = await web.get("WhoAmI", CallerObjectId="00000000-0000-0000-0000-000000000001")
    assert (reply.status, reply.code) == (403, "0x80042f09")


async def test_headers_of_every_answer(web: Web) -> None:
    reply = await web.get("contacts", x_ms_client_request_id="mine")
    assert reply.headers["x-ms-client-request-id"] == "mine"
    assert reply.headers["x-ms-service-request-id"]
    cookies = ",".join(reply.headers.getall("Set-Cookie"))
    assert "ARRAffinity=" in cookies
    assert "ARRAffinitySameSite=" in cookies
    left = int(reply.headers["x-ms-ratelimit-burst-remaining-xrm-requests"])
    again = await web.get("contacts")
    assert int(again.headers["x-ms-ratelimit-burst-remaining-xrm-requests"]) == left - 1
    assert float(reply.headers["x-ms-ratelimit-time-remaining-xrm-requests"]) <= 1200


async def test_fifty_two_requests_at_once(
    surroundings: Surroundings, tenant: Tenant, dataverse: Dataverse
) -> None:
    hold = Fault(service="dataverse", operation="GET accounts", action="hold", times=None)
    surroundings.faults.replace([hold])
    token, _ = surroundings.authority.issue(service_principal(tenant), dataverse.url)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        web = Web(session, dataverse.url, token)
        held = [asyncio.create_task(web.get("accounts")) for _ in range(52)]
        while hold.hits < 52:
            await asyncio.sleep(0)
        refused = await web.get("WhoAmI")
        assert (refused.status, refused.code) == (429, "0x80072326")
        assert int(refused.headers["Retry-After"]) >= 1
        surroundings.faults.replace([])
        assert {(await task).status for task in held} == {200}
        assert (await web.get("WhoAmI")).status == 200


async def test_twelve_hundred_seconds_of_work(web: Web, surroundings: Surroundings) -> None:
    hold = Fault(service="dataverse", operation="GET accounts", action="hold")
    surroundings.faults.replace([hold])

    async def slow() -> Reply:
        return await web.get("accounts")

    task = asyncio.create_task(slow())
    while not hold.hits:
        await asyncio.sleep(0)
    surroundings.clock.advance(timedelta(seconds=1201))
    surroundings.faults.replace([])
    assert (await task).status == 200
    refused = await web.get("WhoAmI")
    assert (refused.status, refused.code) == (429, "0x80072321")
    assert 290 <= int(refused.headers["Retry-After"]) <= 300
    surroundings.clock.advance(timedelta(seconds=301))
    assert (await web.get("WhoAmI")).status == 200


async def test_a_fault_strikes_by_operation(web: Web, surroundings: Surroundings) -> None:
    surroundings.faults.replace([
        Fault(service="dataverse", operation="PATCH contacts", action="status", status=429,
              code="0x80072322", retry_after=17),
        Fault(service="dataverse", operation="POST contacts", action="drop-after"),
    ])  # fmt: skip
    with pytest.raises(aiohttp.ClientError):
        await web.post("contacts", {"lastname": "kept"})
    (row,) = (await web.get("contacts")).rows
    reply = await web.patch(f"contacts({row['contactid']})", {"lastname": "x"})
    assert (reply.status, reply.code, reply.headers["Retry-After"]) == (429, "0x80072322", "17")
    assert (await web.get("contacts")).rows[0]["lastname"] == "kept"


async def test_requests_are_counted_by_operation(web: Web, surroundings: Surroundings) -> None:
    surroundings.stats.reset()
    email = await web.created("emails")
    await web.get(f"emails({email})?$select=subject")
    await web.put(f"emails({email})/email_activity_parties", {"value": []})
    await web.get("EntityDefinitions(LogicalName='email')/Keys")
    await web.get("nosuchset")
    web.token = ""
    await web.get("WhoAmI")
    assert surroundings.stats.snapshot()["dataverse"]["operations"] == {
        "POST emails": 1, "GET emails": 1, "PUT emails": 1, "GET EntityDefinitions": 1,
        "GET nosuchset": 1, "GET WhoAmI": 1,
    }  # fmt: skip


async def test_urls_that_lead_nowhere(web: Web) -> None:
    host = web.root.partition("/api")[0]
    assert (await web.get(f"{host}/api/data/v8.0/contacts")).status == 404
    assert (await web.get("contacts(1)/x/y/z")).status == 400
    assert (await web.get("contacts(notaguid)")).status == 400
    assert (await web.get("contacts/Microsoft.Dynamics.CRM.Nosuch")).status == 404
    assert (await web.put("contacts", {})).status == 405
