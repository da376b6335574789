"""The multipart of a `$batch`, as the sandbox reads and answers it (dataverse.md 4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse import multipart
from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.exchange import Answer, error_answer
from shared.dataverse.batch import ChangeSet, Operation, Response, compose, parse
from shared.errors import Transient

API = "/api/data/v9.2"
REQUEST_TYPE = 'multipart/mixed; boundary="b1"'
ANSWER_TYPE = "multipart/mixed; boundary=r1"

bodies = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=3)
operations = st.builds(
    Operation,
    method=st.sampled_from(["POST", "PATCH"]),
    path=st.sampled_from(["emails", "emails(5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90)"]),
    body=bodies,
    if_match=st.sampled_from([None, "*", 'W/"1"']),
    create_only=st.booleans(),
)
reads = st.builds(Operation, method=st.just("GET"), path=st.just("emails?$select=subject"))
parts = st.lists(
    operations | reads | st.lists(operations, min_size=1, max_size=3).map(tuple).map(ChangeSet),
    min_size=1,
    max_size=5,
)


@given(parts)
def test_what_is_composed_is_what_the_service_reads(parts: list[Operation | ChangeSet]) -> None:
    items = multipart.parse_batch(REQUEST_TYPE, compose(parts, api=API, boundary="b1"))
    assert len(items) == len(parts)
    for item, part in zip(items, parts, strict=True):
        sent = part.operations if isinstance(part, ChangeSet) else (part,)
        read = item.parts if isinstance(item, multipart.ChangeSet) else (item,)
        for one, other in zip(sent, read, strict=True):
            assert (other.call.method, other.call.url) == (one.method, f"{API}/{one.path}")
            if one.body is not None:
                assert other.call.json() == one.body
            for name, value in one.headers.items():
                assert other.call.headers[name.lower()] == value


def test_only_a_create_that_must_not_exist_or_a_guard_is_conditional() -> None:
    assert Operation("PATCH", "x", {}).headers == {}
    assert Operation("PATCH", "x", {}, if_match="e").headers == {"If-Match": "e"}
    assert Operation("PATCH", "x", {}, create_only=True).headers == {"If-None-Match": "*"}


FINE = Answer(204, {"ETag": 'W/"7"'})
ROWS = Answer(200, {}, {"value": [{"subject": "Änderung 😀"}]})
REFUSED = error_answer(DataverseError(412, "0x80060882", "The version does not match."))
ONE = Operation("PATCH", "emails(1)", {})
SET = ChangeSet((ONE, ONE))


def answered(*rendered: bytes, of: list[Operation | ChangeSet]) -> list[Response]:
    return parse(ANSWER_TYPE, multipart.render_batch(rendered, "r1"), of)


def test_each_part_gets_its_own_answer_in_order() -> None:
    changed = multipart.render_change_set([multipart.render_part(FINE, "1")] * 2, "c1")
    fine, rows, written = answered(
        multipart.render_part(FINE), multipart.render_part(ROWS), changed, of=[ONE, ONE, SET]
    )
    assert (fine.status, fine.body, fine.ok) == (204, {}, True)
    assert rows.body == {"value": [{"subject": "Änderung 😀"}]}
    assert written.ok


def test_a_failed_change_set_in_place_of_the_nested_multipart() -> None:
    failed, after = answered(
        multipart.render_part(REFUSED), multipart.render_part(FINE), of=[SET, ONE]
    )
    assert (failed.status, failed.code) == (412, "0x80060882")
    assert failed.problem == "Dataverse 412 0x80060882: The version does not match."
    assert after.ok


def test_a_failed_change_set_alone_within_the_nested_multipart() -> None:
    nested = multipart.render_change_set([multipart.render_part(REFUSED, "2")], "c1")
    failed, after = answered(nested, multipart.render_part(FINE), of=[SET, ONE])
    assert (failed.status, failed.code) == (412, "0x80060882")
    assert after.ok


def test_the_wait_asked_for_is_told_in_seconds() -> None:
    error = DataverseError(429, "0x80072322", "Number of requests exceeded the limit.")
    error.retry_after = 17
    (busy,) = answered(multipart.render_part(error_answer(error)), of=[ONE])
    assert (busy.status, busy.retry_after) == (429, 17.0)


def test_an_error_without_a_body_still_has_words() -> None:
    assert Response(503).problem == "Dataverse 503 : no message"
    assert Response(599).problem == "Dataverse 599 : no message"


@pytest.mark.parametrize("kept", [0, 1])
def test_an_answer_that_stops_early_is_transient(kept: int) -> None:
    with pytest.raises(Transient, match="only in part"):
        answered(*[multipart.render_part(FINE)] * kept, of=[ONE, ONE])


@given(st.integers(0, 400))
def test_an_answer_cut_anywhere_is_complete_or_transient_and_never_wrong(cut: int) -> None:
    whole = multipart.render_batch([multipart.render_part(FINE)] * 2, "r1")
    try:
        responses = parse(ANSWER_TYPE, whole[:cut], [ONE, ONE])
    except Transient:
        return
    assert [response.status for response in responses] == [204, 204]


def test_a_part_without_a_status_is_transient() -> None:
    nothing = b"Content-Type: application/http\r\n\r\nno status\r\n"
    with pytest.raises(Transient, match="no status"):
        answered(nothing, of=[ONE])


def test_an_empty_change_set_answer_is_transient() -> None:
    with pytest.raises(Transient):
        answered(multipart.render_change_set([], "c1"), of=[SET])


def test_a_body_that_is_no_object_counts_as_none() -> None:
    (odd,) = answered(multipart.render_part(Answer(200, {}, json.dumps([1]))), of=[ONE])
    assert odd.body == {}
