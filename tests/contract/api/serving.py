"""The API in the Functions host, the tenant that signs its callers in, and a client of both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.signing_in import SigningIn, token_of
from sandbox.functionshost.launch import HostProcess
from sandbox.identity.directory import Directory
from sandbox.identity.server import Identity
from sandbox.identity.tokens import Principal, TokenAuthority
from sandbox.tenant import Person, make_tenant
from sandbox.web import Surroundings
from shared.tracking import examples
from shared.tracking.routes import Route

APP = Path(__file__).parent / "app"
TENANT = make_tenant(3)
ADA, GRACE, ALAN = TENANT.people
MAIL = "AAkMail="
ELSEWHERE = "http://127.0.0.1:9"
SETTINGS = {
    "TENANT_ID": TENANT.tenant_id,
    "DATAVERSE_URL": ELSEWHERE,
    "WEBHOOK_BASE_URL": ELSEWHERE,
    "CLIENT_STATE_KEYS": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    document: Any

    @property
    def code(self) -> str:
        """The problem's code; empty where there is none."""
        return self.document.get("code", "") if isinstance(self.document, dict) else ""


@dataclass
class Serving:
    """The API as its callers have it; Alan is the administrator."""

    host: HostProcess
    identity: Identity
    signing_in: SigningIn
    http: aiohttp.ClientSession

    async def token(self, person: Person, scope: str = "access_as_user") -> str:
        """Return a person's token."""
        return await token_of(
            self.identity.url, TENANT.tenant_id, self.signing_in.form(person, scope)
        )

    async def headers(self, person: Person) -> dict[str, str]:
        """Return what a person's add-in sends to say who calls."""
        return {"Authorization": f"Bearer {await self.token(person)}"}

    async def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        **body: Any,  # noqa: ANN401 - `json` or `data`
    ) -> Answer:
        """Call the API at a path below `/api/`."""
        address = f"{self.host.url}/api/{path}"
        async with self.http.request(
            method, address, headers=headers, params=params, **body
        ) as answer:
            media = "application/problem+json" if answer.status >= 400 else "application/json"
            assert answer.content_type == media, (answer.status, await answer.text())
            assert answer.headers["Cache-Control"] == "no-store"
            document = await answer.json(content_type=None)
            return Answer(answer.status, answer.headers, document)

    async def route(
        self, route: Route, headers: Mapping[str, str], mailbox: str | None = None
    ) -> Answer:
        """Call a route as its example shows it."""
        params = {"mailbox": mailbox} if mailbox else {}
        body = {"json": examples.BODIES[route.body]} if route.body else {}
        path = route.path.format(id=MAIL)
        return await self.call(route.method, path, headers, params=params, **body)


@asynccontextmanager
async def serving(**settings: str) -> AsyncIterator[Serving]:
    """Run the API with these settings beside its usual ones; an empty one is taken out."""
    authority = TokenAuthority(TENANT.tenant_id)
    principal = Principal(app_id="a", object_id="o")
    directory = Directory(TENANT.people)
    identity = Identity(authority, Surroundings(authority), [principal], directory)
    await identity.start()
    try:
        signing_in = SigningIn(TENANT, directory)
        given = {**SETTINGS, **signing_in.settings(identity.url), **settings}
        host = await HostProcess.start(APP, given)
        try:
            async with aiohttp.ClientSession() as http:
                yield Serving(host, identity, signing_in, http)
        finally:
            await host.kill()
    finally:
        await identity.stop()
