"""PATCH as upsert: the header matrix, alternate keys, races (dataverse.md 3)."""

from uuid import uuid4

import pytest

from tests.contract.dataverse.webapi import Part, Web

REPRESENTATION = {"Prefer": "return=representation"}


async def test_without_headers_created_and_updated_look_the_same(web: Web) -> None:
    path = f"contacts({uuid4()})"
    for name in ("created", "updated"):
        reply = await web.patch(path, {"lastname": name}, If_None_Match="null")
        assert (reply.status, reply.headers["OData-EntityId"]) == (204, web.root + path)
    assert (await web.get(path)).json["lastname"] == "updated"


async def test_with_representation_they_differ(web: Web) -> None:
    path = f"contacts({uuid4()})?$select=contactid"
    assert (await web.patch(path, {"lastname": "a"}, **REPRESENTATION)).status == 201
    again = await web.patch(path, {"lastname": "b"}, **REPRESENTATION)
    assert (again.status, set(again.json)) == (200, {"@odata.context", "@odata.etag", "contactid"})


@pytest.mark.parametrize(
    ("headers", "absent", "present"),
    [
        ({}, 204, 204),
        ({"If_Match": "*"}, 404, 204),
        ({"If_Match": 'W/"1"'}, 404, 412),
        ({"If_None_Match": "*"}, 204, 412),
        ({"If_None_Match": "null"}, 204, 204),
    ],
)
async def test_the_header_matrix(
    web: Web, headers: dict[str, str], absent: int, present: int
) -> None:
    here = await web.created("contacts", lastname="x")
    assert (await web.patch(f"contacts({uuid4()})", {"lastname": "y"}, **headers)).status == absent
    assert (await web.patch(f"contacts({here})", {"lastname": "y"}, **headers)).status == present


async def test_if_match_with_the_version_the_row_has(web: Web) -> None:
    path = f"contacts({await web.created('contacts', lastname='x')})"
    tag = (await web.get(path)).headers["ETag"]
    assert (await web.patch(path, {"lastname": "y"}, If_Match=tag)).status == 204
    stale = await web.patch(path, {"lastname": "z"}, If_Match=tag)
    assert (stale.status, stale.code) == (412, "0x80060882")
    deleted = await web.delete(path, If_Match=tag)
    assert (deleted.status, deleted.code) == (412, "0x80060882")
    fresh = (await web.get(path)).headers["ETag"]
    assert (await web.delete(path, If_Match=fresh)).status == 204


async def test_conditional_get(web: Web) -> None:
    path = f"contacts({await web.created('contacts', lastname='x')})"
    tag = (await web.get(path)).headers["ETag"]
    unchanged = await web.get(path, If_None_Match=tag)
    assert (unchanged.status, unchanged.text) == (304, "")
    annotated = await web.get(path, If_None_Match=tag, Prefer='odata.include-annotations="*"')
    assert annotated.status == 200
    assert (await web.get(f"{path}?$expand=ownerid", If_None_Match=tag)).status == 200
    await web.patch(path, {"lastname": "y"})
    assert (await web.get(path, If_None_Match=tag)).status == 200


async def test_both_412_of_a_taken_place_say_the_same(web: Web) -> None:
    path = f"contacts({await web.created('contacts', lastname='x')})"
    reply = await web.patch(path, {"lastname": "y"}, If_None_Match="*")
    assert (reply.code, reply.message) == (
        "0x80040237", "A record with matching key values already exists.",
    )  # fmt: skip


async def test_nested_rows_are_for_post(web: Web) -> None:
    path = f"emails({uuid4()})"
    body = {"email_activity_parties": [{"participationtypemask": 1, "addressused": "a@b.example"}]}
    refused = await web.patch(path, body)
    assert (refused.status, refused.code) == (400, "0x80040203")
    assert (await web.patch(path, {"subject": "x"})).status == 204
    assert (await web.patch(path, body)).status == 204
    parties = (await web.get(f"{path}/email_activity_parties")).rows
    assert "a@b.example" in {party["addressused"] for party in parties}


async def test_upsert_by_alternate_key(web: Web, things: str) -> None:
    path = f"{things}(new_hash='abc')"
    created = await web.patch(path, {"new_note": "one"}, **REPRESENTATION)
    assert (created.status, created.json["new_hash"]) == (201, "abc")
    # a key compares without regard to case, and the answer echoes the URL (dataverse.md 3)
    updated = await web.patch(f"{things}(new_hash='ABC')", {"new_note": "two"})
    assert updated.headers["OData-EntityId"] == f"{web.root}{things}(new_hash='ABC')"
    rows = (await web.get(things)).rows
    assert [(row["new_hash"], row["new_note"]) for row in rows] == [("abc", "two")]
    assert (await web.get(path)).json["new_thingid"] == created.json["new_thingid"]
    assert (await web.delete(path)).status == 204


async def test_key_columns_in_the_body(web: Web, things: str) -> None:
    await web.patch(f"{things}(new_hash='url')", {"new_hash": "body"})
    assert [row["new_hash"] for row in (await web.get(things)).rows] == ["body"]
    await web.patch(f"{things}(new_hash='body')", {"new_hash": "other", "new_note": "x"})
    rows = (await web.get(things)).rows
    assert [(row["new_hash"], row["new_note"]) for row in rows] == [("body", "x")]


async def test_an_alternate_key_that_fits_nothing(web: Web, things: str) -> None:
    missing = await web.get(f"{things}(new_hash='none')")
    assert (missing.status, missing.code) == (404, "0x80060891")
    only_update = await web.patch(f"{things}(new_hash='none')", {}, If_Match="*")
    assert (only_update.status, only_update.code) == (404, "0x80060891")
    no_key = await web.get(f"{things}(new_note='x')")
    assert (no_key.status, no_key.code) == (400, "0x80060888")
    assert "The key in the request URI is not valid for resource" in no_key.message
    named = await web.get("systemusers(systemuserid=00000000-0000-0000-0000-000000000000)")
    assert named.status == 400


@pytest.mark.parametrize(
    "character", ["%2F", "%3C", "%3E", "*", "%25", "%26", ":", "%5C", "%3F", "%2B"]
)
async def test_characters_a_key_in_a_url_cannot_have(web: Web, things: str, character: str) -> None:
    reply = await web.patch(f"{things}(new_hash='a{character}b')", {"new_note": "x"})
    assert (reply.status, reply.code) == (400, "0x8006088a")


async def test_a_quote_in_a_key_is_doubled(web: Web, things: str) -> None:
    assert (await web.patch(f"{things}(new_hash='o''neil')", {})).status == 204
    assert (await web.get(things)).rows[0]["new_hash"] == "o'neil"


async def test_a_key_is_unique_but_null_is_exempt(web: Web, things: str) -> None:
    await web.created(things, new_hash="a")
    for reply in (
        await web.post(things, {"new_hash": "A"}),
        await web.patch(f"{things}({await web.created(things, new_hash='b')})", {"new_hash": "a"}),
    ):
        assert (reply.status, reply.code) == (412, "0x80060892")
        assert reply.message.startswith("Entity Key new_HashKey violated.")
    await web.created(things)
    await web.created(things)


async def test_a_bind_by_alternate_key(web: Web, things: str) -> None:
    lookup = {
        "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_thing_thing", "ReferencedEntity": "new_thing",
        "ReferencingEntity": "new_thing",
        "Lookup": {"SchemaName": "new_Parent", "DisplayName": {
            "LocalizedLabels": [{"Label": "Parent", "LanguageCode": 1033}]}},
    }  # fmt: skip
    assert (await web.post("RelationshipDefinitions", lookup)).status == 204
    parent = await web.created(things, new_hash="p")
    child = await web.created(things, **{"new_Parent@odata.bind": f"{things}(new_hash='P')"})
    assert (await web.get(f"{things}({child})")).json["_new_parent_value"] == parent
    gone = await web.post(things, {"new_Parent@odata.bind": f"{things}(new_hash='q')"})
    assert (gone.status, gone.code) == (404, "0x80060891")
    children = await web.get(f"{things}({parent})/new_thing_thing?$select=new_hash")
    assert [row["new_thingid"] for row in children.rows] == [child]
    by_key = f"{things}({parent})/new_thing_thing({child})/$ref"
    assert (await web.delete(by_key)).status == 204
    assert (await web.delete(by_key)).status == 400
    assert (await web.get(f"{things}({child})")).json["_new_parent_value"] is None
    added = await web.post(
        f"{things}({parent})/new_thing_thing/$ref", {"@odata.id": f"{web.root}{things}({child})"}
    )
    assert added.status == 204
    assert (await web.get(f"{things}({child})")).json["_new_parent_value"] == parent
    by_id = f"{things}({parent})/new_thing_thing/$ref?$id={web.root}{things}({child})"
    assert (await web.delete(by_id)).status == 204
    assert (await web.get(f"{things}({child})")).json["_new_parent_value"] is None


async def test_bulk_messages(web: Web, things: str) -> None:
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.new_thing"}
    bound = f"{things}/Microsoft.Dynamics.CRM."
    made = await web.post(
        f"{bound}CreateMultiple",
        {"Targets": [{**kind, "new_hash": "a"}, {**kind, "new_hash": "b"}]},
    )
    assert (made.status, len(made.json["Ids"])) == (200, 2)
    upserted = await web.post(f"{bound}UpsertMultiple", {"Targets": [
        {**kind, "@odata.id": f"{things}(new_hash='a')", "new_note": "changed"},
        {**kind, "@odata.id": f"{things}(new_hash='c')", "new_note": "new"},
    ]})  # fmt: skip
    assert (upserted.status, upserted.text) == (204, "")
    updated = await web.post(f"{bound}UpdateMultiple", {"Targets": [
        {**kind, "new_thingid": made.json["Ids"][1], "new_note": "by id"},
    ]})  # fmt: skip
    assert updated.status == 204
    rows = (await web.get(f"{things}?$orderby=new_hash")).rows
    assert [(r["new_hash"], r["new_note"]) for r in rows] == [
        ("a", "changed"), ("b", "by id"), ("c", "new"),
    ]  # fmt: skip


async def test_bulk_messages_are_all_or_nothing(web: Web, things: str) -> None:
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.new_thing"}
    bound = f"{things}/Microsoft.Dynamics.CRM."
    failed = await web.post(
        f"{bound}CreateMultiple",
        {"Targets": [{**kind, "new_hash": "a"}, {**kind, "new_hash": "A"}]},
    )
    assert failed.code == "0x80060892"
    assert (await web.get(things)).rows == []
    repeated = await web.post(f"{bound}UpsertMultiple", {"Targets": [
        {**kind, "@odata.id": f"{things}(new_hash='a')", "new_hash": "a"},
    ]})  # fmt: skip
    assert (repeated.status, repeated.code) == (400, "0x80040216")
    untyped = await web.post(f"{bound}CreateMultiple", {"Targets": [{"new_hash": "a"}]})
    assert untyped.status == 400


async def test_bulk_messages_are_not_for_standard_tables(web: Web) -> None:
    reply = await web.post("emails/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": [{}]})
    assert reply.status == 405


async def test_upsert_by_key_in_a_change_set(web: Web, things: str) -> None:
    email = str(uuid4())
    reply = await web.batch([
        Part("POST", "emails", {"activityid": email}, "1"),
        Part("PATCH", f"{things}(new_hash='x')", {"new_EmailId@odata.bind": "$1"}, "2"),
    ])  # fmt: skip
    assert reply.status == 200, reply.text
    assert (await web.get(f"{things}(new_hash='x')")).json["_new_emailid_value"] == email
