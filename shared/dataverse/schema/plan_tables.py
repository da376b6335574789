"""What has to be done to a table: itself, its columns, options and lookups. Pure."""

from collections.abc import Iterator

from shared.dataverse.batch import Operation
from shared.dataverse.schema.found import Found, FoundTable, Row, label_of
from shared.dataverse.schema.model import Column, Lookup, TableDefinition
from shared.dataverse.schema.solution import SOLUTION
from shared.dataverse.schema.steps import Step, Verb
from shared.dataverse.schema.wire import column_body, label, relationship_body, table_body

_TABLE_COMPONENT = 1
_NOT_OURS = "it is not Tether's: rename or delete it, then apply again"


def table_steps(table: TableDefinition, found: Found) -> Iterator[Step | None]:
    """Yield what is to be done to a table; None for each part that is as it should be."""
    present, name = found.tables.get(table.logical_name), table.logical_name
    if present is None:
        body = table_body(table, found.language)
        detail = f"{len(table.columns)} columns"
        yield Step(
            Verb.CREATE, "table", name, detail, (Operation("POST", "EntityDefinitions", body),)
        )
        for lookup in table.lookups:
            yield _new_lookup(table, lookup, found.language)
        return
    wrong = _foreign(present.definition)
    if wrong:
        yield Step(Verb.REFUSE, "table", name, f"{wrong}; {_NOT_OURS}")
        return
    yield _membership(present.definition, found)
    for column in table.columns:
        yield from _column_steps(table, column, present, found.language)
    for lookup in table.lookups:
        yield _lookup_step(table, lookup, present, found.language)


def _foreign(definition: Row) -> str:
    if definition["OwnershipType"] != "OrganizationOwned":
        return f"a table of that name is {definition['OwnershipType']}, not OrganizationOwned"
    if definition["IsActivity"]:
        return "a table of that name is an activity"
    return ""


def _membership(definition: Row, found: Found) -> Step | None:
    if definition["MetadataId"] in found.components:
        return None
    body = {
        "ComponentId": definition["MetadataId"],
        "ComponentType": _TABLE_COMPONENT,
        "SolutionUniqueName": SOLUTION["uniquename"],
        "AddRequiredComponents": False,
    }
    return Step(
        Verb.CHANGE,
        "table",
        definition["LogicalName"],
        "made a part of the solution",
        (Operation("POST", "AddSolutionComponent", body),),
        in_solution=False,
    )


def _column_steps(
    table: TableDefinition, column: Column, present: FoundTable, language: int
) -> Iterator[Step | None]:
    path = f"EntityDefinitions(LogicalName='{table.logical_name}')/Attributes"
    name = f"{table.logical_name}.{column.logical_name}"
    definition = present.columns.get(column.logical_name)
    if definition is None:
        request = Operation("POST", path, column_body(column, language))
        yield Step(Verb.CREATE, "column", name, _described(column), (request,))
        return
    if definition["AttributeType"] != column.type:
        why = f"a column of that name is {definition['AttributeType']}, not {column.type}"
        yield Step(Verb.REFUSE, "column", name, f"{why}; {_NOT_OURS}")
        return
    yield _changed(path, name, column, definition, language)
    if column.options:
        yield from _option_steps(table, column, present.options[column.logical_name], language)


def _changed(path: str, name: str, column: Column, definition: Row, language: int) -> Step | None:
    changes, told = _relabelled(column.label, definition, language)
    if column.length > int(definition.get("MaxLength") or 0):
        changes["MaxLength"] = column.length
        told.append(f"length {definition['MaxLength']} → {column.length}")
    return _put(path, name, definition, changes, told) if changes else None


def _relabelled(wanted: str, definition: Row, language: int) -> tuple[dict[str, object], list[str]]:
    present = label_of(definition["DisplayName"])
    if present == wanted:
        return {}, []
    return {"DisplayName": label(wanted, language)}, [f"label '{present}' → '{wanted}'"]


def _put(
    path: str, name: str, definition: Row, changes: dict[str, object], told: list[str]
) -> Step:
    # A PUT replaces all that it does not say, so that it says what was found (dataverse.md 10.1).
    body = {**definition, **changes, "@odata.type": definition["@odata.type"].lstrip("#")}
    request = Operation("PUT", f"{path}(LogicalName='{definition['LogicalName']}')", body)
    return Step(Verb.CHANGE, "column", name, ", ".join(told), (request,))


def _option_steps(
    table: TableDefinition, column: Column, present: dict[int, str] | object, language: int
) -> Iterator[Step | None]:
    known = present if isinstance(present, dict) else {}
    where = {
        "EntityLogicalName": table.logical_name,
        "AttributeLogicalName": column.logical_name,
        "SolutionUniqueName": SOLUTION["uniquename"],
    }
    for value, text in (column.options or {}).items():
        name = f"{table.logical_name}.{column.logical_name}={value}"
        body = {**where, "Value": value, "Label": label(text, language)}
        if value not in known:
            request = Operation("POST", "InsertOptionValue", body)
            yield Step(Verb.CREATE, "option", name, text, (request,), in_solution=False)
        elif known[value] != text:
            request = Operation("POST", "UpdateOptionValue", {**body, "MergeLabels": True})
            detail = f"label '{known[value]}' → '{text}'"
            yield Step(Verb.CHANGE, "option", name, detail, (request,), in_solution=False)
        else:
            yield None


def _lookup_step(
    table: TableDefinition, lookup: Lookup, present: FoundTable, language: int
) -> Step | None:
    name = f"{table.logical_name}.{lookup.logical_name}"
    definition = present.columns.get(lookup.logical_name)
    if definition is None:
        return _new_lookup(table, lookup, language)
    if definition["AttributeType"] != "Lookup" or definition["Targets"] != [lookup.table]:
        targets = ", ".join(definition.get("Targets") or ())
        is_one = f"{definition['AttributeType']}{f' to {targets}' if targets else ''}"
        why = f"a column of that name is {is_one}, not Lookup to {lookup.table}"
        return Step(Verb.REFUSE, "lookup", name, f"{why}; {_NOT_OURS}")
    changes, told = _relabelled(lookup.label, definition, language)
    path = f"EntityDefinitions(LogicalName='{table.logical_name}')/Attributes"
    return _put(path, name, definition, changes, told) if changes else None


def _new_lookup(table: TableDefinition, lookup: Lookup, language: int) -> Step:
    body = relationship_body(table, lookup, language)
    return Step(
        Verb.CREATE,
        "lookup",
        f"{table.logical_name}.{lookup.logical_name}",
        f"to {lookup.table}",
        (Operation("POST", "RelationshipDefinitions", body),),
    )


def _described(column: Column) -> str:
    if column.length:
        return f"{column.type} {column.length}"
    if column.options:
        return f"{column.type} of {len(column.options)} options"
    return column.type
