"""ASP.NET route templates as the Functions host uses them (functions.md 3)."""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.functionshost.errors import StartError

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)((?::[^{}:=?]+)*)(?:=([^{}?]*))?(\?)?\}")
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
type Constraint = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Segment:
    """A literal (`name` None), or a parameter."""

    literal: str = ""
    name: str | None = None
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    optional: bool = False
    catch_all: bool = False

    @property
    def rank(self) -> int:
        """Literals come before constrained parameters, before free ones, before catch-alls."""
        if self.name is None:
            return 1
        return (4 if self.catch_all else 2) + (0 if self.constraints else 1)


class Route:
    """A template such as `mailboxes/{id:guid}/{*rest}`.

    Raises:
        StartError: the template is malformed or uses an unknown constraint.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        self._segments = tuple(
            _segment(part, template) for part in template.strip("/").split("/") if part
        )
        for place, segment in enumerate(self._segments, start=1):
            if segment.catch_all and place < len(self._segments):
                raise StartError(f"Route '{template}': a catch-all must come last.")

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sorts the more specific route first."""
        return tuple(segment.rank for segment in self._segments)

    def match(self, path: Sequence[str]) -> Mapping[str, str] | None:
        """Return the non-empty route values of a path's decoded segments; None is no match."""
        values: dict[str, str] = {}
        for place, segment in enumerate(self._segments):
            if segment.catch_all:
                given = "/".join(path[place:])
            elif place < len(path):
                given = path[place]
            elif segment.optional or segment.default is not None:
                given = ""
            else:
                return None
            if not _accepts(segment, given, values):
                return None
        if len(path) > len(self._segments) and not (
            self._segments and self._segments[-1].catch_all
        ):
            return None
        return values


def split_path(raw_path: str) -> list[str]:
    """Split a request path as sent into decoded segments; an encoded slash stays encoded."""
    path = raw_path.partition("?")[0].strip("/")
    parts = path.split("/") if path else []
    return [unquote(re.sub("%2f", "%252F", part, flags=re.IGNORECASE)) for part in parts]


def _accepts(segment: _Segment, given: str, values: dict[str, str]) -> bool:
    if segment.name is None:
        return given.lower() == segment.literal
    value = given or segment.default or ""
    if not value:
        return segment.optional or segment.catch_all
    if not all(constraint(value) for constraint in segment.constraints):
        return False
    values[segment.name] = value
    return True


def _segment(part: str, template: str) -> _Segment:
    match = _PARAMETER.fullmatch(part)
    if match is None:
        if "{" in part or "}" in part:
            raise StartError(f"Route '{template}': the segment '{part}' is not supported.")
        return _Segment(literal=part.lower())
    stars, name, constraints, default, optional = match.groups()
    return _Segment(
        name=name,
        constraints=tuple(_constraint(text, template) for text in constraints.split(":") if text),
        default=default,
        optional=bool(optional),
        catch_all=bool(stars),
    )


def _constraint(text: str, template: str) -> Constraint:
    name, _, arguments = text.rstrip(")").partition("(")
    try:
        if name in _PLAIN and not arguments:
            return _PLAIN[name]
        return _PARAMETRIC[name]([int(argument) for argument in arguments.split(",")])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise StartError(f"Route '{template}': unknown constraint '{text}'.") from error


def _whole(within: range) -> Constraint:
    return lambda value: re.fullmatch(r"[+-]?\d+", value) is not None and int(value) in within


def _guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def _length(numbers: Iterable[int]) -> Constraint:
    bounds = list(numbers)
    return lambda value: bounds[0] <= len(value) <= bounds[-1]


def _between(low: int | None, high: int | None) -> Constraint:
    whole = _whole(_INT64)
    return lambda value: (
        whole(value) and (low is None or int(value) >= low) and (high is None or int(value) <= high)
    )


_PLAIN: Mapping[str, Constraint] = {
    "int": _whole(_INT32),
    "long": _whole(_INT64),
    "bool": lambda value: value.lower() in {"true", "false"},
    "alpha": lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
    "guid": _guid,
    "required": bool,
}
_PARAMETRIC: Mapping[str, Callable[[list[int]], Constraint]] = {
    "length": _length,
    "minlength": lambda n: lambda value: len(value) >= n[0],
    "maxlength": lambda n: lambda value: len(value) <= n[0],
    "min": lambda n: _between(n[0], None),
    "max": lambda n: _between(None, n[0]),
    "range": lambda n: _between(n[0], n[1]),
}
