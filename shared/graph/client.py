"""Sends plain JSON through the msgraph-sdk client's adapter, many requests to a round trip.

The adapter brings authentication, middleware and base URL. The generated models are left out: they
cost milliseconds per mail, and the bodies of `$batch` parts come back as None (graph.md 11).
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
from azure.core.exceptions import AzureError
from kiota_abstractions.api_error import APIError
from kiota_abstractions.method import Method
from kiota_abstractions.request_adapter import RequestAdapter
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import RetryHandlerOption

from shared.answers import Answer
from shared.calling import calling
from shared.identifiers import MailboxId

BATCH_SIZE = 20  # what Graph takes (graph.md 6)
_BATCHES_AT_ONCE = 8
IMMUTABLE_IDS = {"Prefer": 'IdType="ImmutableId"'}


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """One part of a batch; `url` is relative to the version, e.g. `/users/{id}/messages/{id}`.

    `mailbox` keeps two batches from working on one mailbox at the same time: Exchange takes four
    requests of an app per mailbox, which is what Graph makes of one batch (graph.md 6, 7).
    """

    method: str
    url: str
    mailbox: MailboxId | None = None
    headers: dict[str, str] = field(default_factory=lambda: dict(IMMUTABLE_IDS))
    body: dict[str, Any] | None = None


class GraphResponse(Answer):
    """The answer to one part; a round trip that failed answers for each of its parts."""

    __slots__ = ()
    service = "Graph"


class Graph(Protocol):
    """Graph, as the sync rules see it."""

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        """Return one response for each request, in order. Never raises for what Graph answers."""


class GraphClient:
    """Graph over a request adapter; one for a process."""

    def __init__(self, adapter: RequestAdapter[object]) -> None:
        self._adapter = adapter
        self._lanes: dict[MailboxId, asyncio.Lock] = {}
        self._at_once = asyncio.Semaphore(_BATCHES_AT_ONCE)

    async def batch(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        """See `Graph.batch`; requests of one mailbox share as few round trips as possible."""
        order = sorted(range(len(requests)), key=lambda n: requests[n].mailbox or "")
        chunks = [order[n : n + BATCH_SIZE] for n in range(0, len(order), BATCH_SIZE)]
        answers = await asyncio.gather(
            *(self._round_trip([requests[n] for n in chunk]) for chunk in chunks)
        )
        responses: list[GraphResponse] = [GraphResponse(status=0)] * len(requests)
        for chunk, answered in zip(chunks, answers, strict=True):
            for n, response in zip(chunk, answered, strict=True):
                responses[n] = response
        return responses

    async def content(self, request: GraphRequest) -> bytes | GraphResponse:
        """See `Contents.content` of the attachments: a batch would carry it as base64."""
        info = RequestInformation(Method.GET, f"{{+baseurl}}{request.url}", {})
        for name, value in request.headers.items():
            info.headers.add(name, value)
        info.add_request_options([RetryHandlerOption(max_retries=0)])
        async with AsyncExitStack() as lanes:
            if request.mailbox:
                await lanes.enter_async_context(self._lane(request.mailbox))
            await lanes.enter_async_context(self._at_once)
            try:
                octets: bytes | None = await self._adapter.send_primitive_async(info, "bytes", {})
            except APIError as error:
                return _refusal(error)
            except (httpx.HTTPError, AzureError, ValueError) as error:
                return _failure(503, str(error) or type(error).__name__)
        return octets or b""

    def _lane(self, mailbox: MailboxId) -> asyncio.Lock:
        return self._lanes.setdefault(mailbox, asyncio.Lock())

    async def _round_trip(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        mailboxes = sorted({request.mailbox for request in requests if request.mailbox})
        async with AsyncExitStack() as lanes:
            for mailbox in mailboxes:
                await lanes.enter_async_context(self._lane(mailbox))
            await lanes.enter_async_context(self._at_once)
            with calling("graph", "POST", "$batch", requests_in=len(requests)) as call:
                answer = await self._post(requests)
                if isinstance(answer, GraphResponse):
                    call.answered(answer.status)
                    return [answer] * len(requests)
                call.answered(200)
                parts = {part["id"]: part for part in answer["responses"]}
                answers = [_part(parts.get(str(n))) for n in range(len(requests))]
                call.of_parts(one.status for one in answers)
                return answers

    async def _post(self, requests: Sequence[GraphRequest]) -> dict[str, Any] | GraphResponse:
        """Return the batch's answer, or the failure that stands for all its parts."""
        info = RequestInformation(Method.POST, "{+baseurl}/$batch", {})
        info.headers.add("Content-Type", "application/json")
        # The middleware would sleep in here; a change that must wait goes back to the queue.
        info.add_request_options([RetryHandlerOption(max_retries=0)])
        info.content = json.dumps(
            {"requests": [_written(str(n), request) for n, request in enumerate(requests)]}
        ).encode()
        try:
            content: bytes | None = await self._adapter.send_primitive_async(info, "bytes", {})
            answer = _loaded(content or b"")
            return answer if isinstance(answer, dict) and "responses" in answer else _failure(502)
        except APIError as error:
            return _refusal(error)
        except (httpx.HTTPError, AzureError, ValueError) as error:
            return _failure(503, str(error) or type(error).__name__)


def _loaded(content: bytes) -> Any:  # noqa: ANN401 - it is JSON
    """Read JSON; lone surrogates, which no text may hold, become U+FFFD."""
    document = json.loads(content)
    return _mended(document) if b"\\ud" in content.lower() else document


def _mended(value: Any) -> Any:  # noqa: ANN401
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {name: _mended(held) for name, held in value.items()}
        case list():
            return [_mended(held) for held in value]
        case _:
            return value


def _written(part_id: str, request: GraphRequest) -> dict[str, Any]:
    part: dict[str, Any] = {
        "id": part_id,
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
    }
    if request.body is not None:
        part["body"] = request.body
        part["headers"] = {"Content-Type": "application/json", **request.headers}
    return part


def _part(part: dict[str, Any] | None) -> GraphResponse:
    if part is None:
        return _failure(502, "Graph left this part of the batch unanswered")
    body = part.get("body")
    return GraphResponse(
        status=int(part["status"]),
        body=body if isinstance(body, dict) else {},
        retry_after=_seconds(part.get("headers") or {}),
    )


def _refusal(error: APIError) -> GraphResponse:
    headers = {k.lower(): v for k, v in (error.response_headers or {}).items()}
    return _failure(error.response_status_code or 502, str(error), headers)


def _failure(
    status: int, message: str = "not a batch answer", headers: dict[str, str] | None = None
) -> GraphResponse:
    return GraphResponse(status, {"error": {"message": message}}, _seconds(headers or {}))


def _seconds(headers: dict[str, str]) -> float | None:
    """Return Retry-After in seconds, whether it was written as seconds or as a date."""
    lowered = {name.lower(): value for name, value in headers.items()}
    value = lowered.get("retry-after")
    if value is None:
        return None
    if str(value).isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(str(value))
        since = parsedate_to_datetime(lowered["date"])
    except (KeyError, ValueError):
        return None
    return max(0.0, (until - since).total_seconds())
