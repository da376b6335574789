"""Takes a call to the operation that serves it: roles, limits, faults, errors as answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from sandbox.faults import Fault
from sandbox.graph.errors import GraphError, access_denied, envelope
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.protocol import Answer, Call, Caller, Router
from sandbox.graph.rules import Rules
from sandbox.graph.throttle import Throttle
from sandbox.web import Surroundings


class Dispatcher:
    """Serves one call: `answer` and `part` never raise for what a caller did."""

    def __init__(
        self, router: Router, mailboxes: Mailboxes, surroundings: Surroundings, rules: Rules
    ) -> None:
        self._router = router
        self._mailboxes = mailboxes
        self._throttle = Throttle(surroundings.clock, rules)
        self._surroundings = surroundings
        self._latency = rules.latency

    async def answer(self, call: Call) -> Answer:
        """Return the answer to a call that has its place."""
        try:
            route, call.parameters = self._router.find(call.method, call.path)
            if route.roles and not route.roles & call.caller.roles:
                raise access_denied()
            return await route.handler(call)
        except GraphError as error:
            return self.refusal(error, call.headers.get("client-request-id"))

    async def part(self, call: Call) -> Answer:
        """Return the answer to one request of a batch, counted and struck by faults apart."""
        operation = self._router.operation(call.method, call.path)
        self._surroundings.stats.batched("graph", operation)
        faults = self._surroundings.faults
        size = len(call.content) if isinstance(call.content, bytes) else 0
        try:
            async with self.place(call.method, call.path, call.caller, size):
                fault = faults.strike("graph", operation, "status", "hold", "hold-after", "delay")
                return await (self._struck(fault, call) if fault else self.answer(call))
        except GraphError as error:
            return self.refusal(error, call.headers.get("client-request-id"))

    @asynccontextmanager
    async def place(
        self, method: str, path: str, caller: Caller, upload: int
    ) -> AsyncIterator[None]:
        """Keep one of the places in the mailbox while a request of `upload` bytes is served.

        Raises:
            GraphError: 429, a limit is reached; 400, 404, there is no such thing or mailbox.
        """
        route, parameters = self._router.find(method, path)
        if not route.metered or "user" not in parameters:
            yield
            return
        mailbox = self._mailboxes.mailbox(parameters["user"])
        with self._throttle.slot(caller.app_id, mailbox.id, upload=upload):
            await asyncio.sleep(self._latency)
            yield

    def refusal(self, error: GraphError, client_request_id: str | None = None) -> Answer:
        """Return an error as Graph shows it."""
        request_id = str(uuid4())
        body = envelope(
            error.code,
            error.message,
            now=self._surroundings.clock.now(),
            request_id=request_id,
            client_request_id=client_request_id or request_id,
        )
        return Answer(error.status, body, {"request-id": request_id, **error.headers})

    async def _struck(self, fault: Fault, call: Call) -> Answer:
        match fault.action:
            case "status":
                error = injected(fault.status, fault.code, fault.message, fault.retry_after)
                return self.refusal(error, call.headers.get("client-request-id"))
            case "hold-after":
                answer = await self.answer(call)
                await fault.cleared()
                return answer
            case "hold":
                await fault.cleared()
            case _:
                await self._surroundings.clock.sleep(fault.seconds)
        return await self.answer(call)


_CODES = {
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorIrresolvableConflict",
    410: "SyncStateNotFound",
    412: "ErrorIrresolvableConflict",
    429: "ApplicationThrottled",
    503: "ErrorServerBusy",
}


def injected(
    status: int, code: str | None, message: str | None, retry_after: int | None
) -> GraphError:
    """Return the refusal a planned fault asks for; without a code, the status's usual one."""
    return GraphError(
        status,
        code or _CODES.get(status, "UnknownError"),
        message or "The sandbox was told to refuse this request.",
        retry_after=retry_after,
    )
