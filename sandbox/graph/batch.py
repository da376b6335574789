"""`POST /$batch`: up to twenty requests in one (graph.md 6)."""

import asyncio
import base64
import binascii
import json
from typing import Any
from urllib.parse import parse_qsl

from sandbox.graph.dispatch import Dispatcher
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.protocol import Answer, Call, Route

LIMIT = 20
AT_ONCE = 4
_JSON = (
    "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; "
    "charset=utf-8"
)


class Batch:
    """Serves the parts of a batch, four at a time, and answers in an order of its own."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def route(self) -> Route:
        """Return the operation served here."""
        return Route("POST", "/$batch", self._answer, metered=False)

    async def _answer(self, call: Call) -> Answer:
        parts = _checked(call.json())
        places = asyncio.Semaphore(AT_ONCE)
        done: dict[str, asyncio.Task[Answer]] = {}
        async with asyncio.TaskGroup() as group:
            for part in parts:
                parents = [done[one.lower()] for one in part.get("dependsOn") or []]
                task = group.create_task(self._part(call, part, parents, places))
                done[part["id"].lower()] = task
        answers = [(part["id"], done[part["id"].lower()].result()) for part in parts]
        # Graph answers in no particular order: later parts first is never the caller's order.
        return Answer(200, {"responses": [_shown(*answer) for answer in reversed(answers)]})

    async def _part(
        self,
        outer: Call,
        part: dict[str, Any],
        parents: list[asyncio.Task[Answer]],
        places: asyncio.Semaphore,
    ) -> Answer:
        for parent in parents:
            if (await parent).status >= 400:
                message = "The operation depends on one that failed."
                return self._dispatcher.refusal(GraphError(424, "FailedDependency", message))
        async with places:
            return await self._dispatcher.part(_call(outer, part))


def _checked(body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = body.get("requests")
    if not isinstance(parts, list) or not parts:
        raise bad_request("Invalid batch payload format.")
    if len(parts) > LIMIT:
        raise bad_request(
            f"Number of batch request steps exceeds the maximum value of {LIMIT}.",
            "MaximumValueExceeded",
        )
    seen: set[str] = set()
    for part in parts:
        _check_part(part, seen)
        seen.add(part["id"].lower())
    _check_dependencies(parts)
    return parts


def _check_part(part: object, seen: set[str]) -> None:
    if not isinstance(part, dict) or not all(
        isinstance(part.get(name), str) and part[name] for name in ("id", "method", "url")
    ):
        raise bad_request("Each request of a batch needs id, method and url as text.")
    if part["id"].lower() in seen:
        raise bad_request(f"Request id '{part['id']}' is not unique.")
    if "://" in part["url"].partition("?")[0]:
        raise bad_request("The url of a request in a batch must be relative.")
    if part["url"].partition("?")[0].strip("/").lower() == "$batch":
        raise bad_request("A batch cannot hold a batch.")
    depends = part.get("dependsOn") or []
    if not isinstance(depends, list) or any(str(one).lower() not in seen for one in depends):
        raise bad_request(f"Request '{part['id']}' depends on one that does not come before it.")
    headers = {name.lower() for name in part.get("headers") or {}}
    if part.get("body") is not None and "content-type" not in headers:
        raise bad_request(f"Request '{part['id']}' has a body but no Content-Type header.")


def _check_dependencies(parts: list[dict[str, Any]]) -> None:
    dependent = [part for part in parts if part.get("dependsOn")]
    if dependent and len(dependent) != len(parts) - 1:
        raise bad_request("The requests of a batch must be all in sequence or all in parallel.")


def _call(outer: Call, part: dict[str, Any]) -> Call:
    path, _, query = part["url"].partition("?")
    headers = {name.lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    body = part.get("body")
    return Call(
        part["method"].upper(),
        path,
        outer.base_url,
        outer.caller,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        content=_content(body),
    )


def _content(body: object) -> bytes | dict[str, Any] | None:
    """Return a part's body: an object, or octets that were sent as base64."""
    if body is None or isinstance(body, dict):
        return body
    try:
        return base64.b64decode(str(body), validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("A body that is no JSON object must be base64.") from error


def _shown(part_id: str, answer: Answer) -> dict[str, Any]:
    headers = {"Cache-Control": "private", **answer.headers}
    body: object = answer.body
    if isinstance(answer.body, bytes):
        body = base64.b64encode(answer.body).decode()
    elif answer.body is not None:
        headers["Content-Type"] = _JSON
        body = json.loads(json.dumps(answer.body))
    return {"id": part_id, "status": answer.status, "headers": headers, "body": body}
