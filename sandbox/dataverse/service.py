"""The Dataverse organisation as a service that listens."""

from pathlib import Path
from uuid import uuid4

from aiohttp import web

from sandbox.certificate import Certificate
from sandbox.dataverse.api import Api, operation_name
from sandbox.dataverse.batch import Batch
from sandbox.dataverse.customizer import TABLES, load_schema
from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.exchange import Answer, Call, error_answer
from sandbox.dataverse.limits import Limits
from sandbox.dataverse.mailbox_tests import MailboxTests
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.resource import PREFIX
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.seed import Seed, service_principal
from sandbox.identity.tokens import Principal
from sandbox.store import Store
from sandbox.tenant import Tenant
from sandbox.web import Handler, Listener, Surroundings, bearer_claims, counted_and_faulted

MAX_BODY = 128 * 1024 * 1024  # bytes
BATCH = "$batch"
USER = web.RequestKey("user", str)
REFUSAL = web.RequestKey("refusal", DataverseError)


class Dataverse:
    """One organisation with its Web API under `/api/data/v9.2/`.

    `state` is a directory that keeps it between runs; with a `certificate` it listens over TLS as
    well, at `tls_url`; `principal` is the application that has an application user there; with
    `nested_change_set_errors` a failed change set is answered inside a nested multipart instead of
    a single part: real answers come in both shapes (dataverse.md 4).
    """

    def __init__(
        self,
        tenant: Tenant,
        surroundings: Surroundings,
        *,
        principal: Principal | None = None,
        state: Path | None = None,
        certificate: Certificate | None = None,
        nested_change_set_errors: bool = False,
    ) -> None:
        self._surroundings = surroundings
        self._store = Store(state / "dataverse.db" if state else None)
        rows = Rows(self._store)
        schema = load_schema(dict(rows.all(TABLES)))
        self.organization = Organization(schema, rows, surroundings.clock)
        self.mailbox_tests = MailboxTests(self.organization, surroundings.faults)
        self._limits = Limits(surroundings.clock)
        self._certificate = certificate
        self.tls_url = ""
        self._nested = nested_change_set_errors
        Seed(self.organization, tenant, principal or service_principal(tenant)).plant()
        rows.commit()
        middlewares = [
            self._metered,
            counted_and_faulted("dataverse", surroundings, _operation, _injected),
        ]
        app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._listener = Listener(app)

    @property
    def url(self) -> str:
        """Where the organisation is, without a trailing slash."""
        return self._listener.url

    async def start(self, port: int = 0, *, tls_port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        await self._listener.start(port=port)
        if self._certificate:
            context = self._certificate.server_context()
            self.tls_url = await self._listener.start_over_tls(context, port=tls_port)
        self.port = int(self._listener.url.rpartition(":")[2])
        api = Api(self.organization, f"{self.url}{PREFIX}")
        self._api = api
        self.mailbox_tests.start()
        self._batch = Batch(api, self._strike, nested_errors=self._nested)

    async def stop(self) -> None:
        """Stop listening and let the state go."""
        await self._listener.stop()
        self.mailbox_tests.stop()
        self._store.close()

    @web.middleware
    async def _metered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Find out who calls and whether they may; what is refused is still counted."""
        clock = self._surroundings.clock
        started, user_id = clock.timestamp(), ""
        try:
            user_id = request[USER] = self._application_user(request)
            self._limits.enter(user_id)
        except DataverseError as error:
            request[REFUSAL] = error
        try:
            response = await handler(request)
        finally:
            if user_id:
                self._limits.leave(user_id, clock.timestamp() - started)
        self._add_headers(request, response, user_id)
        return response

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        refusal = request.get(REFUSAL)
        if refusal:
            return _response(error_answer(refusal))
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, request.raw_path, headers, content)
        if not call.url.startswith(PREFIX.rstrip("/")):
            return _response(error_answer(DataverseError(404, "", "Not found.")))
        try:
            if call.url.partition("?")[0] == f"{PREFIX}{BATCH}":
                status, kind, body = self._batch.perform(call, request[USER])
                return web.Response(
                    status=status, body=body,
                    headers={"Content-Type": kind, "OData-Version": "4.0"},
                )  # fmt: skip
            return _response(self._api.perform(call, request[USER]))
        except DataverseError as error:
            return _response(error_answer(error))
        finally:
            self.organization.rows.commit()

    def _application_user(self, request: web.Request) -> str:
        audiences = [url for url in (self.url, self.tls_url) if url]
        try:
            claims = bearer_claims(request, self._surroundings.authority, audiences)
        except PermissionError as error:
            raise DataverseError(401, "", str(error)) from None
        rows = self.organization.rows
        found = rows.find("systemuser", "applicationid", str(claims.get("appid", "")).lower())
        user = rows.get("systemuser", found[0]) if found else None
        if user is None or user["isdisabled"]:
            raise DataverseError(403, "0x80072560", "The user is not a member of the organization.")
        return found[0]

    def _strike(self, operation: str) -> DataverseError | None:
        self._surroundings.stats.batched("dataverse", operation)
        fault = self._surroundings.faults.strike("dataverse", operation, "status")
        if fault is None:
            return None
        message = fault.message or "The sandbox was told to refuse this request."
        error = DataverseError(fault.status, fault.code or "", message)
        error.retry_after = fault.retry_after
        return error

    def _add_headers(
        self, request: web.Request, response: web.StreamResponse, user_id: str
    ) -> None:
        if response.prepared:
            return
        response.headers["x-ms-service-request-id"] = str(uuid4())
        asked = request.headers.get("x-ms-client-request-id")
        if asked:
            response.headers["x-ms-client-request-id"] = asked
        if user_id:
            response.headers.update(self._limits.headers(user_id))
        if response.status == 401:
            authority = self._surroundings.authority
            response.headers["WWW-Authenticate"] = (
                "Bearer authorization_uri=https://login.microsoftonline.com/"
                f"{authority.tenant_id}/oauth2/authorize, resource_id={self.url}/"
            )
        for cookie in ("ARRAffinity", "ARRAffinitySameSite"):
            response.set_cookie(cookie, f"sandbox{self.port}", httponly=True)


def _operation(request: web.Request) -> str:
    path = request.raw_path.partition("?")[0]
    if path == f"{PREFIX}{BATCH}":
        return f"{request.method} {BATCH}"
    return operation_name(Call(request.method, request.raw_path))


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, headers=answer.all_headers(), body=answer.content() or None
    )


def _injected(
    status: int, code: str | None, message: str, retry_after: int | None
) -> web.StreamResponse:
    error = DataverseError(status, code or "", message)
    error.retry_after = retry_after
    return _response(error_answer(error))
