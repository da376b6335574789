"""Where Graph reports changes and lifecycle events: verify, put on the bus, answer (graph.md 2, 3).

Graph cannot send a function key, so both routes are anonymous; what is genuine is told by the
sealed `clientState`. 202 is answered only after the broker has accepted everything genuine.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import azure.functions as func
from opentelemetry.trace import SpanKind

from shared.bootstrap import App, app
from shared.bus import LIFECYCLE, Message, change_messages
from shared.errors import Malformed, Transient, briefly
from shared.graph.notifications import (
    MAX_BODY_BYTES,
    LifecycleEvent,
    Rejection,
    Verdict,
    changes_in,
    entries_of,
    lifecycle_events_in,
)
from shared.identifiers import Kind
from shared.telemetry import (
    HTTP_STATUS,
    REASON,
    ROUTE,
    notifications_accepted,
    notifications_rejected,
    webhook_duration,
)
from shared.tracing import span

blueprint = func.Blueprint()
logger = logging.getLogger("tether.webhook")

_MAX_TOKEN_CHARACTERS = 2048
_REASONS = {
    Rejection.MALFORMED: "an entry lacks what every notification has",
    Rejection.FORGED: "the clientState is not one of ours for this mailbox",
    Rejection.FOREIGN: "the entry is of another tenant",
}


@blueprint.route(route="graph/notifications", methods=["POST"])
async def notifications(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Take a collection of change notifications."""
    with answering("graph/notifications", context.trace_context.trace_parent) as telling:
        answer = _handshake(req) or await receive_changes(await app(), req.get_body())
        return telling(answer)


@blueprint.route(route="graph/lifecycle", methods=["POST"])
async def lifecycle_notifications(
    req: func.HttpRequest, context: func.Context
) -> func.HttpResponse:
    """Take a collection of lifecycle notifications."""
    with answering("graph/lifecycle", context.trace_context.trace_parent) as telling:
        answer = _handshake(req) or await receive_lifecycle_events(await app(), req.get_body())
        return telling(answer)


@contextmanager
def answering(
    route: str, parent: str | None
) -> Iterator[Callable[[func.HttpResponse], func.HttpResponse]]:
    """Measure and trace one call; `parent` is the host's own span, as a traceparent."""
    began, status = time.monotonic(), 500
    called = {"http.request.method": "POST", ROUTE: f"/api/{route}"}

    def tell(answer: func.HttpResponse) -> func.HttpResponse:
        nonlocal status
        status = answer.status_code
        call.set_attribute(HTTP_STATUS, status)
        return answer

    try:
        with span(f"POST /api/{route}", SpanKind.SERVER, called, parent=parent) as call:
            yield tell
    finally:
        seconds = time.monotonic() - began
        webhook_duration.record(seconds, {ROUTE: f"/api/{route}", HTTP_STATUS: status})


async def receive_changes(application: App, body: bytes) -> func.HttpResponse:
    """Put genuine changes on the queues of their kinds, and answer for the collection."""
    entries = _entries(body)
    if isinstance(entries, func.HttpResponse):
        return entries
    verdict = changes_in(
        entries, application.keys, tenant=application.tenant, now=application.now()
    )
    by_kind = {kind: [c for c in verdict.genuine if c.kind is kind] for kind in Kind}
    queued = [(kind.value, change_messages(changes)) for kind, changes in by_kind.items()]
    return await _accept(application, verdict, queued)


async def receive_lifecycle_events(application: App, body: bytes) -> func.HttpResponse:
    """Put genuine lifecycle events on their queue, and answer for the collection."""
    entries = _entries(body)
    if isinstance(entries, func.HttpResponse):
        return entries
    verdict = lifecycle_events_in(
        entries, application.keys, tenant=application.tenant, now=application.now()
    )
    return await _accept(
        application, verdict, [(LIFECYCLE, [_event_message(event) for event in verdict.genuine])]
    )


async def _accept[T](
    application: App, verdict: Verdict[T], queued: Sequence[tuple[str, Sequence[Message]]]
) -> func.HttpResponse:
    for rejection, count in verdict.rejected.items():
        notifications_rejected.add(count, {REASON: rejection.value})
        logger.warning("rejected reason=%s count=%d", rejection.value, count)
    if not verdict.genuine:
        worst = max(verdict.rejected, key=lambda rejection: verdict.rejected[rejection])
        status = 400 if worst is Rejection.MALFORMED else 403
        return _refused(status, worst.value, _REASONS[worst])
    try:
        for queue, messages in queued:
            await application.inbound.send(queue, messages)
    except Transient as problem:
        logger.error("not queued, Graph will try again: %s", briefly(problem))
        return _refused(503, "not-queued", "the notifications could not be queued, try again")
    notifications_accepted.add(len(verdict.genuine))
    return func.HttpResponse(status_code=202)


def _handshake(req: func.HttpRequest) -> func.HttpResponse | None:
    """Echo Graph's validation token as plain text (graph.md 1.5); None for any other request."""
    token = req.params.get("validationToken")
    if token is None:
        return None
    if len(token) > _MAX_TOKEN_CHARACTERS or "<" in token or ">" in token:
        return _counted_refusal(400, "malformed", "this is no validation token of Graph's")
    return func.HttpResponse(
        token,
        status_code=200,
        headers={"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"},
    )


def _entries(body: bytes) -> list[object] | func.HttpResponse:
    if len(body) > MAX_BODY_BYTES:
        return _counted_refusal(413, "oversized", f"the body is over {MAX_BODY_BYTES} bytes")
    try:
        return entries_of(body)
    except Malformed as problem:
        return _counted_refusal(400, Rejection.MALFORMED.value, str(problem))


def _event_message(event: LifecycleEvent) -> Message:
    told = f"{event.subscription}/{event.event}/{event.noticed:%Y-%m-%dT%H:%M}"
    return Message(id=told, body=event.model_dump_json().encode())


def _counted_refusal(status: int, code: str, reason: str) -> func.HttpResponse:
    notifications_rejected.add(1, {REASON: code})
    logger.warning("rejected reason=%s: %s", code, reason)
    return _refused(status, code, reason)


def _refused(status: int, code: str, reason: str) -> func.HttpResponse:
    """Answer with a problem document (RFC 9457)."""
    problem = {"status": status, "code": code, "detail": reason}
    return func.HttpResponse(
        json.dumps(problem), status_code=status, mimetype="application/problem+json"
    )
