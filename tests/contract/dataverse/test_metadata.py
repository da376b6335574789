"""Definitions: tables, columns, lookups, keys, solutions (dataverse.md 10)."""

from pathlib import Path

import aiohttp
import pytest

from sandbox.dataverse import Dataverse, service_principal
from sandbox.tenant import Tenant
from sandbox.web import Surroundings
from tests.contract.dataverse.webapi import Web, label, lookup_body, string_body, table_body

THING = "EntityDefinitions(LogicalName='new_thing')"
EMAIL = "EntityDefinitions(LogicalName='email')"


async def test_a_new_table_behaves_like_a_standard_one(web: Web) -> None:
    made = await web.post("EntityDefinitions", table_body(OwnershipType="UserOwned"))
    assert made.status == 204
    row_id = "5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90"
    assert await web.created("new_things", new_thingid=row_id, new_name="x") == row_id
    row = (await web.get(f"new_things({row_id})?$expand=ownerid")).json
    assert (row["statecode"], row["statuscode"]) == (0, 1)
    assert row["ownerid"]["systemuserid"] == row["_ownerid_value"]
    assert (await web.patch(f"new_things({row_id})", {}, If_Match='W/"1"')).status == 412
    long = await web.post("new_things", {"new_name": "x" * 201})
    assert long.code == "0x80044331"
    closed = await web.patch(f"new_things({row_id})", {"statecode": 1})
    assert closed.status == 204
    assert (await web.patch(f"new_things({row_id})", {"new_name": "y"})).status == 204
    by_id = await web.get(f"EntityDefinitions({made.entity_id})?$select=LogicalName,EntitySetName")
    assert (by_id.json["LogicalName"], by_id.json["EntitySetName"]) == ("new_thing", "new_things")


@pytest.mark.parametrize(
    ("schema_name", "entity_set"),
    [("new_Thing", "new_things"), ("new_Party", "new_parties"), ("new_Day", "new_days"),
     ("new_Box", "new_boxes"), ("new_Bus", "new_buses")],
)  # fmt: skip
async def test_the_set_is_named_as_the_platform_does(
    web: Web, schema_name: str, entity_set: str
) -> None:
    assert (await web.post("EntityDefinitions", table_body(schema_name))).status == 204
    assert (await web.get(entity_set)).rows == []


@pytest.mark.parametrize(
    "body",
    [
        table_body("Thing"),
        table_body("xyz_Thing"),
        table_body(OwnershipType="Nobody"),
        table_body(Attributes=[]),
        table_body(Attributes=[string_body("new_Name")]),
        table_body(DisplayName={}),
        table_body(IsActivity=True),
    ],
)
async def test_tables_that_cannot_be(web: Web, body: dict[str, object]) -> None:
    assert (await web.post("EntityDefinitions", body)).status == 400
    assert (await web.get("EntityDefinitions?$filter=IsCustomEntity%20eq%20true")).rows == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("CreateEntities", {"Entities": [1]}),
        ("EntityDefinitions", table_body(DisplayName=1)),
        (f"{EMAIL}/Keys", {"SchemaName": "new_Key", "KeyAttributes": 1}),
        ("BulkDelete", {"QuerySet": [1]}),
    ],
)
async def test_definitions_of_a_wrong_shape(web: Web, path: str, body: dict[str, object]) -> None:
    reply = await web.post(path, body)
    assert (reply.status, reply.code) == (400, "0x80048d19")
    assert (await web.get("EntityDefinitions()")).status == 404


async def test_a_table_is_made_once(web: Web) -> None:
    assert (await web.post("EntityDefinitions", table_body())).status == 204
    again = await web.post("EntityDefinitions", table_body())
    assert (again.status, again.code) == (400, "0x80044363")


async def test_publisher_solution_and_what_is_in_it(web: Web) -> None:
    publisher = await web.created(
        "publishers", uniquename="acme", friendlyname="Acme", customizationprefix="acm",
        customizationoptionvalueprefix=12345,
    )  # fmt: skip
    solution = await web.created(
        "solutions", uniquename="acme_sync", friendlyname="Sync", version="1.0.0.0",
        **{"publisherid@odata.bind": f"publishers({publisher})"},
    )  # fmt: skip
    headers = {"MSCRM_SolutionUniqueName": "acme_sync"}
    headers = {name.replace("_", "."): value for name, value in headers.items()}
    primary = string_body("acm_Name") | {"IsPrimaryName": True}
    body = table_body("acm_Thing", Attributes=[primary])
    unknown = await web.post("EntityDefinitions", body, **{"MSCRM.SolutionUniqueName": "nosuch"})
    assert unknown.status == 400
    made = await web.post("EntityDefinitions", body, **headers)
    assert made.status == 204, made.text
    components = await web.get(f"solutions({solution})/solution_solutioncomponent")
    assert [(c["objectid"], c["componenttype"]) for c in components.rows] == [(made.entity_id, 1)]
    publish = await web.post("PublishXml", {"ParameterXml": "<importexportxml/>"})
    assert publish.status == 204
    assert (await web.post("PublishXml", {})).status == 400


async def test_columns_of_every_type(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    crm = "Microsoft.Dynamics.CRM."
    bodies: list[dict[str, object]] = [
        {"@odata.type": f"{crm}MemoAttributeMetadata", "SchemaName": "new_Memo", "MaxLength": 50},
        {"@odata.type": f"{crm}IntegerAttributeMetadata", "SchemaName": "new_Int", "MinValue": 1,
         "MaxValue": 5},
        {"@odata.type": f"{crm}BigIntAttributeMetadata", "SchemaName": "new_Big"},
        {"@odata.type": f"{crm}DateTimeAttributeMetadata", "SchemaName": "new_When",
         "Format": "DateAndTime"},
        {"@odata.type": f"{crm}DateTimeAttributeMetadata", "SchemaName": "new_Day",
         "DateTimeBehavior": {"Value": "DateOnly"}},
        {"@odata.type": f"{crm}BooleanAttributeMetadata", "SchemaName": "new_Flag",
         "DefaultValue": True},
        {"@odata.type": f"{crm}PicklistAttributeMetadata", "SchemaName": "new_Kind", "OptionSet": {
            "Options": [{"Value": 1, "Label": label("Mail")},
                        {"Value": 2, "Label": label("Task")}]}},
    ]  # fmt: skip
    for body in bodies:
        reply = await web.post(f"{THING}/Attributes", {"DisplayName": label("x"), **body})
        assert reply.status == 204, reply.text
    row = await web.created(
        "new_things", new_memo="m", new_int=5, new_big=2**40, new_kind=2,
        new_when="2026-05-04T08:15:30Z", new_day="2026-05-04",
    )  # fmt: skip
    found = (await web.get(f"new_things({row})")).json
    assert (found["new_big"], found["new_flag"], found["new_day"]) == (2**40, True, "2026-05-04")
    for wrong in ({"new_int": 6}, {"new_kind": 3}, {"new_day": "2026-05-04T00:00:00Z"}):
        assert (await web.post("new_things", wrong)).status == 400
    options = await web.get(
        f"{THING}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
        "?$select=LogicalName&$expand=OptionSet($select=Options)"
    )
    (kind,) = options.rows
    assert [option["Value"] for option in kind["OptionSet"]["Options"]] == [1, 2]
    one = await web.get(f"{THING}/Attributes(LogicalName='new_memo')?$select=MaxLength")
    assert (one.json["MaxLength"], one.json["@odata.type"]) == (
        50, "#Microsoft.Dynamics.CRM.MemoAttributeMetadata",
    )  # fmt: skip
    twice = await web.post(f"{THING}/Attributes", {"DisplayName": label("x"), **bodies[0]})
    assert (twice.status, twice.code) == (400, "0x80044153")


async def test_a_column_is_changed_and_deleted(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    made = await web.post(f"{THING}/Attributes", string_body("new_Note", 5))
    row = await web.created("new_things", new_note="12345")
    path = f"{THING}/Attributes({made.entity_id})"
    assert (await web.put(path, string_body("new_Note", 6))).status == 204
    assert (await web.patch(f"new_things({row})", {"new_note": "123456"})).status == 204
    assert (await web.delete(path)).status == 204
    assert "new_note" not in (await web.get(f"new_things({row})")).json
    assert (await web.patch(f"new_things({row})", {"new_note": "x"})).status == 400
    standard = await web.delete(
        "EntityDefinitions(LogicalName='email')/Attributes(LogicalName='subject')"
    )
    assert standard.status == 405


async def test_a_lookup_is_named_by_its_schema_name(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    body = lookup_body("new_EmailId", "new_thing", "email",
                       CascadeConfiguration={"Delete": "Cascade"})  # fmt: skip
    made = await web.post("RelationshipDefinitions", body)
    assert made.status == 204, made.text
    email = await web.created("emails")
    thing = await web.created("new_things", **{"new_EmailId@odata.bind": f"emails({email})"})
    row = (await web.get("new_things?$select=_new_emailid_value&$expand=new_EmailId")).rows[0]
    assert row["_new_emailid_value"] == row["new_EmailId"]["activityid"] == email
    wrong_case = await web.post("new_things", {"new_emailid@odata.bind": f"emails({email})"})
    assert (wrong_case.status, wrong_case.code) == (400, "0x80048d19")
    back = await web.get(f"emails({email})/{body['SchemaName']}")
    assert [one["new_thingid"] for one in back.rows] == [thing]
    relations = (await web.get(f"{THING}/ManyToOneRelationships?$select=SchemaName")).rows
    assert body["SchemaName"] in {one["SchemaName"] for one in relations}
    found = await web.get(f"RelationshipDefinitions({made.entity_id})")
    assert found.json["ReferencingEntityNavigationPropertyName"] == "new_EmailId"
    blocked = await web.delete(f"emails({email})")
    assert blocked.status == 204
    assert (await web.get(f"new_things({thing})")).status == 404
    again = await web.post("RelationshipDefinitions", body)
    assert again.status == 400


async def test_activities_can_regard_a_table_that_has_them(web: Web) -> None:
    await web.post("EntityDefinitions", table_body(HasActivities=True))
    thing = await web.created("new_things", new_name="x")
    name = "regardingobjectid_new_thing_email@odata.bind"
    email = await web.created("emails", **{name: f"new_things({thing})"})
    assert (await web.delete(f"new_things({thing})")).status == 204
    assert (await web.get(f"emails({email})")).status == 404
    assert (await web.delete(THING)).status == 204
    assert (await web.post("emails", {name: None})).status == 400


async def test_a_key_works_once_its_index_is_built(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    await web.post(f"{THING}/Attributes", string_body("new_Code", 64))
    body = {"SchemaName": "new_CodeKey", "KeyAttributes": ["new_code"], "DisplayName": label("k")}
    assert (await web.post(f"{THING}/Keys", body)).status == 204
    await web.created("new_things", new_code="a")
    twin = await web.created("new_things", new_code="A")
    assert (await web.get("new_things(new_code='a')")).status == 400

    async def status() -> str:
        reply = await web.get(f"{THING}/Keys?$select=SchemaName,EntityKeyIndexStatus,KeyAttributes")
        (key,) = reply.rows
        assert (key["SchemaName"], key["KeyAttributes"]) == ("new_CodeKey", ["new_code"])
        return str(key["EntityKeyIndexStatus"])

    assert [await status() for _ in range(3)] == ["Pending", "InProgress", "Failed"]
    await web.patch(f"new_things({twin})", {"new_code": "b"})
    names = {"EntityLogicalName": "new_thing", "EntityKeyLogicalName": "new_codekey"}
    assert (await web.post("ReactivateEntityKey", names)).status == 204
    assert [await status() for _ in range(3)] == ["Pending", "InProgress", "Active"]
    assert (await web.get("new_things(new_code='a')")).status == 200
    in_use = await web.delete(f"{THING}/Attributes(LogicalName='new_code')")
    assert (in_use.status, in_use.code) == (400, "0x8004f01f")


@pytest.mark.parametrize("columns", [["new_long"], ["new_memo"], ["nosuch"], [], ["new_thingid"]])
async def test_keys_that_cannot_be(web: Web, columns: list[str]) -> None:
    await web.post("EntityDefinitions", table_body())
    await web.post(f"{THING}/Attributes", string_body("new_Long", 451))
    memo = string_body("new_Memo", 10) | {
        "@odata.type": "Microsoft.Dynamics.CRM.MemoAttributeMetadata"
    }
    await web.post(f"{THING}/Attributes", memo)
    body = {"SchemaName": "new_Key", "KeyAttributes": columns, "DisplayName": label("k")}
    assert (await web.post(f"{THING}/Keys", body)).status == 400


async def test_a_table_in_use_is_not_deleted(web: Web) -> None:
    await web.post("EntityDefinitions", table_body())
    await web.post("EntityDefinitions", table_body("new_Other"))
    await web.post("RelationshipDefinitions", lookup_body("new_ThingId", "new_other", "new_thing"))
    used = await web.delete(THING)
    assert (used.status, used.code) == (400, "0x8004f01f")
    assert (await web.delete("EntityDefinitions(LogicalName='new_other')")).status == 204
    assert (await web.delete(THING)).status == 204
    assert (await web.get("new_things")).status == 404
    assert (await web.delete("EntityDefinitions(LogicalName='email')")).status == 405


async def test_definitions_are_queried(web: Web) -> None:
    reply = await web.get(
        "EntityDefinitions?$filter=LogicalName%20eq%20'email'&$select=LogicalName,EntitySetName"
        "&$expand=Attributes($select=LogicalName;$filter=AttributeType%20eq%20Microsoft.Dynamics"
        ".CRM.AttributeTypeCode'Lookup'),Keys"
    )
    (email,) = reply.rows
    assert (email["EntitySetName"], email["Keys"]) == ("emails", [])
    assert {"regardingobjectid", "correlatedactivityid"} <= {
        one["LogicalName"] for one in email["Attributes"]
    }
    assert (await web.get("EntityDefinitions?$filter=Nosuch%20eq%201")).status == 400
    assert (await web.get("EntityDefinitions(LogicalName='nosuch')")).status == 404


async def test_all_of_it_survives(
    tenant: Tenant, surroundings: Surroundings, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    token, _ = surroundings.authority.issue(service_principal(tenant), "http://dv.example")

    async def started() -> tuple[Dataverse, Web]:
        service = Dataverse(tenant, surroundings, state=tmp_path)
        await service.start()
        web = Web(session, service.url, "")
        web.token, _ = surroundings.authority.issue(service_principal(tenant), service.url)
        return service, web

    assert token
    service, web = await started()
    await web.post("EntityDefinitions", table_body())
    await web.post(f"{THING}/Attributes", string_body("new_Code", 64))
    await web.post("RelationshipDefinitions", lookup_body("new_EmailId", "new_thing", "email"))
    body = {"SchemaName": "new_CodeKey", "KeyAttributes": ["new_code"], "DisplayName": label("k")}
    await web.post(f"{THING}/Keys", body)
    for _ in range(2):
        await web.get(f"{THING}/Keys")
    email = await web.created("emails", subject="kept")
    await web.created("new_things", new_code="a", **{"new_EmailId@odata.bind": f"emails({email})"})
    before = await web.get("new_things(new_code='a')?$expand=new_EmailId")
    users = (await web.get("systemusers")).rows
    # not stopped: what was answered is there even after the process is killed
    second, again = await started()
    after = await again.get("new_things(new_code='a')?$expand=new_EmailId")
    assert after.json["@odata.etag"] == before.json["@odata.etag"]
    assert after.json["new_EmailId"]["subject"] == "kept"
    assert [u["@odata.etag"] for u in (await again.get("systemusers")).rows] == [
        u["@odata.etag"] for u in users
    ]
    duplicate = await again.post("new_things", {"new_code": "a"})
    assert duplicate.code == "0x80060892"
    newer = await again.patch(
        "new_things(new_code='a')", {"new_name": "x"}, Prefer="return=representation"
    )
    assert newer.json["@odata.etag"] > before.json["@odata.etag"]
    await service.stop()
    await second.stop()
