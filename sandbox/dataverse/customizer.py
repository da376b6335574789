"""Changing what tables are: columns, lookups and keys that clients make (dataverse.md 10)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sandbox.dataverse.customizing import read_column, read_key, read_lookup, read_table
from sandbox.dataverse.errors import DataverseError, invalid_argument, not_allowed, unknown_segment
from sandbox.dataverse.organization import Organization, reference
from sandbox.dataverse.schema import Column, Key, KeyStatus, Schema, Table
from sandbox.dataverse.standard_tables import regarding, standard_tables

TABLES = "$tables"
NEXT_STATUS: dict[KeyStatus, KeyStatus] = {"Pending": "InProgress", "InProgress": "Active"}
COMPONENTS = {"table": 1, "column": 2, "relationship": 10, "key": 14}


def load_schema(stored: Mapping[str, Mapping[str, object]]) -> Schema:
    """Return the standard tables with what clients have made of them."""
    custom = {name: Table.model_validate(document) for name, document in stored.items()}
    return Schema({**standard_tables(), **custom})


class Customizer:
    """Changes an organisation's tables; what it changes is kept with the rows."""

    def __init__(self, org: Organization) -> None:
        self.org = org

    def reload(self) -> None:
        """Go back to the definitions that are kept, when a change came to nothing."""
        self.org.schema.replace(load_schema(dict(self.org.rows.all(TABLES))))

    def create(self, body: Mapping[str, Any], solution: str | None) -> str:
        """Create a table and return its MetadataId.

        Raises:
            DataverseError: the definition is not valid, or the table or set exists.
        """
        table = read_table(body)
        self._check_prefix(table.schema_name)
        sets = {one.entity_set for one in self.org.schema}
        if table.name in self.org.schema or table.entity_set in sets:
            raise DataverseError(
                400,
                "0x80044363",
                f"An entity with the specified name {table.name} already exists.",
            )
        self._put(table)
        if table.has_activities:
            for activity in self.org.schema.activities:
                self._add_regarding(activity, table)
        self._add_to_solution(solution, "table", table.metadata_id)
        return table.metadata_id

    def reactivate_key(self, table: Table, name: str) -> None:
        """Let a failed key's index be built again.

        Raises:
            DataverseError: there is no such key.
        """
        key = next((key for key in table.keys if key.name == name.lower()), None)
        if key is None:
            raise unknown_segment(name)
        self._put_key(table, key.model_copy(update={"status": "Pending"}))

    def track_changes(self, table: Table, *, enabled: bool) -> None:
        """Turn change tracking on.

        Raises:
            DataverseError: it is on already and was to be turned off.
        """
        if table.change_tracking and not enabled:
            raise invalid_argument("Change tracking cannot be turned off again.")
        self._put(table.model_copy(update={"change_tracking": enabled}))

    def add_key(self, table: Table, body: Mapping[str, Any], solution: str | None) -> Key:
        """Add an alternate key, whose index is yet to be built.

        Raises:
            DataverseError: the definition is not valid.
        """
        self._check_prefix(str(body.get("SchemaName")))
        key = read_key(table, body)
        self._put(table.model_copy(update={"keys": (*table.keys, key)}))
        self._add_to_solution(solution, "key", key.metadata_id)
        return key

    def delete_key(self, table: Table, key: Key) -> None:
        """Delete an alternate key."""
        kept = tuple(one for one in table.keys if one != key)
        self._put(table.model_copy(update={"keys": kept}))

    def add_relationship(self, body: Mapping[str, Any], solution: str | None) -> str:
        """Add the lookup a relationship's definition asks for and return the MetadataId.

        Raises:
            DataverseError: the definition is not valid, or a table of it is not there.
        """
        kind = str(body.get("@odata.type", "")).rpartition(".")[2]
        if kind != "OneToManyRelationshipMetadata":
            raise invalid_argument(f"A relationship of type '{kind}' is not supported.")
        column = read_lookup(body)
        link = column.references[0]
        name = body.get("ReferencingEntity")
        if name not in self.org.schema or link.target not in self.org.schema:
            raise invalid_argument(f"There is no table '{name}' or no table '{link.target}'.")
        if any(
            one.relationship == link.relationship
            for t in self.org.schema
            for c in t.columns.values()
            for one in c.references
        ):
            raise invalid_argument(f"A relationship named '{link.relationship}' exists.")
        self.add_column(self.org.schema[str(name)], column, solution)
        self._add_to_solution(solution, "relationship", link.metadata_id)
        return link.metadata_id

    def _add_regarding(self, activity: Table, target: Table) -> None:
        column = activity.columns["regardingobjectid"]
        links = (*column.references, regarding(target.name, activity.name))
        self._put_column(activity, column.model_copy(update={"references": links}))

    def add_column(self, table: Table, column: Column, solution: str | None) -> None:
        """Add a column.

        Raises:
            DataverseError: the table has one of that name, or no publisher has its prefix.
        """
        self._check_prefix(column.schema_name)
        if column.name in table.columns:
            raise DataverseError(
                400,
                "0x80044153",
                f"An attribute with the specified name {column.name} already exists for entity "
                f"{table.name}.",
            )
        self._put_column(table, column)
        self._add_to_solution(solution, "column", column.metadata_id)

    def update_column(self, table: Table, column: Column, body: Mapping[str, Any]) -> None:
        """Change a column's definition, except for its name and type.

        Raises:
            DataverseError: the new definition is not valid, or the column is not a client's.
        """
        if not column.custom or column.is_lookup:
            raise invalid_argument(f"The definition of '{column.name}' cannot be changed.")
        changed = read_column(body)
        if (changed.name, changed.type) != (column.name, column.type):
            raise invalid_argument("A column's name and type cannot be changed.")
        kept = {"metadata_id": column.metadata_id, "options": changed.options or column.options}
        self._put_column(table, changed.model_copy(update=kept))

    def delete_column(self, table: Table, column: Column) -> None:
        """Delete a column and its values.

        Raises:
            DataverseError: it is not a client's, or a key uses it.
        """
        if not column.custom:
            raise not_allowed(f"The column '{column.name}' of '{table.name}' cannot be deleted.")
        if column.name == table.name_column or any(
            column.name in key.columns for key in table.keys
        ):
            raise DataverseError(
                400,
                "0x8004f01f",
                f"The Attribute({column.name}) component cannot be deleted because it is "
                "referenced by 1 other component.",
            )
        for row_id, row in list(self.org.rows.all(table.name)):
            if column.name in row:
                rest = {name: value for name, value in row.items() if name != column.name}
                self.org.rows.put(table.name, row_id, rest)
        columns = {name: one for name, one in table.columns.items() if name != column.name}
        self._put(table.model_copy(update={"columns": columns}))

    def delete(self, table: Table) -> None:
        """Delete a table and its rows.

        Raises:
            DataverseError: it is not a client's, or another table looks up its rows.
        """
        if not table.custom:
            raise not_allowed(f"The table '{table.name}' cannot be deleted.")
        for other, column, _ in list(self.org.schema.pointing_to(table)):
            if column.name == "regardingobjectid":
                links = tuple(one for one in column.references if one.target != table.name)
                self._put_column(other, column.model_copy(update={"references": links}))
            elif other.name != table.name:
                raise DataverseError(
                    400,
                    "0x8004f01f",
                    f"The Entity({table.name}) component cannot be deleted because it is "
                    f"referenced by '{column.name}' of '{other.name}'.",
                )
        self.org.rows.drop(table.name)
        self.org.rows.remove(TABLES, table.name)
        self.org.schema.remove(table.name)

    def build_indexes(self, table: Table) -> None:
        """Move each key's index job on by one step: a client sees it advance from poll to poll."""
        for key in table.keys:
            if key.status in NEXT_STATUS:
                status: KeyStatus = NEXT_STATUS[key.status]
                if status == "Active" and self._has_duplicates(table, key):
                    status = "Failed"
                self._put_key(
                    self.org.schema[table.name], key.model_copy(update={"status": status})
                )

    def _has_duplicates(self, table: Table, key: Key) -> bool:
        seen: set[tuple[str, ...]] = set()
        for _, row in self.org.rows.all(table.name):
            values = tuple(str(row.get(name)).lower() for name in key.columns)
            if all(row.get(name) is not None for name in key.columns):
                if values in seen:
                    return True
                seen.add(values)
        return False

    def _put_key(self, table: Table, key: Key) -> None:
        keys = tuple(key if one.name == key.name else one for one in table.keys)
        self._put(table.model_copy(update={"keys": keys}))

    def _put_column(self, table: Table, column: Column) -> None:
        columns = {**self.org.schema[table.name].columns, column.name: column}
        self._put(self.org.schema[table.name].model_copy(update={"columns": columns}))

    def _put(self, table: Table) -> None:
        fresh = Table.model_validate(table.model_dump())  # a copy must not share cached properties
        self.org.schema.put(fresh)
        self.org.rows.put(TABLES, table.name, fresh.model_dump(mode="json"))

    def _check_prefix(self, schema_name: str) -> None:
        prefix = schema_name.partition("_")[0].lower()
        if not self.org.rows.find("publisher", "customizationprefix", prefix):
            raise DataverseError(
                400,
                "0x8004701e",
                f"The name '{schema_name}' does not start with the customization prefix of a "
                "publisher.",
            )

    def _add_to_solution(self, solution: str | None, kind: str, metadata_id: str) -> None:
        if not solution:
            return
        found = self.org.rows.find("solution", "uniquename", solution)
        if not found:
            raise DataverseError(400, "0x80048d21", f"There is no solution named '{solution}'.")
        component_id = str(uuid4())
        self.org.rows.put(
            "solutioncomponent",
            component_id,
            {
                "solutioncomponentid": component_id,
                "solutionid": reference("solution", found[0]),
                "objectid": metadata_id,
                "componenttype": COMPONENTS[kind],
                "rootcomponentbehavior": 0,
                "createdon": self.org.now(),
                "modifiedon": self.org.now(),
                "versionnumber": self.org.rows.next_version(),
            },
        )
