"""Stands where the app's two webhooks are, and answers Graph as they do."""

from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.web import Listener


class GraphsWebhook:
    """Echoes validation tokens, with another status where `refusals` says so."""

    def __init__(self) -> None:
        self.refusals: dict[str, int] = {}
        app = web.Application()
        app.router.add_post("/api/graph/notifications", self._answer)
        app.router.add_post("/api/graph/lifecycle", self._answer)
        self._listener = Listener(app)

    @property
    def url(self) -> str:
        return self._listener.url

    async def __aenter__(self) -> Self:
        await self._listener.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._listener.stop()

    async def _answer(self, request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is None:
            return web.Response(status=202)
        status = self.refusals.get(request.path.rpartition("/")[2], 200)
        return web.Response(status=status, text=token)
