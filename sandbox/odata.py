"""OData v4 `$filter` and `$orderby`: from text to a predicate over a row and an order of rows."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sandbox.odata_expressions import (
    CONVERSIONS,
    ORDERINGS,
    TEXT_FUNCTIONS,
    Call,
    Compare,
    Expression,
    Literal,
    Logic,
    Member,
    Not,
    Path,
    Quantified,
    Scope,
    ValueOf,
    anchor,
    moment,
)

QUERY_FUNCTIONS = {f"Microsoft.Dynamics.CRM.{name}" for name in ("In", "NotIn", "Between")}
CONSTANTS: dict[str, object] = {"null": None, "true": True, "false": False}
MAX_DEPTH = 50
NO_ALIASES: Mapping[str, str] = {}


class ODataSyntaxError(ValueError):
    """The text is no OData expression; the message names the position, counted from 0."""


class Order(NamedTuple):
    """One part of an `$orderby`."""

    path: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed `$filter`.

    `paths` are the properties of the row it uses; `comparisons` are the (path, constant) pairs in
    it, so that a service that knows its types can refuse a wrong one.
    """

    expression: Expression
    paths: frozenset[str] = frozenset()
    comparisons: tuple[tuple[str, object], ...] = ()

    def matches(self, value_of: ValueOf, *, ignore_case: bool = False) -> bool:
        """Tell whether a row, given by its values, passes."""
        return self.expression.evaluate(Scope(value_of, ignore_case)) is True

    def anchor(self) -> tuple[str, tuple[object, ...]] | None:
        """Return a path and constants one of which every row that passes has, for an index."""
        return anchor(self.expression)


TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:[^']|'')*')
    |(?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b)
    |(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<json>\[(?:[^\]"']|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')*\])
    |(?P<alias>@\w+)
    |(?P<enum>[^\W\d][\w.]*'(?:[^']|'')*')
    |(?P<name>[^\W\d][\w.]*(?:/[^\W\d][\w.]*)*)
    |(?P<mark>[(),:=])""",
    re.VERBOSE,
)


def _text(literal: str) -> str:
    """Return the text of a quoted literal, or of an enumeration's."""
    return literal[literal.index("'") + 1 : -1].replace("''", "'")


def _number(literal: str) -> int | float:
    return float(literal) if re.search(r"[.eE]", literal) else int(literal)


def _moment(literal: str) -> object:
    parsed = moment(literal)
    if parsed is None:
        raise ODataSyntaxError(f"{literal!r} is no date or time")
    return parsed


READ: dict[str, Callable[[str], object]] = {
    "string": _text,
    "enum": _text,
    "guid": UUID,
    "number": _number,
    "moment": _moment,
}


class Token(NamedTuple):
    """A lexical piece of the text."""

    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise ODataSyntaxError(f"unexpected {text[position]!r} at position {position}")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return [*found, Token("end", "", len(text))]


@dataclass(slots=True)
class _Parser:
    """Recursive descent: `or` binds least, then `and`, then a comparison, then `not`."""

    tokens: Sequence[Token]
    aliases: Mapping[str, str]
    at: int = 0
    depth: int = 0
    variables: tuple[str, ...] = ()
    paths: set[str] = field(default_factory=set)
    comparisons: list[tuple[str, object]] = field(default_factory=list)

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, text: str = "", kind: str = "") -> Token:
        token = self.next
        if (text and token.text != text) or (kind and token.kind != kind):
            raise self.unexpected(text or kind)
        self.at += 1
        return token

    def unexpected(self, wanted: str) -> ODataSyntaxError:
        found = repr(self.next.text) if self.next.text else "the end"
        return ODataSyntaxError(
            f"expected {wanted!r} but found {found} at position {self.next.position}"
        )

    def either(self) -> Expression:
        parts = [self.both()]
        while self.next.text == "or":
            self.at += 1
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Logic(every=False, parts=tuple(parts))

    def both(self) -> Expression:
        parts = [self.comparison()]
        while self.next.text == "and":
            self.at += 1
            parts.append(self.comparison())
        return parts[0] if len(parts) == 1 else Logic(every=True, parts=tuple(parts))

    def comparison(self) -> Expression:
        if self.next.text == "not":
            self.at += 1
            return Not(self.operand())
        left = self.operand()
        if self.next.text in {"eq", "ne", *ORDERINGS}:
            operator = self.take().text
            right = self.operand()
            self._note(left, right)
            return Compare(operator, left, right)
        if self.next.text == "in":
            self.at += 1
            values = self._listed()
            for value in values:
                self._note(left, Literal(value))
            return Member(left, values)
        if isinstance(left, Literal) and not isinstance(left.value, bool):
            raise self.unexpected("eq")
        return left

    def operand(self) -> Expression:
        token = self.next
        if token.text == "(":
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise ODataSyntaxError(f"nested too deeply at position {token.position}")
            inner = self.either()
            self.depth -= 1
            self.take(")")
            return inner
        if token.kind != "name" or token.text in CONSTANTS:
            return Literal(self.constant())
        self.at += 1
        if self.next.text == "(":
            return self._call(token)
        return self._path(token.text)

    def constant(self) -> object:
        token = self.take()
        if token.kind in READ:
            return READ[token.kind](token.text)
        if token.kind == "alias" and token.text in self.aliases:
            return self._aliased(token)
        if token.kind == "json":
            return self._array(token)
        if token.kind == "name" and token.text in CONSTANTS:
            return CONSTANTS[token.text]
        self.at -= 1
        raise self.unexpected("a value")

    def _aliased(self, token: Token) -> object:
        inner = _Parser(_tokens(self.aliases[token.text]), {})
        value = inner.constant()
        inner.take(kind="end")
        return value

    def _array(self, token: Token) -> object:
        quoted = re.sub(
            r"'((?:[^']|'')*)'|\"(?:[^\"\\]|\\.)*\"",
            lambda found: (
                found.group() if found[1] is None else json.dumps(found[1].replace("''", "'"))
            ),
            token.text,
        )
        try:
            return json.loads(quoted)
        except ValueError:
            raise ODataSyntaxError(f"not an array at position {token.position}") from None

    def _path(self, text: str) -> Path:
        root = text.partition("/")[0]
        if root in self.variables:
            return Path(text, root)
        self.paths.add(text)
        return Path(text)

    def _call(self, name: Token) -> Expression:
        collection, _, last = name.text.rpartition("/")
        if collection and last in {"any", "all"}:
            return self._quantified(self._path(collection), every=last == "all")
        if name.text in QUERY_FUNCTIONS:
            return self._query_function(name.text.rpartition(".")[2])
        if name.text not in TEXT_FUNCTIONS | CONVERSIONS:
            raise ODataSyntaxError(f"unknown function {name.text!r} at position {name.position}")
        self.take("(")
        arguments = [self.operand()]
        while self.next.text == ",":
            self.at += 1
            arguments.append(self.operand())
        self.take(")")
        if len(arguments) != (2 if name.text in TEXT_FUNCTIONS else 1):
            raise ODataSyntaxError(
                f"wrong number of arguments to {name.text!r} at position {name.position}"
            )
        return Call(name.text, tuple(arguments))

    def _quantified(self, collection: Path, *, every: bool) -> Expression:
        self.take("(")
        if self.next.text == ")" and not every:
            self.at += 1
            return Quantified(every, collection, "", None)
        variable = self.take(kind="name").text
        self.take(":")
        self.variables = (*self.variables, variable)
        body = self.either()
        self.variables = self.variables[:-1]
        self.take(")")
        return Quantified(every, collection, variable, body)

    def _query_function(self, name: str) -> Expression:
        self.take("(")
        path = self._path(str(self._parameter("PropertyName")))
        self.take(",")
        values = self._parameter("PropertyValues")
        if not isinstance(values, list):
            raise self.unexpected("an array")
        self.take(")")
        if name == "Between":
            if len(values) != 2:
                raise self.unexpected("two values")
            low, high = (Literal(_typed(str(value))) for value in values)
            return Logic(every=True, parts=(Compare("ge", path, low), Compare("le", path, high)))
        member = Member(path, tuple(str(value) for value in values), loose=True)
        return Not(member) if name == "NotIn" else member

    def _parameter(self, name: str) -> object:
        self.take(name)
        self.take("=")
        return self.constant()

    def _listed(self) -> tuple[object, ...]:
        self.take("(")
        values = [self.constant()]
        while self.next.text == ",":
            self.at += 1
            values.append(self.constant())
        self.take(")")
        return tuple(values)

    def _note(self, left: Expression, right: Expression) -> None:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Path) and not one.variable and isinstance(other, Literal):
                self.comparisons.append((one.path, other.value))


def _typed(text: str) -> object:
    """Return what the text of a query function's value stands for."""
    try:
        return _number(text)
    except ValueError:
        return moment(text) or text


def parse_filter(text: str, aliases: Mapping[str, str] = NO_ALIASES) -> Filter:
    """Parse a decoded `$filter`; `aliases` are the query's parameters, e.g. `{"@p1": "'x'"}`.

    Raises:
        ODataSyntaxError: the text is no filter; the message names the position.
    """
    parser = _Parser(_tokens(text), aliases)
    expression = parser.either()
    parser.take(kind="end")
    return Filter(expression, frozenset(parser.paths), tuple(parser.comparisons))


def parse_orderby(text: str) -> tuple[Order, ...]:
    """Parse a decoded `$orderby`.

    Raises:
        ODataSyntaxError: the text is no order; the message names the position.
    """
    parser = _Parser(_tokens(text), {})
    orders: list[Order] = []
    while True:
        path = parser.take(kind="name").text
        direction = parser.take().text if parser.next.text in {"asc", "desc"} else "asc"
        orders.append(Order(path, direction == "desc"))
        if parser.next.text != ",":
            parser.take(kind="end")
            return tuple(orders)
        parser.at += 1


def ordered[Row](
    rows: Iterable[Row], orders: Sequence[Order], value_of: Callable[[Row, str], object]
) -> list[Row]:
    """Return the rows in that order; text without regard to case, null before everything."""
    result = list(rows)
    for order in reversed(orders):
        result.sort(key=lambda row: _rank(value_of(row, order.path)), reverse=order.descending)
    return result


def _rank(value: object) -> tuple[int, float, str]:
    match value:
        case None:
            return (0, 0.0, "")
        case bool() | int() | float():
            return (1, float(value), "")
        case _:
            return (2, 0.0, str(value).lower())
