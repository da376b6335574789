"""Timer functions of a genuine app."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from sandbox.functionshost.launch import HostProcess

APP = Path(__file__).parent / "apps" / "clockwork"
SETTINGS = {"SCHEDULE": "0 0 0 1 1 *", "AzureWebJobs.disabled.Disabled": "true"}


@asynccontextmanager
async def running(state: Path) -> AsyncIterator[HostProcess]:
    arguments = ("--admin-key", "master", "--state", str(state), "--grace", "1")
    host = await HostProcess.start(APP, SETTINGS, arguments)
    try:
        yield host
    finally:
        await host.stop()


async def fire(host: HostProcess, name: str, body: object) -> int:
    async with (
        aiohttp.ClientSession(host.url, headers={"x-functions-key": "master"}) as web,
        web.post(f"/admin/functions/{name}", json=body) as response,
    ):
        return response.status


async def test_timers(tmp_path: Path) -> None:
    async with running(tmp_path) as host:
        assert "disabled" not in host.functions
        [line] = await host.logged("STARTUP")
        past_due, status = json.loads(line.partition("STARTUP ")[2])
        assert (past_due, status) == (False, {})
        await host.logged("SECOND False", count=2)

        lines = await host.logged("ATTEMPT", count=3)
        assert [one.partition("ATTEMPT ")[2] for one in lines] == ["0 of 2", "1 of 2", "2 of 2"]

        assert await fire(host, "startup", {"input": ""}) == 202
        line = (await host.logged("STARTUP", count=2))[1]
        _, status = json.loads(line.partition("STARTUP ")[2])
        assert status["Next"].endswith("-01-01T00:00:00+00:00")

        assert await fire(host, "returns", {"input": None}) == 202
        await host.logged("EFFECT")
        await host.logged("Executed 'returns' .Failed.*returned a non-None value")

        assert await fire(host, "startup", {}) == 400
        assert await fire(host, "disabled", {"input": ""}) == 404


async def test_a_run_missed_while_down_is_made_up_for(tmp_path: Path) -> None:
    async with running(tmp_path) as host:
        await host.logged("STARTUP")
        await host.logged("ATTEMPT", count=3)
    path = tmp_path / "timers" / "startup.json"
    status = json.loads(path.read_text())
    path.write_text(json.dumps(status | {"Next": "2026-01-01T00:00:00+00:00"}))
    async with running(tmp_path) as host:
        [line] = await host.logged("STARTUP")
        past_due, seen = json.loads(line.partition("STARTUP ")[2])
        assert past_due
        assert seen["Next"] == "2026-01-01T00:00:00+00:00"


async def test_a_function_that_outlasts_its_timeout_brings_the_host_down(tmp_path: Path) -> None:
    async with running(tmp_path) as host:
        assert await fire(host, "lingers", {"input": ""}) == 202
        async with asyncio.timeout(20):
            assert await host.wait() == 1
        assert any("FunctionTimeoutException: 'lingers' ran for 1 s" in line for line in host.log)
