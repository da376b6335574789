"""Many requests in few round trips, through the SDK's adapter on a transport without a network."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_http.httpx_request_adapter import HttpxRequestAdapter

from shared.graph.client import GraphClient, GraphRequest, GraphResponse
from shared.identifiers import MailboxId


async def asked(requests: Sequence[GraphRequest], server: Any) -> list[GraphResponse]:  # noqa: ANN401 - httpx takes either kind of function
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        adapter = HttpxRequestAdapter(AnonymousAuthenticationProvider(), http_client=client)
        adapter.base_url = "https://graph.example/v1.0"
        return await GraphClient(adapter).batch(requests)


def parts_of(request: httpx.Request) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = json.loads(request.content)["requests"]
    return parts


def echo(request: httpx.Request) -> httpx.Response:
    """Answer each part with its own URL, the last first."""
    answers = [
        {"id": part["id"], "status": 200, "body": {"url": part["url"]}}
        for part in reversed(parts_of(request))
    ]
    return httpx.Response(200, json={"responses": answers})


def reads(count: int, mailboxes: int = 3) -> list[GraphRequest]:
    return [
        GraphRequest("GET", f"/{number}", MailboxId(f"m{number % mailboxes}"))
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 20, 21, 95])
async def test_answers_come_in_the_order_of_the_requests(count: int) -> None:
    responses = await asked(reads(count), echo)
    assert [response.body["url"] for response in responses] == [f"/{n}" for n in range(count)]


async def test_no_round_trip_carries_more_than_twenty_and_none_is_wasted() -> None:
    sizes: list[int] = []

    def server(request: httpx.Request) -> httpx.Response:
        sizes.append(len(parts_of(request)))
        return echo(request)

    await asked(reads(95), server)
    assert sorted(sizes) == [15, 20, 20, 20, 20]


async def test_two_round_trips_never_work_on_one_mailbox_at_once() -> None:
    inside: set[str] = set()

    async def server(request: httpx.Request) -> httpx.Response:
        mine = {f"m{int(part['url'][1:]) % 3}" for part in parts_of(request)}
        assert not inside & mine
        inside.update(mine)
        await asyncio.sleep(0)
        inside.difference_update(mine)
        return echo(request)

    responses = await asked(reads(95), server)
    assert all(response.ok for response in responses)


async def test_a_part_carries_its_headers_and_body() -> None:
    seen: list[dict[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.extend(parts_of(request))
        return echo(request)

    await asked([GraphRequest("PATCH", "/x", body={"a": 1})], server)
    assert seen == [
        {
            "id": "0",
            "method": "PATCH",
            "url": "/x",
            "headers": {"Content-Type": "application/json", "Prefer": 'IdType="ImmutableId"'},
            "body": {"a": 1},
        }
    ]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "42"}, 42.0),
        ({"retry-after": "42"}, 42.0),
        (
            {
                "Retry-After": "Mon, 02 Nov 2026 08:00:30 GMT",
                "Date": "Mon, 02 Nov 2026 08:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_a_refused_part_says_why_and_how_long_to_wait(
    headers: dict[str, str], seconds: float | None
) -> None:
    error = {"code": "ApplicationThrottled", "message": "Slow down."}
    part = {"id": "0", "status": 429, "headers": headers, "body": {"error": error}}

    def server(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"responses": [part]})

    (response,) = await asked(reads(1), server)
    assert (response.status, response.retry_after) == (429, seconds)
    assert response.problem == "Graph 429 ApplicationThrottled: Slow down."


async def test_a_part_left_unanswered_fails_alone() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        answered = json.loads(echo(request).content)["responses"][:-1]
        return httpx.Response(200, json={"responses": answered})

    responses = await asked(reads(3), server)
    assert [response.status for response in responses] == [502, 200, 200]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_refused_round_trip_answers_for_each_part_without_waiting(status: int) -> None:
    calls: list[int] = []

    def server(_: httpx.Request) -> httpx.Response:
        calls.append(status)
        return httpx.Response(status, headers={"Retry-After": "42"}, json={})

    responses = await asked(reads(3), server)
    assert [(one.status, one.retry_after) for one in responses] == [(status, 42.0)] * 3
    assert len(calls) == 1


async def test_a_broken_connection_is_a_503_for_each_part() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    responses = await asked(reads(2), server)
    assert [response.status for response in responses] == [503, 503]
    assert "no route" in responses[0].problem


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
async def test_an_answer_that_is_none_is_a_server_s_fault(body: bytes) -> None:
    def server(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body)

    (response,) = await asked(reads(1), server)
    assert response.status in {502, 503}


async def test_content_comes_as_it_is_from_the_path_that_was_asked_for() -> None:
    asked_for: list[tuple[str, str]] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked_for.append((str(request.url), request.headers["Prefer"]))
        return httpx.Response(200, content=b"\x00\xff{}", headers={"Content-Type": "image/png"})

    path = "/users/m/messages/AAk%3D/attachments/BB%2B%3D/$value"
    assert await content(GraphRequest("GET", path, MailboxId("m")), server) == b"\x00\xff{}"
    assert asked_for == [(f"https://graph.example/v1.0{path}", 'IdType="ImmutableId"')]


async def test_an_empty_file_is_content_too() -> None:
    empty = httpx.Response(200, content=b"")
    assert await content(GraphRequest("GET", "/x/$value"), lambda _: empty) == b""


@pytest.mark.parametrize("status", [404, 429, 503])
async def test_content_that_is_refused_says_so(status: int) -> None:
    body = {"error": {"code": "ErrorItemNotFound", "message": "no such thing"}}
    refused = httpx.Response(status, json=body, headers={"Retry-After": "7"})
    answer = await content(GraphRequest("GET", "/x/$value"), lambda _: refused)
    assert isinstance(answer, GraphResponse)
    assert (answer.status, answer.retry_after) == (status, 7.0)


async def test_content_that_does_not_come_is_a_failure() -> None:
    def server(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    answer = await content(GraphRequest("GET", "/x/$value"), server)
    assert isinstance(answer, GraphResponse)
    assert answer.status == 503


async def content(request: GraphRequest, server: Any) -> bytes | GraphResponse:  # noqa: ANN401 - httpx takes either kind of function
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
        adapter = HttpxRequestAdapter(AnonymousAuthenticationProvider(), http_client=client)
        adapter.base_url = "https://graph.example/v1.0"
        return await GraphClient(adapter).content(request)
