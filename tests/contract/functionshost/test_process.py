"""The host as a process: starting, refusing to start, stopping, dying with its parent."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from sandbox.functionshost.errors import StartError
from sandbox.functionshost.launch import HostProcess

WEB = Path(__file__).parent / "apps" / "web"
BUS = Path(__file__).parent / "apps" / "bus"
NOWHERE = (
    "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;"
)


def _app(directory: Path, source: str, host: str = '{"version": "2.0"}') -> Path:
    (directory / "host.json").write_text(host)
    (directory / "function_app.py").write_text(
        "import collections.abc as abc, functools, typing\n"
        "import azure.functions as func\n"
        "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        f"{source}\n"
    )
    return directory


_QUEUE = '@app.service_bus_queue_trigger("m", connection="Bus", queue_name="q", cardinality="many")'
_TIMER = '@app.timer_trigger("t", schedule="0 0 0 1 1 *")'


REFUSED = {
    "list of messages": (
        f"{_QUEUE}\nasync def f(m: list[func.ServiceBusMessage]): ...",
        "invalid non-type annotation",
    ),
    "collections.abc": (
        f"{_QUEUE}\nasync def f(m: abc.Sequence[func.ServiceBusMessage]): ...",
        "invalid non-type annotation",
    ),
    "optional": (
        f'{_TIMER}\nasync def f(t: "func.TimerRequest | None"): ...',
        "invalid non-type annotation",
    ),
    "default argument": (
        f"{_TIMER}\nasync def f(t: func.TimerRequest, dep: int = 3): ...",
        "declared in Python but not in the function definition",
    ),
    "http returns dict": (
        '@app.route("x")\nasync def f(req: func.HttpRequest) -> dict: ...',
        'annotation "dict" does not match binding type "http"',
    ),
    "http returns None": (
        '@app.route("x")\nasync def f(req: func.HttpRequest) -> None: ...',
        'annotation "NoneType" does not match binding type "http"',
    ),
    "one name twice": (
        f"{_TIMER}\nasync def f(t: func.TimerRequest): ...\n" * 2,
        "does not have a unique function name",
    ),
    "two apps": ("other = func.FunctionApp()", "ValueError: More than one"),
    "missing package": ("import no_such_package", "No module named 'no_such_package'"),
    "no app": ("app = None", "Could not find top level function app"),
    "syntax": ("x = (", "SyntaxError"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_an_app_the_worker_refuses(tmp_path: Path, case: str) -> None:
    source, message = REFUSED[case]
    with pytest.raises(StartError) as caught:
        await HostProcess.start(_app(tmp_path, source), {"Bus": NOWHERE})
    assert message in str(caught.value)


async def test_declarations_the_worker_takes(tmp_path: Path) -> None:
    source = f"""
{_QUEUE}
async def queue_list(m: typing.List[func.ServiceBusMessage]) -> None: ...
{_QUEUE}
async def queue_sequence(m: typing.Sequence[func.ServiceBusMessage]) -> None: ...
{_QUEUE}
async def queue_bare(m): ...
{_TIMER}
async def timer_returning(t: func.TimerRequest) -> dict: ...
def wrap(call):
    @functools.wraps(call)
    async def wrapper(*args, **kwargs):
        return await call(*args, **kwargs)
    return wrapper
{_TIMER}
@wrap
async def wrapped(t: func.TimerRequest) -> None: ...
"""
    app = _app(tmp_path, source)
    code = (app / "function_app.py").read_text()
    (app / "function_app.py").write_text(f"from __future__ import annotations\n{code}")
    host = await HostProcess.start(app, {"Bus": NOWHERE}, ("--grace", "1"))
    assert host.functions == [
        "queue_list", "queue_sequence", "queue_bare", "timer_returning", "wrapped",
    ]  # fmt: skip
    assert await host.stop() == 0


MISCONFIGURED: dict[str, tuple[str, dict[str, str], str]] = {
    "missing setting": (
        f"{_QUEUE.replace('"q"', '"%QUEUE%"')}\nasync def f(m): ...",
        {"Bus": NOWHERE},
        "Function 'f': the property 'queueName' refers to the setting 'QUEUE', which is not set.",
    ),
    "missing connection": (
        f"{_QUEUE}\nasync def f(m): ...",
        {},
        "but neither the setting 'Bus' nor 'Bus__fullyQualifiedNamespace' is set.",
    ),
    "bad connection": (
        f"{_QUEUE}\nasync def f(m): ...",
        {"Bus": "nonsense"},
        "Function 'f': bad connection",
    ),
    "time span schedule": (
        '@app.timer_trigger("t", schedule="%WHEN%")\nasync def f(t: func.TimerRequest): ...',
        {"WHEN": "00:05:00"},
        "Function 'f': '00:05:00' is no NCRONTAB schedule: it needs five or six fields.",
    ),
    "unknown constraint": (
        '@app.route("x/{id:colour}")\nasync def f(req: func.HttpRequest) -> str: ...',
        {},
        "Route 'api/x/{id:colour}': unknown constraint 'colour'.",
    ),
    "output binding": (
        f'{_TIMER}\n@app.queue_output("o", "q", "C")\nasync def f(t, o: func.Out[str]): ...',
        {},
        "Function 'f': bindings of type 'queue' are not supported here.",
    ),
    "other trigger": (
        '@app.queue_trigger("m", queue_name="q", connection="C")\nasync def f(m): ...',
        {},
        "Function 'f': 'queueTrigger' is not supported here.",
    ),
}


@pytest.mark.parametrize("case", MISCONFIGURED)
async def test_an_app_whose_configuration_is_wrong(tmp_path: Path, case: str) -> None:
    source, settings, message = MISCONFIGURED[case]
    with pytest.raises(StartError) as caught:
        await HostProcess.start(_app(tmp_path, source), settings)
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)


async def test_no_host_json(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"holds no host\.json"):
        await HostProcess.start(tmp_path)


async def test_no_function_app(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with pytest.raises(StartError, match="holds no functions"):
        await HostProcess.start(tmp_path)


async def test_bundled_packages_come_before_the_apps_own_modules(tmp_path: Path) -> None:
    bundled = tmp_path / ".python_packages" / "lib" / "site-packages"
    bundled.mkdir(parents=True)
    (bundled / "shared.py").write_text('NAME = "bundled"')
    (tmp_path / "shared.py").write_text('NAME = "own"')
    (tmp_path / "local.settings.json").write_text('{"Values": {"ROUTE": "file", "GIVEN": "file"}}')
    app = _app(
        tmp_path,
        "import os, shared\n"
        '@app.route("%ROUTE%/%GIVEN%")\n'
        'async def f(req: func.HttpRequest) -> str: return shared.NAME + os.environ["GIVEN"]',
        '{"version": "2.0", "extensions": {"http": {"routePrefix": "x"}}}',
    )
    overrides = {"GIVEN": "env", "AzureFunctionsJobHost__extensions__http__routePrefix": ""}
    host = await HostProcess.start(app, overrides)
    async with aiohttp.ClientSession(host.url) as web, web.get("/file/env") as response:
        assert await response.text() == "bundledenv"
    assert await host.stop() == 0


async def test_a_stopping_host_finishes_what_runs() -> None:
    host = await HostProcess.start(WEB)
    async with aiohttp.ClientSession(host.url) as web:
        held = asyncio.create_task(web.get("/api/hold"))
        await host.logged("holding")
        async with web.get("/api/release") as released:
            assert released.status == 200
        async with await held as response:
            assert await response.text() == "held"
    assert await host.stop() == 0


async def test_a_stop_does_not_wait_for_ever_and_cancels_nothing() -> None:
    host = await HostProcess.start(WEB, arguments=("--grace", "0.2"))
    async with aiohttp.ClientSession(host.url) as web:
        held = asyncio.create_task(web.get("/api/hold"))
        await host.logged("holding")
        assert await host.stop() == 0
        with pytest.raises(aiohttp.ClientError):
            await held
    assert not [line for line in host.log if "cancelled" in line]
    assert any("still running" in line for line in host.log)


async def test_the_host_stops_with_its_parent() -> None:
    host = await HostProcess.start(WEB)
    assert await host.hang_up() == 0


async def test_a_crash_is_a_crash() -> None:
    host = await HostProcess.start(WEB)
    await host.kill()
    assert await host.wait() == -signal.SIGKILL


async def test_keys_may_be_left_open_but_for_admin() -> None:
    host = await HostProcess.start(WEB, arguments=("--no-keys",))
    async with aiohttp.ClientSession(host.url) as web:
        async with web.get("/api/masters") as response:
            assert response.status == 200
        async with web.get("/admin/functions") as response:
            assert response.status == 401
        key = {"x-functions-key": host.admin_key}
        async with web.get("/admin/functions", headers=key) as response:
            assert response.status == 200
    assert len(host.admin_key) > 20
    assert host.admin_key != host.function_key
    assert await host.stop() == 0
