"""Both sides without sockets: the sandbox's Graph and Dataverse behind the app's own protocols."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from sandbox.clock import Clock
from sandbox.credential import SandboxCredential
from sandbox.dataverse.api import Api
from sandbox.dataverse.batch import Batch
from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.exchange import Call as DataverseCall
from sandbox.dataverse.exchange import error_answer
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.resource import PREFIX
from sandbox.dataverse.rows import Row
from sandbox.dataverse.seed import service_principal
from sandbox.dataverse.service import Dataverse as DataverseService
from sandbox.graph.calendars import Calendars
from sandbox.graph.contacts import Contacts
from sandbox.graph.dispatch import Dispatcher
from sandbox.graph.event_attachments import EventAttachments
from sandbox.graph.events import Events
from sandbox.graph.folders import Folders
from sandbox.graph.invitations import Invitations
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import Messages
from sandbox.graph.protocol import Answer, Call, Caller, Router
from sandbox.graph.rules import Rules
from sandbox.graph.sending import Sending
from sandbox.graph.todo_lists import TodoLists
from sandbox.graph.todo_tasks import TodoTasks
from sandbox.identity.tokens import TokenAuthority
from sandbox.store import Store
from sandbox.tenant import Tenant
from sandbox.web import Surroundings
from shared.dataverse import mailboxes as mailbox_rows
from shared.dataverse.batch import ChangeSet, Operation, Response, compose, parse
from shared.dataverse.client import API, Dataverse, DataverseClient, in_batches
from shared.dataverse.mailboxes import FilteringMethod, ReadyMailbox
from shared.dataverse.schema.apply import apply_schema
from shared.errors import Transient
from shared.graph.client import BATCH_SIZE, Graph, GraphRequest, GraphResponse
from shared.graph.messages import Folder
from shared.identifiers import MailboxId, SystemUserId

ENROLLED = datetime(2026, 11, 1, tzinfo=UTC)
"""Since when mailboxes are enrolled: before any mail that tests deliver."""
_BOUNDARY = "batch_of_a_test"
_ROLES = frozenset(
    {"Mail.ReadWrite", "Calendars.ReadWrite", "Contacts.ReadWrite", "Tasks.ReadWrite.All"}
)
_EMPTIED = (
    "tether_link", "tether_mailbox", "email", "appointment", "task", "activityparty", "contact",
    "account", "lead", "activitymimeattachment",
)  # fmt: skip


class StillClock(Clock):
    """A clock that moves only when it is told to, and begins anew for each example."""

    def __init__(self, begin: datetime) -> None:
        super().__init__()
        self._begin = begin.timestamp()
        self._before = 0.0

    def timestamp(self) -> float:
        return self._begin + self.offset.total_seconds() - self._before

    def begin_anew(self) -> None:
        self._before = self.offset.total_seconds()


class InProcessGraph:
    """Graph as the app sees it. Other work gets its turn before and after each round trip."""

    def __init__(self, tenant: Tenant, surroundings: Surroundings) -> None:
        store = Store()
        self.mailboxes = Mailboxes(tenant, store, surroundings.clock)
        self.calendars = Calendars(self.mailboxes, store, surroundings.clock)
        parts = (
            Messages(self.mailboxes), Sending(self.mailboxes), Folders(self.mailboxes),
            Contacts(self.mailboxes), TodoLists(self.mailboxes), TodoTasks(self.mailboxes),
            Events(self.calendars, Invitations(self.mailboxes, self.calendars)),
            EventAttachments(self.calendars),
        )  # fmt: skip
        routes = [route for part in parts for route in part.routes()]
        self._dispatcher = Dispatcher(Router(routes), self.mailboxes, surroundings, Rules())
        self._surroundings = surroundings
        roles = (
            "Mail.ReadWrite",
            "Mail.Send",
            "Calendars.ReadWrite",
            "Contacts.ReadWrite",
            "Tasks.ReadWrite.All",
        )
        self._caller = Caller("app", "principal", frozenset(roles))

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        """See `Graph.batch`; a fault on `POST /$batch` fails a round trip as a whole."""
        responses: list[GraphResponse] = []
        for start in range(0, len(requests), BATCH_SIZE):
            await asyncio.sleep(0)
            responses += await self._round_trip(requests[start : start + BATCH_SIZE])
            await asyncio.sleep(0)
        return responses

    async def content(self, request: GraphRequest) -> bytes | GraphResponse:
        """See `Contents.content`."""
        await asyncio.sleep(0)
        answer = await self._answer(request)
        if isinstance(answer.body, bytes):
            return answer.body
        return self._response(answer)

    async def do(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do what a person does in Outlook, and return what it shows of it."""
        answer = await self._part(GraphRequest(method, url, body=body))
        assert answer.ok, answer.problem
        return answer.body

    async def _round_trip(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        fault = self._surroundings.faults.strike("graph", "POST /$batch", "status")
        if fault:
            return [GraphResponse(fault.status, {}, fault.retry_after)] * len(requests)
        return [await self._part(request) for request in requests]

    async def _part(self, request: GraphRequest) -> GraphResponse:
        return self._response(await self._answer(request))

    async def _answer(self, request: GraphRequest) -> Answer:
        path, _, query = request.url.partition("?")
        return await self._dispatcher.part(
            Call(
                request.method,
                path,
                "http://graph.example/v1.0",
                self._caller,
                query=dict(parse_qsl(query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in request.headers.items()},
                content=request.body,
            )
        )

    @staticmethod
    def _response(answer: Answer) -> GraphResponse:
        body = json.loads(json.dumps(answer.body)) if isinstance(answer.body, dict) else {}
        retry_after = answer.headers.get("Retry-After")
        return GraphResponse(answer.status, body, float(retry_after) if retry_after else None)


class Overtaken:
    """A Graph that is slow to answer the first reads: `meanwhile` happens before it does."""

    def __init__(self, graph: Graph, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._graph = graph
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        answers = await self._graph.batch(requests)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            await meanwhile()
        return answers


class InProcessDataverse:
    """Dataverse as the app sees it, in the wire's own multipart."""

    def __init__(self, organization: Organization, user: str, surroundings: Surroundings) -> None:
        self.organization = organization
        self._user = user
        self._surroundings = surroundings
        self._api = Api(organization, f"http://dataverse.example{PREFIX}")
        self._batch = Batch(self._api, self._strike)

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        """See `Dataverse.batch`; a fault on `POST $batch` fails the round trip."""
        responses: list[Response] = []
        for some in in_batches(parts):
            responses += await self._round_trip(some)
        return responses

    async def _round_trip(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        await asyncio.sleep(0)
        if refusal := self._strike("POST $batch"):
            problem = f"Dataverse {refusal.status} {refusal.code}: {refusal.message}"
            raise Transient(problem, retry_after=refusal.retry_after)
        headers = {
            "content-type": f'multipart/mixed; boundary="{_BOUNDARY}"',
            "prefer": "odata.continue-on-error",
        }
        content = compose(parts, api=API, boundary=_BOUNDARY)
        call = DataverseCall("POST", f"{PREFIX}$batch", headers, content)
        _, content_type, body = self._batch.perform(call, self._user)
        await asyncio.sleep(0)
        return parse(content_type, body, parts)

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        """See `Dataverse.read_all`."""
        answer = self._answered(Operation("GET", path))
        if not answer.ok:
            raise Transient(answer.problem)
        rows: list[dict[str, Any]] = answer.body["value"]
        return rows

    def write(self, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
        """Do what another application or a person does in Dynamics."""
        answer = self._answered(Operation(method, path, dict(body) if body is not None else None))
        assert answer.ok, answer.problem

    def decide(self, *, two_activities: bool = True, sent_too: bool = False) -> None:
        """Choose the organisation's options about mail, as an administrator does."""
        settings = f"<AutoTrackSentFolderItems>{str(sent_too).lower()}</AutoTrackSentFolderItems>"
        self.choose(
            ignoreinternalemail=not two_activities,
            orgdborgsettings=f"<OrgSettings>{settings}</OrgSettings>",
        )

    def choose(self, **columns: object) -> None:
        """Change the organisation's own row, as an administrator does."""
        (organization,) = self.rows("organization")
        self.write("PATCH", f"organizations({organization})", columns)

    def rows(self, table: str) -> dict[str, Row]:
        """Return a table's rows by key."""
        return dict(self.organization.rows.all(table))

    def empty(self) -> None:
        """Delete what examples leave behind."""
        for table in _EMPTIED:
            self.organization.rows.drop(table)

    def _answered(self, operation: Operation) -> Response:
        headers = {"content-type": "application/json"}
        content = json.dumps(operation.body).encode() if operation.body is not None else b""
        call = DataverseCall(operation.method, f"{PREFIX}{operation.path}", headers, content)
        try:
            answer = self._api.perform(call, self._user)
        except DataverseError as error:
            answer = error_answer(error)
        return Response(answer.status, json.loads(answer.content() or b"{}"))

    def _strike(self, operation: str) -> DataverseError | None:
        fault = self._surroundings.faults.strike("dataverse", operation, "status")
        if fault is None:
            return None
        error = DataverseError(fault.status, fault.code or "", fault.message or "as planned")
        error.retry_after = fault.retry_after
        return error


class OvertakenInDynamics:
    """A Dataverse that is slow to answer the second batch: `meanwhile` happens before it does."""

    def __init__(self, dataverse: Dataverse, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._dataverse = dataverse
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile
        self._batches = 0

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        answers = await self._dataverse.batch(parts)
        self._batches += bool(parts)
        if self._meanwhile and self._batches == 2:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return answers

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        return await self._dataverse.read_all(path)


class Ground:
    """A tenant whose Dynamics has the app's tables; `fresh` gives it with nothing in it."""

    def __init__(
        self, tenant: Tenant, surroundings: Surroundings, dataverse: DataverseService
    ) -> None:
        self.tenant = tenant
        self.surroundings = surroundings
        self.organization = dataverse.organization
        self._options = dict(self.organization.rows.all("organization"))

    @classmethod
    async def prepare(cls, tenant: Tenant, clock: Clock | None = None) -> "Ground":
        """Put the tables in, once, through the Web API as a deployment does."""
        surroundings = Surroundings(TokenAuthority(tenant.tenant_id), clock=clock)
        dataverse = DataverseService(tenant, surroundings)
        await dataverse.start()
        credential = SandboxCredential(surroundings.authority, service_principal(tenant))
        client = DataverseClient(dataverse.url, credential)
        try:
            await apply_schema(client)
        finally:
            await client.close()
            await dataverse.stop()
        return cls(tenant, surroundings, dataverse)

    def fresh(self) -> tuple[InProcessGraph, InProcessDataverse]:
        """Return both sides with empty mailboxes and no activities."""
        self.surroundings.faults.replace([])
        for key, row in self._options.items():
            self.organization.rows.put("organization", key, row)
        user = self.tenant.stable_id("application user")
        dataverse = InProcessDataverse(self.organization, user, self.surroundings)
        dataverse.empty()
        return InProcessGraph(self.tenant, self.surroundings), dataverse


async def enrol(
    graph: InProcessGraph, dataverse: InProcessDataverse, methods: Iterable[FilteringMethod]
) -> None:
    """Enrol the first mailboxes, each with its owner's personal option."""
    for mailbox, method in zip(graph.mailboxes.all(), methods, strict=False):
        person = mailbox.person
        folders = {folder.value: str(mailbox.folder(folder)["id"]) for folder in Folder}
        ready = ReadyMailbox(MailboxId(person.id), SystemUserId(person.systemuserid), person.upn)
        option = Operation(
            "PATCH",
            f"usersettingscollection({person.systemuserid})",
            {"incomingemailfilteringmethod": method},
        )
        answers = await dataverse.batch([mailbox_rows.enrol(ready, folders, ENROLLED), option])
        assert all(answer.ok for answer in answers), answers
