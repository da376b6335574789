"""The organisation: its tables and rows, and how a key finds a row."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sandbox.clock import Clock
from sandbox.dataverse.errors import DataverseError, bad_url, not_found
from sandbox.dataverse.resource import KeyValue, parse_url
from sandbox.dataverse.rows import Row, Rows
from sandbox.dataverse.schema import Schema, Table
from sandbox.dataverse.values import stored, wire_time


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: a systemuser, and on whose behalf it is done when impersonating."""

    user_id: str
    application_user_id: str

    @property
    def on_behalf_by(self) -> dict[str, str] | None:
        """The application user, unless it acts as itself (dataverse.md 8.1)."""
        if self.user_id == self.application_user_id:
            return None
        return reference("systemuser", self.application_user_id)


@dataclass(frozen=True, slots=True)
class Found:
    """What a key segment addresses: a row or the place for one."""

    row_id: str | None
    key_values: Mapping[str, object]
    """The columns of the alternate key; empty for the primary key."""


def reference(table: str, row_id: str) -> dict[str, str]:
    """Return a lookup's value."""
    return {"table": table, "id": row_id}


class Organization:
    """Tables and rows together, by the sandbox's clock."""

    def __init__(self, schema: Schema, rows: Rows, clock: Clock) -> None:
        self.schema = schema
        self.rows = rows
        self.clock = clock
        self.rights_used: Counter[tuple[str, str, str]] = Counter()
        """How often a user (by id) needed a right on a table; nobody is refused for lack of one."""
        self.watchers: dict[str, Callable[[str], None]] = {}
        """Who is told the id of a row that was updated, by its table."""

    def now(self) -> str:
        """Return the present moment as it is kept in rows."""
        return wire_time(self.clock.now())

    def use(self, caller: Caller, table: Table, right: str) -> None:
        """Note that a caller needed a right, e.g. `Create`."""
        self.rights_used[caller.user_id, table.name, right] += 1

    def row(self, table: Table, row_id: str) -> Row:
        """Return a row.

        Raises:
            DataverseError: 404, there is none.
        """
        row = self.rows.get(table.name, row_id)
        if row is None:
            raise not_found(table.name, row_id)
        return row

    def find(self, table: Table, key: Mapping[str, KeyValue]) -> Found:
        """Return the row a key segment addresses.

        Raises:
            DataverseError: the key fits neither the primary key nor an active alternate key.
        """
        if set(key) == {""} or (
            # principals are keyed by ownerid, so theirs cannot be named (dataverse.md 3)
            set(key) == {table.id_column} and table.name not in {"systemuser", "team"}
        ):
            row_id = next(iter(key.values()))
            if not isinstance(row_id, UUID):
                raise bad_url()
            return Found(str(row_id), {})
        return self._find_by_alternate_key(table, key)

    def _find_by_alternate_key(self, table: Table, key: Mapping[str, KeyValue]) -> Found:
        by_property = {
            table.columns[c].property_name: c for k in table.active_keys for c in k.columns
        }
        columns = {by_property.get(name, "") for name in key}
        if not any(columns == set(active.columns) for active in table.active_keys):
            raise DataverseError(
                400,
                "0x80060888",
                "The key in the request URI is not valid for resource "
                f"'Microsoft.Dynamics.CRM.{table.name}'. Ensure that the names and number of key "
                "properties match the declared or alternate key properties for the resource "
                f"'Microsoft.Dynamics.CRM.{table.name}'.",
            )
        values = {
            by_property[name]: self._key_value(table, by_property[name], value)
            for name, value in key.items()
        }
        return Found(self.by_values(table, values), values)

    def _key_value(self, table: Table, name: str, value: KeyValue) -> object:
        column = table.columns[name]
        if not column.is_lookup:
            return stored(table, column, str(value) if isinstance(value, UUID) else value)
        if not isinstance(value, UUID):
            raise bad_url()
        return reference(column.references[0].target, str(value))

    def by_values(self, table: Table, values: Mapping[str, object]) -> str | None:
        """Return the id of the row that has these values, text without regard to case."""
        candidates = [
            set(self.rows.find(table.name, name, value)) for name, value in values.items()
        ]
        return next(iter(set.intersection(*candidates)), None)

    def resolve(self, uri: str, targets: Mapping[str, str]) -> dict[str, str]:
        """Return the lookup value for a bind's URI; `targets` are the tables it may name.

        Raises:
            DataverseError: 400 not a row of those tables; 404 there is no such row.
        """
        segments = parse_url(uri).segments
        if len(segments) != 1 or not segments[0].key:
            raise bad_url(f"Invalid URI in a bind: '{uri}'.")
        table = self.schema.entity_set(segments[0].name)
        if table.name not in targets:
            raise bad_url(
                f"A bind to '{uri}' is not valid: expected {' or '.join(sorted(targets))}."
            )
        found = self.find(table, segments[0].key)
        if found.row_id is None:
            raise DataverseError(
                404,
                "0x80060891",
                f"A record with the specified key values does not exist in {table.name} entity",
            )
        name = self.concrete_table(table, found.row_id)
        return reference(name, found.row_id)

    def concrete_table(self, table: Table, row_id: str) -> str:
        """Return the table the row is in: of an activity pointer, the activity's own.

        Raises:
            DataverseError: 404, there is no such row.
        """
        tables = self.schema.activities if table.name == "activitypointer" else [table]
        for one in tables:
            if self.rows.get(one.name, row_id) is not None:
                return one.name
        raise not_found(table.name, row_id)

    def name_of(self, value: Mapping[str, str] | None) -> str | None:
        """Return the primary name of the row a lookup points to."""
        if value is None or value["table"] not in self.schema:
            return None
        row = self.rows.get(value["table"], value["id"]) or {}
        return row.get(self.schema[value["table"]].name_column)
