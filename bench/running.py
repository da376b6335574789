"""A run on the stack: sellers and their mail on one side, what Dynamics must hold on the other."""

import asyncio
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from bench.journal import Journal, Line
from bench.stack import TetherStack
from sandbox.graph.server import AUDIENCE
from shared.dataverse.batch import Operation
from shared.graph.items import TRACKED_CATEGORY

_POLL_SECONDS = 0.05
_QUIET_POLLS = 4
_QUIET_SECONDS = 120


class Run:
    """Acts as Exchange, as the sellers and as a CRM user, and keeps a journal of it."""

    def __init__(self, stack: TetherStack, show: Callable[[Journal], None]) -> None:
        self.stack = stack
        self.journal = Journal()
        self.regarding: dict[str, str] = {}
        self._show = show
        self._ids = {person.upn: person.id for person in stack.services.tenant.people}
        token = stack.services.surroundings.authority.issue(stack.services.principal, AUDIENCE)[0]
        self._http = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.close()

    async def deliver(self, upn: str, mail: bytes, expected: str) -> str:
        """Let a mail arrive in a mailbox; return its immutable id."""
        graph = self.stack.services.graph.url
        async with self._http.post(
            f"{graph}/_sandbox/mailboxes/{upn}/deliver", data=mail
        ) as answer:
            answer.raise_for_status()
            arrived = await answer.json()
        self.journal.lines.append(
            Line(
                upn=upn,
                mailbox=self._ids[upn],
                item=arrived["id"],
                message_id=arrived["internetMessageId"],
                subject=_subject(mail),
                expected=expected,
            )
        )
        self.look()
        return str(arrived["id"])

    async def mark(self, upn: str, item: str, expected: str) -> None:
        """Put the tracking category on a mail, as a seller does in Outlook."""
        await self._act("PATCH", upn, item, {"categories": [TRACKED_CATEGORY]}, expected)

    async def unmark(self, upn: str, item: str, expected: str) -> None:
        """Take the category off."""
        await self._act("PATCH", upn, item, {"categories": []}, expected)

    async def throw_away(self, upn: str, item: str, expected: str) -> None:
        """Move a mail to Deleted Items."""
        await self._act("POST", upn, item, {"destinationId": "deleteditems"}, expected, "/move")

    async def purge(self, upn: str, item: str, expected: str) -> None:
        """Delete a mail for good."""
        await self._act("POST", upn, item, None, expected, "/permanentDelete")

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
        async with asyncio.timeout(_QUIET_SECONDS):
            while calm < _QUIET_POLLS:
                calm = calm + 1 if await self._is_calm() else 0
                self.look()
                await asyncio.sleep(_POLL_SECONDS)

    def look(self) -> None:
        """Bring the journal, and what is shown of it, up to date."""
        if self.stack.host:
            self.journal.read(self.stack.host.log)
        self._show(self.journal)

    async def categories(self, line: Line) -> list[str] | None:
        """Return the categories Outlook shows on a mail, None if it is gone or thrown away."""
        async with self._http.get(self._url(line.upn, line.item)) as answer:
            if answer.status == 404:
                return None
            message: dict[str, Any] = await answer.json()
        deleted = await self._deleted_items(line.upn)
        return None if message["parentFolderId"] == deleted else message["categories"]

    async def _is_calm(self) -> bool:
        graph = self.stack.services.graph.url
        async with self._http.get(f"{graph}/_sandbox/notifications") as answer:
            pending = (await answer.json())["pending"]
        queue = self.stack.services.servicebus.counts()["mail"]
        return not (pending or queue["active"] or queue["locked"])

    async def _act(
        self,
        method: str,
        upn: str,
        item: str,
        body: dict[str, Any] | None,
        expected: str,
        action: str = "",
    ) -> None:
        url = f"{self._url(upn, item)}{action}"
        async with self._http.request(method, url, json=body) as answer:
            answer.raise_for_status()
        line = next(one for one in self.journal.lines if one.item == item)
        line.expected = expected

    async def _deleted_items(self, upn: str) -> str:
        base = self.stack.services.graph.url
        async with self._http.get(f"{base}/v1.0/users/{upn}/mailFolders/deleteditems") as answer:
            return str((await answer.json())["id"])

    def _url(self, upn: str, item: str) -> str:
        base = self.stack.services.graph.url
        return f"{base}/v1.0/users/{upn}/messages/{quote(item, safe='')}"


def _subject(mail: bytes) -> str:
    raw = str(message_from_bytes(mail, policy=compat32)["Subject"] or "(no subject)")
    try:
        subject = str(make_header(decode_header(raw)))
    except (LookupError, ValueError):
        subject = raw
    return " ".join(subject.split())
