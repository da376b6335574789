"""What is sent to Dataverse at once, how long it is waited for, and what a refusal means."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from aiohttp import web

from sandbox.dataverse import multipart
from sandbox.dataverse.exchange import Answer
from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.client import API, MAX_BATCH, DataverseClient
from shared.errors import Permanent, Transient
from tests.unit.app.skipping import run
from tests.unit.app.webserver import CREDENTIAL, dataverse_that

MILLION = 10**6
type Ask = Callable[[DataverseClient], Awaitable[object]]


def writing(name: str, characters: int = 0) -> Operation:
    return Operation("PATCH", f"emails({name})", {"description": "x" * characters})


class Batches:
    """A Dataverse that does all it is asked; it notes which rows each batch was about."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.preferences: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        content = await request.read()
        self.preferences.add(request.headers["Prefer"])
        items = multipart.parse_batch(request.headers["Content-Type"], content)
        asked = [item.parts if isinstance(item, multipart.ChangeSet) else (item,) for item in items]
        named = [[part.call.url.removeprefix(f"{API}/") for part in parts] for parts in asked]
        self.rows.append([name for names in named for name in names])
        answers = [multipart.render_part(Answer(200, {}, {"row": names[0]})) for names in named]
        return web.Response(
            body=multipart.render_batch(answers, "r1"),
            headers={"Content-Type": "multipart/mixed; boundary=r1"},
        )


async def test_a_thousand_requests_go_out_at_once_and_their_answers_keep_the_order() -> None:
    dataverse = Batches()
    parts = [writing(str(number)) for number in range(2 * MAX_BATCH + 1)]
    async with dataverse_that(dataverse.answer) as client:
        answers = await client.batch(parts)
    assert [len(rows) for rows in dataverse.rows] == [MAX_BATCH, MAX_BATCH, 1]
    assert [answer.body["row"] for answer in answers] == [part.path for part in parts]
    assert dataverse.preferences == {"odata.continue-on-error"}


async def test_a_change_set_is_never_cut() -> None:
    dataverse = Batches()
    change_set = ChangeSet(tuple(writing(name) for name in "abc"))
    before = [writing(str(number)) for number in range(MAX_BATCH - 2)]
    async with dataverse_that(dataverse.answer) as client:
        await client.batch([*before, change_set, writing("d")])
    assert [len(rows) for rows in dataverse.rows] == [MAX_BATCH - 2, 4]


# aiohttp would rather have a stream of what is over a megabyte.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_large_bodies_are_spread_over_several_batches() -> None:
    dataverse = Batches()
    sizes = {"a": 6, "b": 6, "c": 6, "d": 20, "e": 1, "f": 1}
    parts = [writing(name, millions * MILLION) for name, millions in sizes.items()]
    async with dataverse_that(dataverse.answer) as client:
        answers = await client.batch(parts)
    batches = [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert dataverse.rows == [[f"emails({name})" for name in names] for names in batches]
    assert [answer.body["row"] for answer in answers] == [part.path for part in parts]


async def test_nothing_to_ask_asks_nothing() -> None:
    dataverse = Batches()
    async with dataverse_that(dataverse.answer) as client:
        assert await client.batch([]) == []
    assert dataverse.rows == []


async def test_a_query_is_read_page_by_page() -> None:
    async def pages(request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        further = {"@odata.nextLink": str(request.url.with_query(page=page + 1))}
        return web.json_response({"value": [{"row": page}], **(further if page < 3 else {})})

    async with dataverse_that(pages) as client:
        assert await client.read_all("emails") == [{"row": 1}, {"row": 2}, {"row": 3}]


def _batch(client: DataverseClient) -> Awaitable[object]:
    return client.batch([writing("1")])


def _read(client: DataverseClient) -> Awaitable[object]:
    return client.read_all("emails")


@pytest.mark.parametrize("ask", [_batch, _read])
@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (400, "0x80048d19", True),
        (405, "", True),
        (413, "", True),
        (414, "", True),
        (400, "0x80044150", False),
        (401, "", False),
        (403, "0x80040220", False),
        (404, "", False),
        (408, "", False),
        (429, "0x80072322", False),
        (500, "", False),
        (503, "", False),
    ],
)
async def test_a_refusal_is_final_only_if_asking_again_can_never_help(
    ask: Ask, status: int, code: str, *, final: bool
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        await request.read()
        error = {"error": {"code": code, "message": "in its own words"}}
        return web.json_response(error, status=status, headers={"Retry-After": "17"})

    async with dataverse_that(refuse) as client:
        with pytest.raises(Permanent if final else Transient, match="in its own words") as refused:
            await ask(client)
    if isinstance(refused.value, Transient):
        assert refused.value.retry_after == 17.0


async def test_a_batch_answered_with_something_else_is_transient() -> None:
    async def greet(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps({"hello": "there"}), content_type="application/json")

    async with dataverse_that(greet) as client:
        with pytest.raises(Transient):
            await _batch(client)


@pytest.mark.parametrize("ask", [_batch, _read])
async def test_a_connection_that_breaks_off_is_transient(ask: Ask) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.close()
        return web.Response()

    async with dataverse_that(hang_up) as client:
        with pytest.raises(Transient, match="did not answer"):
            await ask(client)


@pytest.mark.parametrize("ask", [_batch, _read])
def test_an_answer_that_does_not_come_is_given_up_after_a_minute(ask: Ask) -> None:
    async def scenario() -> None:
        done = asyncio.Event()

        async def stall(_: web.Request) -> web.Response:
            await done.wait()
            return web.Response()

        async with dataverse_that(stall) as client:
            with pytest.raises(Transient, match="did not answer"):
                await ask(client)
            assert 60 <= asyncio.get_running_loop().time() <= 61
            done.set()

    run(scenario())


@contextmanager
def _full_house() -> Iterator[str]:
    """Listen where nobody accepts, so full that a further connection is not even made."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listening.getsockname()
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"


def test_a_connection_that_is_not_made_is_given_up_after_five_seconds() -> None:
    async def scenario(url: str) -> None:
        client = DataverseClient(url, CREDENTIAL)
        try:
            with pytest.raises(Transient, match="did not answer"):
                await _read(client)
            assert 5 <= asyncio.get_running_loop().time() <= 6
        finally:
            await client.close()

    with _full_house() as url:
        run(scenario(url))
