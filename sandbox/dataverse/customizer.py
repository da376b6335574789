"""Changing what tables are: columns, lookups and keys that clients make (dataverse.md 10)."""

from collections.abc import Mapping
from typing import Any

from sandbox.dataverse.customizing import (
    read_column,
    read_key,
    read_label,
    read_lookup,
    read_table,
)
from sandbox.dataverse.errors import DataverseError, invalid_argument, not_allowed, unknown_segment
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.schema import Column, Key, KeyStatus, Option, Schema, Table
from sandbox.dataverse.security import drop_privileges, make_privileges
from sandbox.dataverse.solutions import add_to_solution, forget_component
from sandbox.dataverse.standard_tables import regarding, standard_tables

TABLES = "$tables"
# Options are changed by messages of their own: those of a definition that is put are not looked at.
_ANY_OPTION = {"Value": 0, "Label": {"LocalizedLabels": [{"Label": "-"}]}}
_OPTIONS_LEFT_OUT = {"OptionSet": {"Options": [_ANY_OPTION]}}
NEXT_STATUS: dict[KeyStatus, KeyStatus] = {"Pending": "InProgress", "InProgress": "Active"}


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
        make_privileges(self.org, table)
        if table.has_activities:
            for activity in self.org.schema.activities:
                self._add_regarding(activity, table)
        add_to_solution(self.org, solution, "table", table.metadata_id)
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
        add_to_solution(self.org, solution, "key", key.metadata_id)
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
        add_to_solution(self.org, solution, "relationship", link.metadata_id)
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
        add_to_solution(self.org, solution, "column", column.metadata_id)

    def update_column(self, table: Table, column: Column, body: Mapping[str, Any]) -> None:
        """Change a column's definition, except for its name, type, options and what it points to.

        Raises:
            DataverseError: the new definition is not valid, or the column is not a client's.
        """
        if not column.custom:
            raise invalid_argument(f"The definition of '{column.name}' cannot be changed.")
        if column.is_lookup:
            words = {"label": read_label(body, "DisplayName")}
            self._put_column(table, column.model_copy(update=words))
            return
        changed = read_column({**body, **_OPTIONS_LEFT_OUT})
        if (changed.name, changed.type) != (column.name, column.type):
            raise invalid_argument("A column's name and type cannot be changed.")
        kept = {"metadata_id": column.metadata_id, "options": column.options}
        self._put_column(table, changed.model_copy(update=kept))

    def insert_option(self, body: Mapping[str, Any]) -> int:
        """Add an option to a choice column and return its value.

        Raises:
            DataverseError: there is no such column, or it has the value.
        """
        table, column = self._choice(body)
        value = body.get("Value")
        taken = [option.value for option in column.options]
        if value is None:
            value = max(taken) + 1
        if not isinstance(value, int) or isinstance(value, bool) or value in taken:
            raise invalid_argument(f"The value '{value}' is no number or is taken.")
        option = Option(value=value, label=read_label(body, "Label"))
        options = (*column.options, option)
        self._put_column(table, column.model_copy(update={"options": options}))
        return value

    def update_option(self, body: Mapping[str, Any]) -> None:
        """Give an option of a choice column another label.

        Raises:
            DataverseError: there is no such column or option.
        """
        table, column = self._choice(body)
        if body.get("Value") not in {option.value for option in column.options}:
            raise invalid_argument(f"'{column.name}' has no option {body.get('Value')}.")
        label = read_label(body, "Label")
        options = tuple(
            option.model_copy(update={"label": label}) if option.value == body["Value"] else option
            for option in column.options
        )
        self._put_column(table, column.model_copy(update={"options": options}))

    def _choice(self, body: Mapping[str, Any]) -> tuple[Table, Column]:
        table, column = body.get("EntityLogicalName"), body.get("AttributeLogicalName")
        if table not in self.org.schema or column not in self.org.schema[str(table)].columns:
            raise invalid_argument(f"There is no column '{column}' of '{table}'.")
        found = self.org.schema[str(table)].columns[str(column)]
        if found.type != "picklist" or not found.custom:
            raise invalid_argument(f"'{column}' has no options a client may change.")
        return self.org.schema[str(table)], found

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
        drop_privileges(self.org, table)
        forget_component(self.org, table.metadata_id)
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
