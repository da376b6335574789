"""HTTP requests and responses in the worker's form (functions.md 3)."""

import datetime as dt
from http.cookies import SimpleCookie

from aiohttp import web
from multidict import CIMultiDict, MultiMapping

from sandbox.functionshost import protos
from sandbox.functionshost.worker import Outcome

# The server computes these itself.
_CONNECTION_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})


def request_data(
    request: web.BaseRequest, body: bytes, route_values: dict[str, str]
) -> protos.TypedData:
    """Return the request as the worker takes it; empty query values and bodies are left out."""
    return protos.TypedData(
        http=protos.RpcHttp(
            method=request.method,
            url=f"{request.scheme}://{request.host}{request.raw_path}",
            headers={name.lower(): value for name, value in joined(request.headers).items()},
            params=route_values,
            query={name: value for name, value in joined(request.query).items() if value},
            body=protos.TypedData(bytes=body) if body else protos.TypedData(),
        )
    )


def joined(values: MultiMapping[str]) -> dict[str, str]:
    """Return each name once, its values joined with commas as .NET's StringValues are."""
    names: CIMultiDict[str] = CIMultiDict()
    for name in values:
        names.setdefault(name, ",".join(values.getall(name)))
    return dict(names)


def response(outcome: Outcome) -> web.Response:
    """Return what the function answered; 500 without a body when it failed."""
    if not outcome.succeeded:
        return web.Response(status=500)
    content = outcome.returned.content if outcome.returned else None
    if isinstance(content, str):
        return web.Response(text=content)
    if not isinstance(content, protos.RpcHttp):
        return web.Response(status=500)
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in content.headers.items():
        if name.lower() not in _CONNECTION_HEADERS:
            headers.add(name, value)
    for cookie in content.cookies or ():
        headers.add("Set-Cookie", _set_cookie(cookie))
    body = content.body.content
    return web.Response(
        status=int(content.status_code),
        headers=headers,
        body=body if isinstance(body, bytes) else str(body or "").encode(),
    )


def _set_cookie(cookie: protos.RpcHttpCookie) -> str:
    jar = SimpleCookie({cookie.name: cookie.value})
    morsel = jar[cookie.name]
    for attribute in ("domain", "path"):
        if value := getattr(cookie, attribute):
            morsel[attribute] = value.value
    if cookie.expires:
        moment = dt.datetime.fromtimestamp(cookie.expires.value.seconds, dt.UTC)
        morsel["expires"] = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    if cookie.max_age:
        morsel["max-age"] = f"{cookie.max_age.value:g}"
    morsel["secure"] = bool(cookie.secure and cookie.secure.value)
    morsel["httponly"] = bool(cookie.http_only and cookie.http_only.value)
    if cookie.same_site:
        morsel["samesite"] = {1: "Lax", 2: "Strict", 3: "None"}[cookie.same_site]
    return morsel.OutputString()
