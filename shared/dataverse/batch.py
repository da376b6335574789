"""The multipart text of a Dataverse `$batch`, written and read (dataverse.md 4)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any

from shared.answers import Answer
from shared.errors import Transient

_LINE = "\r\n"
_LOOKUPS = "Microsoft.Dynamics.CRM.*"
_NAMES = "OData.Community.Display.V1.FormattedValue"
_DUPLICATE_CODES = {"0x80040237", "0x80060892", "0x80073002"}
# SQL deadlocks and time-outs, unexpected errors: they come as 400 or 500.
_PASSING_CODES = {"0x80044150", "0x80044151", "0x80040216"}
_BUSY = {0, 401, 408, 429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Operation:
    """One request; `path` is relative to the API, e.g. `emails(<guid>)`.

    `if_match` guards an update with the row's ETag; `create_only` refuses one that exists. The
    answer to a query that is `named` gives the names of the rows that lookups point to (`name_in`).
    """

    method: str
    path: str
    body: dict[str, Any] | None = None
    if_match: str | None = None
    create_only: bool = False
    named: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The conditional headers; every other header is the same for all."""
        if self.create_only:
            return {"If-None-Match": "*"}
        return {"If-Match": self.if_match} if self.if_match else {}


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Operations that succeed or fail as one."""

    operations: tuple[Operation, ...]


class Response(Answer):
    """What Dataverse answered to one operation, or to a change set as a whole."""

    __slots__ = ()
    service = "Dataverse"

    @property
    def has_moved_on(self) -> bool:
        """Whether a row is not, or no longer, as it was read: look again (dataverse.md 7).

        A key that exists already comes as 412, but also as 400 or 500.
        """
        return self.status in {404, 412} or self.code.lower() in _DUPLICATE_CODES

    @property
    def is_final(self) -> bool:
        """Whether asking again can never help: neither a role nor time will change the answer."""
        passes = self.status in {401, 403, 404, 408, 412, 429} or self.status >= 500
        return not (self.ok or passes or self.code.lower() in _PASSING_CODES)

    @property
    def speaks_of_the_item(self) -> bool:
        """Whether what was refused is this very operation, not whatever is asked just now."""
        return not self.ok and self.status not in _BUSY


def compose(parts: Sequence[Operation | ChangeSet], *, api: str, boundary: str) -> bytes:
    """Return the body of a `$batch`; `api` is the path of the API, e.g. `/api/data/v9.2`."""
    lines: list[str] = []
    content_id = 0
    for number, part in enumerate(parts):
        lines.append(f"--{boundary}")
        if isinstance(part, Operation):
            lines += _request(part, api, None)
            continue
        inner = f"{boundary}_{number}"
        lines += [f'Content-Type: multipart/mixed; boundary="{inner}"', ""]
        for operation in part.operations:
            content_id += 1
            lines += [f"--{inner}", *_request(operation, api, content_id)]
        lines.append(f"--{inner}--")
    lines += [f"--{boundary}--", ""]
    return _LINE.join(lines).encode()


def parse(content_type: str, body: bytes, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
    """Return one response for each part, in order.

    A failed change set comes as one error, either in place of the nested multipart or alone within
    it (dataverse.md 4); a successful one answers with its first operation's response.

    Raises:
        Transient: the answer is cut short or is no multipart.
    """
    message = BytesParser(policy=compat32).parsebytes(
        f"Content-Type: {content_type}{_LINE}{_LINE}".encode() + body
    )
    answers = message.get_payload()
    if not isinstance(answers, list) or len(answers) != len(parts) or _is_cut_short(message):
        raise Transient("Dataverse answered a batch with something else or only in part")
    return [_answer(answer) for answer in answers if isinstance(answer, Message)]


def _request(operation: Operation, api: str, content_id: int | None) -> list[str]:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"{operation.method} {api}/{operation.path} HTTP/1.1", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in operation.headers.items()]
    if operation.method == "GET":
        wanted = f"{_LOOKUPS},{_NAMES}" if operation.named else _LOOKUPS
        lines.append(f'Prefer: odata.include-annotations="{wanted}"')
    if operation.body is None:
        return [*lines, "", ""]
    lines.append("Content-Type: application/json; type=entry")
    return [*lines, "", json.dumps(operation.body)]


def _answer(part: Message) -> Response:
    nested = part.get_payload()
    if isinstance(nested, list):
        responses = [_answer(inner) for inner in nested if isinstance(inner, Message)]
        if not responses:
            raise Transient("Dataverse left a change set unanswered")
        return next((one for one in responses if not one.ok), responses[0])
    return _http_response(part.get_payload(decode=True))


def _is_cut_short(message: Message) -> bool:
    return any(isinstance(one, CloseBoundaryNotFoundDefect) for one in message.defects)


def _http_response(payload: object) -> Response:
    raw = payload if isinstance(payload, bytes) else b""
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, _, header_lines = head.partition(b"\r\n")
    words = status_line.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise Transient("Dataverse answered a part of a batch with no status")
    headers = BytesParser(policy=compat32).parsebytes(header_lines, headersonly=True)
    retry_after = headers.get("Retry-After", "")
    return Response(
        status=int(words[1]),
        body=json_object(body),
        retry_after=float(retry_after) if retry_after.isdigit() else None,
    )


def name_in(row: Mapping[str, Any], column: str) -> str:
    """Return the name of the row that a lookup's `column` points to; empty if none is told."""
    return str(row.get(f"{column}@{_NAMES}") or "")


def json_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object, or an empty one where the body is anything else."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
