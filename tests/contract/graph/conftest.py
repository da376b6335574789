from collections.abc import AsyncIterator

import httpx
import pytest
from azure.identity.aio import ManagedIdentityCredential
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from sandbox.identity.server import Identity
from tests.contract.graph.service import Service
from tests.contract.graph.webhook import Webhook


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as running:
        yield running


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook() as running:
        yield running


@pytest.fixture
async def client(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[GraphServiceClient]:
    identity = Identity(service.authority, service.surroundings, [service.principal])
    await identity.start()
    for name, value in identity.environment().items():
        monkeypatch.setenv(name, value)
    async with ManagedIdentityCredential() as credential, httpx.AsyncClient() as connections:
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=["https://graph.microsoft.com/.default"]
        )
        adapter = GraphRequestAdapter(provider, client=connections)
        adapter.base_url = f"{service.graph.url}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)
    await identity.stop()
