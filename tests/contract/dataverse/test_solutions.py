"""Views, charts, options, and the solution that carries them away."""

import base64
import io
import zipfile
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from tests.contract.dataverse.webapi import Web, label, lookup_body, string_body, table_body

FETCH = '<fetch><entity name="new_thing"><attribute name="new_name"/></entity></fetch>'
GRID = '<grid name="resultset"><row name="result" id="new_thingid"/></grid>'
DATA = "<datadefinition><fetchcollection/></datadefinition>"
CHART = "<Chart><Series/></Chart>"
THING = "EntityDefinitions(LogicalName='new_thing')"
IN_SOLUTION = {"MSCRM.SolutionUniqueName": "things"}


@pytest.fixture
async def solution(web: Web) -> str:
    (publisher,) = (await web.get("publishers")).rows
    bind = {"publisherid@odata.bind": f"publishers({publisher['publisherid']})"}
    made = await web.created(
        "solutions", uniquename="things", friendlyname="T", version="1.0", **bind
    )
    reply = await web.post("EntityDefinitions", table_body(), **IN_SOLUTION)
    assert reply.status == 204
    return made


def view(**values: object) -> dict[str, Any]:
    return {
        "name": "All things", "returnedtypecode": "new_thing", "querytype": 0, "fetchxml": FETCH,
        "layoutxml": GRID,
    } | values  # fmt: skip


def chart(**values: object) -> dict[str, Any]:
    return {
        "name": "By name", "primaryentitytypecode": "new_thing", "datadescription": DATA,
        "presentationdescription": CHART,
    } | values  # fmt: skip


async def test_views_and_charts_are_parts_of_the_solution_they_are_made_in(
    web: Web, solution: str
) -> None:
    made = await web.post("savedqueries", view(savedqueryid=str(uuid4())), **IN_SOLUTION)
    drawn = await web.post("savedqueryvisualizations", chart(), **IN_SOLUTION)
    assert (made.status, drawn.status) == (204, 204)
    parts = (await web.get(f"solutions({solution})/solution_solutioncomponent")).rows
    kinds = {(part["objectid"], part["componenttype"]) for part in parts}
    assert {(made.entity_id, 26), (drawn.entity_id, 59)} <= kinds
    assert (await web.delete(f"savedqueries({made.entity_id})")).status == 204
    parts = (await web.get(f"solutions({solution})/solution_solutioncomponent")).rows
    assert made.entity_id not in {part["objectid"] for part in parts}


@pytest.mark.parametrize(
    ("entity_set", "body"),
    [
        ("savedqueries", view(fetchxml="<fetch")),
        ("savedqueries", view(fetchxml="<grid/>")),
        ("savedqueries", view(layoutxml=None)),
        ("savedqueries", view(returnedtypecode="nothing")),
        ("savedqueries", view(querytype=None)),
        ("savedqueryvisualizations", chart(datadescription="x")),
        ("savedqueryvisualizations", chart(primaryentitytypecode="nothing")),
    ],
)
@pytest.mark.usefixtures("solution")
async def test_views_and_charts_that_cannot_be(
    web: Web, entity_set: str, body: dict[str, Any]
) -> None:
    before = (await web.get(entity_set)).rows
    assert (await web.post(entity_set, body)).status == 400
    assert (await web.get(entity_set)).rows == before


@pytest.mark.usefixtures("solution")
async def test_a_view_stays_with_its_table(web: Web) -> None:
    made = await web.created("savedqueries", **view())
    path = f"savedqueries({made})"
    assert (await web.patch(path, {"returnedtypecode": "email"})).status == 400
    assert (await web.patch(path, {"name": "Other"})).status == 204


async def test_what_exists_joins_a_solution(web: Web, solution: str) -> None:
    email = (await web.get("EntityDefinitions(LogicalName='email')?$select=MetadataId")).json
    body = {
        "ComponentId": email["MetadataId"], "ComponentType": 1, "SolutionUniqueName": "things",
        "AddRequiredComponents": False,
    }  # fmt: skip
    for _ in range(2):
        assert (await web.post("AddSolutionComponent", body)).status == 200
    parts = (await web.get(f"solutions({solution})/solution_solutioncomponent")).rows
    assert [part["objectid"] for part in parts].count(email["MetadataId"]) == 1
    for wrong, status in (
        ({"ComponentId": str(uuid4())}, 404),
        ({"ComponentType": 77}, 404),
        ({"SolutionUniqueName": "nosuch"}, 400),
        ({"AddRequiredComponents": None}, 400),
        ({"SolutionUniqueName": None}, 400),
    ):
        assert (await web.post("AddSolutionComponent", body | wrong)).status == status


@pytest.mark.usefixtures("solution")
async def test_a_solution_is_exported(web: Web) -> None:
    await web.post("savedqueries", view(), **IN_SOLUTION)
    reply = await web.post("ExportSolution", {"SolutionName": "things", "Managed": True})
    content = base64.b64decode(reply.json["ExportSolutionFile"])
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert set(package.namelist()) == {
            "[Content_Types].xml", "solution.xml", "customizations.xml",
        }  # fmt: skip
        manifest = ET.fromstring(package.read("solution.xml"))
        customizations = ET.fromstring(package.read("customizations.xml"))
    assert manifest.findtext(".//UniqueName") == "things"
    assert manifest.findtext(".//Managed") == "1"
    assert [one.text for one in customizations.iterfind(".//Entity/Name")] == ["new_Thing"]
    assert [one.get("name") for one in customizations.iterfind(".//savedquery")] == ["All things"]
    for body in ({"SolutionName": "nosuch", "Managed": False}, {"SolutionName": "things"}):
        assert (await web.post("ExportSolution", body)).status == 400
    assert (await web.get("ExportSolution")).status == 405


@pytest.mark.usefixtures("solution")
async def test_options_are_added_and_renamed_by_messages_of_their_own(web: Web) -> None:
    choice = {
        "@odata.type": "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
        "SchemaName": "new_Choice", "DisplayName": label("Choice"),
        "OptionSet": {"Options": [{"Value": 1, "Label": label("One")}]},
    }  # fmt: skip
    assert (await web.post(f"{THING}/Attributes", choice)).status == 204
    where = {"EntityLogicalName": "new_thing", "AttributeLogicalName": "new_choice"}
    made = await web.post("InsertOptionValue", {**where, "Value": 2, "Label": label("Two")})
    assert made.json["NewOptionValue"] == 2
    renamed = {**where, "Value": 1, "Label": label("First"), "MergeLabels": True}
    assert (await web.post("UpdateOptionValue", renamed)).status == 204
    wider = {**choice, "DisplayName": label("Other"), "OptionSet": {"Options": []}}
    put = await web.put(f"{THING}/Attributes(LogicalName='new_choice')", wider)
    assert put.status == 204
    path = (
        f"{THING}/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
        "?$select=LogicalName&$expand=OptionSet($select=Options)"
    )
    found = next(one for one in (await web.get(path)).rows if one["LogicalName"] == "new_choice")
    labels = {
        option["Value"]: option["Label"]["UserLocalizedLabel"]["Label"]
        for option in found["OptionSet"]["Options"]
    }
    assert labels == {1: "First", 2: "Two"}
    for wrong in (
        {**where, "Value": 2, "Label": label("Two")},
        {**where, "Value": 3},
        {"Value": 3, "Label": label("Three")},
        {**where, "AttributeLogicalName": "new_name", "Value": 3, "Label": label("Three")},
    ):
        assert (await web.post("InsertOptionValue", wrong)).status == 400
    for less in ({**renamed, "Value": 9}, {**renamed, "MergeLabels": None}):
        assert (await web.post("UpdateOptionValue", less)).status == 400


@pytest.mark.usefixtures("solution")
async def test_a_definition_that_was_read_can_be_put_back_longer(web: Web) -> None:
    await web.post(f"{THING}/Attributes", string_body("new_Note", 10))
    path = f"{THING}/Attributes(LogicalName='new_note')"
    found = (await web.get(path)).json
    assert (await web.put(path, {**found, "MaxLength": 20})).status == 204
    assert (await web.get(path)).json == {**found, "MaxLength": 20}


@pytest.mark.usefixtures("solution")
async def test_a_lookup_gets_another_label_and_nothing_else(web: Web) -> None:
    await web.post("RelationshipDefinitions", lookup_body("new_EmailId", "new_thing", "email"))
    path = f"{THING}/Attributes(LogicalName='new_emailid')"
    found = (await web.get(path)).json
    put = await web.put(path, {**found, "DisplayName": label("Mail"), "Targets": ["contact"]})
    assert put.status == 204
    changed = (await web.get(path)).json
    assert changed["DisplayName"]["UserLocalizedLabel"]["Label"] == "Mail"
    assert changed["Targets"] == ["email"]
