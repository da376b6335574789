"""What the API takes and answers over HTTP: ids, bodies, statuses, problems."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.api.office import (
    BROKEN,
    BUSY,
    CONTACT,
    MAIL,
    MEETING,
    MEETING_ID,
    MESSAGE_ID,
    OPPORTUNITY,
)
from tests.contract.api.serving import ADA, ALAN, GRACE, Answer, Serving, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
TASK = "AQList=~AQTask="
JSON = {"Content-Type": "application/json"}
REGARDING = {"table": "opportunity", "id": str(OPPORTUNITY)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Serving]:
    async with serving() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def ada(api: Serving) -> dict[str, str]:
    return await api.headers(ADA)


def problems(answer: Answer) -> list[tuple[str, str]]:
    """Return which fields are wrong, and what is to be done."""
    return [(one["field"], one["remedy"]) for one in answer.document["errors"]]


@pytest.mark.parametrize(
    ("item", "kind"),
    [(MAIL, "mail"), (MEETING, "calendar"), (CONTACT, "contacts"), (TASK, "tasks")],
)
async def test_an_item_is_saved_told_of_and_removed(
    api: Serving, ada: dict[str, str], item: str, kind: str
) -> None:
    async def call(method: str) -> tuple[int, str]:
        answer = await api.call(method, f"items/{item}", ada, params={"kind": kind})
        assert (answer.document["id"], answer.document["kind"]) == (item, kind)
        return answer.status, answer.document["state"]

    assert await call("GET") == (200, "notSaved")
    assert await call("PUT") == (202, "saving")
    assert await call("GET") == (200, "saved")
    assert await call("DELETE") == (202, "saving")
    assert await call("GET") == (200, "removed")
    assert await call("DELETE") == (200, "removed")


async def test_items_are_asked_for_together_by_any_of_their_names(
    api: Serving, ada: dict[str, str]
) -> None:
    asked: list[dict[str, str]] = [
        {"id": MAIL},
        {"internetMessageId": MESSAGE_ID},
        {"kind": "calendar", "iCalUId": MEETING_ID},
        {"kind": "tasks", "id": TASK},
        {"id": "AAkNothing"},
    ]
    answer = await api.call("POST", "items/status", ada, json={"items": asked})
    assert answer.status == 200
    told = [one and one["id"] for one in answer.document["items"]]
    assert told == [MAIL, MAIL, MEETING, TASK, None]


async def test_a_regarding_is_set_changed_and_cleared_once_the_item_is_saved(
    api: Serving, ada: dict[str, str]
) -> None:
    path = f"items/{MAIL}/regarding"
    await api.call("DELETE", f"items/{MAIL}", ada)
    await api.call("GET", f"items/{MAIL}", ada)
    refused = await api.call("PUT", path, ada, json={"regarding": REGARDING})
    assert (refused.status, refused.code) == (409, "not-saved")
    await api.call("PUT", f"items/{MAIL}", ada, json={"regarding": REGARDING})
    saved = await api.call("GET", f"items/{MAIL}", ada)
    assert saved.document["activity"]["regarding"] == {**REGARDING, "name": "Engine No. 2"}
    assert (await api.call("PUT", path, ada, json={"regarding": None})).status == 202
    cleared = await api.call("GET", f"items/{MAIL}", ada)
    assert cleared.document["activity"]["regarding"] is None


async def test_a_mailbox_is_turned_on_and_the_save_then_goes_through(api: Serving) -> None:
    grace = await api.headers(GRACE)
    refused = await api.call("PUT", f"items/{CONTACT}", grace, params={"kind": "contacts"})
    assert (refused.status, refused.code) == (409, "mailbox-not-enabled")
    assert refused.document["remedy"]
    enabled = await api.call("POST", "mailbox/enable", grace)
    assert (enabled.status, enabled.document["state"]) == (202, "waiting")
    assert (await api.call("GET", "mailbox", grace)).document["state"] == "enabled"
    assert (await api.call("POST", "mailbox/enable", grace)).status == 200
    saved = await api.call("PUT", f"items/{CONTACT}", grace, params={"kind": "contacts"})
    assert saved.status == 202


async def test_of_everybody_it_is_removed_by_who_saved_it_or_an_administrator(
    api: Serving, ada: dict[str, str]
) -> None:
    await api.call("PUT", f"items/{MEETING}", ada, params={"kind": "calendar"})
    everybody = {"kind": "calendar", "scope": "all"}
    grace, alan = await api.headers(GRACE), await api.headers(ALAN)
    refused = await api.call("DELETE", f"items/{MEETING}", grace, params=everybody)
    assert (refused.status, refused.code) == (403, "not-allowed-to-remove")
    assert (await api.call("DELETE", f"items/{MEETING}", alan, params=everybody)).status < 300


@pytest.mark.parametrize(
    ("item", "kind", "remedy"),
    [
        ("AAk.id", "mail", "Write it as the API's OpenAPI document says."),
        ("AAk%20id", "mail", "Write it as the API's OpenAPI document says."),
        ("AAMk+id", "mail", "Write it as the API's OpenAPI document says."),
        ("AAMk%2Fid", "mail", "Write it as the API's OpenAPI document says."),
        ("list~task", "mail", "Give the REST id: convertToRestId()."),
        ("task", "tasks", "Write <list id>~<task id>."),
        ("~task", "tasks", "Write <list id>~<task id>."),
        ("a~b~c", "tasks", "Write <list id>~<task id>."),
        ("x" * 513, "mail", "See the API's OpenAPI document for what it may be."),
    ],
)
async def test_what_can_be_no_items_id(
    api: Serving, ada: dict[str, str], item: str, kind: str, remedy: str
) -> None:
    answer = await api.call("GET", f"items/{item}?kind={kind}", ada)
    assert (answer.status, answer.code) == (400, "invalid-request")
    assert problems(answer) == [("id", remedy)]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"kind": "letters"}, "kind"),
        ({"mailbox": "ada"}, "mailbox"),
        ({"activity": "burn"}, "activity"),
        ({"scope": "some"}, "scope"),
        ({"activty": "delete"}, "activty"),
    ],
)
async def test_a_wrong_parameter_is_named(
    api: Serving, ada: dict[str, str], params: dict[str, str], field: str
) -> None:
    answer = await api.call("DELETE", f"items/{MAIL}", ada, params=params)
    assert (answer.status, [name for name, _ in problems(answer)]) == (400, [field])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"items": []}, ["items"]),
        ({"items": [{"id": "a"}] * 101}, ["items"]),
        ({"items": [{"id": "a", "internetMessageId": "<b>"}]}, ["items.0"]),
        ({"items": [{"kind": "letters", "id": "a"}]}, ["items.0.kind"]),
        ({"items": [{"internet_message_id": "<b@c>"}]}, ["items.0.internet_message_id"]),
        ({"items": [{"id": 4711}]}, ["items.0.id"]),
        ({"items": "all", "more": 1}, ["items", "more"]),
        ({}, ["items"]),
        ([], ["body"]),
    ],
)
async def test_a_wrong_field_is_named(
    api: Serving, ada: dict[str, str], body: object, fields: list[str]
) -> None:
    answer = await api.call("POST", "items/status", ada, json=body)
    assert (answer.status, answer.code) == (400, "invalid-request")
    assert [name for name, _ in problems(answer)] == fields


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "malformed-request"),
        (b"", JSON, 400, "malformed-request"),
        (b"\xff\xfe", JSON, 400, "malformed-request"),
        (b"[" * 60_000, JSON, 400, "malformed-request"),
        (b'{"regarding": null}', {"Content-Type": "text/plain"}, 415, "not-json"),
        (b"regarding=1", {}, 415, "not-json"),
        (b'{"regarding": "' + b"x" * 65_536 + b'"}', JSON, 413, "too-large"),
    ],
    ids=["half", "empty", "binary", "deep", "text", "form", "large"],
)
async def test_a_body_that_is_none(
    api: Serving,
    ada: dict[str, str],
    data: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await api.call("PUT", f"items/{MAIL}/regarding", {**ada, **headers}, data=data)
    assert (answer.status, answer.code) == (status, code)


async def test_json_is_taken_in_any_spelling_of_its_type(api: Serving, ada: dict[str, str]) -> None:
    headers = {**ada, "Content-Type": "Application/JSON; charset=utf-8"}
    answer = await api.call("PUT", f"items/{MAIL}", headers, data=b'{"attachments": true}')
    assert answer.status == 202


async def test_an_item_that_is_not_there(api: Serving, ada: dict[str, str]) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/regarding")):
        body: dict[str, Any] = {"json": {"regarding": None}} if path else {}
        answer = await api.call(method, f"items/AAkNothing{path}", ada, **body)
        assert (answer.status, answer.code) == (404, "item-not-found")


async def test_a_passing_trouble_says_when_to_come_again(api: Serving, ada: dict[str, str]) -> None:
    answer = await api.call("GET", f"items/{BUSY}", ada)
    assert (answer.status, answer.code) == (503, "busy")
    assert answer.headers["Retry-After"] == "7"


async def test_a_fault_is_logged_by_where_it_is_and_told_to_nobody(
    api: Serving, ada: dict[str, str]
) -> None:
    answer = await api.call("GET", f"items/{BROKEN}", ada)
    assert (answer.status, answer.code) == (500, "internal-error")
    assert "secret" not in str(answer.document)
    await api.host.logged(r"failed: RuntimeError at .*office\.py")
    assert not any("the secret of this failure" in line for line in api.host.log)


async def test_a_problem_is_told_to_the_seller_and_the_administrator(api: Serving) -> None:
    answer = await api.call("GET", "mailbox")
    assert answer.document["type"] == "urn:tether:problem:not-signed-in"
    assert answer.document["status"] == 401
    for told in ("title", "seller", "administrator", "remedy"):
        assert answer.document[told]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
