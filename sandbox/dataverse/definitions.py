"""Definitions on the wire: tables, columns, keys and relationships as metadata shows them."""

from sandbox.dataverse.schema import Column, Key, Reference, Schema, Table
from sandbox.dataverse.security import privileges_of

LANGUAGE = 1033
TYPES = {
    "string": "String", "memo": "Memo", "integer": "Integer", "bigint": "BigInt",
    "decimal": "Decimal", "double": "Double", "money": "Money", "boolean": "Boolean",
    "datetime": "DateTime", "dateonly": "DateTime", "uniqueidentifier": "Uniqueidentifier",
    "picklist": "Picklist", "state": "State", "status": "Status", "lookup": "Lookup",
    "owner": "Owner", "customer": "Customer", "entityname": "EntityName",
    "partylist": "PartyList", "file": "Virtual",
}  # fmt: skip
METADATA_TYPES = {
    "uniqueidentifier": "UniqueIdentifier", "owner": "Lookup", "customer": "Lookup",
    "partylist": "Lookup", "file": "File",
}  # fmt: skip
OPTION_TYPES = {"picklist": "Picklist", "state": "State", "status": "Status"}

type Definition = dict[str, object]


def label(text: str) -> Definition:
    """Return a Label in the organisation's one language."""
    localized = {"Label": text, "LanguageCode": LANGUAGE, "IsManaged": False}
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


def table_definition(table: Table) -> Definition:
    """Return a table's EntityMetadata without its attributes."""
    return {
        "MetadataId": table.metadata_id,
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.entity_set,
        "LogicalCollectionName": table.entity_set,
        "CollectionSchemaName": table.entity_set,
        "PrimaryIdAttribute": table.id_column,
        "PrimaryNameAttribute": table.name_column or None,
        "DisplayName": label(table.label),
        "DisplayCollectionName": label(table.collection_label),
        "OwnershipType": table.ownership,
        "IsActivity": table.activity,
        "IsActivityParty": table.has_activities,
        "HasActivities": table.has_activities,
        "HasNotes": table.has_notes,
        "IsCustomEntity": table.custom,
        "IsPrivate": False,
        "IsManaged": not table.custom,
        "IsIntersect": False,
        "IsOptimisticConcurrencyEnabled": True,
        "ChangeTrackingEnabled": table.change_tracking,
        "TableType": "Standard",
        "Privileges": privileges_of(table),
    }


def column_definition(table: Table, column: Column) -> Definition:
    """Return a column's AttributeMetadata of its own type."""
    kind = METADATA_TYPES.get(column.type, TYPES[column.type])
    shape: Definition = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{kind}AttributeMetadata",
        "MetadataId": column.metadata_id,
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": TYPES[column.type],
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "DisplayName": label(column.label),
        "RequiredLevel": {
            "Value": column.required,
            "CanBeChanged": column.custom,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        "IsPrimaryId": column.name == table.id_column,
        "IsPrimaryName": column.name == table.name_column,
        "IsCustomAttribute": column.custom,
        "IsLogical": False,
        "IsValidForCreate": column.creatable,
        "IsValidForUpdate": column.updatable,
        "IsValidForRead": column.readable,
        "IsValidODataAttribute": column.readable,
    }
    return shape | _of_type(column)


def _of_type(column: Column) -> Definition:
    only_date = column.type == "dateonly"
    shape: Definition = {}
    match column.type:
        case "string" | "memo":
            shape = {
                "MaxLength": column.max_length,
                "FormatName": {"Value": column.format or "Text"},
            }
        case "integer" | "bigint":
            low, high = (None if v is None else int(v) for v in (column.minimum, column.maximum))
            shape = {"MinValue": low, "MaxValue": high, "Format": column.format or "None"}
        case "decimal" | "double" | "money":
            limits = {"MinValue": column.minimum, "MaxValue": column.maximum}
            shape = {**limits, "Precision": column.precision}
        case "datetime" | "dateonly":
            shape = {
                "Format": column.format or ("DateOnly" if only_date else "DateAndTime"),
                "DateTimeBehavior": {"Value": "DateOnly" if only_date else "UserLocal"},
            }
        case "lookup" | "owner" | "customer":
            shape = {"Targets": [reference.target for reference in column.references]}
        case "boolean":
            shape = {"DefaultValue": column.default is True}
        case _:
            pass
    return shape


def option_set(column: Column) -> Definition:
    """Return a choice column's OptionSet."""
    return {
        "MetadataId": column.metadata_id,
        "Name": f"{column.name}_options",
        "IsGlobal": False,
        "OptionSetType": OPTION_TYPES.get(column.type, "Picklist"),
        "Options": [
            {"Value": option.value, "Label": label(option.label)}
            | ({"State": option.state} if option.state is not None else {})
            for option in column.options
        ],
    }


def key_definition(table: Table, key: Key) -> Definition:
    """Return an alternate key's EntityKeyMetadata."""
    return {
        "MetadataId": key.metadata_id,
        "SchemaName": key.schema_name,
        "LogicalName": key.name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key.columns),
        "DisplayName": label(key.schema_name),
        "EntityKeyIndexStatus": key.status,
        "IsManaged": False,
        "AsyncJob": None,
    }


def relationship_definition(
    schema: Schema, table: Table, column: Column, link: Reference
) -> Definition:
    """Return the OneToManyRelationshipMetadata of a lookup and one of its targets."""
    target = schema[link.target]
    return {
        "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "MetadataId": link.metadata_id,
        "SchemaName": link.relationship,
        "RelationshipType": "OneToManyRelationship",
        "IsCustomRelationship": column.custom,
        "ReferencedEntity": link.target,
        "ReferencedAttribute": target.id_column,
        "ReferencedEntityNavigationPropertyName": link.collection or link.relationship,
        "ReferencingEntity": table.name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": link.navigations[0],
        "CascadeConfiguration": {
            "Assign": "NoCascade", "Delete": link.on_delete, "Merge": "NoCascade",
            "Reparent": "NoCascade", "Share": "NoCascade", "Unshare": "NoCascade",
        },
    }  # fmt: skip
