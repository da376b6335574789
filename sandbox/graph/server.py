"""The Graph service: its parts put together behind one address."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox.graph.batch import Batch
from sandbox.graph.calendar_delta import CalendarDelta
from sandbox.graph.calendars import Calendars
from sandbox.graph.contact_folders import ContactFolders
from sandbox.graph.contacts import Contacts
from sandbox.graph.delivery import Delivery
from sandbox.graph.delta import Delta
from sandbox.graph.dispatch import Dispatcher, injected
from sandbox.graph.errors import GraphError
from sandbox.graph.event_attachments import EventAttachments
from sandbox.graph.events import Events
from sandbox.graph.folders import Folders
from sandbox.graph.groups import Groups
from sandbox.graph.invitations import Invitations
from sandbox.graph.lifecycle import Lifecycle
from sandbox.graph.mailbox_settings import MailboxSettings
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import Messages
from sandbox.graph.notifications import Notifications
from sandbox.graph.protocol import Answer, Call, Caller, Route, Router
from sandbox.graph.rules import Rules
from sandbox.graph.sending import Sending
from sandbox.graph.subscriptions import Subscriptions
from sandbox.graph.todo_lists import TodoLists
from sandbox.graph.todo_parts import TodoParts
from sandbox.graph.todo_tasks import TodoTasks
from sandbox.graph.users import Users
from sandbox.identity.tokens import Principal
from sandbox.store import Store
from sandbox.tenant import Tenant
from sandbox.web import Handler, Listener, Surroundings, bearer_claims, counted_and_faulted

AUDIENCE = "https://graph.microsoft.com"
LARGEST_REQUEST_BYTES = 160 * 1024 * 1024
_CALLER = web.RequestKey("caller", Caller)
_JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)


class Graph:
    """Microsoft Graph for one tenant, at `url`/v1.0.

    `principal` is the application in whose name `token` gives tokens; any token of the tenant is
    taken, and its roles decide. `state` is the file that keeps mailboxes, subscriptions and
    undelivered notifications over a restart. `extra_routes` are served beside the service's own.
    """

    def __init__(
        self,
        tenant: Tenant,
        surroundings: Surroundings,
        *,
        principal: Principal,
        state: Path | None = None,
        rules: Rules | None = None,
        extra_routes: Iterable[Route] = (),
    ) -> None:
        rules = rules or Rules()
        clock = surroundings.clock
        self.principal = principal
        self._surroundings = surroundings
        self.store = Store(state)
        self.mailboxes = Mailboxes(tenant, self.store, clock)
        self.groups = Groups(tenant)
        self.calendars = Calendars(self.mailboxes, self.store, clock)
        self.delivery = Delivery(self.store, clock, surroundings.faults, rules, self._missed)
        self.notifications = Notifications(
            tenant.tenant_id, self.mailboxes, self.store, clock, self.delivery
        )
        self.lifecycle = Lifecycle(tenant.tenant_id, self.notifications, clock, rules)
        subscriptions = Subscriptions(
            self.mailboxes, self.notifications, self.lifecycle, clock, rules
        )
        parts = (
            Users(self.mailboxes), self.groups,
            Folders(self.mailboxes), Messages(self.mailboxes),
            Sending(self.mailboxes), Delta(self.mailboxes), subscriptions,
            Contacts(self.mailboxes), ContactFolders(self.mailboxes),
            TodoLists(self.mailboxes), TodoTasks(self.mailboxes), TodoParts(self.mailboxes),
            Events(self.calendars, Invitations(self.mailboxes, self.calendars)),
            EventAttachments(self.calendars),
            CalendarDelta(self.calendars), MailboxSettings(self.calendars),
        )  # fmt: skip
        router = Router([*(route for part in parts for route in part.routes()), *extra_routes])
        self._dispatcher = Dispatcher(router, self.mailboxes, surroundings, rules)
        router.add(Batch(self._dispatcher).route())
        self._router = router
        self.app = web.Application(client_max_size=LARGEST_REQUEST_BYTES)
        self._listener = Listener(self.app)
        self._api = self._application()

    @property
    def url(self) -> str:
        """Where the service listens, without a trailing slash."""
        return self._listener.url

    def token(self, audience: str = AUDIENCE) -> str:
        """Return an access token of the principal, for a caller without an identity endpoint."""
        return self._surroundings.authority.issue(self.principal, audience)[0]

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one. Undelivered notifications go out again."""
        self.store.commit()
        self.app.add_subapp("/v1.0/", self._api)
        await self._listener.start(port=port)
        await self.delivery.start()
        self.lifecycle.start()

    async def stop(self) -> None:
        """Stop listening and delivering; keep the state."""
        await self._listener.stop()
        self.lifecycle.stop()
        await self.delivery.stop()
        self.store.close()

    def _application(self) -> web.Application:
        counted = counted_and_faulted("graph", self._surroundings, self._operation, self._injected)
        app = web.Application(
            middlewares=[_identified, self._admission(), counted],
            client_max_size=LARGEST_REQUEST_BYTES,
        )
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    def _admission(self) -> Middleware:
        """Return the middleware that knows the caller and keeps a place for the request.

        It goes before the faults, so that a request that is delayed or held keeps its place.
        """

        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                caller = request[_CALLER] = self._caller(request)
                size = request.content_length or 0
                async with self._dispatcher.place(request.method, _path(request), caller, size):
                    return await handler(request)
            except GraphError as error:
                self._surroundings.stats.request("graph", self._operation(request))
                asked = request.headers.get("client-request-id")
                return _response(self._dispatcher.refusal(error, asked))

        return admit

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            request.method,
            _path(request),
            f"{self.url}/v1.0",
            request[_CALLER],
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            content=await request.read() if request.can_read_body else b"",
        )
        answer = await self._dispatcher.answer(call)
        self.store.commit()
        return _response(answer)

    def _missed(self, subscription_id: str) -> None:
        self.lifecycle.missed(subscription_id)

    def _caller(self, request: web.Request) -> Caller:
        try:
            claims = bearer_claims(request, self._surroundings.authority, (AUDIENCE, self.url))
        except PermissionError as error:
            text = f"Access token is empty or invalid: {error}."
            raise GraphError(401, "InvalidAuthenticationToken", text) from error
        roles = frozenset(str(role) for role in claims.get("roles", ()))
        return Caller(str(claims["appid"]), str(claims["oid"]), roles)

    def _operation(self, request: web.Request) -> str:
        return self._router.operation(request.method, _path(request))

    def _injected(
        self, status: int, code: str | None, message: str, retry_after: int | None
    ) -> web.StreamResponse:
        error = injected(status, code, message, retry_after)
        return _response(self._dispatcher.refusal(error))


@web.middleware
async def _identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        request_id = response.headers.setdefault("request-id", str(uuid4()))
        asked = request.headers.get("client-request-id", request_id)
        response.headers.setdefault("client-request-id", asked)
    return response


def _path(request: web.Request) -> str:
    """Return what follows /v1.0, still percent-encoded: ids may hold an encoded slash."""
    return request.rel_url.raw_path.lstrip("/").partition("/")[2]


def _response(answer: Answer) -> web.Response:
    body: Any = answer.body
    if body is None:
        return web.Response(status=answer.status, headers=answer.headers)
    if isinstance(body, bytes):
        return web.Response(status=answer.status, headers=answer.headers, body=body)
    headers = {"Content-Type": _JSON, "Cache-Control": "private", **answer.headers}
    text = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    return web.Response(status=answer.status, headers=headers, body=text)
