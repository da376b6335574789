"""A request and its answer, whether they cross the wire alone or inside a batch."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sandbox.dataverse.errors import DataverseError, invalid_payload

PREFERENCE = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*(?:"([^"]*)"|([^",;\s]+)))?\s*(?:[,;]|$)')
JSON_TYPE = "application/json; odata.metadata=minimal"


@dataclass(frozen=True, slots=True)
class Preferences:
    """The `Prefer` header: what the client would like."""

    representation: bool = False
    annotations: tuple[str, ...] = ()
    page_size: int = 0
    continue_on_error: bool = False
    track_changes: bool = False
    applied: str = ""
    """What an answer that honours the preferences says in `Preference-Applied`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request; header names are lower case, `url` is as the client wrote it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    batched: bool = False

    def json(self) -> dict[str, Any]:
        """Return the body as an object.

        Raises:
            DataverseError: 415 or 400, it is not JSON, or no object.
        """
        if self.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise DataverseError(415, "", "The content type must be application/json.")
        try:
            body = json.loads(self.content)
        except ValueError as error:
            raise invalid_payload("", f"Microsoft.OData.ODataException: {error}") from None
        if not isinstance(body, dict):
            raise invalid_payload("", "The body must be a JSON object.")
        return body

    @property
    def if_match(self) -> str | None:
        """The entity tag a write is conditional on."""
        return self.headers.get("if-match")

    @property
    def if_none_match(self) -> str | None:
        """The `If-None-Match` header; the literal null means nothing (dataverse.md 3)."""
        value = self.headers.get("if-none-match")
        return None if value == "null" else value

    @property
    def preferences(self) -> Preferences:
        """The parsed `Prefer` header."""
        text = self.headers.get("prefer", "")
        found = {m[1].lower(): m[2] or m[3] or "" for m in PREFERENCE.finditer(text)}
        patterns = found.get("odata.include-annotations", "")
        size = found.get("odata.maxpagesize", "")
        return Preferences(
            representation=found.get("return") == "representation",
            annotations=tuple(p.strip() for p in patterns.split(",") if p.strip()),
            page_size=int(size) if size.isdigit() else 0,
            continue_on_error="odata.continue-on-error" in found,
            track_changes="odata.track-changes" in found,
            applied=text,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `body` is sent as JSON when it is an object, as text when it is text."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | str | None = None

    def content(self) -> bytes:
        """Return the body's bytes."""
        if self.body is None:
            return b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def all_headers(self) -> dict[str, str]:
        """Return the headers with those every answer has."""
        headers = {"OData-Version": "4.0", **self.headers}
        if self.body is not None:
            text = isinstance(self.body, str)
            headers.setdefault("Content-Type", "text/plain" if text else JSON_TYPE)
        return headers


def error_answer(error: DataverseError) -> Answer:
    """Return the envelope of an error."""
    headers = {"REQ_ID": str(uuid4())}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return Answer(error.status, headers, {"error": {"code": error.code, "message": error.message}})
