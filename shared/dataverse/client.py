"""Talks to the Dataverse Web API through azure-core's pipeline; one client for a process."""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.core.rest import AsyncHttpResponse, HttpRequest

from shared.calling import calling
from shared.dataverse.batch import ChangeSet, Operation, Response, compose, json_object, parse
from shared.errors import Permanent, Transient

API = "/api/data/v9.2"
MAX_BATCH = 1000  # requests in one batch (dataverse.md 4)
_MAX_BATCH_CHARACTERS = 16 * 1024 * 1024  # far under what a request may carry
# A batch of messages gets no lock renewal: it must end well within the lock's five minutes.
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 60
_HEADERS = {
    "Accept": "application/json",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
    "If-None-Match": "null",
}


class Dataverse(Protocol):
    """Dataverse, as the sync rules see it."""

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        """Return one response for each part, in order; a part that fails stops no other.

        Raises:
            Transient: the round trip as a whole failed; what was written is not known.
            Permanent: Dataverse will never take this batch; nothing was written.
        """

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        """Return all rows of a query, page by page.

        Raises:
            Transient: Dataverse did not answer, or refuses for now.
            Permanent: Dataverse will never answer this query.
        """


class DataverseClient:
    """Dataverse over HTTP.

    Nothing is retried in here: ids are deterministic, so whoever asked may ask again, and a wait
    belongs on the queue, not in the process (dataverse.md 0, 11). azure-core keeps no cookies, so
    requests spread over all web servers (dataverse.md 6).
    """

    def __init__(self, url: str, credential: AsyncTokenCredential) -> None:
        # http gets past the settings for this machine alone.
        self._https = urlsplit(url).scheme == "https"
        self._api = f"{url}{API}"
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            base_url=url,
            policies=[
                RequestIdPolicy(request_id_header_name="x-ms-client-request-id"),
                HeadersPolicy(_HEADERS),
                UserAgentPolicy("tether"),
                AsyncBearerTokenCredentialPolicy(credential, f"{url}/.default"),
            ],
        )

    @property
    def api_url(self) -> str:
        """Where the Web API is, as links between rows name it; no trailing slash."""
        return self._api

    async def send(self, operation: Operation, headers: dict[str, str] | None = None) -> Response:
        """Send one request of its own, e.g. for metadata.

        Raises:
            Transient: Dataverse did not answer.
        """
        is_query = operation.method == "GET"
        request = HttpRequest(
            operation.method,
            f"{self._api}/{operation.path}",
            headers={**operation.headers, **(headers or {})},
            json=operation.body,
        )
        with calling("dataverse", operation.method, "query" if is_query else "write") as call:
            answer = await self._send(request)
            call.answered(answer.status_code)
        return Response(
            status=answer.status_code,
            body=json_object(answer.content),
            retry_after=_retry_after(answer),
        )

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        """See `Dataverse.batch`."""
        responses: list[Response] = []
        for chunk in in_batches(parts):
            responses += await self._round_trip(chunk)
        return responses

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        """See `Dataverse.read_all`."""
        rows: list[dict[str, Any]] = []
        url: str | None = f"{self._api}/{path}"
        while url:
            with calling("dataverse", "GET", "query") as call:
                answer = await self._send(HttpRequest("GET", url))
                call.answered(answer.status_code)
            if answer.status_code != 200:
                raise _refusal(answer)
            page = json_object(answer.content)
            rows += page.get("value", [])
            url = page.get("@odata.nextLink")
        return rows

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _round_trip(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        boundary = f"batch_{uuid4().hex}"
        request = HttpRequest(
            "POST",
            f"{self._api}/$batch",
            headers={
                "Content-Type": f'multipart/mixed; boundary="{boundary}"',
                "Prefer": "odata.continue-on-error",
            },
            content=compose(parts, api=API, boundary=boundary),
        )
        sizes = [len(_operations(part)) for part in parts]
        with calling("dataverse", "POST", "$batch", requests_in=sum(sizes)) as call:
            answer = await self._send(request)
            call.answered(answer.status_code)
            content_type = answer.headers.get("Content-Type", "")
            if not content_type.startswith("multipart/"):
                raise _refusal(answer)
            answers = parse(content_type, answer.content, parts)
            told = zip(answers, sizes, strict=True)
            call.of_parts(one.status for one, size in told for _ in range(size))
            return answers

    async def _send(self, request: HttpRequest) -> AsyncHttpResponse:
        try:
            return await self._client.send_request(
                request,
                enforce_https=self._https,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
            )
        except AzureError as error:
            raise Transient(f"Dataverse did not answer: {error.message}") from error


def in_batches(parts: Sequence[Operation | ChangeSet]) -> list[list[Operation | ChangeSet]]:
    """Cut parts into batches by the number of their requests and the size of their bodies."""
    chunks: list[list[Operation | ChangeSet]] = [[]]
    requests = size = 0
    for part in parts:
        operations = _operations(part)
        weight = sum(_weight(operation) for operation in operations)
        requests, size = requests + len(operations), size + weight
        if chunks[-1] and (requests > MAX_BATCH or size > _MAX_BATCH_CHARACTERS):
            chunks.append([])
            requests, size = len(operations), weight
        chunks[-1].append(part)
    return [chunk for chunk in chunks if chunk]


def _operations(part: Operation | ChangeSet) -> tuple[Operation, ...]:
    return part.operations if isinstance(part, ChangeSet) else (part,)


def _weight(operation: Operation) -> int:
    texts = (operation.body or {}).values()
    return sum(len(text) for text in texts if isinstance(text, str))


def _refusal(answer: AsyncHttpResponse) -> Transient | Permanent:
    refused = Response(status=answer.status_code, body=json_object(answer.content))
    if refused.is_final:
        return Permanent(refused.problem)
    return Transient(refused.problem, retry_after=_retry_after(answer))


def _retry_after(answer: AsyncHttpResponse) -> float | None:
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else None
