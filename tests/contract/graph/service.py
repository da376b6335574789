"""A Graph with its control API, and a plain HTTP client of both."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from sandbox.control import Control
from sandbox.graph import Graph
from sandbox.graph.rules import Rules
from sandbox.identity.tokens import Principal, TokenAuthority
from sandbox.store import Document
from sandbox.tenant import Tenant, make_tenant
from sandbox.web import Surroundings

IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
ROLES = (
    "Mail.ReadWrite", "Mail.Send", "Contacts.ReadWrite", "Tasks.ReadWrite.All", "User.Read.All",
    "Calendars.ReadWrite", "MailboxSettings.ReadWrite",
)  # fmt: skip


def mail(subject: str = "Offer", *, to: str = "ada@contoso.example", **headers: str) -> bytes:
    """Return a small raw message; `_` in a header's name stands for `-`."""
    lines = {
        "From": "Casey Customer <casey@customer.example>",
        "To": to,
        "Subject": subject,
        "Message-ID": f"<{subject.replace(' ', '-')}@customer.example>",
        "Date": "Mon, 02 Nov 2026 08:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\nHello from the customer.\r\n".encode()


class Service:
    """One running Graph. Calls answer (status, body); `raw` gives the whole response's headers."""

    def __init__(
        self,
        *,
        state: Path | None = None,
        rules: Rules | None = None,
        roles: tuple[str, ...] = ROLES,
        controlled: bool = True,
    ) -> None:
        self.tenant: Tenant = make_tenant(3)
        self.authority = TokenAuthority(self.tenant.tenant_id)
        self.surroundings = Surroundings(self.authority)
        self.principal = Principal(
            app_id=self.tenant.stable_id("app"),
            object_id=self.tenant.stable_id("principal"),
            roles=roles,
        )
        self.graph = Graph(
            self.tenant, self.surroundings, principal=self.principal, state=state, rules=rules
        )
        if controlled:
            Control(self.graph, self.surroundings)
        self.ada, self.grace, self.alan = self.tenant.people
        self.headers: Mapping[str, str] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Service":
        await self.graph.start()
        self._stack.push_async_callback(self.graph.stop)
        authorization = {"Authorization": f"Bearer {self.graph.token()}"}
        session = aiohttp.ClientSession(headers=authorization)
        self.session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        """Call the API; header names are given with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else f"{self.graph.url}/v1.0{path}"
        async with self.session.request(method, url, json=body, headers=named) as response:
            self.headers = response.headers
            if response.content_type == "application/json":
                return response.status, await response.json()
            return response.status, await response.read()

    async def deliver(self, raw: bytes, query: str = "", upn: str | None = None) -> Document:
        """Deliver a raw message to Ada, or to whoever is named."""
        path = f"/_sandbox/mailboxes/{upn or self.ada.upn}/deliver{query}"
        async with self.session.post(self.graph.url + path, data=raw) as response:
            assert response.status == 201, await response.text()
            delivered: Document = await response.json()
            return delivered

    async def control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the control API without a token."""
        url = f"{self.graph.url}/_sandbox{path}"
        async with aiohttp.request(method, url, json=body) as response:
            text = await response.read()
            return response.status, await response.json() if text else None

    async def subscribe(self, url: str, **stated: object) -> Document:
        """Subscribe to Ada's messages with immutable ids, or to what is stated."""
        status, body = await self.call(
            "POST", "/subscriptions", self.subscription(url, **stated), **IMMUTABLE
        )
        assert status == 201, body
        created: Document = body
        return created

    def subscription(self, url: str, **stated: object) -> Document:
        """Return the body of such a subscription."""
        expiry = self.surroundings.clock.now() + timedelta(days=3)
        return {
            "changeType": "created,updated,deleted",
            "notificationUrl": url,
            "resource": f"users/{self.ada.id}/messages",
            "expirationDateTime": expiry.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
            "clientState": "secret",
            **stated,
        }
