"""Security: the privileges of tables, roles that hold them, and users who hold roles."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sandbox.dataverse.errors import DataverseError, invalid_argument, not_allowed, not_found
from sandbox.dataverse.exchange import Answer, Call
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.resource import Resource, parse_url
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Table
from sandbox.dataverse.standard_tables import metadata_id

RIGHTS = {
    "Create": 32, "Read": 1, "Write": 2, "Delete": 65536, "Append": 4, "AppendTo": 16,
    "Assign": 524288, "Share": 262144,
}  # fmt: skip
DEPTHS = ("Basic", "Local", "Deep", "Global")
_OF_OWNED_ROWS = {"Assign", "Share"}
_BASES = {"systemuser": "User", "usersettings": "UserSettings", "businessunit": "BusinessUnit"}
_ACTIVITIES = {"activitypointer", "activityparty", "activitymimeattachment"}
_HELD = "$roleprivileges"
ROLES = "systemuserroles_association"
ALL = "System Administrator"


def privileges_of(table: Table) -> list[dict[str, object]]:
    """Return a table's privileges as metadata shows them; activities share theirs."""
    owned = table.ownership == "UserOwned"
    base = table.schema_name if table.custom else _BASES.get(table.name, table.name.capitalize())
    if table.activity or table.name in _ACTIVITIES:
        owned, base = True, "Activity"
    return [
        {
            "PrivilegeId": metadata_id("privilege", f"prv{right}{base}"),
            "Name": f"prv{right}{base}",
            "PrivilegeType": right,
            "CanBeBasic": owned,
            "CanBeLocal": owned,
            "CanBeDeep": owned,
            "CanBeGlobal": True,
        }
        for right in RIGHTS
        if owned or right not in _OF_OWNED_ROWS
    ]


def make_privileges(org: Organization, table: Table) -> None:
    """Write the rows of a table's privileges."""
    for one in privileges_of(table):
        org.rows.put(
            "privilege",
            str(one["PrivilegeId"]),
            {
                "privilegeid": one["PrivilegeId"],
                "name": one["Name"],
                "accessright": RIGHTS[str(one["PrivilegeType"])],
                "canbebasic": one["CanBeBasic"],
                "canbelocal": one["CanBeLocal"],
                "canbedeep": one["CanBeDeep"],
                "canbeglobal": one["CanBeGlobal"],
                "createdon": org.now(),
                "modifiedon": org.now(),
                "versionnumber": org.rows.next_version(),
            },
        )


def drop_privileges(org: Organization, table: Table) -> None:
    """Delete a table's privileges, and take them from every role."""
    gone = {str(one["PrivilegeId"]) for one in privileges_of(table)}
    for one in gone:
        org.rows.remove("privilege", one)
    for role_id, held in list(org.rows.all(_HELD)):
        org.rows.put(_HELD, role_id, {k: v for k, v in held.items() if k not in gone})


def on_role(org: Organization, row_id: str, message: str, body: Mapping[str, Any]) -> Answer:
    """Perform AddPrivilegesRole, ReplacePrivilegesRole or RemovePrivilegeRole.

    Raises:
        DataverseError: there is no such message or privilege, or it has no such depth.
    """
    held: Row = org.rows.get(_HELD, row_id) or {}
    match message:
        case "AddPrivilegesRole":
            held = {**held, **dict(_asked(org, body))}
        case "ReplacePrivilegesRole":
            held = dict(_asked(org, body))
        case "RemovePrivilegeRole":
            gone = _privilege(org, body.get("PrivilegeId"))["privilegeid"]
            held = {k: v for k, v in held.items() if k != gone}
        case _:
            raise not_allowed(f"A role has no message '{message}'.")
    org.rows.put(_HELD, row_id, held)
    return Answer(204)


def role_privileges(org: Organization, call: Call, resource: Resource) -> Answer:
    """RetrieveRolePrivilegesRole: what a role holds.

    Raises:
        DataverseError: there is no such role.
    """
    if call.method != "GET":
        raise not_allowed("RetrieveRolePrivilegesRole is a function.")
    asked = (resource.segments[0].key or {}).get("RoleId")
    if isinstance(asked, str) and asked.startswith("@"):
        asked = UUID(resource.aliases[asked]) if asked in resource.aliases else None
    if not isinstance(asked, UUID):
        raise invalid_argument("'RoleId' is missing.")
    role = org.row(org.schema["role"], str(asked))
    found = [
        {
            "PrivilegeId": privilege_id,
            "PrivilegeName": (org.rows.get("privilege", privilege_id) or {})["name"],
            "Depth": depth,
            "BusinessUnitId": role["businessunitid"]["id"],
            "RecordFilterId": str(UUID(int=0)),
            "RecordFilterUniqueName": "",
        }
        for privilege_id, depth in _held(org, role)
    ]
    context = "#Microsoft.Dynamics.CRM.RetrieveRolePrivilegesRoleResponse"
    return Answer(200, {}, {"@odata.context": context, "RolePrivileges": found})


def roles_of(org: Organization, user_id: str) -> list[Row]:
    """Return the roles a user holds."""
    held = (
        org.rows.get("systemuserroles", one) or {}
        for one in org.rows.find("systemuserroles", "systemuserid", user_id)
    )
    return [org.row(org.schema["role"], one["roleid"]) for one in held]


def users_of(org: Organization, role_id: str) -> list[Row]:
    """Return the users who hold a role."""
    held = (
        org.rows.get("systemuserroles", one) or {}
        for one in org.rows.find("systemuserroles", "roleid", role_id)
    )
    return [org.row(org.schema["systemuser"], one["systemuserid"]) for one in held]


def assign_role(org: Organization, user_id: str, uri: str) -> None:
    """Give a user a role; harmless when the user has it.

    Raises:
        DataverseError: there is no such role, or it is of another business unit than the user.
    """
    role_id = _role_at(org, uri)
    role, user = org.row(org.schema["role"], role_id), org.row(org.schema["systemuser"], user_id)
    if user.get("businessunitid") != role["businessunitid"]:
        raise DataverseError(
            400, "0x8004140c", "The role is of another business unit than the user."
        )
    if any(one["roleid"] == role_id for one in roles_of(org, user_id)):
        return
    row_id = metadata_id("systemuserroles", user_id, role_id)
    org.rows.put(
        "systemuserroles",
        row_id,
        {
            "systemuserroleid": row_id,
            "systemuserid": user_id,
            "roleid": role_id,
            "versionnumber": org.rows.next_version(),
        },
    )


def take_role(org: Organization, user_id: str, uri: str) -> None:
    """Take a role from a user.

    Raises:
        DataverseError: there is no such role, or the user does not hold it.
    """
    role_id = _role_at(org, uri)
    if all(one["roleid"] != role_id for one in roles_of(org, user_id)):
        raise not_found("systemuserroles", role_id)
    org.rows.remove("systemuserroles", metadata_id("systemuserroles", user_id, role_id))


def forget(org: Organization, table: str, row_id: str) -> None:
    """Clear away what a deleted role or user leaves."""
    if table == "role":
        org.rows.remove(_HELD, row_id)
    if table in {"role", "systemuser"}:
        for one in org.rows.find("systemuserroles", f"{table}id", row_id):
            org.rows.remove("systemuserroles", one)


def _role_at(org: Organization, uri: str) -> str:
    segments = parse_url(uri).segments
    if len(segments) != 1 or segments[0].name != "roles" or not segments[0].key:
        raise invalid_argument(f"'{uri}' is not a role.")
    role_id = org.find(org.schema["role"], segments[0].key).row_id
    return str(org.row(org.schema["role"], str(role_id))["roleid"])


def _held(org: Organization, role: Row) -> Iterator[tuple[str, str]]:
    if role["name"] == ALL:
        yield from ((privilege_id, "Global") for privilege_id, _ in org.rows.all("privilege"))
    else:
        yield from (org.rows.get(_HELD, role["roleid"]) or {}).items()


def _asked(org: Organization, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    asked = body.get("Privileges")
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise invalid_argument("'Privileges' must be an array.")
    for one in asked:
        privilege, depth = _privilege(org, one.get("PrivilegeId")), one.get("Depth")
        if depth not in DEPTHS:
            raise invalid_argument(f"'Depth' must be among {', '.join(DEPTHS)}.")
        if not privilege[f"canbe{depth.lower()}"]:
            raise DataverseError(
                400, "0x80040203", f"The privilege {privilege['name']} cannot be held {depth}."
            )
        yield str(privilege["privilegeid"]), depth


def _privilege(org: Organization, privilege_id: object) -> Row:
    row = org.rows.get("privilege", str(privilege_id).lower())
    if row is None:
        raise not_found("privilege", str(privilege_id))
    return row
