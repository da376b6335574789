"""EntityDefinitions and RelationshipDefinitions: reading and changing what tables are."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from sandbox.dataverse.customizer import Customizer
from sandbox.dataverse.customizing import read_column
from sandbox.dataverse.definitions import (
    Definition,
    column_definition,
    key_definition,
    option_set,
    relationship_definition,
    table_definition,
)
from sandbox.dataverse.errors import (
    DataverseError,
    bad_query,
    not_allowed,
    unknown_segment,
)
from sandbox.dataverse.exchange import Answer, Call
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.query import split_outside
from sandbox.dataverse.resource import KeyValue, Resource, Segment, parse_query
from sandbox.dataverse.schema import Column, Key, Table
from sandbox.odata import ODataSyntaxError, parse_filter

METADATA_SETS = {"EntityDefinitions", "RelationshipDefinitions"}


class Metadata:
    """Answers requests on definitions."""

    def __init__(self, org: Organization, customizer: Customizer) -> None:
        self.org = org
        self.customizer = customizer

    def perform(self, call: Call, resource: Resource, root: str) -> Answer:
        """Do what a request on definitions asks.

        Raises:
            DataverseError: it is refused.
        """
        first, *rest = resource.segments
        if first.name == "RelationshipDefinitions":
            return self._on_relationships(call, resource, root)
        if first.key is None and not rest:
            return self._on_tables(call, resource, root)
        if first.key is None:
            raise unknown_segment(rest[0].name)
        table = self._table(first.key)
        if not rest:
            return self._on_table(call, resource, table)
        match rest[0].name:
            case "Attributes":
                return self._on_columns(call, resource, root, table, rest)
            case "Keys":
                return self._on_keys(call, resource, root, table, rest)
            case "OneToManyRelationships" | "ManyToOneRelationships" | "ManyToManyRelationships":
                return _listed(self._relationships(table, rest[0].name), resource.query)
        raise unknown_segment(rest[0].name)

    def _on_tables(self, call: Call, resource: Resource, root: str) -> Answer:
        match call.method:
            case "GET":
                expanded = (self._expanded(table, resource.query) for table in self.org.schema)
                return _listed(expanded, resource.query)
            case "POST":
                metadata_id = self.customizer.create(call.json(), solution_of(call))
                return _created(root, f"EntityDefinitions({metadata_id})")
        raise not_allowed(f"The method {call.method} is not allowed on EntityDefinitions.")

    def _on_table(self, call: Call, resource: Resource, table: Table) -> Answer:
        match call.method:
            case "GET":
                return Answer(
                    200, {}, _selected(self._expanded(table, resource.query), resource.query)
                )
            case "PUT":
                enabled = bool(call.json().get("ChangeTrackingEnabled"))
                self.customizer.track_changes(table, enabled=enabled)
                return Answer(204)
            case "DELETE":
                self.customizer.delete(table)
                return Answer(204)
        raise not_allowed(f"The method {call.method} is not allowed on a table's definition.")

    def _on_columns(
        self, call: Call, resource: Resource, root: str, table: Table, rest: list[Segment]
    ) -> Answer:
        key, cast = rest[0].key, rest[1].name if len(rest) > 1 else ""
        if key is None:
            if call.method == "POST":
                column = read_column(call.json())
                self.customizer.add_column(table, column, solution_of(call))
                return _created(
                    root, f"EntityDefinitions({table.metadata_id})/Attributes({column.metadata_id})"
                )
            found = (_column(table, column, resource.query) for column in table.columns.values())
            wanted = f"#{cast}"
            return _listed(
                (c for c in found if not cast or c["@odata.type"] == wanted), resource.query
            )
        column = _by_key(key, {c.name: c for c in table.columns.values()}, table.columns.values())
        match call.method:
            case "GET":
                return Answer(
                    200, {}, _selected(_column(table, column, resource.query), resource.query)
                )
            case "PUT":
                self.customizer.update_column(table, column, call.json())
                return Answer(204)
            case "DELETE":
                self.customizer.delete_column(table, column)
                return Answer(204)
        raise not_allowed(f"The method {call.method} is not allowed on a column's definition.")

    def _on_keys(
        self, call: Call, resource: Resource, root: str, table: Table, rest: list[Segment]
    ) -> Answer:
        if rest[0].key is None:
            if call.method == "POST":
                key = self.customizer.add_key(table, call.json(), solution_of(call))
                return _created(
                    root, f"EntityDefinitions({table.metadata_id})/Keys({key.metadata_id})"
                )
            shapes = [key_definition(table, key) for key in table.keys]
            self.customizer.build_indexes(table)
            return _listed(iter(shapes), resource.query)
        key = _by_key(rest[0].key, {key.name: key for key in table.keys}, table.keys)
        match call.method:
            case "GET":
                shape = key_definition(table, key)
                self.customizer.build_indexes(table)
                return Answer(200, {}, _selected(shape, resource.query))
            case "DELETE":
                self.customizer.delete_key(table, key)
                return Answer(204)
        raise not_allowed(f"The method {call.method} is not allowed on a key.")

    def _on_relationships(self, call: Call, resource: Resource, root: str) -> Answer:
        key = resource.segments[0].key
        if key is None and call.method == "POST":
            body = call.json()
            metadata_id = self.customizer.add_relationship(body, solution_of(call))
            return _created(root, f"RelationshipDefinitions({metadata_id})")
        found = {
            link.metadata_id: (table, column, link)
            for table in self.org.schema
            for column in table.columns.values()
            for link in column.references
        }
        if key is None:
            shapes = (relationship_definition(self.org.schema, *one) for one in found.values())
            return _listed(shapes, resource.query)
        by_name = {link.relationship: one for one in found.values() for link in one[2:]}
        name, value = next(iter(key.items()), ("", ""))
        one = found.get(str(value)) if name in {"", "MetadataId"} else by_name.get(str(value))
        if one is None:
            raise DataverseError(404, "0x80040217", f"Could not find a relationship {value}.")
        if call.method == "DELETE":
            self.customizer.delete_column(one[0], one[1])
            return Answer(204)
        return Answer(
            200, {}, _selected(relationship_definition(self.org.schema, *one), resource.query)
        )

    def _table(self, key: Mapping[str, KeyValue]) -> Table:
        return _by_key(key, {table.name: table for table in self.org.schema}, self.org.schema)

    def _expanded(self, table: Table, query: Mapping[str, str]) -> Definition:
        shape = table_definition(table)
        for name, options in _expansions(query):
            if name == "Attributes":
                found: Iterator[Definition] = (
                    _column(table, column, options) for column in table.columns.values()
                )
            elif name == "Keys":
                found = iter([key_definition(table, key) for key in table.keys])
                self.customizer.build_indexes(table)
            else:
                found = self._relationships(table, name)
            shape[name] = _filtered(found, options)
        return shape

    def _relationships(self, table: Table, kind: str) -> Iterator[Definition]:
        schema = self.org.schema
        if kind == "ManyToOneRelationships":
            for column in table.columns.values():
                for link in column.references:
                    yield relationship_definition(schema, table, column, link)
        elif kind == "OneToManyRelationships":
            for one in schema.pointing_to(table):
                yield relationship_definition(schema, *one)
        elif kind != "ManyToManyRelationships":
            raise bad_query(f"Could not find a property named '{kind}'.")


def solution_of(call: Call) -> str | None:
    """Return the solution that what a request makes is to belong to."""
    return call.headers.get("mscrm.solutionuniquename")


def _created(root: str, path: str) -> Answer:
    return Answer(204, {"OData-EntityId": f"{root}{path}"})


def _by_key[T: (Table, Column, Key)](
    key: Mapping[str, KeyValue], by_name: Mapping[str, T], every: Iterable[T]
) -> T:
    name, value = next(iter(key.items()), ("", ""))
    found: T | None = None
    if name == "LogicalName":
        found = by_name.get(str(value))
    elif name in {"", "MetadataId"} and isinstance(value, UUID):
        found = next((one for one in every if one.metadata_id == str(value)), None)
    if found is None:
        raise DataverseError(
            404, "0x80060888", f"Could not find a definition with {name or 'id'} = {value}."
        )
    return found


def _column(table: Table, column: Column, query: Mapping[str, str]) -> Definition:
    shape = column_definition(table, column)
    if column.options and any(name == "OptionSet" for name, _ in _expansions(query)):
        shape["OptionSet"] = option_set(column)
    return shape


def _expansions(query: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    for part in split_outside(query.get("$expand", ""), ","):
        name, _, inner = part.strip().partition("(")
        options: dict[str, str] = {}
        for option in split_outside(inner.removesuffix(")"), ";"):
            options |= parse_query(option)
        yield name, options


def _listed(found: Iterator[Definition], query: Mapping[str, str]) -> Answer:
    return Answer(200, {}, {"@odata.context": "$metadata", "value": _filtered(found, query)})


def _filtered(found: Iterator[Definition], query: Mapping[str, str]) -> list[Definition]:
    shapes = list(found)
    if "$filter" in query:
        try:
            predicate = parse_filter(query["$filter"])
        except ODataSyntaxError as error:
            raise bad_query(f"Syntax error in the query: {error}") from None
        for path in predicate.paths:
            if shapes and not any(path.partition("/")[0] in shape for shape in shapes):
                raise bad_query(f"Could not find a property named '{path}'.")
        shapes = [s for s in shapes if predicate.matches(lambda path, s=s: _value(s, path))]  # type: ignore[misc]  # mypy cannot infer the default
    return [_selected(shape, query) for shape in shapes]


def _value(shape: object, path: str) -> object:
    for name in path.split("/"):
        shape = shape.get(name) if isinstance(shape, dict) else None
    return shape


def _selected(shape: Definition, query: Mapping[str, str]) -> Definition:
    names = query.get("$select", "")
    if not names:
        return shape
    expanded = {name for name, _ in _expansions(query)}
    wanted = {name.strip() for name in names.split(",")} | {"MetadataId", "@odata.type"} | expanded
    return {name: value for name, value in shape.items() if name in wanted}
