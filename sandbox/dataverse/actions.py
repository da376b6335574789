"""Operations that are not on one row: WhoAmI, the bulk messages, bulk deletion."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from sandbox.dataverse.customizations import MESSAGES, check_method
from sandbox.dataverse.customizer import Customizer
from sandbox.dataverse.errors import (
    DataverseError,
    bad_url,
    invalid_argument,
    not_allowed,
    not_found,
)
from sandbox.dataverse.exchange import Answer, Call
from sandbox.dataverse.organization import Caller, Found, Organization
from sandbox.dataverse.resource import Resource, parse_url
from sandbox.dataverse.schema import Table
from sandbox.dataverse.values import stored
from sandbox.dataverse.writing import Writer

type Unbound = Callable[[Organization, Customizer, Call, Resource, Caller], Answer]

DEGREE_OF_PARALLELISM = "x-ms-dop-hint"


def bulk(writer: Writer, table: Table, message: str, body: Mapping[str, Any]) -> Answer:
    """Perform CreateMultiple, UpdateMultiple or UpsertMultiple, all rows or none (dataverse.md 5).

    Raises:
        DataverseError: the table lacks the message, or one of the targets is refused.
    """
    if message not in {"CreateMultiple", "UpdateMultiple", "UpsertMultiple"}:
        raise not_allowed(f"{message} has not yet been implemented.")
    if not table.custom:
        raise not_allowed(
            f"The '{message}' method does not support entities of type '{table.name}'."
        )
    targets = body.get("Targets")
    if not isinstance(targets, list) or not targets:
        raise invalid_argument("'Targets' must be a non-empty array.")
    with writer.org.rows.transaction():
        ids = [_BULK[message](writer, table, target) for target in targets]
    if message == "CreateMultiple":
        context = "#Microsoft.Dynamics.CRM.CreateMultipleResponse"
        return Answer(200, {}, {"@odata.context": context, "Ids": ids})
    return Answer(204)


def _create_one(writer: Writer, table: Table, target: Mapping[str, Any]) -> str:
    _check_type(table, target)
    return writer.create(table, target)


def _update_one(writer: Writer, table: Table, target: Mapping[str, Any]) -> str:
    _check_type(table, target)
    found = _addressed(writer.org, table, target)
    if found is None and isinstance(target.get(table.id_column), str):
        found = Found(target[table.id_column].lower(), {})
    if found is None or found.row_id is None:
        raise invalid_argument(f"Each target needs its '{table.id_column}' or an '@odata.id'.")
    writer.update(table, found.row_id, target, key=found.key_values)
    return found.row_id


def _upsert_one(writer: Writer, table: Table, target: Mapping[str, Any]) -> str:
    _check_type(table, target)
    found = _addressed(writer.org, table, target)
    if found is None:
        raise invalid_argument("Each target needs an '@odata.id'.")
    if found.row_id and writer.org.rows.get(table.name, found.row_id) is not None:
        writer.update(table, found.row_id, target, key=found.key_values)
        return found.row_id
    if set(found.key_values) & set(target):
        raise DataverseError(
            400,
            "0x80040216",
            "An unexpected error occurred: the alternate key "
            "is both in '@odata.id' and in the target.",
        )
    return writer.create(table, target, row_id=found.row_id, key_values=found.key_values)


_BULK: dict[str, Callable[[Writer, Table, Mapping[str, Any]], str]] = {
    "CreateMultiple": _create_one,
    "UpdateMultiple": _update_one,
    "UpsertMultiple": _upsert_one,
}


def _check_type(table: Table, target: Mapping[str, Any]) -> None:
    if target.get("@odata.type", "").lstrip("#") != f"Microsoft.Dynamics.CRM.{table.name}":
        raise invalid_argument(
            f"Each target needs the '@odata.type' 'Microsoft.Dynamics.CRM.{table.name}'."
        )


def _addressed(org: Organization, table: Table, target: Mapping[str, Any]) -> Found | None:
    if "@odata.id" not in target:
        return None
    segments = parse_url(target["@odata.id"]).segments
    if len(segments) != 1 or segments[0].name != table.entity_set or not segments[0].key:
        raise bad_url(f"'{target['@odata.id']}' is not a row of {table.entity_set}.")
    return org.find(table, segments[0].key)


def _who_am_i(
    org: Organization, _customizer: Customizer, call: Call, _resource: Resource, caller: Caller
) -> Answer:
    check_method(call, "GET")
    user = org.row(org.schema["systemuser"], caller.user_id)
    ((organization_id, _),) = org.rows.all("organization")
    return Answer(
        200,
        {},
        {
            "@odata.context": "#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": user["businessunitid"]["id"],
            "UserId": caller.user_id,
            "OrganizationId": organization_id,
        },
    )


def _bulk_delete(
    org: Organization, _customizer: Customizer, call: Call, _resource: Resource, caller: Caller
) -> Answer:
    """Delete the rows whose ids the query lists; the job is over before the answer is sent."""
    check_method(call, "POST")
    writer = Writer(org, caller)
    for query in call.json().get("QuerySet") or []:
        name = str(query.get("EntityName"))
        if name not in org.schema:
            raise not_found("entity", name)
        for row_id in _listed_ids(org.schema[name], query.get("Criteria") or {}):
            if org.rows.get(name, row_id) is not None:
                writer.delete(org.schema[name], row_id)
    return Answer(
        200,
        {},
        {"@odata.context": "#Microsoft.Dynamics.CRM.BulkDeleteResponse", "JobId": str(uuid4())},
    )


def _listed_ids(table: Table, criteria: Mapping[str, Any]) -> list[str]:
    ids: list[str] = []
    for condition in criteria.get("Conditions") or [{}]:
        if (condition.get("AttributeName"), condition.get("Operator")) != (table.id_column, "In"):
            raise invalid_argument("Bulk deletion takes the primary key in a list of ids.")
        values = [one.get("Value") for one in condition.get("Values") or []]
        ids += [str(stored(table, table.columns[table.id_column], value)) for value in values]
    return ids


UNBOUND: dict[str, Unbound] = {
    "WhoAmI": _who_am_i,
    "BulkDelete": _bulk_delete,
    **MESSAGES,
}
