"""A Dataverse organization that listens, and a plain client to it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.dataverse import Dataverse, service_principal
from sandbox.identity.tokens import TokenAuthority
from sandbox.tenant import Tenant, make_tenant
from sandbox.web import Surroundings
from tests.contract.dataverse.webapi import Web, label, lookup_body, string_body, table_body


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(3)


@pytest.fixture(scope="session")
def authority() -> TokenAuthority:
    return TokenAuthority(make_tenant(3).tenant_id)


@pytest.fixture
def surroundings(authority: TokenAuthority) -> Surroundings:
    return Surroundings(authority)


@pytest.fixture
async def dataverse(tenant: Tenant, surroundings: Surroundings) -> AsyncIterator[Dataverse]:
    service = Dataverse(tenant, surroundings)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


@pytest.fixture
def web(
    tenant: Tenant, surroundings: Surroundings, dataverse: Dataverse, session: aiohttp.ClientSession
) -> Web:
    token, _ = surroundings.authority.issue(service_principal(tenant), dataverse.url)
    return Web(session, dataverse.url, token)


@pytest.fixture
async def things(web: Web) -> str:
    """A custom table with an active key on new_hash and a lookup to emails; its entity set."""
    reply = await web.post("EntityDefinitions", table_body())
    assert reply.status == 204, reply.text
    thing = "EntityDefinitions(LogicalName='new_thing')"
    for body in (string_body("new_Hash", 64), string_body("new_Note", 100)):
        assert (await web.post(f"{thing}/Attributes", body)).status == 204
    relationship = lookup_body("new_EmailId", "new_thing", "email")
    assert (await web.post("RelationshipDefinitions", relationship)).status == 204
    key = {"SchemaName": "new_HashKey", "KeyAttributes": ["new_hash"], "DisplayName": label("k")}
    assert (await web.post(f"{thing}/Keys", key)).status == 204
    statuses: list[str] = []
    while not statuses or statuses[-1] != "Active":
        keys = (await web.get(f"{thing}/Keys?$select=EntityKeyIndexStatus")).rows
        statuses.append(keys[0]["EntityKeyIndexStatus"])
    assert statuses == ["Pending", "InProgress", "Active"]
    return "new_things"
