"""HTTP functions of a genuine app: routing, keys, headers, bodies, results, context."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from sandbox.functionshost.launch import HostProcess

APP = Path(__file__).parent / "apps" / "web"
ARGUMENTS = ("--admin-key", "master", "--function-key", "host")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host() -> AsyncIterator[HostProcess]:
    running = await HostProcess.start(APP, arguments=ARGUMENTS)
    yield running
    assert await running.stop() == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(host: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url) as session:
        yield session


async def _text(web: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, str]:
    async with web.get(path, headers=headers) as response:
        return response.status, await response.text()


async def test_the_function_sees_the_request(web: aiohttp.ClientSession) -> None:
    path = "/api/Echo/12/A%20b?x=1&x=2&empty=&y=%C3%A9"
    sent = [("X-Twice", "a"), ("X-Twice", "b"), ("Content-Type", "text/plain")]
    async with web.put(path, data=b"\x00\xff", headers=sent) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json"
        seen = await response.json()
    assert seen["method"] == "PUT"
    assert seen["url"].endswith("/api/Echo/12/A%20b?x=1&x=2&empty=&y=%C3%A9")
    assert seen["url"].startswith("http://127.0.0.1:")
    assert seen["headers"]["x-twice"] == "a,b"
    assert seen["query"] == {"x": "1,2", "y": "é"}
    assert seen["route"] == {"id": "12", "name": "A b"}
    assert base64.b64decode(seen["body"]) == b"\x00\xff"


async def test_an_optional_value_is_left_out(web: aiohttp.ClientSession) -> None:
    _, text = await _text(web, "/api/echo/7")
    assert json.loads(text)["route"] == {"id": "7"}
    assert json.loads(text)["body"] == ""


async def test_chunked_bodies_are_passed_on(web: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with web.post("/api/size", data=chunks()) as response:
        assert await response.text() == "6"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/api/echo/x", 404, ""),
        ("/api/nowhere", 404, ""),
        ("/echo/1", 404, ""),
        ("/api/without_route", 200, "named"),
        ("/api/order/first", 200, "first"),
        ("/api/order/else/more", 200, "rest else/more"),
        ("/api/order", 200, "rest None"),
        ("/api/wrapped", 200, "inner"),
        ("/api/none", 500, ""),
        ("/api/raises", 500, ""),
        ("/api/exits", 500, ""),
        ("/runtime/x", 404, ""),
    ],
)
async def test_answers(web: aiohttp.ClientSession, path: str, status: int, text: str) -> None:
    assert await _text(web, path) == (status, text)


async def test_a_wrong_method_is_not_found(web: aiohttp.ClientSession) -> None:
    async with web.post("/api/guarded", headers={"x-functions-key": "host"}) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/guarded", {}, 401),
        ("/api/guarded", {"x-functions-key": "wrong"}, 401),
        ("/api/guarded", {"x-functions-key": "host"}, 200),
        ("/api/guarded", {"x-functions-key": "master"}, 200),
        ("/api/guarded?code=host", {}, 200),
        ("/api/guarded?code=host", {"x-functions-key": "wrong"}, 401),
        ("/api/masters", {"x-functions-key": "host"}, 401),
        ("/api/masters?code=master", {}, 200),
        ("/api/from-blueprint", {}, 401),
        ("/api/from-blueprint?code=host", {}, 200),
        ("/api/without_route?code=wrong", {}, 200),
    ],
)
async def test_keys(
    web: aiohttp.ClientSession, path: str, headers: dict[str, str], status: int
) -> None:
    async with web.get(path, headers=headers) as response:
        assert response.status == status
        assert status == 200 or await response.read() == b""


async def test_status_headers_and_cookies_arrive(web: aiohttp.ClientSession) -> None:
    async with web.get("/api/created") as response:
        assert (response.status, await response.read()) == (201, b"\x00\x01")
        assert response.headers["Content-Type"] == "application/x-raw"
        assert response.headers["X-Own"] == "1"
        first, second = response.headers.getall("Set-Cookie")
    assert first.startswith("a=1;")
    assert {"Path=/", "Max-Age=5", "SameSite=Strict", "Secure", "HttpOnly"} == set(
        first.split("; ")[1:]
    )
    assert {"expires=Wed, 09 Jun 2027 10:18:14 GMT", "Domain=x.test"} == set(second.split("; ")[1:])


async def test_a_string_is_plain_text(web: aiohttp.ClientSession) -> None:
    async with web.get("/api/without_route") as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_no_content(web: aiohttp.ClientSession) -> None:
    async with web.get("/api/nothing") as response:
        assert (response.status, await response.read()) == (204, b"")


async def test_a_body_above_100_mb_is_refused(web: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(101):
            yield bytes(2**20)

    async with web.post("/api/size", data=chunks()) as response:
        assert response.status == 413


async def test_the_trace_goes_on(web: aiohttp.ClientSession) -> None:
    _, text = await _text(web, "/api/context", traceparent=TRACE, tracestate="a=b")
    name, invocation, parent, state = json.loads(text)
    assert name == "context"
    assert re.fullmatch("00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01", parent)
    assert parent != TRACE
    assert state == "a=b"
    assert invocation


@pytest.mark.parametrize("bad", ["", "nonsense", f"00-{'0' * 32}-{'1' * 16}-01"])
async def test_without_a_usable_trace_a_new_one_begins(
    web: aiohttp.ClientSession, bad: str
) -> None:
    _, text = await _text(web, "/api/context", traceparent=bad)
    parent = json.loads(text)[2]
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", parent)
    assert "0" * 32 not in parent


async def test_log_lines_name_function_and_invocation(
    host: HostProcess, web: aiohttp.ClientSession
) -> None:
    _, text = await _text(web, "/api/context")
    invocation = json.loads(text)[1]
    [line] = await host.logged(invocation)
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
    assert re.fullmatch(rf"{moment} INFO app \[context {invocation}\] two\\nlines", line)


async def test_threads_are_named_in_the_log_too(
    host: HostProcess, web: aiohttp.ClientSession
) -> None:
    _, invocation = await _text(web, "/api/thread")
    [line] = await host.logged(rf"\[thread {invocation}\]")
    assert line.endswith("from the thread")


async def test_a_failure_is_logged_on_one_line(
    host: HostProcess, web: aiohttp.ClientSession
) -> None:
    await _text(web, "/api/raises")
    line = (await host.logged("Executed 'raises'"))[-1]
    assert r"(Failed): ValueError: two\nlines\nTraceback" in line


async def test_what_the_app_prints_is_kept_off_standard_output(host: HostProcess) -> None:
    assert await host.logged("^printed at import$")


async def test_the_apps_directory_is_searched_last_and_the_loop_is_one(
    web: aiohttp.ClientSession,
) -> None:
    _, text = await _text(web, "/api/surroundings")
    found = json.loads(text)
    assert found["path"][-1] == str(APP)
    assert found["path"][0].endswith("site-packages")
    assert found["path"].count(str(APP)) == 1
    assert "site-packages" in found["croniter"]
    assert found["one_loop"]


async def test_a_caller_who_hangs_up_does_not_cancel_the_function(
    host: HostProcess, web: aiohttp.ClientSession
) -> None:
    caller = asyncio.create_task(_text(web, "/api/hold"))
    await host.logged("holding")
    caller.cancel()
    await asyncio.wait({caller})
    await _text(web, "/api/release")
    await host.logged("released")
    assert not [line for line in host.log if "cancelled" in line]


async def test_the_admin_api(host: HostProcess, web: aiohttp.ClientSession) -> None:
    master = {"x-functions-key": "master"}
    async with web.get("/admin/host/ping") as response:
        assert response.status == 200
    for path in ("/admin/functions", "/admin/host/status", "/admin/functions/echo"):
        async with web.get(path, headers={"x-functions-key": "host"}) as response:
            assert response.status == 401
    async with web.get("/admin/functions", headers=master) as response:
        listed = await response.json()
    assert sorted(one["name"] for one in listed) == sorted(host.functions)
    async with web.get("/admin/functions/Echo", headers=master) as response:
        echo = await response.json()
    assert echo["invoke_url_template"] == "/api/echo/{id:int}/{name?}"
    assert echo["config"]["bindings"][0]["type"] == "httpTrigger"
    async with web.get("/admin/host/status", headers=master) as response:
        assert (await response.json())["state"] == "Running"
    async with web.get("/admin/nothing", headers=master) as response:
        assert response.status == 404


async def test_http_functions_are_not_fired_by_hand(web: aiohttp.ClientSession) -> None:
    headers = {"x-functions-key": "master"}
    async with web.post("/admin/functions/echo", headers=headers, json={"input": "x"}) as response:
        assert response.status == 400
