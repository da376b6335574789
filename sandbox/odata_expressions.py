"""The parts of an OData expression, and what they are worth for a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import Any, NamedTuple
from uuid import UUID

type ValueOf = Callable[[str], object]
"""Gives a row's value by property path, e.g. `from/emailAddress/address`."""

ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "ge": ge, "lt": lt, "le": le}
TEXT_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
CONVERSIONS: dict[str, Callable[[str], object]] = {
    "tolower": str.lower,
    "toupper": str.upper,
    "trim": str.strip,
    "length": len,
}


class Scope(NamedTuple):
    """What an expression is evaluated against: a row, the lambda variables, how text compares."""

    value_of: ValueOf
    ignore_case: bool
    variables: Mapping[str, object] = {}

    def fold(self, value: object) -> object:
        """Return the value as text is compared here."""
        return value.lower() if self.ignore_case and isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; guids are `UUID`, moments and dates are `datetime` in UTC."""

    value: object

    def evaluate(self, scope: Scope) -> object:  # noqa: ARG002 - same for every row
        """Return the constant."""
        return self.value


@dataclass(frozen=True, slots=True)
class Path:
    """A property, or a lambda variable and the way on from there."""

    path: str
    variable: str = ""

    def evaluate(self, scope: Scope) -> object:
        """Return the row's value."""
        if not self.variable:
            return scope.value_of(self.path)
        value = scope.variables[self.variable]
        for name in self.path.split("/")[1:]:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, slots=True)
class Call:
    """One of the text functions; null in gives null out, as the standard says."""

    name: str
    arguments: tuple["Expression", ...]

    def evaluate(self, scope: Scope) -> object:
        """Return the function's value."""
        values = [argument.evaluate(scope) for argument in self.arguments]
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) < len(values):
            return None
        if self.name in CONVERSIONS:
            return CONVERSIONS[self.name](texts[0])
        first, second = (str(scope.fold(text)) for text in texts)
        return TEXT_FUNCTIONS[self.name](first, second)


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`."""

    operator: str
    left: "Expression"
    right: "Expression"

    def evaluate(self, scope: Scope) -> bool:
        """Tell whether the comparison holds; null is equal to null only and never in an order."""
        left, right = alike(self.left.evaluate(scope), self.right.evaluate(scope))
        left, right = scope.fold(left), scope.fold(right)
        if self.operator in {"eq", "ne"}:
            return (left == right) == (self.operator == "eq")
        if left is None or right is None:
            return False
        try:
            return bool(ORDERINGS[self.operator](left, right))
        except TypeError:
            return False


@dataclass(frozen=True, slots=True)
class Member:
    """`left in (a,b)`; of a query function, `loose`, the values are text whatever the type."""

    left: "Expression"
    values: tuple[object, ...]
    loose: bool = False

    def evaluate(self, scope: Scope) -> bool:
        """Tell whether the value is one of those listed."""
        if self.loose:
            found = self.left.evaluate(scope)
            return found is not None and scope.fold(str(found)) in map(scope.fold, self.values)
        return any(Compare("eq", self.left, Literal(v)).evaluate(scope) for v in self.values)


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` (every part) or `or` (some part)."""

    every: bool
    parts: tuple["Expression", ...]

    def evaluate(self, scope: Scope) -> bool:
        """Tell whether enough parts hold."""
        return (all if self.every else any)(part.evaluate(scope) is True for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """`not part`."""

    part: "Expression"

    def evaluate(self, scope: Scope) -> bool:
        """Tell whether the part does not hold."""
        return self.part.evaluate(scope) is not True


@dataclass(frozen=True, slots=True)
class Quantified:
    """`collection/any(x:body)` or `/all`; without a body any() asks for an element at all."""

    every: bool
    collection: Path
    variable: str
    body: "Expression | None"

    def evaluate(self, scope: Scope) -> bool:
        """Tell whether enough elements satisfy the body."""
        elements = self.collection.evaluate(scope)
        elements = elements if isinstance(elements, list) else []
        if self.body is None:
            return bool(elements)
        inner = (
            scope._replace(variables={**scope.variables, self.variable: element})
            for element in elements
        )
        body = self.body
        return (all if self.every else any)(body.evaluate(one) is True for one in inner)


type Expression = Literal | Path | Call | Compare | Member | Logic | Not | Quantified


def moment(text: str) -> datetime | None:
    """Return an ISO 8601 date or date-time as UTC; without an offset it is taken to be UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def alike(left: object, right: object) -> tuple[object, object]:
    """Bring a row's JSON text and a typed constant to one type."""
    for typed, other in ((left, right), (right, left)):
        if isinstance(typed, UUID):
            return str(typed), other.lower() if isinstance(other, str) else other
        if isinstance(typed, datetime) and isinstance(other, str):
            return (typed, moment(other)) if typed is left else (moment(other), typed)
    if isinstance(left, bool) != isinstance(right, bool) and None not in (left, right):
        return left, None
    return left, right


def anchor(expression: Expression) -> tuple[str, tuple[object, ...]] | None:
    """Return a path and constants one of which every row that passes has, for an index."""
    match expression:
        case Compare("eq", Path(path, ""), Literal(value)):
            return path, (value,)
        case Member(Path(path, ""), values):
            return path, values
        case Logic(every=True, parts=parts):
            return next((found for part in parts if (found := anchor(part))), None)
        case Logic(every=False, parts=parts):
            anchors = [found for part in parts if (found := anchor(part))]
            same_path = len({path for path, _ in anchors}) == 1
            if len(anchors) == len(parts) and same_path:
                return anchors[0][0], tuple(value for _, values in anchors for value in values)
    return None
