"""`multipart/mixed` bodies of `$batch`: requests in, answers out (dataverse.md 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from http import HTTPStatus

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.exchange import Answer, Call

CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class BatchPart:
    """A request of a batch, with its Content-ID if it has one."""

    call: Call
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Requests that succeed together or not at all."""

    parts: tuple[BatchPart, ...]


def malformed(reason: str) -> DataverseError:
    """Return the refusal of a batch that does not parse; it is answered as plain JSON."""
    return DataverseError(400, "0x80048d19", f"Error identified in the batch payload: {reason}")


def parse_batch(content_type: str, content: bytes) -> list[BatchPart | ChangeSet]:
    """Parse the body of a `$batch` request.

    Raises:
        DataverseError: it is not a batch, or a part is not an HTTP request.
    """
    message = BytesParser(policy=compat32).parsebytes(
        b"Content-Type: " + content_type.encode() + CRLF + CRLF + content
    )
    parts = [_item(part) for part in _parts(message, content)]
    identified = [p.content_id for item in parts if isinstance(item, ChangeSet) for p in item.parts]
    if "" in identified or len(set(identified)) < len(identified):
        raise malformed("each request of a change set needs a Content-ID of its own.")
    return parts


def render_batch(answers: Sequence[bytes], boundary: str) -> bytes:
    """Return the body of a batch response from its rendered parts."""
    opened = b"--" + boundary.encode() + CRLF
    closed = b"--" + boundary.encode() + b"--" + CRLF
    return b"".join(opened + answer + CRLF for answer in answers) + closed


def render_part(answer: Answer, content_id: str = "") -> bytes:
    """Return one answer as a part, its own headers included."""
    head = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary"}
    if content_id:
        head["Content-ID"] = content_id
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()
    inner = status + CRLF + _headers(answer.all_headers()) + CRLF + answer.content()
    return _headers(head) + CRLF + inner


def render_change_set(parts: Sequence[bytes], boundary: str) -> bytes:
    """Return the answers of a change set as one part."""
    head = _headers({"Content-Type": f"multipart/mixed; boundary={boundary}"})
    return head + CRLF + render_batch(parts, boundary)


def _headers(headers: Mapping[str, str]) -> bytes:
    return b"".join(f"{name}: {value}".encode() + CRLF for name, value in headers.items())


def _parts(message: Message, content: bytes) -> list[Message]:
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/mixed" or not boundary:
        raise malformed("the content type must be multipart/mixed with a boundary.")
    if b"--" + boundary.encode() + CRLF not in content:
        raise malformed("the boundary does not occur, or lines do not end in CRLF.")
    if b"--" + boundary.encode() + b"--" not in content:
        raise malformed("the closing boundary is missing.")
    parts = message.get_payload()
    return [part for part in parts if isinstance(part, Message)]


def _item(part: Message) -> BatchPart | ChangeSet:
    if part.get_content_type() == "multipart/mixed":
        inner = part.get_payload()
        if not isinstance(inner, list):
            raise malformed("a change set has no parts.")
        requests = [_request(one) for one in inner if isinstance(one, Message)]
        if any(request.call.method == "GET" for request in requests):
            raise malformed("a change set cannot contain a GET request.")
        return ChangeSet(tuple(requests))
    return _request(part)


def _request(part: Message) -> BatchPart:
    if part.get_content_type() != "application/http":
        raise malformed("the content type of a part must be application/http.")
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        raise malformed("a part is empty.")
    head, _, body = payload.partition(CRLF + CRLF)
    line, *lines = head.strip(CRLF).split(CRLF)
    words = line.decode("utf-8", "replace").split(" ")
    if len(words) < 3 or not words[-1].startswith("HTTP/1.1"):
        raise malformed(f"'{line.decode('utf-8', 'replace')}' is not a request line.")
    headers = {}
    for one in lines:
        name, colon, value = one.decode("utf-8", "replace").partition(":")
        if not colon:
            raise malformed(f"'{name}' is not a header.")
        headers[name.strip().lower()] = value.strip()
    url = " ".join(words[1:-1])
    return BatchPart(
        Call(words[0].upper(), url, headers, body, batched=True), str(part["Content-ID"] or "")
    )
