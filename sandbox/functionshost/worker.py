"""The genuine Python worker library, indexed once and then invoked (functions.md 1, 6)."""

import asyncio
import logging
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import azure_functions_runtime as runtime

from sandbox.functionshost import protos
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.functions import Function
from sandbox.functionshost.tracing import trace_context

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """The invocation a log record belongs to."""

    function: str
    invocation_id: str


current: ContextVar[Running | None] = ContextVar("current", default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended: what it returned, or its failure as "Type: text"."""

    returned: protos.TypedData | None = None
    failure: protos.RpcException | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the function ran to its end and what it returned could be encoded."""
        return self.failure is None


@dataclass(frozen=True, slots=True)
class Input:
    """What a trigger hands to a function: its value, what is known about it, and its trace."""

    value: protos.TypedData
    metadata: Mapping[str, protos.TypedData]
    trace: protos.TraceContext | None = None
    retry: protos.RetryContext | None = None


def order_sys_path(app_directory: Path) -> None:
    """Put the app's directory last on sys.path and its bundled packages first (functions.md 1).

    Nothing else of the app is importable: the directory Python was started in is removed.
    """
    app = app_directory.resolve()
    gone = {app, Path.cwd().resolve()}
    kept = [entry for entry in sys.path if entry and Path(entry).resolve() not in gone]
    bundled = app / ".python_packages" / "lib" / "site-packages"
    kept.sort(key=lambda entry: Path(entry).name != "site-packages")
    sys.path[:] = [*([str(bundled)] if bundled.is_dir() else []), *kept, str(app)]
    sys.path_importer_cache.clear()


class Worker:
    """One app in this process; a process can hold no second one, the library keeps it in globals.

    `on_timeout` is called when an invocation outlasts `timeout`. The invocation itself goes on: as
    in Azure nothing ever cancels a function; the real host would replace the whole process.
    """

    def __init__(self, *, timeout: timedelta | None, on_timeout: Callable[[], None]) -> None:
        self._timeout = timeout.total_seconds() if timeout else None
        self._on_timeout = on_timeout
        self._running: dict[str, Running] = {}
        self._tasks: set[asyncio.Task[protos.InvocationResponse]] = set()

    def running(self, invocation_id: str) -> Running | None:
        """Return a running invocation, for log records of the worker's threads."""
        return self._running.get(invocation_id)

    async def index(self, app_directory: Path) -> Sequence[protos.RpcFunctionMetadata]:
        """Import the app's function_app.py on this event loop and return what it declares.

        Raises:
            StartError: the worker refused the app; the text is the worker's own message.
        """
        runtime.start_threadpool_executor()
        response = cast(
            "protos.WorkerInitResponse",
            await runtime.worker_init_request(
                _request(
                    worker_init_request=protos.InitRequest(
                        capabilities={}, function_app_directory=str(app_directory)
                    )
                )
            ),
        )
        _require(response.result)
        if "HttpUri" in response.capabilities:
            raise StartError("The app uses HTTP streaming, which is not supported here.")
        listed = cast(
            "protos.FunctionMetadataResponse",
            await runtime.functions_metadata_request(_request()),
        )
        if listed.function_metadata_results is None:
            raise StartError(f"{app_directory} holds no functions (is there a function_app.py?).")
        for metadata in listed.function_metadata_results:
            load = protos.LoadRequest(function_id=metadata.function_id)
            loaded = await runtime.function_load_request(_request(function_load_request=load))
            _require(cast("protos.FunctionLoadResponse", loaded).result)
        return listed.function_metadata_results

    async def invoke(self, function: Function, given: Input) -> Outcome:
        """Run the function to its end in its own task; cancelling the caller leaves it running."""
        invocation_id = str(uuid.uuid4())
        request = protos.InvocationRequest(
            invocation_id=invocation_id,
            function_id=function.id,
            input_data=[protos.ParameterBinding(name=function.trigger.parameter, data=given.value)],
            trigger_metadata=given.metadata,
            trace_context=given.trace or trace_context(),
            retry_context=given.retry or protos.RetryContext(),
        )
        self._running[invocation_id] = Running(function.name, invocation_id)
        task = asyncio.create_task(self._run(request), name=f"{function.name} {invocation_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=self._timeout)
        if not done:
            message = f"FunctionTimeoutException: '{function.name}' ran for {self._timeout:g} s"
            _log.error("%s; the host stops", message)
            self._on_timeout()
            return Outcome(failure=protos.RpcException(message=message))
        return _outcome(function, task.result())

    async def drain(self, seconds: float) -> bool:
        """Wait for running invocations, at most so long, and tell whether all have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        return not self._tasks

    async def _run(self, request: protos.InvocationRequest) -> protos.InvocationResponse:
        current.set(self._running[request.invocation_id])
        try:
            response = await runtime.invocation_request(_request(invocation_request=request))
            return cast("protos.InvocationResponse", response)
        except BaseException as error:  # noqa: BLE001  # SystemExit would end the event loop
            return _escaped(request.invocation_id, error)
        finally:
            del self._running[request.invocation_id]


def _outcome(function: Function, response: protos.InvocationResponse) -> Outcome:
    if response.result.status == protos.StatusResult.Success:
        return Outcome(returned=response.return_value)
    failure = response.result.exception or protos.RpcException(message="no reason given")
    _log.error(
        "Executed '%s' (Failed): %s\n%s", function.name, failure.message, failure.stack_trace
    )
    return Outcome(failure=failure)


def _escaped(invocation_id: str, error: BaseException) -> protos.InvocationResponse:
    """Return the failure of a function that raised what the library lets through."""
    failure = protos.RpcException(
        message=f"{type(error).__name__}: {error}",
        stack_trace="".join(traceback.format_exception(error)),
    )
    result = protos.StatusResult(status=protos.StatusResult.Failure, exception=failure)
    return protos.InvocationResponse(invocation_id=invocation_id, result=result)


def _request(**requests: object) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**requests),
        properties={"protos": protos, "host": "127.0.0.1"},
    )


def _require(result: protos.StatusResult) -> None:
    if result.status != protos.StatusResult.Success:
        failure = result.exception or protos.RpcException(message="the worker gave no reason")
        raise StartError(f"{failure.message}\n{failure.stack_trace}".rstrip())
