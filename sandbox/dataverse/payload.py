"""The body of a write: property names and values against a table's definition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.dataverse.errors import DataverseError, invalid_argument, invalid_payload, undeclared
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.schema import Column, Navigation, Table
from sandbox.dataverse.values import stored

Operation = Literal["create", "update"]
BIND = "odata.bind"


@dataclass(slots=True)
class Payload:
    """A checked body: values by column, and the rows of collections by navigation property."""

    values: dict[str, object] = field(default_factory=dict)
    children: dict[str, list[Mapping[str, object]]] = field(default_factory=dict)


def read_payload(
    org: Organization, table: Table, body: Mapping[str, object], operation: Operation
) -> Payload:
    """Check a body and return its values as they are kept.

    Raises:
        DataverseError: an undeclared property, a wrong value, a row that is bound but not there, or
            a column that is not valid for the operation.
    """
    payload = Payload()
    cleared: list[str] = []
    for name, value in body.items():
        declared, _, annotation = name.partition("@")
        if not declared or (annotation and annotation != BIND):
            continue
        navigation = table.navigations.get(declared)
        if navigation:
            bound = _bound(org, table, declared, navigation, _uri(table, declared, value))
            if bound is None:
                cleared.append(navigation.column.name)
            else:
                payload.values[navigation.column.name] = bound
            _check_allowed(table, navigation.column, operation)
        elif not annotation and declared in org.schema.collections(table):
            payload.children[declared] = _rows(table, declared, value)
        else:
            _read_column(table, name, value, operation, payload)
    for name in cleared:
        # several navigation properties share the column: null in one does not undo another
        payload.values.setdefault(name, None)
    return payload


def _read_column(
    table: Table, name: str, value: object, operation: Operation, payload: Payload
) -> None:
    column = table.columns.get(name)
    if column is None and name in table.properties:
        raise invalid_payload(
            table.entity_set,
            "CRM do not support direct update of Entity Reference properties, "
            "Use Navigation properties instead.",
        )
    if column is None or column.is_lookup:
        raise undeclared(table.entity_set, table.name, name)
    if column.type == "state" and operation == "create":
        return  # accepted and without effect (dataverse.md 2.4)
    checked = stored(table, column, value)
    if name != table.id_column:
        _check_allowed(table, column, operation)
    payload.values[name] = checked


def _check_allowed(table: Table, column: Column, operation: Operation) -> None:
    if not (column.creatable if operation == "create" else column.updatable):
        raise invalid_argument(
            f"Attribute '{column.name}' of entity '{table.name}' cannot be set: it is not valid "
            f"for {operation.capitalize()}."
        )


def _uri(table: Table, name: str, value: object) -> str | None:
    if isinstance(value, dict) and set(value) == {"@odata.id"}:
        value = value["@odata.id"]
    if value is None or isinstance(value, str):
        return value
    raise invalid_payload(table.entity_set, f"'{name}' must be bound to an existing row.")


def _bound(
    org: Organization, table: Table, name: str, navigation: Navigation, uri: str | None
) -> dict[str, str] | None:
    if uri is None:
        return None
    targets = {navigation.reference.target: name}
    if navigation.column.type == "owner":
        targets = {reference.target: name for reference in navigation.column.references}
    if navigation.reference.target == "activitypointer":
        targets |= {activity.name: name for activity in org.schema.activities}
    try:
        return org.resolve(uri, targets)
    except DataverseError as error:
        if error.status == 400:
            raise invalid_payload(table.entity_set, f"'{name}': {error.message}") from None
        raise


def _rows(table: Table, name: str, value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise invalid_payload(table.entity_set, f"'{name}' must be an array of objects.")
    return value
