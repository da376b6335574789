"""How the Web API takes tables, columns and lookups (dataverse.md 10.1)."""

from typing import Any

from shared.dataverse.schema.model import Column, Lookup, TableDefinition

CRM = "Microsoft.Dynamics.CRM"


def table_body(table: TableDefinition, language: int) -> dict[str, Any]:
    """Return what makes a table, with its columns."""
    name = column_body(Column("tether_Name", "Name", "String", 200), language)
    return {
        "@odata.type": f"{CRM}.EntityMetadata",
        "SchemaName": table.name,
        "DisplayName": label(table.label, language),
        "DisplayCollectionName": label(table.plural, language),
        "OwnershipType": "OrganizationOwned",
        "IsActivity": False,
        "HasActivities": False,
        "HasNotes": False,
        "Attributes": [
            {**name, "IsPrimaryName": True},
            *(column_body(one, language) for one in table.columns),
        ],
    }


def column_body(column: Column, language: int) -> dict[str, Any]:
    """Return what makes a column."""
    definition: dict[str, Any] = {
        "@odata.type": f"{CRM}.{column.type}AttributeMetadata",
        "SchemaName": column.name,
        "AttributeType": column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "RequiredLevel": {"Value": "None"},
        "DisplayName": label(column.label, language),
    }
    match column.type:
        case "String":
            definition |= {"MaxLength": column.length, "FormatName": {"Value": "Text"}}
        case "Memo":
            definition |= {"MaxLength": column.length, "Format": "Text"}
        case "DateTime":
            definition["Format"] = "DateAndTime"
        case "Integer":
            definition |= {"Format": "None", "MinValue": 0, "MaxValue": 2_147_483_647}
        case "Boolean":
            definition["OptionSet"] = {
                "@odata.type": f"{CRM}.BooleanOptionSetMetadata",
                "TrueOption": {"Value": 1, "Label": label("Yes", language)},
                "FalseOption": {"Value": 0, "Label": label("No", language)},
            }
        case "Picklist":
            definition["OptionSet"] = {
                "@odata.type": f"{CRM}.OptionSetMetadata",
                "IsGlobal": False,
                "OptionSetType": "Picklist",
                "Options": [
                    {"Value": value, "Label": label(text, language)}
                    for value, text in (column.options or {}).items()
                ],
            }
    return definition


def relationship_body(table: TableDefinition, lookup: Lookup, language: int) -> dict[str, Any]:
    """Return what makes a lookup."""
    return {
        "@odata.type": f"{CRM}.OneToManyRelationshipMetadata",
        "SchemaName": f"{table.logical_name}_{lookup.logical_name}",
        "ReferencedEntity": lookup.table,
        "ReferencingEntity": table.logical_name,
        "CascadeConfiguration": {
            "Assign": "NoCascade",
            "Delete": "RemoveLink",
            "Merge": "NoCascade",
            "Reparent": "NoCascade",
            "Share": "NoCascade",
            "Unshare": "NoCascade",
        },
        "Lookup": {
            "@odata.type": f"{CRM}.LookupAttributeMetadata",
            "SchemaName": lookup.name,
            "AttributeType": "Lookup",
            "AttributeTypeName": {"Value": "LookupType"},
            "RequiredLevel": {"Value": "None"},
            "DisplayName": label(lookup.label, language),
        },
    }


def label(text: str, language: int) -> dict[str, Any]:
    """Return a text as the Web API takes it, in the organisation's language."""
    return {
        "@odata.type": f"{CRM}.Label",
        "LocalizedLabels": [
            {
                "@odata.type": f"{CRM}.LocalizedLabel",
                "Label": text,
                "LanguageCode": language,
            }
        ],
    }
