"""Privileges, roles, and who holds them."""

from typing import Any
from uuid import uuid4

import pytest

from sandbox.dataverse import Dataverse
from sandbox.tenant import Tenant
from tests.contract.dataverse.webapi import Web, table_body

CRM = "Microsoft.Dynamics.CRM."


async def business_unit(web: Web) -> str:
    return str((await web.get("WhoAmI")).json["BusinessUnitId"])


async def role(web: Web, name: str = "Reader") -> str:
    bind = {"businessunitid@odata.bind": f"businessunits({await business_unit(web)})"}
    return await web.created("roles", name=name, **bind)


async def privileges(web: Web, table: str) -> dict[str, dict[str, Any]]:
    path = f"EntityDefinitions(LogicalName='{table}')?$select=LogicalName,Privileges"
    found = (await web.get(path)).json["Privileges"]
    return {one["PrivilegeType"]: one for one in found}


async def held(web: Web, role_id: str) -> dict[str, str]:
    reply = await web.get(f"RetrieveRolePrivilegesRole(RoleId={role_id})")
    return {one["PrivilegeName"]: one["Depth"] for one in reply.json["RolePrivileges"]}


async def test_activities_share_their_privileges_and_a_custom_table_has_its_own(web: Web) -> None:
    assert await privileges(web, "email") == await privileges(web, "task")
    assert (await web.post("EntityDefinitions", table_body())).status == 204
    own = await privileges(web, "new_thing")
    assert set(own) == {"Create", "Read", "Write", "Delete", "Append", "AppendTo"}
    assert own["Read"]["Name"] == "prvReadnew_Thing"
    rows = await web.get("privileges?$filter=name eq 'prvReadnew_Thing'")
    assert [row["privilegeid"] for row in rows.rows] == [own["Read"]["PrivilegeId"]]
    assert (await web.delete("EntityDefinitions(LogicalName='new_thing')")).status == 204
    assert (await web.get("privileges?$filter=name eq 'prvReadnew_Thing'")).rows == []


async def test_privileges_are_added_replaced_and_removed(web: Web) -> None:
    role_id, of_contact = await role(web), await privileges(web, "contact")
    message = f"roles({role_id})/{CRM}"
    read = {"PrivilegeId": of_contact["Read"]["PrivilegeId"], "Depth": "Local"}
    write = {"PrivilegeId": of_contact["Write"]["PrivilegeId"], "Depth": "Global"}
    added = await web.post(f"{message}AddPrivilegesRole", {"Privileges": [read]})
    assert added.status == 204
    assert (await web.post(f"{message}AddPrivilegesRole", {"Privileges": [write]})).status == 204
    assert await held(web, role_id) == {"prvReadContact": "Local", "prvWriteContact": "Global"}
    replaced = await web.post(
        f"{message}ReplacePrivilegesRole", {"Privileges": [{**read, "Depth": "Global"}, write]}
    )
    assert replaced.status == 204
    assert await held(web, role_id) == {"prvReadContact": "Global", "prvWriteContact": "Global"}
    removed = await web.post(f"{message}RemovePrivilegeRole", {"PrivilegeId": write["PrivilegeId"]})
    assert removed.status == 204
    assert await held(web, role_id) == {"prvReadContact": "Global"}


@pytest.mark.parametrize(
    ("message", "body", "status"),
    [
        ("AddPrivilegesRole", {}, 400),
        ("AddPrivilegesRole", {"Privileges": [1]}, 400),
        ("AddPrivilegesRole", {"Privileges": [{"PrivilegeId": str(uuid4())}]}, 404),
        ("RemovePrivilegeRole", {"PrivilegeId": "x"}, 404),
        ("NoSuchMessage", {}, 405),
    ],
)
async def test_what_a_role_refuses(
    web: Web, message: str, body: dict[str, Any], status: int
) -> None:
    assert (await web.post(f"roles({await role(web)})/{CRM}{message}", body)).status == status


async def test_a_depth_that_the_table_has_not_is_refused(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    own = await privileges(web, "new_thing")
    asked = [{"PrivilegeId": own["Read"]["PrivilegeId"], "Depth": "Basic"}]
    reply = await web.post(
        f"roles({await role(web)})/{CRM}AddPrivilegesRole", {"Privileges": asked}
    )
    assert reply.status == 400
    asked[0]["Depth"] = "Far"
    path = f"roles({await role(web)})/{CRM}AddPrivilegesRole"
    assert (await web.post(path, {"Privileges": asked})).status == 400


async def test_a_role_needs_a_name_and_a_business_unit(web: Web) -> None:
    assert (await web.post("roles", {"name": "Reader"})).status == 400
    assert (await web.get(f"RetrieveRolePrivilegesRole(RoleId={uuid4()})")).status == 404
    assert (await web.get("RetrieveRolePrivilegesRole()")).status == 400
    assert (await web.post("RetrieveRolePrivilegesRole()", {})).status == 405


async def test_users_get_roles_and_lose_them(web: Web, tenant: Tenant) -> None:
    user, role_id = tenant.people[0].systemuserid, await role(web)
    roles = f"systemusers({user})/systemuserroles_association"
    assert (await web.get(roles)).rows == []
    bind = {"@odata.id": f"{web.root}roles({role_id})"}
    assert (await web.post(f"{roles}/$ref", bind)).status == 204
    assert (await web.post(f"{roles}/$ref", bind)).status == 204
    assert [one["name"] for one in (await web.get(f"{roles}?$select=name")).rows] == ["Reader"]
    users = await web.get(f"roles({role_id})/systemuserroles_association?$select=systemuserid")
    assert [one["systemuserid"] for one in users.rows] == [user]
    table = await web.get(f"systemuserrolescollection?$filter=roleid eq {role_id}")
    assert [one["systemuserid"] for one in table.rows] == [user]
    assert (await web.delete(f"{roles}({role_id})/$ref")).status == 204
    assert (await web.delete(f"{roles}({role_id})/$ref")).status == 404
    assert (await web.get(roles)).rows == []


async def test_a_deleted_role_is_nobodys(web: Web, tenant: Tenant) -> None:
    user, role_id = tenant.people[0].systemuserid, await role(web)
    roles = f"systemusers({user})/systemuserroles_association"
    await web.post(f"{roles}/$ref", {"@odata.id": f"roles({role_id})"})
    assert (await web.delete(f"roles({role_id})")).status == 204
    assert (await web.get(roles)).rows == []
    assert (await web.post(f"{roles}/$ref", {"@odata.id": f"roles({role_id})"})).status == 404
    assert (await web.post(f"{roles}/$ref", {"@odata.id": "contacts(1)"})).status == 400


async def test_a_role_of_another_business_unit_is_refused(web: Web, tenant: Tenant) -> None:
    other = await web.created("businessunits", name="Other")
    bind = {"businessunitid@odata.bind": f"businessunits({other})"}
    role_id = await web.created("roles", name="There", **bind)
    roles = f"systemusers({tenant.people[0].systemuserid})/systemuserroles_association/$ref"
    assert (await web.post(roles, {"@odata.id": f"roles({role_id})"})).status == 400


async def test_the_application_user_is_administrator(web: Web) -> None:
    me = (await web.get("WhoAmI")).json["UserId"]
    (one,) = (await web.get(f"systemusers({me})/systemuserroles_association")).rows
    assert one["name"] == "System Administrator"
    assert (await held(web, one["roleid"]))["prvDeleteActivity"] == "Global"


async def test_the_rights_that_are_used_are_noted(
    web: Web, dataverse: Dataverse, tenant: Tenant
) -> None:
    used = dataverse.organization.rights_used
    account = await web.created("accounts", name="Contoso")
    user = tenant.people[0].systemuserid
    used.clear()
    await web.created(
        "emails",
        subject="x",
        email_activity_parties=[
            {"participationtypemask": 1, "partyid_systemuser@odata.bind": f"systemusers({user})"}
        ],
        **{"ownerid@odata.bind": f"systemusers({user})",
           "regardingobjectid_account_email@odata.bind": f"accounts({account})"},
    )  # fmt: skip
    await web.get("contacts?$expand=parentcustomerid_account($select=name)")
    await web.delete(f"accounts({account})")
    me = (await web.get("WhoAmI")).json["UserId"]
    assert {one[0] for one in used} == {me}
    assert {one[1:] for one in used} == {
        ("email", "Create"), ("email", "Append"), ("email", "Assign"), ("account", "AppendTo"),
        ("systemuser", "AppendTo"), ("contact", "Read"), ("account", "Read"),
        ("account", "Delete"),
    }  # fmt: skip
