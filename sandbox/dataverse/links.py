"""`$ref`: making and breaking the tie between two rows by itself."""

from collections.abc import Mapping
from uuid import UUID

from sandbox.dataverse.errors import bad_url, not_allowed, unknown_segment
from sandbox.dataverse.exchange import Call
from sandbox.dataverse.resource import Segment, parse_url
from sandbox.dataverse.schema import Table
from sandbox.dataverse.security import ROLES, assign_role, take_role
from sandbox.dataverse.writing import Writer


def add_link(writer: Writer, table: Table, row_id: str, segment: Segment, call: Call) -> None:
    """Tie a row to the one the body's `@odata.id` names.

    Raises:
        DataverseError: there is no such navigation property or row.
    """
    uri = call.json().get("@odata.id")
    if not isinstance(uri, str):
        raise bad_url("The body must have an '@odata.id'.")
    if segment.name == ROLES and table.name == "systemuser" and call.method == "POST":
        assign_role(writer.org, row_id, uri)
        return
    if segment.name in table.navigations:
        if call.method != "PUT":
            raise not_allowed("A single-valued navigation property is set with PUT.")
        writer.update(table, row_id, {f"{segment.name}@odata.bind": uri})
        return
    if call.method != "POST":
        raise not_allowed("A row is added to a collection with POST.")
    child, navigation, child_id = _child(writer, table, segment.name, uri)
    writer.update(child, child_id, {f"{navigation}@odata.bind": f"{table.entity_set}({row_id})"})


def remove_link(
    writer: Writer, table: Table, row_id: str, segment: Segment, query: Mapping[str, str]
) -> None:
    """Break the tie between two rows.

    Raises:
        DataverseError: there is no such navigation property or row.
    """
    if segment.name in table.navigations:
        writer.update(table, row_id, {segment.name: None})
        return
    key = (segment.key or {}).get("")
    uri = query.get("$id", "")
    if segment.name == ROLES and table.name == "systemuser":
        take_role(writer.org, row_id, f"roles({key})" if isinstance(key, UUID) else uri)
        return
    if isinstance(key, UUID) and segment.name in writer.org.schema.collections(table):
        target = writer.org.schema[writer.org.schema.collections(table)[segment.name].table]
        uri = f"{target.entity_set}({key})"
    child, navigation, child_id = _child(writer, table, segment.name, uri)
    backward = writer.org.schema.collections(table)[segment.name]
    value = writer.org.row(child, child_id).get(backward.column)
    if value is None or value["id"] != row_id:
        raise bad_url("The two rows are not associated.")
    writer.update(child, child_id, {navigation: None})


def _child(writer: Writer, table: Table, name: str, uri: str) -> tuple[Table, str, str]:
    collections = writer.org.schema.collections(table)
    if name not in collections:
        raise unknown_segment(name)
    child = writer.org.schema[collections[name].table]
    if child.name == "activityparty":
        raise not_allowed("Parties are written through their activity.")
    segments = parse_url(uri).segments
    if len(segments) != 1 or segments[0].name != child.entity_set or not segments[0].key:
        raise bad_url(f"'{uri}' is not a row of {child.entity_set}.")
    child_id = writer.org.find(child, segments[0].key).row_id
    column = child.columns[collections[name].column]
    navigation = next(r.navigations[0] for r in column.references if r.target == table.name)
    return child, navigation, str(child_id)
