"""Definitions a client sends: from their JSON to tables, columns, keys and lookups."""

import re
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

from sandbox.dataverse.errors import DataverseError, invalid_argument
from sandbox.dataverse.schema import Column, ColumnType, Key, OnDelete, Option, Reference, Table
from sandbox.dataverse.standard_tables import shared_columns

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{1,7}_[A-Za-z0-9_]+\Z")
COLUMN_TYPES: dict[str, ColumnType] = {
    "String": "string", "Memo": "memo", "Integer": "integer", "BigInt": "bigint",
    "Decimal": "decimal", "Double": "double", "Money": "money", "Boolean": "boolean",
    "DateTime": "datetime", "Picklist": "picklist",
}  # fmt: skip
KEY_BYTES = {"integer": 4, "picklist": 4, "decimal": 17, "datetime": 8, "dateonly": 8, "lookup": 16}
MAX_KEYS, MAX_KEY_COLUMNS, MAX_KEY_BYTES = 10, 16, 900  # dataverse.md 3
MAX_LENGTHS = {"string": 4000, "memo": 1048576}
OWNERSHIPS = {"UserOwned", "OrganizationOwned"}
CASCADES = {"Cascade", "RemoveLink", "Restrict", "NoCascade"}

type Body = Mapping[str, Any]


def read_table(body: Body) -> Table:
    """Return the table an EntityMetadata body defines, with the platform's own columns.

    Raises:
        DataverseError: the definition is not valid.
    """
    schema_name = read_name(body)
    name = schema_name.lower()
    ownership = body.get("OwnershipType")
    if body.get("IsActivity"):
        raise invalid_argument("Custom activity tables are not supported.")
    if ownership not in OWNERSHIPS:
        raise invalid_argument("'OwnershipType' must be UserOwned or OrganizationOwned.")
    columns, primary = _attributes(body)
    return Table(
        name=name,
        schema_name=schema_name,
        entity_set=str(body.get("LogicalCollectionName") or plural(name)).lower(),
        id_column=f"{name}id",
        name_column=primary,
        label=read_label(body, "DisplayName"),
        collection_label=read_label(body, "DisplayCollectionName"),
        metadata_id=str(uuid4()),
        ownership=ownership,
        custom=True,
        has_activities=bool(body.get("HasActivities")),
        has_notes=bool(body.get("HasNotes")),
        change_tracking=bool(body.get("ChangeTrackingEnabled")),
        default_status={0: 1, 1: 2},
        columns=_platform_columns(name, ownership) | columns,
    )


def _attributes(body: Body) -> tuple[dict[str, Column], str]:
    """Return a new table's own columns and which of them is its primary name."""
    bodies = body.get("Attributes") or []
    columns = [read_column(one) for one in bodies]
    named = [c for c, one in zip(columns, bodies, strict=True) if one.get("IsPrimaryName")]
    if len(named) != 1 or named[0].type != "string":
        raise invalid_argument("A table needs exactly one primary name attribute, of type String.")
    by_name = {column.name: column for column in columns}
    if len(by_name) != len(columns):
        raise invalid_argument("An attribute is defined twice.")
    return by_name, named[0].name


def plural(name: str) -> str:
    """Return the collection name the platform makes of a table's name."""
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


def read_name(body: Body) -> str:
    """Return a definition's SchemaName, which must have a prefix.

    Raises:
        DataverseError: it has none or is malformed.
    """
    name = body.get("SchemaName")
    if not isinstance(name, str) or not NAME.match(name):
        raise DataverseError(
            400,
            "0x8004701d",
            f"The schema name '{name}' is not valid: it needs a customization prefix, letters, "
            "digits and underscores.",
        )
    return name


def read_label(body: Body, name: str) -> str:
    """Return the text of a Label.

    Raises:
        DataverseError: it has no localized label.
    """
    labels = (body.get(name) or {}).get("LocalizedLabels") or []
    if not labels or not labels[0].get("Label"):
        raise invalid_argument(f"'{name}' needs a localized label.")
    return str(labels[0]["Label"])


def read_column(body: Body) -> Column:
    """Return the column an AttributeMetadata body defines.

    Raises:
        DataverseError: the definition is not valid, or of a type that is made otherwise.
    """
    schema_name = read_name(body)
    odata_type = str(body.get("@odata.type", "")).lstrip("#")
    kind = re.fullmatch(r"Microsoft\.Dynamics\.CRM\.(?:Complex)?(\w+)AttributeMetadata", odata_type)
    if kind is None or kind[1] not in COLUMN_TYPES:
        raise invalid_argument(f"An attribute of type '{odata_type}' cannot be created like this.")
    column_type = COLUMN_TYPES[kind[1]]
    behavior = (body.get("DateTimeBehavior") or {}).get("Value")
    if column_type == "datetime" and behavior == "DateOnly":
        column_type = "dateonly"
    return Column(
        name=schema_name.lower(),
        type=column_type,
        schema_name=schema_name,
        label=read_label(body, "DisplayName"),
        metadata_id=str(uuid4()),
        max_length=_length(column_type, body),
        minimum=body.get("MinValue"),
        maximum=body.get("MaxValue"),
        precision=body.get("Precision") or (2 if column_type == "money" else 10),
        format=(body.get("FormatName") or {}).get("Value") or body.get("Format") or "",
        required=(body.get("RequiredLevel") or {}).get("Value", "None"),
        custom=True,
        default=_default(column_type, body),
        options=_options(column_type, body),
    )


def read_key(table: Table, body: Body) -> Key:
    """Return the alternate key a body defines for a table.

    Raises:
        DataverseError: a column cannot be in a key, or the key is over a limit (dataverse.md 3).
    """
    schema_name = read_name(body)
    names = [str(name).lower() for name in body.get("KeyAttributes") or []]
    missing = [name for name in names if name not in table.columns]
    if not names or missing:
        raise invalid_argument(f"'KeyAttributes' names no column of '{table.name}': {missing}.")
    columns = [table.columns[name] for name in names]
    size = sum(
        column.max_length * 2 if column.type == "string" else KEY_BYTES.get(column.type, 0)
        for column in columns
    )
    wrong = [c.name for c in columns if c.type not in {"string", *KEY_BYTES}]
    if wrong or len(table.keys) >= MAX_KEYS or len(names) > MAX_KEY_COLUMNS or size > MAX_KEY_BYTES:
        raise DataverseError(
            400,
            "0x80048532",
            f"The key cannot be created: {len(table.keys)} keys of {MAX_KEYS} exist, {len(names)} "
            f"columns of {MAX_KEY_COLUMNS}, {size} bytes of {MAX_KEY_BYTES}, "
            f"columns of a type that is not allowed: {wrong}.",
        )
    if schema_name.lower() in {key.name for key in table.keys}:
        raise invalid_argument(f"A key named '{schema_name}' exists.")
    return Key(
        name=schema_name.lower(),
        schema_name=schema_name,
        columns=tuple(names),
        metadata_id=str(uuid4()),
    )


def read_lookup(body: Body) -> Column:
    """Return the lookup a OneToManyRelationshipMetadata body defines.

    Raises:
        DataverseError: the definition is not valid.
    """
    lookup = body.get("Lookup")
    if not isinstance(lookup, dict):
        raise invalid_argument("'Lookup' is missing.")
    schema_name = read_name(lookup)
    on_delete = (body.get("CascadeConfiguration") or {}).get("Delete", "RemoveLink")
    if on_delete not in CASCADES:
        raise invalid_argument(f"'{on_delete}' is not a cascade.")
    relationship = str(body.get("SchemaName"))
    if not relationship.isidentifier():
        raise invalid_argument(f"The schema name '{relationship}' is not valid.")
    return Column(
        name=schema_name.lower(),
        type="lookup",
        schema_name=schema_name,
        label=read_label(lookup, "DisplayName"),
        metadata_id=str(uuid4()),
        required=(lookup.get("RequiredLevel") or {}).get("Value", "None"),
        custom=True,
        references=(
            Reference(
                target=str(body.get("ReferencedEntity")),
                navigations=(schema_name,),
                relationship=relationship,
                collection=relationship,
                on_delete=cast("OnDelete", on_delete),
                metadata_id=str(uuid4()),
            ),
        ),
    )


def _platform_columns(name: str, ownership: str) -> dict[str, Column]:
    columns = {
        f"{name}id": Column(
            name=f"{name}id", type="uniqueidentifier", schema_name=f"{name}Id", label="Id",
            metadata_id=str(uuid4()), updatable=False,
        ),
        "statecode": Column(
            name="statecode", type="state", schema_name="statecode", label="Status",
            metadata_id=str(uuid4()), creatable=False,
            options=(Option(value=0, label="Active"), Option(value=1, label="Inactive")),
        ),
        "statuscode": Column(
            name="statuscode", type="status", schema_name="statuscode", label="Status Reason",
            metadata_id=str(uuid4()),
            options=(Option(value=1, label="Active", state=0),
                     Option(value=2, label="Inactive", state=1)),
        ),
    }  # fmt: skip
    columns |= shared_columns("every", name)
    return columns | (shared_columns("owned", name) if ownership == "UserOwned" else {})


def _length(column_type: str, body: Body) -> int:
    if column_type not in MAX_LENGTHS:
        return 0
    length = body.get("MaxLength", 100 if column_type == "string" else 2000)
    if not isinstance(length, int) or not 0 < length <= MAX_LENGTHS[column_type]:
        raise invalid_argument(f"'MaxLength' must be between 1 and {MAX_LENGTHS[column_type]}.")
    return length


def _default(column_type: str, body: Body) -> bool | int | None:
    if column_type == "boolean":
        return bool(body.get("DefaultValue", False))
    value = body.get("DefaultFormValue")
    return value if column_type == "picklist" and isinstance(value, int) and value >= 0 else None


def _options(column_type: str, body: Body) -> tuple[Option, ...]:
    if column_type != "picklist":
        return ()
    options = tuple(
        Option(value=one["Value"], label=read_label(one, "Label"))
        for one in (body.get("OptionSet") or {}).get("Options") or []
    )
    if not options or len({option.value for option in options}) != len(options):
        raise invalid_argument("'OptionSet' needs options with different values.")
    return options
