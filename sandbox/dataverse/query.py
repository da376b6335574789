"""Query options: what to select, filter, sort and expand, checked against a table."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sandbox.dataverse.errors import bad_query
from sandbox.dataverse.resource import parse_query
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Column, Schema, Table
from sandbox.dataverse.values import EDM
from sandbox.odata import Filter, ODataSyntaxError, Order, parse_filter, parse_orderby

NO_OPTIONS: Mapping[str, str] = {}
NUMERIC = {"Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double"}
EXPANSION = re.compile(r"(?P<name>\w+)(?:\((?P<options>.*)\))?\Z", re.DOTALL)

type Getter = Callable[[Row], object]


@dataclass(frozen=True, slots=True)
class Query:
    """Checked options; `select` is None for all columns."""

    select: tuple[str, ...] | None = None
    filter: Filter | None = None
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    expand: Mapping[str, "Query"] = field(default_factory=dict)


def read_query(
    schema: Schema,
    table: Table,
    options: Mapping[str, str],
    aliases: Mapping[str, str] = NO_OPTIONS,
) -> Query:
    """Check the options of a request, or of one expansion in it.

    Raises:
        DataverseError: an option does not parse or names what the table does not have.
    """
    try:
        predicate = parse_filter(options["$filter"], aliases) if "$filter" in options else None
        orders = parse_orderby(options["$orderby"]) if "$orderby" in options else ()
    except ODataSyntaxError as error:
        raise bad_query(f"Syntax error in the query: {error}") from None
    if predicate:
        _check_types(schema, table, predicate)
    for order in orders:
        getter(schema, table, order.path)
    return Query(
        select=_select(table, options.get("$select")),
        filter=predicate,
        orderby=orders,
        top=_top(options.get("$top")),
        count=options.get("$count", "false") == "true",
        expand=dict(_expansions(schema, table, options.get("$expand", ""), aliases)),
    )


def column_at(schema: Schema, table: Table, path: str) -> tuple[Column, Getter | None]:
    """Return the column a property path names, and the getter of the lookup on the way to it.

    Raises:
        DataverseError: the table has no such property.
    """
    first, _, rest = path.partition("/")
    if not rest and first in table.properties:
        return table.properties[first], None
    navigation = table.navigations.get(first)
    if rest and navigation and "/" not in rest:
        target = schema[navigation.reference.target]
        if rest in target.properties:
            lookup = navigation.column.name
            return target.properties[rest], lambda row: _points_to(row.get(lookup), target.name)
    raise bad_query(
        f"Could not find a property named '{path}' on type 'Microsoft.Dynamics.CRM.{table.name}'."
    )


def getter(
    schema: Schema,
    table: Table,
    path: str,
    fetch: Callable[[str, str], Row | None] = lambda _table, _row_id: None,
) -> Getter:
    """Return what gets a path's value from a row; `fetch` gets the row behind a lookup."""
    column, lookup = column_at(schema, table, path)
    name = column.name
    if lookup is None:
        if column.is_lookup:
            return lambda row: (row.get(name) or {}).get("id")
        return lambda row: row.get(name)
    target = schema[table.navigations[path.partition("/")[0]].reference.target]
    inner = getter(schema, target, path.partition("/")[2])

    def through(row: Row) -> object:
        row_id = lookup(row)
        other = fetch(target.name, str(row_id)) if row_id else None
        return inner(other) if other is not None else None

    return through


def _points_to(value: Mapping[str, str] | None, table: str) -> str | None:
    return value["id"] if value and value["table"] == table else None


def _select(table: Table, text: str | None) -> tuple[str, ...] | None:
    if not text or text.strip() == "*":
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in table.properties:
            raise bad_query(
                f"Could not find a property named '{name}' on type "
                f"'Microsoft.Dynamics.CRM.{table.name}'."
            )
    return names


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise bad_query(f"Invalid value '{text}' for $top query option.")
    return int(text)


def _check_types(schema: Schema, table: Table, predicate: Filter) -> None:
    for path in predicate.paths:
        column_at(schema, table, path)
    for path, constant in predicate.comparisons:
        column, _ = column_at(schema, table, path)
        if not _fits(EDM.get(column.type, ""), constant):
            raise bad_query(
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{EDM.get(column.type)}' and '{_edm_of(constant)}' for '{path}'."
            )


def _edm_of(constant: object) -> str:
    match constant:
        case bool():
            return "Edm.Boolean"
        case int():
            return "Edm.Int32"
        case float():
            return "Edm.Double"
        case UUID():
            return "Edm.Guid"
        case datetime():
            return "Edm.DateTimeOffset"
    return "Edm.String"


def _fits(edm: str, constant: object) -> bool:
    found = _edm_of(constant)
    return (
        constant is None
        or found == edm
        or {found, edm} <= NUMERIC
        or (found == "Edm.DateTimeOffset" and edm == "Edm.Date")
    )


def _expansions(
    schema: Schema, table: Table, text: str, aliases: Mapping[str, str]
) -> Iterator[tuple[str, Query]]:
    for part in split_outside(text, ","):
        match = EXPANSION.match(part.strip())
        name = match["name"] if match else part
        if name in table.navigations:
            target = schema[table.navigations[name].reference.target]
        elif name in schema.collections(table):
            target = schema[schema.collections(table)[name].table]
        else:
            raise bad_query(
                f"Could not find a property named '{name}' on type "
                f"'Microsoft.Dynamics.CRM.{table.name}'."
            )
        inner = split_outside((match["options"] or "") if match else "", ";")
        options = {k: v for option in inner for k, v in parse_query(_escaped(option)).items()}
        yield name, read_query(schema, target, options, aliases)


def _escaped(option: str) -> str:
    """Quote again what the URL's decoding has already unquoted."""
    return option.strip().replace("%", "%25").replace("+", "%2B").replace("&", "%26")


def split_outside(text: str, separator: str) -> list[str]:
    """Split at a separator outside quotes and parentheses; no text gives no parts."""
    parts, start, depth, quoted = [], 0, 0, False
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == separator and not depth:
                parts.append(text[start:position])
                start = position + 1
    return [*parts, text[start:]] if text else []
