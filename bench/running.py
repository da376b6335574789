"""A run on the stack: sellers and their items on one side, what Dynamics must hold on the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from bench.calendars import AS_SHOWN
from bench.journal import Journal, Line
from bench.stack import TetherStack
from sandbox.graph.server import AUDIENCE
from shared.dataverse.batch import Operation
from shared.identifiers import Kind

_POLL_SECONDS = 0.05
_QUIET_POLLS = 4
_QUIET_SECONDS = 120
_NOTHING_TO_SAY = {202, 204}


class Run:
    """Calls Graph and Dynamics for those who act in it, and keeps a journal of what comes of it."""

    def __init__(self, stack: TetherStack, show: Callable[[Journal], None]) -> None:
        self.stack = stack
        self.journal = Journal()
        self.regarding: dict[str, str] = {}
        self.ids = {person.upn: person.id for person in stack.services.tenant.people}
        self._show = show
        token = stack.services.surroundings.authority.issue(stack.services.principal, AUDIENCE)[0]
        self.http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}", **AS_SHOWN},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.close()

    async def graph(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call Graph as Outlook does, e.g. `graph("GET", f"/users/{upn}/events")`.

        Raises:
            LookupError: there is no such thing.
            RuntimeError: Graph refused it.
        """
        url = f"{self.stack.services.graph.url}/v1.0{path}"
        async with self.http.request(method, url, json=body) as answer:
            if answer.status == 404:
                raise LookupError(await answer.text())
            return await _answered(answer)

    async def read(self, path: str) -> dict[str, Any]:
        """Read from Graph what Outlook shows."""
        return await self.graph("GET", path)

    async def sandbox(self, path: str, raw: bytes, **query: str) -> dict[str, Any]:
        """Have the sandbox put something into a mailbox.

        Raises:
            ValueError: it is not what it should be; says why.
        """
        url = f"{self.stack.services.graph.url}/_sandbox{path}"
        async with self.http.post(url, data=raw, params=query) as answer:
            if answer.status == 400:
                problems = (await answer.json())["error"]["problems"]
                raise ValueError("; ".join(one["message"] for one in problems))
            return await _answered(answer)

    def arrived(
        self, kind: Kind, upn: str, item: str, identity: str, subject: str, expected: str
    ) -> Line:
        """Note an item that came to a mailbox, and what is expected of it."""
        line = Line(
            kind=kind,
            upn=upn,
            mailbox=self.ids[upn],
            item=item,
            identity=identity,
            subject=" ".join(subject.split()) or "(no subject)",
            expected=expected,
        )
        self.journal.lines.append(line)
        self.look()
        return line

    def left_out(self, kind: Kind, upn: str, subject: str, why: str) -> None:
        """Note what never came to the mailbox it was meant for."""
        line = self.arrived(kind, upn, "", "", subject, "")
        line.outcome = line.expected = f"left out: {why}"

    def expect(self, item: str, expected: str) -> None:
        """Expect something else of an item from now on."""
        next(line for line in self.journal.lines if line.item == item).expected = expected

    async def write(self, operations: Sequence[Operation]) -> None:
        """Write rows of Dynamics, as a CRM user does.

        Raises:
            RuntimeError: Dynamics refused one.
        """
        if self.stack.dataverse is None:
            raise RuntimeError("the stack is not running")
        for operation in operations:
            answer = await self.stack.dataverse.send(operation)
            if not answer.ok:
                raise RuntimeError(answer.problem)

    async def set_regarding(self, message_id: str, navigation: str, target: str) -> None:
        """Say in Dynamics what a tracked mail is about."""
        rows = await self.stack.rows(
            f"emails?$select=activityid&$filter=messageid eq '{quote(message_id)}'"
        )
        path = f"emails({rows[0]['activityid']})"
        await self.write([Operation("PATCH", path, {f"{navigation}@odata.bind": target})])
        self.expect_regarding(message_id, target.partition("(")[2].rstrip(")"))

    def expect_regarding(self, message_id: str, row: str) -> None:
        """Expect the activity of a mail to be about a row."""
        self.regarding[message_id] = row

    async def quiet(self) -> None:
        """Wait until every notification is delivered and every change worked off.

        Raises:
            TimeoutError: it did not become quiet in two minutes.
        """
        calm = 0

        async def is_quiet() -> bool:
            nonlocal calm
            calm = calm + 1 if await self._is_calm() else 0
            return calm >= _QUIET_POLLS

        await self.until(is_quiet)

    async def until(
        self, is_so: Callable[[], Awaitable[bool]], *, every: float = _POLL_SECONDS
    ) -> None:
        """Wait until something is so, asking `every` so many seconds; the journal keeps up.

        Raises:
            TimeoutError: it was not in two minutes.
        """
        async with asyncio.timeout(_QUIET_SECONDS):
            while not await is_so():
                self.look()
                await asyncio.sleep(every)
        self.look()

    def look(self) -> None:
        """Bring the journal, and what is shown of it, up to date."""
        if self.stack.host:
            self.journal.read(self.stack.host.log)
        self._show(self.journal)

    async def _is_calm(self) -> bool:
        graph = self.stack.services.graph.url
        async with self.http.get(f"{graph}/_sandbox/notifications") as answer:
            pending = (await answer.json())["pending"]
        queues = self.stack.services.servicebus.counts()
        busy = (queues[kind][state] for kind in Kind for state in ("active", "locked"))
        return not (pending or any(busy))


async def _answered(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if not answer.ok:
        raise RuntimeError(f"{answer.method} {answer.url}: {await answer.text()}")
    said: dict[str, Any] = {} if answer.status in _NOTHING_TO_SAY else await answer.json()
    return said
