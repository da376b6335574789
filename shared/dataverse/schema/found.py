"""What an environment holds of Tether's solution, read before anything is changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.client import DataverseClient
from shared.dataverse.schema.model import Role, TableDefinition
from shared.dataverse.schema.roles import ROLES
from shared.dataverse.schema.solution import PUBLISHER, SOLUTION
from shared.dataverse.schema.tables import TABLES
from shared.dataverse.schema.views import CHARTS, VIEWS
from shared.dataverse.schema.wire import CRM
from shared.errors import Permanent, Transient

Row = Mapping[str, Any]
# What was just made must show: definitions are cached (dataverse.md 12.13).
_FRESH = {"Consistency": "Strong"}
_TABLE = "MetadataId,LogicalName,OwnershipType,IsActivity,IsCustomEntity"


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table of one of our names; `options` are those of its choice columns, value → label."""

    definition: Row
    columns: Mapping[str, Row]
    options: Mapping[str, Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """What is there. Rows are by key, tables by logical name; `privileges` are right → id."""

    root: str
    language: int
    business_unit: str
    publisher: Row | None = None
    solution: Row | None = None
    components: frozenset[str] = frozenset()
    tables: Mapping[str, FoundTable] = field(default_factory=dict)
    privileges: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    views: Mapping[str, Row] = field(default_factory=dict)
    charts: Mapping[str, Row] = field(default_factory=dict)
    roles: Mapping[str, Row] = field(default_factory=dict)
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)
    user: Row | None = None
    user_roles: frozenset[str] = frozenset()


async def read_environment(
    client: DataverseClient,
    *,
    application_id: str | None = None,
    tables: Iterable[TableDefinition] = TABLES,
) -> Found:
    """Read what there is; `application_id` names the application user to look for.

    Raises:
        Permanent: whoever asks may not read it.
        Transient: Dataverse did not answer.
    """
    organization = (await client.read_all("organizations?$select=languagecode"))[0]
    me = await _get(client, "WhoAmI")
    publisher = await _named(client, "publishers", PUBLISHER["uniquename"])
    solution = await _named(client, "solutions", SOLUTION["uniquename"])
    roles = await _of(client, "roles", "roleid", [role.id for role in ROLES])
    user = await _user(client, application_id) if application_id else None
    return Found(
        root=client.api_url,
        language=int(organization["languagecode"]),
        business_unit=str(me["BusinessUnitId"]),
        publisher=publisher,
        solution=solution,
        components=await _components(client, solution) if solution else frozenset(),
        tables={
            one.logical_name: found
            for one in tables
            if (found := await _table(client, one.logical_name))
        },
        privileges=await read_privileges(client, ROLES),
        views=await _of(client, "savedqueries", "savedqueryid", [one.id for one in VIEWS]),
        charts=await _of(
            client, "savedqueryvisualizations", "savedqueryvisualizationid",
            [one.id for one in CHARTS],
        ),
        roles=roles,
        held={role_id: await _held(client, role_id) for role_id in roles},
        user=user,
        user_roles=await _roles_of(client, user) if user else frozenset(),
    )  # fmt: skip


async def read_privileges(
    client: DataverseClient, roles: Iterable[Role]
) -> dict[str, dict[str, str]]:
    """Return the ids of the privileges on the tables that roles name, by table and right.

    Raises:
        Permanent: whoever asks may not read definitions.
        Transient: Dataverse did not answer.
    """
    names = sorted({table for role in roles for table in role.rights})
    either = " or ".join(f"LogicalName eq '{name}'" for name in names)
    path = f"EntityDefinitions?$select=LogicalName,Privileges&$filter={either}"
    found = await _get(client, path.replace(" ", "%20"))
    return {
        table["LogicalName"]: {one["PrivilegeType"]: one["PrivilegeId"] for one in rights}
        for table in found["value"]
        if (rights := table["Privileges"]) is not None
    }


async def _table(client: DataverseClient, name: str) -> FoundTable | None:
    path = f"EntityDefinitions(LogicalName='{name}')"
    definition = await client.send(Operation("GET", f"{path}?$select={_TABLE}"), _FRESH)
    if definition.status == 404:
        return None
    if not definition.ok:
        raise _refusal(definition.status, definition.problem)
    attributes = await _get(client, f"{path}/Attributes")
    choices = await _get(
        client,
        f"{path}/Attributes/{CRM}.PicklistAttributeMetadata"
        "?$select=LogicalName&$expand=OptionSet($select=Options)",
    )
    return FoundTable(
        definition.body,
        {one["LogicalName"]: one for one in attributes["value"]},
        {one["LogicalName"]: _options(one) for one in choices["value"]},
    )


def _options(choice: Row) -> dict[int, str]:
    options = (choice.get("OptionSet") or {}).get("Options") or []
    return {one["Value"]: label_of(one["Label"]) for one in options}


def label_of(label: Row) -> str:
    """Return the text that the user who asks is shown."""
    return str((label.get("UserLocalizedLabel") or {}).get("Label") or "")


async def _components(client: DataverseClient, solution: Row) -> frozenset[str]:
    path = "solutioncomponents?$select=objectid&$filter=_solutionid_value%20eq%20{}"
    rows = await client.read_all(path.format(solution["solutionid"]))
    return frozenset(row["objectid"] for row in rows)


async def _held(client: DataverseClient, role_id: str) -> frozenset[str]:
    found = await _get(client, f"RetrieveRolePrivilegesRole(RoleId={role_id})")
    # Less than the whole organisation is as good as nothing: mailboxes are everybody's.
    everywhere = (one for one in found["RolePrivileges"] if one["Depth"] == "Global")
    return frozenset(one["PrivilegeId"] for one in everywhere)


async def _user(client: DataverseClient, application_id: str) -> Row | None:
    rows = await client.read_all(
        f"systemusers?$select=systemuserid,isdisabled&$filter=applicationid%20eq%20{application_id}"
    )
    return rows[0] if rows else None


async def _roles_of(client: DataverseClient, user: Row) -> frozenset[str]:
    path = f"systemusers({user['systemuserid']})/systemuserroles_association?$select=roleid"
    return frozenset(row["roleid"] for row in await client.read_all(path))


async def _named(client: DataverseClient, entity_set: str, uniquename: object) -> Row | None:
    rows = await client.read_all(f"{entity_set}?$filter=uniquename%20eq%20'{uniquename}'")
    return rows[0] if rows else None


async def _of(
    client: DataverseClient, entity_set: str, key: str, ids: Iterable[str]
) -> dict[str, Row]:
    either = "%20or%20".join(f"{key}%20eq%20{one}" for one in ids)
    return {row[key]: row for row in await client.read_all(f"{entity_set}?$filter={either}")}


async def _get(client: DataverseClient, path: str) -> Row:
    response = await client.send(Operation("GET", path), _FRESH)
    if not response.ok:
        raise _refusal(response.status, response.problem)
    return response.body


def _refusal(status: int, problem: str) -> Permanent | Transient:
    return Transient(problem) if status == 429 or status >= 500 else Permanent(problem)
