"""The clients a command works with, closed when it ends."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential
from azure.servicebus.aio import ServiceBusClient
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter

from cli.environment import adopt_identity, dataverse_url, find_settings, graph_endpoint
from shared.config import Settings, read_settings
from shared.dataverse.client import DataverseClient
from shared.graph.client import Graph, GraphClient
from shared.graph.client_state import ClientStateKeys

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Clients:
    """The app's settings, and a client of each service it works with."""

    settings: Settings
    credential: AsyncTokenCredential
    graph: Graph
    dataverse: DataverseClient
    servicebus: ServiceBusClient

    @property
    def keys(self) -> ClientStateKeys:
        """The keys that seal subscriptions."""
        return ClientStateKeys(self.settings.tenant, self.settings.client_state_keys)


@asynccontextmanager
async def all_clients(file: Path | None) -> AsyncIterator[Clients]:
    """Give clients of every service, by the settings that `find_settings` finds.

    Raises:
        Misconfigured: a setting is missing or wrong.
    """
    values = find_settings(file, os.environ)
    async with clients_of(read_settings(values), values) as clients:
        yield clients


@asynccontextmanager
async def clients_of(settings: Settings, values: Mapping[str, str]) -> AsyncIterator[Clients]:
    """Give clients of every service by settings that are read."""
    async with AsyncExitStack() as stack:
        credential = await _credential(stack, values)
        dataverse = DataverseClient(settings.dataverse_url, credential)
        stack.push_async_callback(dataverse.close)
        graph = await _graph(stack, settings.graph_endpoint, credential)
        servicebus = _servicebus(settings, credential)
        stack.push_async_callback(servicebus.close)
        yield Clients(settings, credential, graph, dataverse, servicebus)


@asynccontextmanager
async def dataverse_client(file: Path | None) -> AsyncIterator[DataverseClient]:
    """Give a client of Dynamics alone; nothing else need be set.

    Raises:
        Misconfigured: the address is missing or wrong.
    """
    values = find_settings(file, os.environ)
    url = dataverse_url(values)
    async with AsyncExitStack() as stack:
        client = DataverseClient(url, await _credential(stack, values))
        stack.push_async_callback(client.close)
        yield client


@asynccontextmanager
async def directory_clients(file: Path | None) -> AsyncIterator[tuple[Graph, DataverseClient]]:
    """Give clients of Graph and Dynamics; nothing but where Dynamics is need be set.

    Raises:
        Misconfigured: an address is missing or wrong.
    """
    values = find_settings(file, os.environ)
    url, endpoint = dataverse_url(values), graph_endpoint(values)
    async with AsyncExitStack() as stack:
        credential = await _credential(stack, values)
        dataverse = DataverseClient(url, credential)
        stack.push_async_callback(dataverse.close)
        yield await _graph(stack, endpoint, credential), dataverse


async def _graph(
    stack: AsyncExitStack, endpoint: str, credential: AsyncTokenCredential
) -> GraphClient:
    # Without the SDK's middleware, whose transport never closes its connections.
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=_SECONDS))
    adapter = GraphRequestAdapter(
        AzureIdentityAuthenticationProvider(credential, scopes=[f"{endpoint}/.default"]),
        client=http,
    )
    adapter.base_url = f"{endpoint}/v1.0"
    return GraphClient(adapter)


async def _credential(stack: AsyncExitStack, values: Mapping[str, str]) -> AsyncTokenCredential:
    client_id = values.get("AZURE_CLIENT_ID") or None
    if adopt_identity(values):
        return await stack.enter_async_context(ManagedIdentityCredential(client_id=client_id))
    return await stack.enter_async_context(
        DefaultAzureCredential(managed_identity_client_id=client_id)
    )


def _servicebus(settings: Settings, credential: AsyncTokenCredential) -> ServiceBusClient:
    if settings.servicebus_connection_string:
        return ServiceBusClient.from_connection_string(
            settings.servicebus_connection_string, retry_total=0
        )
    return ServiceBusClient(settings.servicebus_namespace or "", credential, retry_total=0)
