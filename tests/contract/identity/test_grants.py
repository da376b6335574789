"""Tokens of people and applications, as their programs get and services check them."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from jwt import PyJWK

from sandbox.identity.directory import Client, Directory, Resource
from sandbox.identity.server import Identity
from sandbox.identity.tokens import Principal, TokenAuthority
from sandbox.tenant import make_tenant
from sandbox.web import Surroundings

TENANT = make_tenant(2)
ADA, GRACE = TENANT.people
API = Resource(app_id=TENANT.stable_id("api"), uri="api://an.example/api", scopes=("act", "look"))
ADD_IN = Client(app_id=TENANT.stable_id("add-in"), object_id=TENANT.stable_id("add-in's"))
DAEMON = Client(
    app_id=TENANT.stable_id("daemon"), object_id=TENANT.stable_id("daemon's"), secret="hush"
)
PASSWORD = {
    "grant_type": "password",
    "client_id": ADD_IN.app_id,
    "username": ADA.upn,
    "password": ADA.password,
    "scope": f"openid {API.uri}/act",
}
SECRET = {
    "grant_type": "client_credentials",
    "client_id": DAEMON.app_id,
    "client_secret": "hush",
    "scope": f"{API.uri}/.default",
}


@pytest.fixture
async def identity() -> AsyncIterator[Identity]:
    authority = TokenAuthority(TENANT.tenant_id)
    principal = Principal(app_id="a", object_id="o")
    directory = Directory(TENANT.people)
    for one in (API, ADD_IN, DAEMON):
        directory.register(one)
    running = Identity(authority, Surroundings(authority), [principal], directory)
    await running.start()
    yield running
    await running.stop()


async def granted(
    identity: Identity, form: dict[str, str], tenant: str = TENANT.tenant_id
) -> tuple[int, dict[str, Any]]:
    address = f"{identity.url}/{tenant}/oauth2/v2.0/token"
    async with aiohttp.request("POST", address, data=form) as answer:
        return answer.status, await answer.json()


async def checked(identity: Identity, token: str, audience: str, version: str) -> dict[str, Any]:
    """Check a token with what the service publishes, and return its claims."""
    base = f"{identity.url}/{TENANT.tenant_id}{version}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/.well-known/openid-configuration") as answer:
            told = await answer.json()
        async with session.get(told["jwks_uri"]) as answer:
            keys = {key["kid"]: PyJWK(key) for key in (await answer.json())["keys"]}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=audience, issuer=told["issuer"]
    )
    return claims


async def test_a_person_gets_a_token_of_version_2(identity: Identity) -> None:
    identity.directory.give_roles(API, ADA.id, "Boss")
    status, answer = await granted(identity, PASSWORD)
    assert (status, answer["token_type"], answer["scope"]) == (200, "Bearer", f"{API.uri}/act")
    claims = await checked(identity, answer["access_token"], API.app_id, "/v2.0")
    assert claims["exp"] - claims["iat"] == answer["expires_in"]
    told = ("oid", "scp", "roles", "preferred_username", "azp", "azpacr", "tid", "ver")
    assert [claims[name] for name in told] == [
        ADA.id, "act", ["Boss"], ADA.upn, ADD_IN.app_id, "0", TENANT.tenant_id, "2.0",
    ]  # fmt: skip


async def test_an_api_of_version_1_is_named_by_its_uri(identity: Identity) -> None:
    identity.directory.register(API.model_copy(update={"token_version": 1}))
    _, answer = await granted(identity, {**PASSWORD, "scope": f"{API.uri}/.default"})
    claims = await checked(identity, answer["access_token"], API.uri, "")
    assert (claims["scp"], claims["appid"], claims["ver"]) == ("act look", ADD_IN.app_id, "1.0")
    assert "roles" not in claims


async def test_an_application_has_roles_and_no_scopes(identity: Identity) -> None:
    identity.directory.give_roles(API, DAEMON.object_id, "Boss")
    _, answer = await granted(identity, SECRET)
    claims = await checked(identity, answer["access_token"], API.app_id, "/v2.0")
    assert (claims["oid"], claims["sub"], claims["roles"]) == (
        DAEMON.object_id, DAEMON.object_id, ["Boss"],
    )  # fmt: skip
    assert "scp" not in claims


async def test_a_former_key_stays_published_until_it_is_withdrawn(identity: Identity) -> None:
    _, before = await granted(identity, PASSWORD)
    identity.authority.roll_over()
    _, after = await granted(identity, PASSWORD)
    for answer in (before, after):
        await checked(identity, answer["access_token"], API.app_id, "/v2.0")
    identity.authority.roll_over(withdraw=True)
    with pytest.raises(KeyError):
        await checked(identity, after["access_token"], API.app_id, "/v2.0")


async def test_lifetimes_are_set(identity: Identity) -> None:
    identity.directory.lifetime_seconds = 7
    _, answer = await granted(identity, PASSWORD)
    assert answer["expires_in"] == 7


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({}, 400, "invalid_request", 900144),
        ({**PASSWORD, "scope": ""}, 400, "invalid_request", 900144),
        ({**PASSWORD, "grant_type": "magic"}, 400, "unsupported_grant_type", 70003),
        ({**PASSWORD, "client_id": "x"}, 400, "unauthorized_client", 700016),
        ({**PASSWORD, "username": "x@y.example"}, 400, "invalid_grant", 50034),
        ({**PASSWORD, "password": "wrong"}, 400, "invalid_grant", 50126),
        ({**PASSWORD, "scope": "openid"}, 400, "invalid_scope", 70011),
        ({**PASSWORD, "scope": f"{API.uri}/act api://b/c"}, 400, "invalid_scope", 70011),
        ({**PASSWORD, "scope": "api://b/act"}, 400, "invalid_resource", 500011),
        ({**PASSWORD, "scope": f"{API.uri}/rule"}, 400, "invalid_scope", 650053),
        ({**SECRET, "client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({**SECRET, "client_id": ADD_IN.app_id}, 401, "invalid_client", 7000218),
        ({**SECRET, "scope": f"{API.uri}/act"}, 400, "invalid_scope", 1002012),
    ],
)
async def test_what_is_refused(
    identity: Identity, form: dict[str, str], status: int, error: str, number: int
) -> None:
    refused, body = await granted(identity, form)
    assert (refused, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")


async def test_another_tenant_is_unknown(identity: Identity) -> None:
    status, body = await granted(identity, PASSWORD, TENANT.stable_id("another"))
    assert (status, body["error"]) == (400, "invalid_tenant")
