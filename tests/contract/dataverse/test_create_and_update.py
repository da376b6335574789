"""Writing single rows: what is accepted, refused, answered, and what the platform adds."""

from uuid import uuid4

import pytest

from sandbox.tenant import Tenant
from tests.contract.dataverse.webapi import Web

ID = "5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90"
REGARDING = "regardingobjectid_contact_email"


async def test_create_answers_without_body_and_says_where(web: Web) -> None:
    reply = await web.post("contacts", {"contactid": ID.upper(), "lastname": "Noether"})
    assert (reply.status, reply.text) == (204, "")
    assert reply.headers["OData-EntityId"] == f"{web.root}contacts({ID})"
    assert reply.headers["OData-Version"] == "4.0"


async def test_create_with_representation(web: Web) -> None:
    reply = await web.post(
        "contacts?$select=lastname", {"lastname": "Noether"}, Prefer="return=representation"
    )
    assert reply.status == 201
    assert reply.headers["Preference-Applied"] == "return=representation"
    assert set(reply.json) == {"@odata.context", "@odata.etag", "lastname", "contactid"}
    assert reply.headers["ETag"] == reply.json["@odata.etag"]


async def test_a_second_row_with_the_same_id_is_refused(web: Web) -> None:
    await web.created("emails", activityid=ID)
    reply = await web.post("emails", {"activityid": ID})
    assert (reply.status, reply.code) == (412, "0x80040237")
    other = await web.post("appointments", {"activityid": ID})
    assert (other.status, other.code) == (412, "0x80040237")


async def test_the_platform_fills_in_its_columns(web: Web) -> None:
    me = (await web.get("WhoAmI")).json["UserId"]
    row = (await web.get(f"emails({await web.created('emails', subject='x')})")).json
    assert (row["statecode"], row["statuscode"], row["directioncode"]) == (0, 1, True)
    assert {row["_ownerid_value"], row["_createdby_value"], row["_owninguser_value"]} == {me}
    assert row["_createdonbehalfby_value"] is None
    assert row["createdon"] == row["modifiedon"]
    assert row["createdon"].endswith("Z")
    assert "." not in row["createdon"]
    assert "messageiddupcheck" not in row


@pytest.mark.parametrize(
    ("entity_set", "body", "status", "code"),
    [
        ("emails", {"nosuch": 1}, 400, "0x80048d19"),
        ("emails", {"Subject": "names are lower case"}, 400, "0x80048d19"),
        ("emails", {"subject": 1}, 400, "0x80048d19"),
        ("emails", {"directioncode": "false"}, 400, "0x80048d19"),
        ("emails", {"prioritycode": 7}, 400, "0x8004431a"),
        ("emails", {"prioritycode": True}, 400, "0x80048d19"),
        ("emails", {"actualend": "2026-05-04"}, 400, "0x80048d19"),
        ("emails", {"actualend": "1600-05-04T08:00:00Z"}, 400, "0x80040239"),
        ("emails", {"_ownerid_value": ID}, 400, "0x80048d19"),
        ("emails", {"ownerid": ID}, 400, "0x80048d19"),
        ("emails", {"inreplyto": "<a@b>"}, 400, "0x80040203"),
        ("emails", {"senton": "2026-05-04T08:00:00Z"}, 400, "0x80040203"),
        ("emails", {"activityid": "not-a-guid"}, 400, "0x80048d19"),
        ("emails", {"statuscode": 4}, 400, "0x80048408"),
        ("emails", {f"{REGARDING}@odata.bind": f"contacts({ID})"}, 404, "0x80040217"),
        ("emails", {f"{REGARDING.title()}@odata.bind": f"contacts({ID})"}, 400, "0x80048d19"),
        ("emails", {f"{REGARDING}@odata.bind": f"accounts({ID})"}, 400, "0x80048d19"),
        ("emails", {"correlatedactivityid_email@odata.bind": f"emails({ID})"}, 400, "0x80048d19"),
        ("emails", {"email_activity_parties": [{"participationtypemask": 1}]}, 400, "0x80040203"),
        ("emails", {"email_activity_parties": {"participationtypemask": 1}}, 400, "0x80048d19"),
        ("contacts", {"birthdate": "1980-01-01T00:00:00Z"}, 400, "0x80048d19"),
        ("tasks", {"percentcomplete": 101}, 400, "0x80044330"),
        ("activitypointers", {"subject": "x"}, 405, "0x80040800"),
        ("activityparties", {"participationtypemask": 1}, 405, "0x80040800"),
        ("mailboxes", {"name": "x"}, 405, "0x80040800"),
        ("nosuchset", {}, 404, "0x8006088a"),
    ],
)  # fmt: skip
async def test_what_is_refused(
    web: Web, entity_set: str, body: object, status: int, code: str
) -> None:
    reply = await web.post(entity_set, body)
    assert (reply.status, reply.code) == (status, code), reply.text
    assert reply.headers["REQ_ID"]


async def test_lengths_count_utf16_units(web: Web) -> None:
    clef = "\N{MUSICAL SYMBOL G CLEF}"
    assert (await web.post("tasks", {"subject": clef * 100})).status == 204
    reply = await web.post("tasks", {"subject": clef * 100 + "x"})
    assert (reply.status, reply.code) == (400, "0x80044331")
    assert reply.message.endswith(
        "The length of the 'subject' attribute of the 'task' entity exceeded the maximum allowed "
        "length of '200'."
    )


async def test_values_are_kept_as_the_platform_keeps_them(web: Web) -> None:
    row_id = await web.created(
        "emails", subject="", actualend="2026-05-04T10:15:30.9999999+02:00", description="grüß"
    )
    row = (await web.get(f"emails({row_id})")).json
    assert (row["subject"], row["actualend"], row["description"]) == (
        None, "2026-05-04T08:15:30Z", "grüß",
    )  # fmt: skip


async def test_createdon_can_be_backdated(web: Web) -> None:
    row_id = await web.created("emails", overriddencreatedon="2020-01-01T00:00:00Z")
    row = (await web.get(f"emails({row_id})")).json
    assert row["createdon"] == "2020-01-01T00:00:00Z"
    assert row["overriddencreatedon"] > row["createdon"]
    reply = await web.patch(f"emails({row_id})", {"overriddencreatedon": "2021-01-01T00:00:00Z"})
    assert reply.code == "0x80040203"


async def test_the_body_must_be_json(web: Web) -> None:
    broken = await web.send("POST", "emails", content=b"{", Content_Type="application/json")
    assert (broken.status, broken.code) == (400, "0x80048d19")
    text = await web.send("POST", "emails", content=b"{}", Content_Type="text/plain")
    assert text.status == 415


@pytest.mark.parametrize("name", ["regardingobjectid_contact_email", "regardingobjectid_contact"])
async def test_regarding_by_either_name_and_away_again(web: Web, name: str) -> None:
    contact = await web.created("contacts", lastname="Noether")
    email = await web.created("emails", **{f"{name}@odata.bind": f"/contacts({contact})"})
    row = (
        await web.get(
            f"emails({email})?$select=_regardingobjectid_value",
            Prefer='odata.include-annotations="*"',
        )
    ).json
    prefix = "_regardingobjectid_value@"
    assert row["_regardingobjectid_value"] == contact
    assert row[f"{prefix}Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert (
        row[f"{prefix}Microsoft.Dynamics.CRM.associatednavigationproperty"]
        == "regardingobjectid_contact_email"
    )
    assert row[f"{prefix}OData.Community.Display.V1.FormattedValue"] == "Noether"
    assert (await web.patch(f"emails({email})", {name: None})).status == 204
    assert (await web.get(f"emails({email})")).json["_regardingobjectid_value"] is None


async def test_regarding_by_reference(web: Web) -> None:
    contact = await web.created("contacts", lastname="Noether")
    email = await web.created("emails")
    path = f"emails({email})/regardingobjectid_contact_email/$ref"
    absolute = {"@odata.id": f"{web.root}contacts({contact})"}
    assert (await web.put(path, absolute)).status == 204
    related = await web.get(f"emails({email})/regardingobjectid_contact_email?$select=lastname")
    assert related.json["lastname"] == "Noether"
    assert (await web.delete(path)).status == 204
    assert (await web.get(f"emails({email})/regardingobjectid_contact_email")).status == 204


async def test_null_in_one_name_does_not_undo_another(web: Web) -> None:
    contact = await web.created("contacts", lastname="Noether")
    email = await web.created("emails")
    body = {
        "regardingobjectid_contact_email@odata.bind": f"contacts({contact})",
        "regardingobjectid_account_email@odata.bind": None,
    }
    assert (await web.patch(f"emails({email})", body)).status == 204
    assert (await web.get(f"emails({email})")).json["_regardingobjectid_value"] == contact


async def test_the_owner_can_be_a_user_or_a_team_but_not_nobody(web: Web, tenant: Tenant) -> None:
    user = tenant.people[0].systemuserid
    team = (await web.get("teams")).rows[0]["teamid"]
    email = await web.created("emails", **{"ownerid@odata.bind": f"systemusers({user})"})
    assert (await web.get(f"emails({email})")).json["_owninguser_value"] == user
    await web.patch(f"emails({email})", {"ownerid@odata.bind": f"teams({team})"})
    row = (await web.get(f"emails({email})")).json
    assert (row["_ownerid_value"], row["_owningteam_value"], row["_owninguser_value"]) == (
        team, team, None,
    )  # fmt: skip
    nobody = await web.patch(f"emails({email})", {"ownerid@odata.bind": None})
    assert nobody.code == "0x80040203"


async def test_single_properties(web: Web) -> None:
    contact = await web.created("contacts", lastname="Noether", jobtitle="Professor")
    path = f"contacts({contact})/jobtitle"
    assert (await web.get(path)).json["value"] == "Professor"
    assert (await web.put(path, {"value": "Doctor"})).status == 204
    assert (await web.get(path)).json["value"] == "Doctor"
    assert (await web.delete(path)).status == 204
    assert (await web.get(path)).status == 204
    assert (await web.get(f"contacts({contact})/nosuch")).status == 404


async def test_names_are_composed(web: Web) -> None:
    contact = await web.created("contacts", lastname="Noether")
    await web.patch(f"contacts({contact})", {"firstname": "Emmy"})
    assert (await web.get(f"contacts({contact})")).json["fullname"] == "Emmy Noether"


async def test_an_update_raises_the_version_over_all_rows(web: Web) -> None:
    first, second = await web.created("contacts"), await web.created("accounts", name="x")

    async def version(path: str) -> int:
        return int((await web.get(path)).json["@odata.etag"].strip('W/"'))

    before = await version(f"accounts({second})")
    assert await version(f"contacts({first})") < before
    await web.patch(f"contacts({first})", {"lastname": "y"})
    assert await version(f"contacts({first})") > before


async def test_an_unknown_row(web: Web) -> None:
    for reply in (
        await web.get(f"contacts({ID})"),
        await web.delete(f"contacts({ID})"),
        await web.patch(f"contacts({ID})", {"lastname": "x"}, If_Match="*"),
    ):
        assert (reply.status, reply.code) == (404, "0x80040217")
        assert reply.message == f"Contact With Id = {ID} Does Not Exist"


async def test_deep_insert_of_attachments_and_their_limits(web: Web) -> None:
    email = await web.created(
        "emails",
        email_activity_mime_attachment=[
            {"filename": "a.txt", "mimetype": "text/plain", "body": "aGVsbG8="},
            {"filename": "b.txt", "body": "aGk="},
        ],
    )
    row = (await web.get(f"emails({email})?$expand=email_activity_mime_attachment")).json
    assert row["attachmentcount"] == 2
    assert {(a["filename"], a["filesize"], a["objecttypecode"])
            for a in row["email_activity_mime_attachment"]} == {
        ("a.txt", 5, "email"), ("b.txt", 2, "email"),
    }  # fmt: skip
    bound = {"objectid_activitypointer@odata.bind": f"emails({email})"}
    third = await web.created("activitymimeattachments", filename="c", body="aGk=", **bound)
    assert (await web.get(f"emails({email})")).json["attachmentcount"] == 3
    await web.delete(f"activitymimeattachments({third})")
    assert (await web.get(f"emails({email})")).json["attachmentcount"] == 2
    bad = await web.post("activitymimeattachments", {"body": "?", **bound})
    assert bad.code == "0x80048d19"
    organization = (await web.get("organizations")).rows[0]["organizationid"]
    await web.patch(f"organizations({organization})", {"maxuploadfilesize": 3})
    big = await web.post("activitymimeattachments", {"body": "aGVsbG8=", **bound})
    assert (big.status, big.code) == (400, "0x80044a02")


@pytest.mark.parametrize(
    ("limits", "file", "taken"),
    [
        ({}, {"filename": "setup.EXE"}, False),
        ({}, {"filename": "exe"}, True),
        ({"blockedattachments": ""}, {"filename": "setup.exe"}, True),
        ({"blockedmimetypes": "text/html;image/svg+xml"}, {"mimetype": "Text/HTML"}, False),
        ({"blockedmimetypes": "text/html"}, {"mimetype": "text/plain"}, True),
        ({"allowedmimetypes": "text/html"}, {"mimetype": "text/plain"}, False),
        (
            {"allowedmimetypes": "text/html", "blockedmimetypes": "text/html"},
            {"mimetype": "text/html"},
            True,
        ),
    ],
)
async def test_files_of_a_kind_the_organization_blocks_are_refused(
    web: Web, limits: dict[str, str], file: dict[str, str], *, taken: bool
) -> None:
    organization = (await web.get("organizations")).rows[0]["organizationid"]
    if limits:
        await web.patch(f"organizations({organization})", limits)
    bound = {"objectid_email@odata.bind": f"emails({await web.created('emails')})"}
    answer = await web.post("activitymimeattachments", {"body": "aGk=", **file, **bound})
    assert answer.status == (204 if taken else 400)
    assert taken or answer.code == "0x80043e09"


async def test_a_failed_deep_insert_leaves_nothing(web: Web) -> None:
    email = str(uuid4())
    reply = await web.post(
        "emails",
        {"activityid": email, "email_activity_parties": [{"participationtypemask": 8}]},
    )
    assert reply.status == 400
    assert (await web.get(f"emails({email})")).status == 404


async def test_notes_and_queue_items(web: Web) -> None:
    email = await web.created("emails", subject="Quote")
    note = await web.created(
        "annotations", notetext="n", documentbody="aGk=",
        **{"objectid_email@odata.bind": f"emails({email})"},
    )  # fmt: skip
    row = (await web.get(f"annotations({note})")).json
    assert (row["isdocument"], row["filesize"], row["objecttypecode"]) == (True, 2, "email")
    queue = await web.created("queues", name="Sales")
    item = await web.created("queueitems", **{
        "queueid@odata.bind": f"queues({queue})", "objectid_email@odata.bind": f"emails({email})",
    })  # fmt: skip
    row = (await web.get(f"queueitems({item})")).json
    assert (row["title"], row["objecttypecode"]) == ("Quote", 4202)
    moved = await web.patch(f"queueitems({item})", {"queueid@odata.bind": f"queues({queue})"})
    assert moved.code == "0x80040203"
