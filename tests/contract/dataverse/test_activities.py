"""Parties, states, and the rule that a closed activity is read-only (dataverse.md 1.7, 2)."""

from typing import Any

import pytest

from sandbox.tenant import Tenant
from tests.contract.dataverse.webapi import Part, Web

FROM = {"participationtypemask": 1, "addressused": "ada@fabrikam.example"}
TO = {"participationtypemask": 2, "addressused": "eve@fabrikam.example"}


async def parties(web: Web, email: str) -> list[dict[str, Any]]:
    reply = await web.get(f"activityparties?$filter=_activityid_value%20eq%20{email}"
                          "&$orderby=participationtypemask")  # fmt: skip
    return reply.rows


async def masks(web: Web, email: str) -> list[int]:
    return [party["participationtypemask"] for party in await parties(web, email)]


async def test_the_platform_adds_owner_and_regarding(web: Web, tenant: Tenant) -> None:
    contact = await web.created("contacts", lastname="Noether", emailaddress2="emmy@x.example")
    user = tenant.people[0].systemuserid
    email = await web.created(
        "emails",
        email_activity_parties=[
            {"participationtypemask": 1, "partyid_contact@odata.bind": f"contacts({contact})"},
            {"participationtypemask": 3, "addressused": "x@y.example", "unresolvedpartyname": "X"},
        ],
        **{
            "regardingobjectid_contact_email@odata.bind": f"contacts({contact})",
            "ownerid@odata.bind": f"systemusers({user})",
        },
    )
    sender, copy, regarding, owner = await parties(web, email)
    assert (sender["_partyid_value"], sender["partyobjecttypecode"]) == (contact, "contact")
    assert (sender["addressused"], sender["partyidname"]) == ("emmy@x.example", "Noether")
    assert (copy["_partyid_value"], copy["partyobjecttypecode"]) == (None, "unresolvedaddress")
    assert (copy["partyidname"], copy["unresolvedpartyname"]) == ("X", "X")
    assert (regarding["participationtypemask"], regarding["_partyid_value"]) == (8, contact)
    assert (owner["participationtypemask"], owner["_partyid_value"]) == (9, user)
    row = (await web.get(f"emails({email})")).json
    assert row["_emailsender_value"] == contact


async def test_the_platform_parties_follow(web: Web, tenant: Tenant) -> None:
    account = await web.created("accounts", name="Contoso")
    email = await web.created("emails", email_activity_parties=[FROM])
    assert await masks(web, email) == [1, 9]
    bound = {"regardingobjectid_account_email@odata.bind": f"accounts({account})"}
    await web.patch(f"emails({email})", bound)
    assert await masks(web, email) == [1, 8, 9]
    user = tenant.people[1].systemuserid
    await web.patch(f"emails({email})", {"ownerid@odata.bind": f"systemusers({user})"})
    assert (await parties(web, email))[2]["_partyid_value"] == user
    await web.patch(f"emails({email})", {"regardingobjectid_account_email": None})
    assert await masks(web, email) == [1, 9]


async def test_put_replaces_the_parties(web: Web) -> None:
    email = await web.created("emails", email_activity_parties=[FROM, TO])
    before = (await web.get(f"emails({email})")).json["@odata.etag"]
    path = f"emails({email})/email_activity_parties"
    assert (await web.put(path, {"value": [TO]})).status == 204
    assert await masks(web, email) == [2, 9]
    assert (await web.get(f"emails({email})")).json["@odata.etag"] != before
    other = await web.put(f"emails({email})/task_activity_parties", {"value": []})
    assert (other.status, "InvalidCastException" in other.message) == (400, True)
    bad = await web.put(path, {"value": [FROM, {"participationtypemask": 5, "addressused": "a@b"}]})
    assert bad.status == 400
    assert await masks(web, email) == [2, 9]


@pytest.mark.parametrize("mask", [0, 5, 7, 8, 9, 12])
async def test_roles_an_email_does_not_have(web: Web, mask: int) -> None:
    party = {"participationtypemask": mask, "addressused": "a@b.example"}
    assert (await web.post("emails", {"email_activity_parties": [party]})).status == 400


async def test_parties_of_an_appointment(web: Web, tenant: Tenant) -> None:
    user = {"partyid_systemuser@odata.bind": f"systemusers({tenant.people[0].systemuserid})"}
    meeting = await web.created(
        "appointments", subject="m",
        appointment_activity_parties=[
            {"participationtypemask": 7, **user},
            {"participationtypemask": 5, "addressused": "a@b.example"},
        ],
    )  # fmt: skip
    assert await masks(web, meeting) == [5, 7, 9]
    organizer = {"participationtypemask": 7, "addressused": "a@b.example"}
    refused = await web.post("appointments", {"appointment_activity_parties": [organizer]})
    assert refused.status == 400


async def test_parties_are_read_as_a_set_only(web: Web) -> None:
    email = await web.created("emails", email_activity_parties=[FROM])
    party = (await parties(web, email))[0]["activitypartyid"]
    assert (await web.get(f"activityparties({party})")).status == 405
    assert (await web.delete(f"activityparties({party})")).status == 405
    assert (await web.patch(f"activityparties({party})", {"addressused": "x"})).status == 405
    expanded = await web.get(f"emails({email})?$expand=email_activity_parties($select=addressused)")
    assert {p["addressused"] for p in expanded.json["email_activity_parties"]} == {
        FROM["addressused"], None,
    }  # fmt: skip


async def test_a_deleted_party_leaves_its_address(web: Web) -> None:
    contact = await web.created("contacts", lastname="N", emailaddress1="n@x.example")
    party = {"participationtypemask": 2, "partyid_contact@odata.bind": f"contacts({contact})"}
    email = await web.created("emails", email_activity_parties=[party])
    assert (await web.delete(f"contacts({contact})")).status == 204
    row = (await parties(web, email))[0]
    assert (row["_partyid_value"], row["ispartydeleted"]) == (None, True)
    assert row["addressused"] == "n@x.example"


@pytest.mark.parametrize(
    ("entity_set", "initial"),
    [("emails", (0, 1)), ("appointments", (3, 5)), ("tasks", (0, 2)), ("contacts", (0, 1))],
)
async def test_statecode_has_no_effect_on_create(
    web: Web, entity_set: str, initial: tuple[int, int]
) -> None:
    row_id = await web.created(entity_set, statecode=1)
    row = (await web.get(f"{entity_set}({row_id})")).json
    assert (row["statecode"], row["statuscode"]) == initial


@pytest.mark.parametrize(
    ("entity_set", "state", "status"),
    [("emails", 1, 2), ("emails", 2, 5), ("appointments", 1, 3), ("appointments", 0, 1),
     ("tasks", 1, 5), ("contacts", 1, 2)],
)  # fmt: skip
async def test_a_state_has_a_default_status(
    web: Web, entity_set: str, state: int, status: int
) -> None:
    path = f"{entity_set}({await web.created(entity_set)})"
    assert (await web.patch(path, {"statecode": state})).status == 204
    assert (await web.get(path)).json["statuscode"] == status


async def test_a_status_must_belong_to_its_state(web: Web) -> None:
    path = f"emails({await web.created('emails')})"
    for body in ({"statecode": 0, "statuscode": 4}, {"statuscode": 4}, {"statecode": None}):
        assert (await web.patch(path, body)).status == 400
    reply = await web.patch(path, {"statecode": 0, "statuscode": 4})
    assert (reply.code, "is not a valid status code for state code" in reply.message) == (
        "0x80048408", True,
    )  # fmt: skip
    assert (await web.patch(path, {"statuscode": 8})).status == 204
    assert (await web.patch(path, {"statecode": 1, "statuscode": 4})).status == 204


@pytest.mark.parametrize("state", [{"statecode": 1, "statuscode": 4}, {"statecode": 2}])
async def test_a_closed_email_is_read_only(web: Web, tenant: Tenant, state: dict[str, int]) -> None:
    contact = await web.created("contacts", lastname="Noether")
    email = await web.created("emails", subject="x", email_activity_parties=[FROM])
    path = f"emails({email})"
    column = {
        "@odata.type": "Microsoft.Dynamics.CRM.BooleanAttributeMetadata",
        "SchemaName": "new_Seen",
        "DisplayName": {"LocalizedLabels": [{"Label": "Seen", "LanguageCode": 1033}]},
    }
    made = await web.post("EntityDefinitions(LogicalName='email')/Attributes", column)
    assert made.status == 204
    note = {"objectid_email@odata.bind": path, "filename": "a", "body": "aGk="}
    attached = await web.created("activitymimeattachments", **note)
    await web.patch(path, state)

    for reply in (
        await web.patch(path, {"subject": "y"}),
        await web.patch(path, {"new_seen": True, "description": "y"}),
        await web.patch(path, {"email_activity_parties": [TO]}),
        await web.put(f"{path}/email_activity_parties", {"value": [TO]}),
        await web.put(f"{path}/subject", {"value": "y"}),
        await web.patch(path, {"subject": "y", "statecode": 0}),
        await web.post("activitymimeattachments", note),
        await web.patch(f"activitymimeattachments({attached})", {"filename": "b"}),
        await web.delete(f"activitymimeattachments({attached})"),
    ):
        assert (reply.status, reply.code) == (400, "0x80040203"), reply.text
    for body in (
        {"regardingobjectid_contact_email@odata.bind": f"contacts({contact})"},
        {"ownerid@odata.bind": f"systemusers({tenant.people[0].systemuserid})"},
        {"new_seen": True},
        {"category": "c"},
        {"statecode": 0, "statuscode": 1},
        {"subject": "y"},
    ):
        assert (await web.patch(path, body)).status == 204
    assert (await web.delete(path)).status == 204


async def test_reopen_change_and_complete_in_one_change_set(web: Web) -> None:
    email = await web.created("emails", subject="x")
    await web.patch(f"emails({email})", {"statecode": 1, "statuscode": 3})
    reply = await web.batch([
        Part("PATCH", f"emails({email})", {"statecode": 0, "statuscode": 1}, "1"),
        Part("PATCH", f"emails({email})", {"subject": "y"}, "2"),
        Part("PATCH", f"emails({email})", {"statecode": 1, "statuscode": 3}, "3"),
    ])  # fmt: skip
    assert reply.status == 200
    row = (await web.get(f"emails({email})")).json
    assert (row["subject"], row["statecode"], row["statuscode"]) == ("y", 1, 3)


async def test_a_scheduled_appointment_is_open(web: Web) -> None:
    path = f"appointments({await web.created('appointments', subject='x')})"
    assert (await web.patch(path, {"location": "here", "statuscode": 6})).status == 204
    assert (await web.patch(path, {"statecode": 2})).status == 204
    assert (await web.patch(path, {"location": "there"})).status == 400


async def test_deletes_cascade_as_the_relationships_say(web: Web, things: str) -> None:
    account = await web.created("accounts", name="Contoso")
    contact = await web.created(
        "contacts", lastname="N", **{"parentcustomerid_account@odata.bind": f"accounts({account})"}
    )
    email = await web.created(
        "emails", email_activity_parties=[FROM],
        email_activity_mime_attachment=[{"filename": "a", "body": "aGk="}],
        **{"regardingobjectid_account_email@odata.bind": f"accounts({account})"},
    )  # fmt: skip
    await web.patch(f"emails({email})", {"statecode": 1})
    thing = await web.created(things, **{"new_EmailId@odata.bind": f"emails({email})"})
    assert (await web.delete(f"accounts({account})")).status == 204
    assert (await web.get(f"emails({email})")).status == 404
    assert await parties(web, email) == []
    assert (await web.get("activitymimeattachments")).rows == []
    assert (await web.get(f"{things}({thing})")).json["_new_emailid_value"] is None
    assert (await web.get(f"contacts({contact})")).json["_parentcustomerid_value"] is None


async def test_a_restricting_lookup_keeps_its_target(web: Web) -> None:
    (publisher,) = (await web.get("publishers")).rows
    reply = await web.delete(f"publishers({publisher['publisherid']})")
    assert reply.status == 405
    assert len((await web.get("publishers")).rows) == 1


async def test_users_are_not_deleted(web: Web, tenant: Tenant) -> None:
    assert (await web.delete(f"systemusers({tenant.people[0].systemuserid})")).status == 405


async def test_the_duration_follows_the_schedule(web: Web) -> None:
    path = f"appointments({await web.created('appointments', scheduleddurationminutes=7)})"
    assert (await web.get(path)).json["scheduleddurationminutes"] == 7
    times = {"scheduledstart": "2026-05-04T08:00:00Z", "scheduledend": "2026-05-04T08:45:00Z"}
    await web.patch(path, times)
    assert (await web.get(path)).json["scheduleddurationminutes"] == 45
