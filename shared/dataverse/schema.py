"""Tether's two tables, as data, and the calls that put them into an environment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.dataverse.batch import Operation
from shared.dataverse.client import DataverseClient
from shared.dataverse.subscriptions import KINDS, columns_of
from shared.errors import Permanent
from shared.identifiers import Kind

_LANGUAGE = 1033
_PUBLISHER = {
    "uniquename": "tether",
    "friendlyname": "Tether",
    "customizationprefix": "tether",
    "customizationoptionvalueprefix": 48570,
}
_SOLUTION = {"uniquename": "Tether", "friendlyname": "Tether", "version": "1.0.0.0"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `length` for text and memo, `options` (value → label) for a choice."""

    name: str
    label: str
    type: Literal["String", "Memo", "DateTime", "Picklist", "Integer", "Boolean"]
    length: int = 0
    options: Mapping[int, str] | None = None

    @property
    def logical_name(self) -> str:
        """The name in rows and queries."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column that points to a row of `table`; deleting that row empties the column."""

    name: str
    label: str
    table: str

    @property
    def logical_name(self) -> str:
        """The name in metadata; rows show `_<name>_value`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table with its primary name column `tether_Name`."""

    name: str
    label: str
    plural: str
    columns: tuple[Column, ...]
    lookups: tuple[Lookup, ...]

    @property
    def logical_name(self) -> str:
        """The name in metadata."""
        return self.name.lower()


def _subscription(kind: Kind) -> tuple[Column, ...]:
    names, title = columns_of(kind), kind.title()
    return (
        Column(names.id, f"{title} subscription", "String", 100),
        Column(names.expires, f"{title} subscription expires", "DateTime"),
        Column(names.seal, f"{title} subscription's seal", "String", 40),
    )


TABLES = (
    TableDefinition(
        "tether_Mailbox",
        "Tether mailbox",
        "Tether mailboxes",
        columns=(
            Column("tether_State", "State", "Picklist", options={1: "Enrolled", 2: "Suspended"}),
            Column("tether_Folders", "Well-known folders", "Memo", 4000),
            *(column for kind in KINDS for column in _subscription(kind)),
            Column("tether_TaskDelta", "How far tasks are known", "Memo", 1_048_576),
            Column("tether_TaskSubscriptions", "Task subscriptions", "Memo", 1_048_576),
            Column("tether_SyncFrom", "Sync from", "DateTime"),
            Column("tether_TimeZone", "Time zone", "String", 100),
            Column("tether_CatchUpNeededSince", "Catch-up needed since", "DateTime"),
            Column("tether_CatchUpReason", "Catch-up reason", "String", 200),
            Column("tether_LastError", "Last error", "Memo", 2000),
        ),
        lookups=(Lookup("tether_SystemUserId", "User", "systemuser"),),
    ),
    TableDefinition(
        "tether_Link",
        "Tether link",
        "Tether links",
        columns=(
            Column(
                "tether_Kind",
                "Kind",
                "Picklist",
                options={1: "Mail", 2: "Meeting", 3: "Contact", 4: "Task"},
            ),
            Column("tether_ItemId", "Outlook item", "String", 512),
            Column("tether_ItemModifiedOn", "Outlook item modified on", "String", 40),
            Column("tether_ChangeKey", "Outlook change key", "String", 200),
            Column("tether_InternetMessageId", "Internet message id", "String", 1000),
            Column("tether_ConversationRoot", "Conversation", "String", 44),
            Column("tether_ConversationIndex", "Place in conversation", "String", 2000),
            Column("tether_GlobalId", "Meeting", "String", 300),
            Column("tether_IsOrganizer", "Organizer", "Boolean"),
            Column("tether_IsSeries", "Series", "Boolean"),
            Column("tether_Response", "Response", "String", 50),
            Column("tether_Appointments", "Appointments", "Integer"),
            Column("tether_Told", "What Outlook last told", "Memo", 100_000),
            Column("tether_Status", "Status in Outlook", "String", 50),
            Column(
                "tether_Reason",
                "Reason",
                "Picklist",
                options={1: "Saved by the seller", 2: "Category", 3: "Reply", 4: "Filter"},
            ),
            Column(
                "tether_State",
                "State",
                "Picklist",
                options={1: "Tracked", 2: "Removed", 3: "Failed"},
            ),
            Column("tether_TrackedOn", "Tracked on", "DateTime"),
            Column("tether_RemovedOn", "Removed on", "DateTime"),
            Column("tether_Detail", "Detail", "String", 1000),
        ),
        lookups=(
            Lookup("tether_MailboxId", "Mailbox", "tether_mailbox"),
            Lookup("tether_EmailId", "Email", "email"),
            Lookup("tether_AppointmentId", "Appointment", "appointment"),
            Lookup("tether_ContactId", "Contact", "contact"),
            Lookup("tether_TaskId", "Task", "task"),
            Lookup("tether_TrackedBy", "Tracked by", "systemuser"),
        ),
    ),
)


async def apply_schema(client: DataverseClient, tables: Iterable[TableDefinition] = TABLES) -> None:
    """Create what is missing of Tether's solution and `tables`; what is there is left as it is.

    Raises:
        Permanent: Dataverse refuses a definition.
        Transient: Dataverse did not answer.
    """
    await _ensure_solution(client)
    for table in tables:
        path = f"EntityDefinitions(LogicalName='{table.logical_name}')"
        found = await client.send(Operation("GET", f"{path}?$select=LogicalName"))
        if found.status == 404:
            await _create(client, "EntityDefinitions", _table(table))
        attributes = await client.send(Operation("GET", f"{path}/Attributes?$select=LogicalName"))
        present = {attribute["LogicalName"] for attribute in attributes.body.get("value", [])}
        for column in table.columns:
            if column.logical_name not in present:
                await _create(client, f"{path}/Attributes", _column(column))
        for lookup in table.lookups:
            if lookup.logical_name not in present:
                await _create(client, "RelationshipDefinitions", _relationship(table, lookup))


async def _ensure_solution(client: DataverseClient) -> None:
    publisher = await _row_id(client, "publishers", "publisherid", _PUBLISHER["uniquename"])
    if publisher is None:
        await _create(client, "publishers", _PUBLISHER, in_solution=False)
        publisher = await _row_id(client, "publishers", "publisherid", _PUBLISHER["uniquename"])
    if await _row_id(client, "solutions", "solutionid", _SOLUTION["uniquename"]) is None:
        body = {**_SOLUTION, "publisherid@odata.bind": f"publishers({publisher})"}
        await _create(client, "solutions", body, in_solution=False)


async def _row_id(
    client: DataverseClient, entity_set: str, key: str, uniquename: object
) -> str | None:
    found = await client.read_all(
        f"{entity_set}?$select={key}&$filter=uniquename eq '{uniquename}'"
    )
    return found[0][key] if found else None


async def _create(
    client: DataverseClient, path: str, body: dict[str, Any], *, in_solution: bool = True
) -> None:
    solution = {"MSCRM.SolutionUniqueName": str(_SOLUTION["uniquename"])}
    response = await client.send(Operation("POST", path, body), solution if in_solution else None)
    if not response.ok:
        raise Permanent(f"POST {path}: {response.problem}")


def _table(table: TableDefinition) -> dict[str, Any]:
    name = _column(Column("tether_Name", "Name", "String", 200))
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.EntityMetadata",
        "SchemaName": table.name,
        "DisplayName": _label(table.label),
        "DisplayCollectionName": _label(table.plural),
        "OwnershipType": "OrganizationOwned",
        "IsActivity": False,
        "HasActivities": False,
        "HasNotes": False,
        "Attributes": [{**name, "IsPrimaryName": True}, *map(_column, table.columns)],
    }


def _column(column: Column) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "@odata.type": f"Microsoft.Dynamics.CRM.{column.type}AttributeMetadata",
        "SchemaName": column.name,
        "AttributeType": column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "RequiredLevel": {"Value": "None"},
        "DisplayName": _label(column.label),
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
                "@odata.type": "Microsoft.Dynamics.CRM.BooleanOptionSetMetadata",
                "TrueOption": {"Value": 1, "Label": _label("Yes")},
                "FalseOption": {"Value": 0, "Label": _label("No")},
            }
        case "Picklist":
            definition["OptionSet"] = {
                "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
                "IsGlobal": False,
                "OptionSetType": "Picklist",
                "Options": [
                    {"Value": value, "Label": _label(label)}
                    for value, label in (column.options or {}).items()
                ],
            }
    return definition


def _relationship(table: TableDefinition, lookup: Lookup) -> dict[str, Any]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
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
            "@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata",
            "SchemaName": lookup.name,
            "AttributeType": "Lookup",
            "AttributeTypeName": {"Value": "LookupType"},
            "RequiredLevel": {"Value": "None"},
            "DisplayName": _label(lookup.label),
        },
    }


def _label(text: str) -> dict[str, Any]:
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
                "Label": text,
                "LanguageCode": _LANGUAGE,
            }
        ],
    }
