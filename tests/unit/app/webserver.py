"""A web server that takes the place of Dataverse's: it counts, and answers as it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from sandbox.credential import SandboxCredential
from sandbox.identity.tokens import Principal, TokenAuthority
from sandbox.web import Listener
from shared.dataverse.client import DataverseClient

CREDENTIAL = SandboxCredential(
    TokenAuthority("11111111-1111-1111-1111-111111111111"), Principal(app_id="a", object_id="o")
)
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def dataverse_that(answering: Answering) -> AsyncIterator[DataverseClient]:
    """Run a server whose every request `answering` answers, and give a client of it."""
    app = web.Application(client_max_size=1024**3)
    app.router.add_route("*", "/{path:.*}", answering)
    listener = Listener(app)
    await listener.start()
    client = DataverseClient(listener.url, CREDENTIAL)
    try:
        yield client
    finally:
        await client.close()
        await listener.stop()
