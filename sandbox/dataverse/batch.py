"""`$batch`: many requests in one, change sets among them (dataverse.md 4)."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from sandbox.dataverse.api import Api, operation_name
from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.exchange import Answer, Call, error_answer
from sandbox.dataverse.metadata import METADATA_SETS
from sandbox.dataverse.multipart import (
    BatchPart,
    ChangeSet,
    malformed,
    parse_batch,
    render_batch,
    render_change_set,
    render_part,
)
from sandbox.dataverse.resource import parse_url

MAX_REQUESTS = 1000
INHERITED = ("mscrmcallerid", "callerobjectid")
REFERENCE = re.compile(r"\$(\w+)")

type Strike = Callable[[str], DataverseError | None]
"""Counts an operation of a batch and returns the fault that hits it."""


class Batch:
    """Runs batches; with `nested_errors` a failed change set keeps its inner multipart."""

    def __init__(self, api: Api, strike: Strike, *, nested_errors: bool = False) -> None:
        self.api = api
        self.strike = strike
        self.nested_errors = nested_errors

    def perform(self, call: Call, application_user: str) -> tuple[int, str, bytes]:
        """Run a batch and return the outer status, content type and body.

        Raises:
            DataverseError: the batch itself is refused.
        """
        if call.method != "POST":
            raise DataverseError(405, "0x80040800", "$batch is called with POST.")
        items = parse_batch(call.headers.get("content-type", ""), call.content)
        total = sum(len(i.parts) if isinstance(i, ChangeSet) else 1 for i in items)
        if total > MAX_REQUESTS:
            raise malformed(f"{total} requests exceed the limit of {MAX_REQUESTS}.")
        inherited = {name: call.headers[name] for name in INHERITED if name in call.headers}
        rendered, status = [], 200
        for item in items:
            failed, part = self._item(item, application_user, inherited)
            rendered.append(part)
            if failed and not call.preferences.continue_on_error:
                status = failed
                break
        boundary = f"batchresponse_{uuid4()}"
        return status, f"multipart/mixed; boundary={boundary}", render_batch(rendered, boundary)

    def _item(
        self, item: BatchPart | ChangeSet, user: str, inherited: dict[str, str]
    ) -> tuple[int, bytes]:
        if isinstance(item, ChangeSet):
            return self._change_set(item, user, inherited)
        try:
            answer = self._one(item.call, user, inherited)
        except DataverseError as error:
            return error.status, render_part(error_answer(error), item.content_id)
        return 0, render_part(answer, item.content_id)

    def _one(self, call: Call, user: str, inherited: dict[str, str]) -> Answer:
        call = replace(call, headers={**inherited, **call.headers})
        refused = self.strike(operation_name(call))
        if refused:
            raise refused
        if call.url.partition("?")[0].endswith("$batch"):
            raise malformed("a batch cannot contain a batch.")
        return self.api.perform(call, user)

    def _change_set(
        self, item: ChangeSet, user: str, inherited: dict[str, str]
    ) -> tuple[int, bytes]:
        boundary = f"changesetresponse_{uuid4()}"
        uris: dict[str, str] = {}
        rendered: list[bytes] = []
        part = item.parts[0]
        try:
            with self.api.org.rows.transaction():
                for part in item.parts:
                    call = _referring(part.call, uris)
                    if _is_metadata(call):
                        raise malformed("definitions cannot be changed in a change set.")
                    answer = self._one(call, user, inherited)
                    uris[part.content_id] = answer.headers.get(
                        "OData-EntityId", call.url.partition("?")[0]
                    )
                    rendered.append(render_part(answer, part.content_id))
        except DataverseError as error:
            failed = error_answer(error)
            if self.nested_errors:
                inner = [render_part(failed, part.content_id)]
                return error.status, render_change_set(inner, boundary)
            return error.status, render_part(failed)
        return 0, render_change_set(rendered, boundary)


def _is_metadata(call: Call) -> bool:
    segments = parse_url(call.url).segments
    return bool(segments) and segments[0].name in {*METADATA_SETS, "CreateEntities"}


def _referring(call: Call, uris: dict[str, str]) -> Call:
    """Return the request with `$n` replaced by the URI of the row part n wrote."""
    url = call.url
    match = REFERENCE.match(url)
    if match:
        url = _uri(match[1], uris) + url[match.end() :]
    content = call.content
    if b'"$' in content:
        content = json.dumps(_resolved(json.loads(content), uris)).encode()
    return replace(call, url=url, content=content)


def _resolved(value: object, uris: dict[str, str], name: str = "") -> object:
    if isinstance(value, dict):
        return {key: _resolved(one, uris, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one, uris, name) for one in value]
    bound = name.endswith("@odata.bind") or name == "@odata.id"
    if bound and isinstance(value, str) and (match := REFERENCE.match(value)):
        return _uri(match[1], uris) + value[match.end() :]
    return value


def _uri(content_id: str, uris: dict[str, str]) -> str:
    if content_id not in uris:
        raise DataverseError(
            400,
            "0x80060888",
            f"Content-ID Reference: '${content_id}' does not exist in the batch context.",
        )
    return uris[content_id]
