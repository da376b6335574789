"""HTTP functions of every sort, one thing each."""

# ruff: noqa: ARG001  # the worker passes parameters by name, wanted or not

import asyncio
import base64
import functools
import json
import logging
import sys
from collections.abc import Awaitable, Callable

import azure.functions as func
import things  # type: ignore[import-not-found]  # on the host's sys.path

log = logging.getLogger("app")
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(things.blueprint)

_loop_at_import = asyncio.get_running_loop()
_release = asyncio.Event()
print("printed at import")


@app.route("echo/{id:int}/{name?}", auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Tell what arrived."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": base64.b64encode(req.get_body()).decode(),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route("size", auth_level=func.AuthLevel.ANONYMOUS)
async def size(req: func.HttpRequest) -> str:
    """Tell how long the body is."""
    return str(len(req.get_body()))


@app.route("guarded", methods=["GET"])
async def guarded(req: func.HttpRequest) -> str:
    """Answer holders of a key."""
    return "guarded"


@app.route("masters", auth_level=func.AuthLevel.ADMIN)
async def masters(req: func.HttpRequest) -> str:
    """Answer holders of the master key."""
    return "masters"


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def without_route(req: func.HttpRequest) -> str:
    """Live at the function's name."""
    return "named"


@app.route("order/{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
async def order_rest(req: func.HttpRequest) -> str:
    """Catch what the other does not."""
    return f"rest {req.route_params.get('rest')}"


@app.route("order/first", auth_level=func.AuthLevel.ANONYMOUS)
async def order_first(req: func.HttpRequest) -> str:
    """Come first though declared later."""
    return "first"


@app.route("created", auth_level=func.AuthLevel.ANONYMOUS)
async def created(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with status, headers and cookies."""
    response = func.HttpResponse(b"\x00\x01", status_code=201, mimetype="application/x-raw")
    response.headers.add("X-Own", "1")
    response.headers.add("Set-Cookie", "a=1; Path=/; Max-Age=5; SameSite=Strict; Secure; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Domain=x.test")
    return response


@app.route("nothing", auth_level=func.AuthLevel.ANONYMOUS)
async def nothing(req: func.HttpRequest) -> func.HttpResponse:
    """Answer without a body."""
    return func.HttpResponse(status_code=204)


@app.route("none", auth_level=func.AuthLevel.ANONYMOUS)
async def none(req: func.HttpRequest) -> str:
    """Return None, which is a fault."""
    return None  # type: ignore[return-value]  # the fault


@app.route("raises", auth_level=func.AuthLevel.ANONYMOUS)
async def raises(req: func.HttpRequest) -> str:
    """Fail."""
    raise ValueError("two\nlines")


@app.route("exits", auth_level=func.AuthLevel.ANONYMOUS)
async def exits(req: func.HttpRequest) -> str:
    """Raise what is no Exception."""
    raise SystemExit(3)


@app.route("thread", auth_level=func.AuthLevel.ANONYMOUS)
def thread(req: func.HttpRequest, context: func.Context) -> str:
    """Run outside the loop."""
    logging.getLogger("app").info("from the thread")
    return context.invocation_id


@app.route("context", auth_level=func.AuthLevel.ANONYMOUS)
async def context(req: func.HttpRequest, context: func.Context) -> str:
    """Tell the trace and the names."""
    logging.getLogger("app").info("two\nlines")
    trace = context.trace_context
    return json.dumps(
        [context.function_name, context.invocation_id, trace.trace_parent, trace.trace_state]
    )


@app.route("surroundings", auth_level=func.AuthLevel.ANONYMOUS)
async def surroundings(req: func.HttpRequest) -> func.HttpResponse:
    """Tell where modules come from and which loop runs."""
    found = {
        "path": sys.path,
        "croniter": __import__("croniter").__file__,
        "one_loop": asyncio.get_running_loop() is _loop_at_import,
    }
    return func.HttpResponse(json.dumps(found))


@app.route("hold", auth_level=func.AuthLevel.ANONYMOUS)
async def hold(req: func.HttpRequest) -> str:
    """Wait until released; log the end of it even if the caller is gone."""
    log.info("holding")
    try:
        await _release.wait()
    except asyncio.CancelledError:
        log.info("cancelled")
        raise
    log.info("released")
    return "held"


@app.route("release", auth_level=func.AuthLevel.ANONYMOUS)
async def release(req: func.HttpRequest) -> str:
    """Let those who hold go on."""
    _release.set()
    return "ok"


def loud[**P, R](call: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Wrap as an app would."""

    @functools.wraps(call)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        log.info("wrapped")
        return await call(*args, **kwargs)

    return wrapper


@app.route("wrapped", auth_level=func.AuthLevel.ANONYMOUS)
@loud
async def wrapped(req: func.HttpRequest) -> str:
    """Live under a wrapper."""
    return "inner"
