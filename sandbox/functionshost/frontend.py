"""The HTTP server: routes requests to functions, checks keys, keeps the limits (functions.md 3)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web

from sandbox.functionshost import httpdata
from sandbox.functionshost.functions import Function, HttpTrigger
from sandbox.functionshost.keys import Keys
from sandbox.functionshost.routes import Route, split_path
from sandbox.functionshost.tracing import trace_context
from sandbox.functionshost.worker import Input, Outcome

BODY_LIMIT = 100 * 2**20
_RESERVED = frozenset({"admin", "runtime"})
_log = logging.getLogger(__name__)

type Invoke = Callable[[Function, Input], Awaitable[Outcome]]
type Handler = Callable[[web.BaseRequest, list[str]], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    route: Route
    trigger: HttpTrigger
    function: Function


class Router:
    """Finds the function for a method and path; the most specific route wins."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        self._endpoints = sorted(
            (
                _Endpoint(Route(f"{prefix}/{trigger.route.strip('/')}"), trigger, function)
                for function in functions
                if isinstance(trigger := function.trigger, HttpTrigger)
            ),
            key=lambda endpoint: endpoint.route.precedence,
        )

    def find(
        self, method: str, path: list[str]
    ) -> tuple[Function, HttpTrigger, Mapping[str, str]] | None:
        """Return the function with its route values; None when no route takes the method."""
        for endpoint in self._endpoints:
            trigger = endpoint.trigger
            if trigger.methods and method not in trigger.methods:
                continue
            values = endpoint.route.match(path)
            if values is not None:
                return endpoint.function, trigger, values
        return None


class Frontend:
    """Serves functions under their routes, and what `reserved` maps a first segment to.

    `keys` None leaves every function open, as `func start` does.
    """

    def __init__(
        self, router: Router, invoke: Invoke, keys: Keys | None, reserved: Mapping[str, Handler]
    ) -> None:
        self._router = router
        self._invoke = invoke
        self._keys = keys
        self._reserved = reserved
        self._server = web.Server(self._answer, access_log=None)
        self._runner = web.ServerRunner(self._server)

    async def start(self, port: int) -> str:
        """Listen on 127.0.0.1 and return the base address; port 0 takes a free one."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        return f"http://{host}:{bound}"

    async def stop(self, seconds: float) -> None:
        """Accept nothing more and let the requests under way finish, at most so long."""
        for site in list(self._runner.sites):
            await site.stop()
        self._server.pre_shutdown()  # lets connections go that wait for another request
        await self._server.shutdown(seconds)
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = split_path(request.raw_path)
        first = path[0].lower() if path else ""
        if first in self._reserved:
            return await self._reserved[first](request, path[1:])
        found = None if first in _RESERVED else self._router.find(request.method, path)
        if found is None:
            return web.Response(status=404)
        function, trigger, values = found
        if self._keys and not self._keys.admit(trigger.auth_level, request.headers, request.query):
            return web.Response(status=401)
        body = await read_body(request)
        if body is None:
            return web.Response(status=413)
        outcome = await self._invoke(
            function,
            Input(
                value=httpdata.request_data(request, body, dict(values)),
                metadata={},
                trace=trace_context(
                    request.headers.get("traceparent"), request.headers.get("tracestate", "")
                ),
            ),
        )
        return httpdata.response(outcome)


async def read_body(request: web.BaseRequest) -> bytes | None:
    """Return the whole body, chunked ones included; None when it exceeds the limit of 100 MB."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > BODY_LIMIT:
                return None
    except asyncio.IncompleteReadError:
        _log.info("the caller closed the connection within the body")
        raise
    return bytes(body)
