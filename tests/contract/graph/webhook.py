"""A webhook as an application would run one, and what it was sent."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.store import Document
from sandbox.web import Listener


class Webhook:
    """Echoes validation tokens and keeps what it is sent; `answer_with` says how it answers."""

    def __init__(self) -> None:
        self.entries: list[Document] = []
        self.posts: list[list[Document]] = []
        self.validations: list[web.Request] = []
        self.statuses: list[int] = []
        self.stall_validation = False
        self.echo: Callable[[str], web.Response] = lambda token: web.Response(text=token)
        self.gate = asyncio.Event()
        self.gate.set()
        self._arrived = asyncio.Condition()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._receive)
        self._listener = Listener(app)

    async def __aenter__(self) -> "Webhook":
        await self._listener.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self._listener.stop()

    @property
    def url(self) -> str:
        return f"{self._listener.url}/notify"

    async def until(self, satisfied: Callable[[], bool]) -> None:
        """Wait until what has arrived satisfies the caller."""
        async with self._arrived, asyncio.timeout(10):
            await self._arrived.wait_for(satisfied)

    async def received(self, number: int) -> list[Document]:
        """Wait for that many entries and return them."""
        await self.until(lambda: len(self.entries) >= number)
        return self.entries

    def kinds(self) -> list[tuple[str, str]]:
        """Return changeType and item id of each entry."""
        return [(one["changeType"], one["resourceData"]["id"]) for one in self.entries]

    async def _receive(self, request: web.Request) -> web.Response:
        if "validationToken" in request.query:
            self.validations.append(request)
            if self.stall_validation:
                await self.gate.wait()
            return self.echo(request.query["validationToken"])
        posted: dict[str, Any] = await request.json()
        await self.gate.wait()
        status = self.statuses.pop(0) if self.statuses else 202
        async with self._arrived:
            self.posts.append(posted["value"])
            if status < 300:
                self.entries += posted["value"]
            self._arrived.notify_all()
        return web.Response(status=status)
