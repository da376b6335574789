"""What the sandbox's HTTP services share: counting, faults, tokens, and one way to listen."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox.clock import Clock
from sandbox.faults import Fault, FaultPlan
from sandbox.identity.tokens import TokenAuthority
from sandbox.stats import Stats

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RenderError = Callable[[int, str | None, str, int | None], web.StreamResponse]
"""Makes a service's own error answer: status, code (None: the usual), message, Retry-After."""
NameOperation = Callable[[web.Request], str]
"""Names what a request does, e.g. `GET /users/{id}/messages/{id}` or `PATCH emails`."""


class Surroundings:
    """What every service of one sandbox goes by: clock, faults, counters, tokens."""

    def __init__(self, authority: TokenAuthority, *, clock: Clock | None = None) -> None:
        self.authority = authority
        self.clock = clock or Clock()
        self.stats = Stats()
        self.faults = FaultPlan()


def counted_and_faulted(
    service: str, surroundings: Surroundings, name: NameOperation, render_error: RenderError
) -> Middleware:
    """Return the middleware that counts each request and lets the planned faults strike it."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        operation = name(request)
        surroundings.stats.request(service, operation)
        fault = surroundings.faults.strike(service, operation)
        if fault is None:
            return await handler(request)
        return await _struck(fault, request, handler, surroundings.clock, render_error)

    return middleware


async def _struck(
    fault: Fault, request: web.Request, handler: Handler, clock: Clock, render_error: RenderError
) -> web.StreamResponse:
    match fault.action:
        case "status":
            await request.read()
            message = fault.message or "The sandbox was told to refuse this request."
            return render_error(fault.status, fault.code, message, fault.retry_after)
        case "drop":
            return _hang_up(request)
        case "drop-after":
            await handler(request)
            return _hang_up(request)
        case "hold":
            await fault.cleared()
        case "hold-after":
            response = await handler(request)
            await fault.cleared()
            return response
        case "delay":
            await clock.sleep(fault.seconds)
        case _:
            pass
    return await handler(request)


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response(status=499)


def bearer_claims(
    request: web.Request, authority: TokenAuthority, audiences: Sequence[str]
) -> dict[str, Any]:
    """Return the claims of the request's token.

    Raises:
        PermissionError: there is no bearer token, or it is not valid for `audiences`.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise PermissionError("the request carries no bearer token")
    return authority.verify(token, audiences)


class Listener:
    """An aiohttp application on a port of this machine."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self.url = ""

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. `url` then says where, without a trailing slash.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        await site.start()
        taken = self._runner.addresses[0][1]
        self.url = f"http://{host}:{taken}"

    async def start_over_tls(
        self, context: ssl.SSLContext, *, host: str = "127.0.0.1", port: int = 0
    ) -> str:
        """Listen on another port as well, over TLS; return the address there."""
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await site.start()
        return f"https://{host}:{self._runner.addresses[-1][1]}"

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        await self._runner.cleanup()
