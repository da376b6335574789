"""Batch bodies: parsing what clients send, rendering what they read back."""

import json
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.exchange import Answer
from sandbox.dataverse.multipart import (
    BatchPart,
    ChangeSet,
    parse_batch,
    render_batch,
    render_change_set,
    render_part,
)

TYPE = 'multipart/mixed; boundary="b"'
HEAD = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"


def part(line: str, body: str = "", headers: str = "") -> str:
    return f"{HEAD}\r\n{line} HTTP/1.1\r\n{headers}\r\n{body}\r\n"


def parsed(text: str) -> list[BatchPart | ChangeSet]:
    return parse_batch(TYPE, f"{text}--b--\r\n".encode())


def test_a_request_with_everything() -> None:
    body = json.dumps({"subject": "Grüße\r\n--b is not a boundary here"})
    (found,) = parsed(part("patch /api/data/v9.2/x(1)?$select=a", body, 'If-Match: W/"1"\r\n'))
    assert isinstance(found, BatchPart)
    assert (found.call.method, found.call.url) == ("PATCH", "/api/data/v9.2/x(1)?$select=a")
    assert found.call.headers["if-match"] == 'W/"1"'
    assert found.call.content.decode() == body
    assert found.call.batched


def test_a_url_with_blanks_as_the_official_client_sends_it() -> None:
    (found,) = parsed(part("GET http://host/api/data/v9.2/x?$filter=a eq 'b c'"))
    assert isinstance(found, BatchPart)
    assert found.call.url == "http://host/api/data/v9.2/x?$filter=a eq 'b c'"


def test_a_change_set_between_requests() -> None:
    inner = part("POST x", "{}").replace("--b", "--c").replace("binary", "binary\r\nContent-ID: 7")
    text = (
        part("GET a")
        + f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}--c--\r\n\r\n"
        + part("GET b")
    )
    first, changes, last = parsed(text)
    assert isinstance(first, BatchPart)
    assert isinstance(changes, ChangeSet)
    assert isinstance(last, BatchPart)
    assert [(p.content_id, p.call.url) for p in changes.parts] == [("7", "x")]
    assert (first.call.url, last.call.url) == ("a", "b")


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", part("GET a") + "--b--\r\n"),
        ("multipart/mixed", part("GET a") + "--b--\r\n"),
        (TYPE, part("GET a").replace("\r\n", "\n") + "--b--\n"),
        (TYPE, part("GET a")),
        (TYPE, ""),
        (TYPE, part("GET a").replace("application/http", "text/plain") + "--b--\r\n"),
        (TYPE, part("GET").replace(" HTTP/1.1", "") + "--b--\r\n"),
        (TYPE, part("GET a", headers="no colon\r\n") + "--b--\r\n"),
    ],
)
def test_what_is_no_batch(content_type: str, text: str) -> None:
    with pytest.raises(DataverseError) as refused:
        parse_batch(content_type, text.encode())
    assert refused.value.status == 400


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=5))
def test_any_text_arrives(texts: list[str]) -> None:
    found = parsed("".join(part("POST x", json.dumps({"a": text})) for text in texts))
    assert [json.loads(p.call.content)["a"] for p in found if isinstance(p, BatchPart)] == texts


def test_answers_are_rendered_to_the_letter() -> None:
    created = Answer(204, {"OData-EntityId": "http://h/x(1)"})
    rendered = render_batch([render_part(created), render_part(Answer(200, {}, {"a": "ü"}))], "r")
    assert rendered == (
        b"--r\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nOData-EntityId: http://h/x(1)\r\n\r\n\r\n"
        b"--r\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nOData-Version: 4.0\r\n"
        b"Content-Type: application/json; odata.metadata=minimal\r\n\r\n"
        b'{"a": "\\u00fc"}\r\n--r--\r\n'
    )


def test_a_rendered_change_set_parses() -> None:
    inner = render_change_set([render_part(Answer(204), "1"), render_part(Answer(204), "2")], "c")
    content = b"Content-Type: multipart/mixed; boundary=r\r\n\r\n" + render_batch([inner], "r")
    (changes,) = BytesParser(policy=HTTP).parsebytes(content).iter_parts()
    assert [one["Content-ID"] for one in changes.iter_parts()] == ["1", "2"]
