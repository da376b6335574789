"""A tenant whose mailboxes are enrolled, and the command `tether` run against it."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.stack import PROJECT
from cli.clients import Clients, clients_of
from sandbox.faults import Fault
from sandbox.services import Services
from shared.config import read_settings
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.apply import apply_schema
from shared.graph.subscriptions import SUBSCRIBED_KINDS
from shared.sync.enrolment import Enrolment
from shared.sync.subscribing import Subscriber
from tests.contract.cli.webhook import GraphsWebhook
from tests.system.stacks import tenant_of

TETHER = Path(sys.executable).with_name("tether")
KEY = f"k1:{base64.b64encode(bytes(range(32))).decode()}"


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.out)


@dataclass
class Office:
    """The services of a tenant, and settings for the command."""

    services: Services
    webhook: GraphsWebhook
    folder: Path
    changed: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        found = {
            "TENANT_ID": self.services.tenant.tenant_id,
            "DATAVERSE_URL": self.services.dataverse.url,
            "GRAPH_ENDPOINT": self.services.graph.url,
            "WEBHOOK_BASE_URL": self.webhook.url,
            "CLIENT_STATE_KEYS": KEY,
            "ServiceBusConnection": self.services.servicebus.connection_string,
            **self.services.identity.environment(),
            **self.changed,
        }
        return {name: value for name, value in found.items() if value}

    def fault(self, service: str, operation: str, status: int, **stated: object) -> None:
        fault = {"service": service, "operation": operation, "action": "status", "status": status}
        faults = self.services.surroundings.faults
        faults.replace([Fault.model_validate({**fault, **stated})])

    async def tether(
        self, *arguments: str, settings: Mapping[str, str] | None = None, enter: str | None = None
    ) -> Said:
        """Run the command as a process, with the settings in a file."""
        file = self.folder / "settings.json"
        await asyncio.to_thread(
            file.write_text, json.dumps(self.settings if settings is None else settings)
        )
        return await run(*arguments, "--settings", str(file), folder=self.folder, enter=enter)


async def run(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    enter: str | None = None,
) -> Said:
    """Run the command in a folder, with nothing of ours in its environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        TETHER,
        *arguments,
        cwd=folder,
        env={**kept, "COLUMNS": "200", **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate((enter or "").encode())
    return Said(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Office]:
    """A tenant that nothing has been put into."""
    services = Services(tenant_of(2), entities=PROJECT / "infra" / "queues.json")
    async with AsyncExitStack() as stack:
        await services.start()
        stack.push_async_callback(services.stop)
        webhook = await stack.enter_async_context(GraphsWebhook())
        yield Office(services, webhook, tmp_path)


@pytest.fixture
async def office(bare: Office) -> Office:
    """A tenant with Tether's tables in it, and both mailboxes enrolled."""
    credential = bare.services.credential()
    dataverse = DataverseClient(bare.services.dataverse.url, credential)
    await apply_schema(dataverse, application_id=bare.services.principal.app_id)
    await dataverse.close()
    settings = read_settings(bare.settings)
    async with clients_of(settings, bare.settings) as clients:
        await enrol(bare, clients)
    return bare


async def enrol(office: Office, clients: Clients) -> None:
    """Make a pass of the enrolment."""
    now = office.services.surroundings.clock.now
    subscriber = Subscriber(
        clients.graph,
        clients.keys,
        kinds=SUBSCRIBED_KINDS,
        webhook_base_url=clients.settings.webhook_base_url,
        now=now,
    )
    await Enrolment(clients.graph, clients.dataverse, subscriber, now).enrol_and_renew()
