"""One request of the Graph API, whether it came alone or inside a batch, and who answers it."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from sandbox.graph.errors import GraphError, bad_request

_KEYED = re.compile(r"([A-Za-z.$]+)\('(.*)'\)", re.DOTALL)
_PREFERENCE = re.compile(r'([\w.-]+)\s*(?:=\s*(?:"([^"]*)"|([^",;\s]+)))?')


@dataclass(frozen=True, slots=True)
class Caller:
    """The application that calls: ids and roles from its token."""

    app_id: str
    object_id: str
    roles: frozenset[str]


@dataclass(slots=True)
class Call:
    """A request: `query` keeps the `$` of system options, `headers` are lower case.

    `parameters` holds what the route's placeholders matched. `base_url` ends in `/v1.0`.
    """

    method: str
    path: str
    base_url: str
    caller: Caller
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | dict[str, Any] | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object.

        Raises:
            GraphError: 400, it is not.
        """
        body = self.content
        if isinstance(body, bytes):
            try:
                body = json.loads(body) if body else None
            except ValueError:
                body = None
        if not isinstance(body, dict):
            raise bad_request(
                "Unable to read JSON request payload. Please ensure Content-Type "
                "header is set and payload is of valid JSON format."
            )
        return body

    def preferences(self) -> dict[str, str]:
        """Return the `Prefer` header as a map, names in lower case (graph.md 8.1)."""
        found = _PREFERENCE.findall(self.headers.get("prefer", ""))
        return {name.lower(): quoted or bare for name, quoted, bare in found}

    @property
    def immutable_ids(self) -> bool:
        """Whether the caller asked for ids that survive a move."""
        return self.preferences().get("idtype", "").lower() == "immutableid"


@dataclass(slots=True)
class Answer:
    """A response: `body` is JSON, bytes, or None for no content."""

    status: int = 200
    body: dict[str, Any] | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Awaitable[Answer]]


class Route(NamedTuple):
    """One operation: template such as `/users/{user}/messages/{message}`, and who may call it.

    A caller needs one of `roles`; none given, any caller may. An operation that is `metered` counts
    against its mailbox's limits (graph.md 7).
    """

    method: str
    template: str
    handler: Handler
    roles: frozenset[str] = frozenset()
    metered: bool = True

    @property
    def operation(self) -> str:
        """The name under which it is counted, e.g. `GET /users/{id}/messages/{id}`."""
        return f"{self.method} {re.sub(r'{[^}]*}', '{id}', self.template)}"


class _Node:
    __slots__ = ("children", "name", "parameter", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.name = ""
        self.routes: dict[str, tuple[Route, str]] = {}


class Router:
    """Finds the route of a path; literal segments match whatever their case."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self.add(route)

    def add(self, route: Route) -> None:
        """Serve one more operation."""
        node = self._root
        names: list[str] = []
        for segment in route.template.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
                names.append(segment[1:-1])
            else:
                node = node.children.setdefault(segment.lower(), _Node())
        node.routes[route.method] = (route, "/".join(names))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route for a percent-encoded path and what its placeholders matched.

        Raises:
            GraphError: 400 no such resource, 405 not with this method.
        """
        found = split_path(path)
        node, values = self._root, []
        for segment in found:
            literal = segment.removeprefix("microsoft.graph.").lower()
            child = node.children.get(literal)
            if child is None and node.parameter is not None:
                child = node.parameter
                values.append(segment)
            if child is None:
                raise _no_resource(segment)
            node = child
        if not node.routes:
            raise _no_resource(found[-1] if found else "")
        if method not in node.routes:
            raise GraphError(405, "MethodNotAllowed", f"{method} is not allowed here.")
        route, names = node.routes[method]
        return route, dict(zip(names.split("/"), values, strict=False))

    def operation(self, method: str, path: str) -> str:
        """Name what a request does; one that no route serves is `METHOD (unknown)`."""
        try:
            return self.find(method, path)[0].operation
        except GraphError:
            return f"{method} (unknown)"


def split_path(path: str) -> list[str]:
    """Return the decoded segments of a path; `users('a')` counts as two, `//` as one slash."""
    segments: list[str] = []
    for raw in path.split("/"):
        segment = unquote(raw)
        if keyed := _KEYED.fullmatch(segment):
            segments += [keyed[1], keyed[2].replace("''", "'")]
        elif segment:
            segments.append(segment.removesuffix("()"))
    return segments


def _no_resource(segment: str) -> GraphError:
    if segment == "me":
        return bad_request("/me request is only valid with delegated authentication flow.")
    return bad_request(f"Resource not found for the segment '{segment}'.")
