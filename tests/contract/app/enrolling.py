"""Enrolment in this process, against the sandbox's services, by the sandbox's clock."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter

from bench.stack import PROJECT
from sandbox.faults import Fault
from sandbox.services import Services
from sandbox.store import Document
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.apply import apply_schema
from shared.graph.client import GraphClient
from shared.graph.client_state import ClientStateKeys
from shared.identifiers import Kind
from shared.sync.enrolment import Enrolment
from shared.sync.subscribing import Subscriber
from tests.contract.graph.webhook import Webhook
from tests.system.stacks import tenant_of

KEYS = {"k1": b"0123456789abcdef0123456789abcdef"}


@dataclass
class Enrolling:
    """The services, the webhook that Graph calls, and the enrolment under test."""

    services: Services
    webhook: Webhook
    keys: ClientStateKeys
    graph: GraphClient
    dataverse: DataverseClient

    @property
    def base_url(self) -> str:
        """Where Graph is told to call."""
        return self.webhook.url.removesuffix("/notify")

    @property
    def enrolment(self) -> Enrolment:
        """An enrolment with these keys; it keeps nothing from one pass to the next."""
        now = self.services.surroundings.clock.now
        subscriber = Subscriber(
            self.graph, self.keys, kinds=[Kind.MAIL], webhook_base_url=self.base_url, now=now
        )
        return Enrolment(self.graph, self.dataverse, subscriber, now)

    def with_keys(self, keys: Mapping[str, bytes]) -> "Enrolling":
        """Return the same with other keys, the first of which seals."""
        return replace(self, keys=ClientStateKeys(self.services.tenant.tenant_id, keys))

    def fault(self, service: str, operation: str, status: int, **stated: object) -> None:
        """Let something go wrong, and nothing else."""
        fault = {"service": service, "operation": operation, "action": "status", "status": status}
        faults = self.services.surroundings.faults
        faults.replace([Fault.model_validate({**fault, **stated})])

    @property
    def people(self) -> list[str]:
        """The Entra ids of the people, in the tenant's order."""
        return [person.id for person in self.services.tenant.people]

    def subscriptions(self, person: str) -> list[Document]:
        """Return the live subscriptions to a mailbox."""
        return self.services.graph.notifications.of_mailbox(person)

    def advance(self, by: timedelta) -> None:
        """Move the clock that everything goes by."""
        self.services.surroundings.clock.advance(by)

    def set_mailbox(self, person: str, **values: object) -> None:
        """Set columns of a person's `mailbox` row, those too that only the server may set."""
        rows = self.services.dataverse.organization.rows
        user = next(one for one in self.services.tenant.people if one.id == person)
        (key,) = rows.find("mailbox", "regardingobjectid", user.systemuserid)
        rows.put("mailbox", key, {**(rows.get("mailbox", key) or {}), **values})

    def set_row(self, person: str, **values: object) -> None:
        """Set columns of a `tether_mailbox` row, whatever the app would say to it."""
        rows = self.services.dataverse.organization.rows
        rows.put("tether_mailbox", person, {**(rows.get("tether_mailbox", person) or {}), **values})

    def set_subscription(self, person: str, **values: object) -> Document:
        """Let the subscription to a mailbox be another's; return it as it is then."""
        (row,) = self.subscriptions(person)
        kept = self.services.graph.notifications.subscriptions
        kept[row["id"]] = {**row, **values}
        return kept[row["id"]]

    def set_user(self, person: str, **values: object) -> None:
        """Set columns of a person's `systemuser` row."""
        rows = self.services.dataverse.organization.rows
        key = next(one.systemuserid for one in self.services.tenant.people if one.id == person)
        rows.put("systemuser", key, {**(rows.get("systemuser", key) or {}), **values})

    async def enrolled(self) -> dict[str, dict[str, Any]]:
        """Return the `tether_mailbox` rows by Entra id."""
        rows = await self.dataverse.read_all("tether_mailboxes")
        return {row["tether_mailboxid"]: row for row in rows}

    async def row(self, person: str) -> dict[str, Any]:
        """Return one `tether_mailbox` row."""
        return (await self.enrolled())[person]


@asynccontextmanager
async def enrolling(mailboxes: int) -> AsyncIterator[Enrolling]:
    """Run the services, and an enrolment on clients that are closed at the end."""
    services = Services(tenant_of(mailboxes), entities=PROJECT / "infra" / "queues.json")
    async with AsyncExitStack() as stack:
        await services.start()
        stack.push_async_callback(services.stop)
        webhook = await stack.enter_async_context(Webhook())
        credential = services.credential()
        dataverse = DataverseClient(services.dataverse.url, credential)
        stack.push_async_callback(dataverse.close)
        await apply_schema(dataverse)
        # Without the SDK's middleware, whose transport never closes its connections.
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        scopes = [f"{services.graph.url}/.default"]
        adapter = GraphRequestAdapter(
            AzureIdentityAuthenticationProvider(credential, scopes=scopes), client=http
        )
        adapter.base_url = f"{services.graph.url}/v1.0"
        graph, keys = GraphClient(adapter), ClientStateKeys(services.tenant.tenant_id, KEYS)
        yield Enrolling(services, webhook, keys, graph, dataverse)
