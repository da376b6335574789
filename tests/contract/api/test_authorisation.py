"""Who may call what: every route by every sort of caller, in both ways of knowing them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.tracking.routes import ROUTES, Route
from tests.contract.api import credentials
from tests.contract.api.credentials import FORGED, LET_IN, TURNED_AWAY, Present, principal
from tests.contract.api.serving import ADA, ALAN, GRACE, MAIL, TENANT, Serving, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
GUARDED = [route for route in ROUTES if not route.is_open]
each_route = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.function)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by_token() -> AsyncIterator[Serving]:
    async with serving() as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by_platform() -> AsyncIterator[Serving]:
    async with serving(API_AUTHENTICATION="appservice", WEBSITE_AUTH_ENABLED="True") as api:
        yield api


async def ready(api: Serving, headers: dict[str, str]) -> None:
    """Have Ada's mail saved, so that there is something to remove and to be about something."""
    await api.call("PUT", f"items/{MAIL}", headers)
    status = await api.call("GET", f"items/{MAIL}", headers)
    assert status.document["state"] == "saved"


@each_route
@pytest.mark.parametrize("who", TURNED_AWAY)
async def test_who_is_turned_away(by_token: Serving, route: Route, who: str) -> None:
    present, status, code = TURNED_AWAY[who]
    answer = await by_token.route(route, await present(by_token), ADA.id)
    assert (answer.status, answer.code) == (status, code)
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)


@each_route
@pytest.mark.parametrize("who", LET_IN)
async def test_who_is_let_in(by_token: Serving, route: Route, who: str) -> None:
    await ready(by_token, await by_token.headers(ADA))
    present: Present = LET_IN[who]
    answer = await by_token.route(route, await present(by_token), ADA.id)
    assert answer.status in route.answers


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("named", ["uri", "app_id"])
async def test_tokens_of_both_versions_are_known(
    by_token: Serving, version: int, named: str
) -> None:
    audience = getattr(by_token.signing_in.api, named)
    authority, login = by_token.identity.authority, by_token.identity.url
    issuer = authority.issuer if version == 1 else f"{login}/{TENANT.tenant_id}/v2.0"
    headers = await credentials.changed(aud=audience, iss=issuer)(by_token)
    assert (await by_token.call("GET", "mailbox", headers)).status == 200


async def test_without_a_mailbox_it_is_the_callers_own(by_token: Serving) -> None:
    for person in (ADA, GRACE, ALAN):
        answer = await by_token.call("GET", "mailbox", await by_token.headers(person))
        assert (answer.status, answer.document["id"]) == (200, person.id)


async def test_a_principal_beside_a_token_changes_nothing(by_token: Serving) -> None:
    headers = {**await by_token.headers(GRACE), **FORGED}
    answer = await by_token.call("GET", "mailbox", headers)
    assert answer.document["id"] == GRACE.id
    answer = await by_token.call("GET", "mailbox", headers, params={"mailbox": ADA.id})
    assert answer.code == "not-your-mailbox"


async def test_the_document_is_open_to_all(by_token: Serving) -> None:
    answer = await by_token.call("GET", "openapi.json")
    assert (answer.status, answer.document["openapi"]) == (200, "3.1.0")


@each_route
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "not-signed-in"),
        ({"X-MS-CLIENT-PRINCIPAL": "@@@"}, 401, "token-refused"),
        ({"X-MS-CLIENT-PRINCIPAL": "e30="}, 401, "token-refused"),
        (principal(ADA.id, tenant=credentials.OTHER_TENANT), 401, "token-refused"),
        (principal("ada"), 401, "token-refused"),
        (principal(ADA.id, scope="other"), 403, "no-access"),
        (principal(ADA.id, idtyp="app"), 403, "no-access"),
        (principal(GRACE.id), 403, "not-your-mailbox"),
        (principal(GRACE.id, "Another.Role"), 403, "not-your-mailbox"),
    ],
    ids=[
        "none", "no base64", "no principal", "other tenant", "no id", "other scope",
        "application", "other seller", "other role",
    ],
)  # fmt: skip
async def test_who_the_platform_does_not_vouch_for(
    by_platform: Serving, route: Route, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await by_platform.route(route, headers, ADA.id)
    assert (answer.status, answer.code) == (status, code)


@each_route
@pytest.mark.parametrize(
    "headers",
    [
        principal(ADA.id),
        principal(ADA.id, scope="email access_as_user"),
        principal(ALAN.id, "Tether.Administrator"),
        principal(TENANT.stable_id("script"), "Tether.Administrator", idtyp="app"),
    ],
    ids=["owner's session", "owner's token", "administrator", "application"],
)
async def test_who_the_platform_vouches_for(
    by_platform: Serving, route: Route, headers: dict[str, str]
) -> None:
    await ready(by_platform, principal(ADA.id))
    answer = await by_platform.route(route, headers, ADA.id)
    assert answer.status in route.answers


@each_route
async def test_behind_the_platform_a_token_means_nothing(
    by_platform: Serving, route: Route
) -> None:
    answer = await by_platform.route(route, await by_platform.headers(ADA), ADA.id)
    assert (answer.status, answer.code) == (401, "not-signed-in")


@pytest.mark.parametrize(
    "settings",
    [{"API_AUDIENCE": ""}, {"API_AUTHENTICATION": "appservice"}],
    ids=["no audience", "the platform's authentication is off"],
)
async def test_an_api_that_is_not_set_up_turns_everybody_away(settings: dict[str, str]) -> None:
    async with serving(**settings) as api:
        for route in GUARDED:
            headers = {**await api.headers(ALAN), **FORGED}
            answer = await api.route(route, headers, ADA.id)
            assert (answer.status, answer.code) == (503, "api-not-configured")
        assert (await api.call("GET", "openapi.json")).status == 200


async def test_another_role_may_be_the_administrators() -> None:
    async with serving(API_ADMINISTRATOR_ROLE="Boss") as api:
        params = {"mailbox": ADA.id}
        alan = await api.headers(ALAN)
        assert (await api.call("GET", "mailbox", alan, params=params)).code == "not-your-mailbox"
        api.signing_in.directory.give_roles(api.signing_in.api, GRACE.id, "Boss")
        grace = await api.headers(GRACE)
        assert (await api.call("GET", "mailbox", grace, params=params)).status == 200


async def test_keys_roll_over_under_the_callers_eyes() -> None:
    async with serving() as api:
        before = await api.headers(ADA)
        assert (await api.call("GET", "mailbox", before)).status == 200
        api.identity.authority.roll_over()
        after = await api.headers(ADA)
        assert before != after
        for headers in (after, before):
            assert (await api.call("GET", "mailbox", headers)).status == 200
        await api.identity.stop()
        assert (await api.call("GET", "mailbox", after)).status == 200
