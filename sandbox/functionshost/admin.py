"""The host's own API under /admin, open to the master key (functions.md 6)."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping

from aiohttp import web

from sandbox.functionshost.frontend import read_body
from sandbox.functionshost.functions import Function, HttpTrigger
from sandbox.functionshost.keys import Keys

_log = logging.getLogger(__name__)

type Fire = Callable[[str], Coroutine[None, None, None]]


class Admin:
    """Lists the functions, tells the host's state, and fires a function by hand.

    `fire` holds for each function that is not called by a route what runs it once with an input.
    """

    def __init__(
        self, functions: Mapping[str, Function], fire: Mapping[str, Fire], keys: Keys, prefix: str
    ) -> None:
        self._functions = functions
        self._fire = fire
        self._keys = keys
        self._prefix = prefix
        self._started = time.monotonic()
        self._fired: set[asyncio.Task[None]] = set()

    async def answer(self, request: web.BaseRequest, path: list[str]) -> web.StreamResponse:
        """Answer a request below /admin; `path` is what follows."""
        match [part.lower() for part in path]:
            case ["host", "ping"] if request.method in {"GET", "POST"}:
                return web.Response()
            case _ if not self._keys.admit("ADMIN", request.headers, request.query):
                return web.Response(status=401)
            case ["functions", name] if name in self._by_name and request.method == "POST":
                return await self._run(request, self._by_name[name])
            case parts if request.method == "GET":
                found = self._described_at(parts)
                return web.Response(status=404) if found is None else web.json_response(found)
            case _:
                return web.Response(status=404)

    def _described_at(self, path: list[str]) -> object | None:
        match path:
            case ["host", "status"]:
                return self._status()
            case ["functions"]:
                return [self._described(function) for function in self._functions.values()]
            case ["functions", name] if name in self._by_name:
                return self._described(self._by_name[name])
            case _:
                return None

    @property
    def _by_name(self) -> Mapping[str, Function]:
        return {name.lower(): function for name, function in self._functions.items()}

    async def _run(self, request: web.BaseRequest, function: Function) -> web.Response:
        """Start the function with the request's input and answer 202 without waiting for it."""
        try:
            given = json.loads(await read_body(request) or b"")["input"]
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400)
        if function.name not in self._fire or not isinstance(given, str | None):
            return web.Response(status=400)
        task = asyncio.create_task(self._fire[function.name](given or ""))
        self._fired.add(task)
        task.add_done_callback(self._ended)
        return web.Response(status=202)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._fired.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a function fired by hand could not be run", exc_info=error)

    def _status(self) -> Mapping[str, object]:
        return {
            "state": "Running",
            "version": "4.0",
            "processUptime": int((time.monotonic() - self._started) * 1000),
        }

    def _described(self, function: Function) -> Mapping[str, object]:
        trigger = function.trigger
        path = f"{self._prefix}/{trigger.route}" if isinstance(trigger, HttpTrigger) else None
        return {
            "name": function.name,
            "config": {"bindings": list(function.bindings)},
            "invoke_url_template": None if path is None else f"/{path.lstrip('/')}",
            "language": "python",
            "isDisabled": False,
        }
