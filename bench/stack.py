"""Tether on a whole tenant on this machine: the sandbox's services and the app in its host."""

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from bench.signing_in import SigningIn
from sandbox.certificate import Certificate
from sandbox.functionshost.launch import HostProcess
from sandbox.services import Services, write_json
from sandbox.tenant import Tenant
from shared.dataverse.client import DataverseClient
from shared.dataverse.mailboxes import ALL_MAILBOXES, mailbox_rows
from shared.dataverse.schema.apply import apply_schema
from shared.graph.messages import Folder
from shared.graph.subscriptions import SUBSCRIBED_KINDS

PROJECT = Path(__file__).resolve().parents[1]
STACK_FILE = PROJECT / ".tether" / "stack.json"
SELDOM = "0 0 0 1 1 *"
"""A schedule for a timer that is run by hand."""
_ENROLMENT_SECONDS = 60


class TetherStack:
    """The stack: `start`, use its addresses, `stop`. With `state` it goes on where it was.

    `show` is given each line of the app's log.
    """

    def __init__(
        self,
        tenant: Tenant,
        *,
        state: Path | None = None,
        settings: Mapping[str, str] | None = None,
        show: Callable[[str], object] | None = None,
    ) -> None:
        self._show = show
        self._certificate = Certificate(state or STACK_FILE.parent)
        self.services = Services(
            tenant,
            entities=PROJECT / "infra/queues.json",
            state=state,
            certificate=self._certificate,
        )
        self.signing_in = SigningIn(tenant, self.services.identity.directory)
        self._state = state
        self._extra = dict(settings or {})
        self._client_state_key = _kept_key(state)
        self.host: HostProcess | None = None
        self.dataverse: DataverseClient | None = None

    @property
    def functions_url(self) -> str:
        """Where the function app listens."""
        return f"http://127.0.0.1:{self.services.ports.functions}"

    async def start(self) -> None:
        """Start the tenant, put Tether's tables into it, run the app, enrol the mailboxes."""
        await self.services.start()
        self.dataverse = DataverseClient(self.services.dataverse.url, self.services.credential())
        await apply_schema(self.dataverse, application_id=self.services.principal.app_id)
        await self.start_host()
        await self.enrol()

    async def stop(self) -> None:
        """Stop the app, then the tenant."""
        if self.host:
            await self.host.stop()
        if self.dataverse:
            await self.dataverse.close()
        await self.services.stop()

    async def start_host(self) -> None:
        """Run the function app, as it would run in Azure."""
        state = ["--state", str(self._state / "functions")] if self._state else []
        port = str(self.services.ports.functions)
        self.host = await HostProcess.start(
            PROJECT, self.settings(), ["--port", port, *state], show=self._show
        )

    async def enrol(self) -> None:
        """Have the enrolment timer run now, and wait until every ready mailbox is subscribed.

        Raises:
            TimeoutError: a ready mailbox got no subscription in a minute.
        """
        await self.fire("subscriptions")
        ready = {person.id for person in self.services.tenant.people if person.ready}
        async with asyncio.timeout(_ENROLMENT_SECONDS):
            while not ready <= await self._subscribed():
                await asyncio.sleep(0.05)

    async def fire(self, function: str) -> None:
        """Run a timer's function once, now, through the host's admin API."""
        if self.host is None:
            raise RuntimeError("the function app is not running")
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.functions_url}/admin/functions/{function}",
                headers={"x-functions-key": self.host.admin_key},
                json={"input": ""},
            ) as answer,
        ):
            answer.raise_for_status()

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Return rows of Dynamics, e.g. `rows("emails?$select=subject")`."""
        if self.dataverse is None:
            raise RuntimeError("the stack is not running")
        return await self.dataverse.read_all(query)

    def settings(self) -> dict[str, str]:
        """Return the app settings, as Bicep would set them, with the sandbox's addresses."""
        return {
            "TENANT_ID": self.services.tenant.tenant_id,
            "DATAVERSE_URL": self.services.dataverse.url,
            "GRAPH_ENDPOINT": self.services.graph.url,
            "WEBHOOK_BASE_URL": self.functions_url,
            "CLIENT_STATE_KEYS": self._client_state_key,
            "ServiceBusConnection": self.services.servicebus.connection_string,
            **self.signing_in.settings(self.services.identity.url),
            **self.services.identity.environment(),
            **self._extra,
        }

    def addresses(self) -> dict[str, Any]:
        """Return what a person or a client needs to use the stack."""
        return {
            "graph": self.services.graph.url,
            "dataverse": self.services.dataverse.url,
            "identity": self.services.identity.url,
            "functions": self.functions_url,
            "servicebus": self.services.servicebus.connection_string,
            "tenant_id": self.services.tenant.tenant_id,
            "mailboxes": [
                {"id": person.id, "upn": person.upn, "systemuserid": person.systemuserid}
                for person in self.services.tenant.people
            ],
            "env": self.services.identity.environment(),
        }

    def over_https(self) -> dict[str, Any]:
        """Return where Dataverse listens over https, and the certificate a client must trust."""
        return {
            "dataverse": self.services.dataverse.tls_url,
            "ca_file": str(self._certificate.file.resolve()),
        }

    def write_addresses(self) -> None:
        """Write `stack.json`, and beside it what listens over https and what the app is set to."""
        write_json(STACK_FILE, self.addresses())
        write_json(STACK_FILE.with_name("https.json"), self.over_https())
        write_json(STACK_FILE.with_name("settings.json"), self.settings())

    async def _subscribed(self) -> set[str]:
        """Return the mailboxes that have a subscription to each kind of item."""
        rows = mailbox_rows(await self.rows(ALL_MAILBOXES), knowing={one.value for one in Folder})
        kinds = set(SUBSCRIBED_KINDS)
        return {row.id for row in rows if kinds <= row.subscriptions.keys()}


def _kept_key(state: Path | None) -> str:
    """Return a client-state key: random, and the same after a restart with the same state."""
    file = state / "client_state_keys" if state else None
    if file and file.exists():
        return file.read_text()
    key = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(key)
    return key
