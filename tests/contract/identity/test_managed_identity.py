from collections.abc import AsyncIterator

import aiohttp
import jwt
import pytest
from azure.identity.aio import ManagedIdentityCredential
from jwt import PyJWK

from sandbox.faults import Fault
from sandbox.identity.server import Identity
from sandbox.identity.tokens import Principal, TokenAuthority
from sandbox.tenant import make_tenant
from sandbox.web import Surroundings

TENANT = make_tenant(1)
SYSTEM = Principal(app_id=TENANT.stable_id("app"), object_id=TENANT.stable_id("system"),
                   roles=("Mail.Read",))  # fmt: skip
USER = Principal(app_id=TENANT.stable_id("user app"), object_id=TENANT.stable_id("user"))


@pytest.fixture
async def surroundings() -> Surroundings:
    return Surroundings(TokenAuthority(TENANT.tenant_id))


@pytest.fixture
async def identity(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Identity]:
    running = Identity(surroundings.authority, surroundings, [SYSTEM, USER])
    await running.start()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    yield running
    await running.stop()


@pytest.mark.usefixtures("identity")
async def test_azure_identity_gets_a_token_for_the_resource(surroundings: Surroundings) -> None:
    async with ManagedIdentityCredential() as credential:
        token = await credential.get_token("https://graph.microsoft.com/.default")
    claims = surroundings.authority.verify(token.token, ["https://graph.microsoft.com"])
    assert (claims["appid"], claims["oid"], claims["roles"]) == (
        SYSTEM.app_id, SYSTEM.object_id, ["Mail.Read"],
    )  # fmt: skip
    assert token.expires_on == claims["exp"]


@pytest.mark.usefixtures("identity")
async def test_a_user_assigned_identity_is_chosen_by_client_id(surroundings: Surroundings) -> None:
    async with ManagedIdentityCredential(client_id=USER.app_id) as credential:
        token = await credential.get_token("https://contoso.crm.dynamics.com/.default")
    claims = surroundings.authority.verify(token.token, ["https://contoso.crm.dynamics.com"])
    assert claims["oid"] == USER.object_id


@pytest.mark.parametrize(
    ("header", "query", "status", "said"),
    [
        ("wrong", {}, 401, "X-IDENTITY-HEADER"),
        (None, {"api-version": "2017-09-01"}, 400, "api-version"),
        (None, {"resource": ""}, 400, "resource"),
        (None, {"client_id": "nobody"}, 400, "No User Assigned"),
    ],
)
async def test_what_the_endpoint_refuses(
    identity: Identity, header: str | None, query: dict[str, str], status: int, said: str
) -> None:
    environment = identity.environment()
    asked = {"api-version": "2019-08-01", "resource": "https://graph.microsoft.com", **query}
    headers = {"X-IDENTITY-HEADER": header or environment["IDENTITY_HEADER"]}
    async with aiohttp.request(
        "GET", environment["IDENTITY_ENDPOINT"], params=asked, headers=headers
    ) as response:
        body = await response.json()
    assert (response.status, body["statusCode"]) == (status, status)
    assert said in body["message"]
    assert body["correlationId"]


async def test_a_token_can_be_checked_with_the_published_keys(identity: Identity) -> None:
    base = f"{identity.url}/{TENANT.tenant_id}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/.well-known/openid-configuration") as response:
            configuration = await response.json()
        async with session.get(configuration["jwks_uri"]) as response:
            (key,) = (await response.json())["keys"]
        async with session.get(f"{identity.url}/other/.well-known/openid-configuration") as answer:
            assert answer.status == 400
    async with ManagedIdentityCredential() as credential:
        token = (await credential.get_token("https://graph.microsoft.com/.default")).token
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    claims = jwt.decode(
        token,
        PyJWK(key).key,
        algorithms=["RS256"],
        audience="https://graph.microsoft.com",
        issuer=configuration["issuer"],
    )
    assert claims["tid"] == TENANT.tenant_id


async def test_requests_are_counted_and_faults_strike(
    identity: Identity, surroundings: Surroundings
) -> None:
    fault = Fault(service="identity", operation="GET /msi/token", action="status", retry_after=1)
    surroundings.faults.replace([fault])
    async with aiohttp.request("GET", identity.environment()["IDENTITY_ENDPOINT"]) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert surroundings.stats.snapshot()["identity"]["operations"] == {"GET /msi/token": 1}
