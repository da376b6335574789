"""Tasks and contacts: columns, states, names (dataverse.md 1.4, 1.5; server-side-sync.md 5.2)."""

import pytest

from tests.contract.dataverse.webapi import Part, Web

LINES = {"line1": 250, "line2": 250, "line3": 250, "city": 80, "stateorprovince": 50,
         "postalcode": 20, "country": 80}  # fmt: skip
ADDRESSES = {f"address{n}_{part}": length for n in (1, 2, 3) for part, length in LINES.items()}
CONTACT = {
    "firstname": 50, "middlename": 50, "lastname": 50, "nickname": 100, "salutation": 100,
    "suffix": 10, "yomifirstname": 150, "yomilastname": 150, "emailaddress1": 100,
    "emailaddress2": 100, "emailaddress3": 100, "telephone1": 50, "telephone2": 50,
    "telephone3": 50, "mobilephone": 50, "business2": 50, "home2": 50, "pager": 50, "fax": 50,
    "callback": 50, "company": 50, "assistantphone": 50, "jobtitle": 100, "department": 100,
    "managername": 100, "assistantname": 100, "spousesname": 100, "childrensnames": 255,
    "websiteurl": 200, "ftpsiteurl": 200, "governmentid": 50, "description": 2000,
    "externaluseridentifier": 50, **ADDRESSES,
}  # fmt: skip
TASK = {"subject": 200, "description": 2000, "category": 250, "subcategory": 250}


@pytest.mark.parametrize(("entity_set", "lengths"), [("contacts", CONTACT), ("tasks", TASK)])
async def test_every_column_and_its_length(
    web: Web, entity_set: str, lengths: dict[str, int]
) -> None:
    longest = {name: "x" * length for name, length in lengths.items()}
    path = f"{entity_set}({await web.created(entity_set, **longest)})"
    row = (await web.get(path)).json
    assert {name: row[name] for name in longest} == longest
    for name, length in lengths.items():
        reply = await web.patch(path, {name: "x" * (length + 1)})
        assert (reply.status, reply.code) == (400, "0x80044331"), name
        assert f"the '{name}' attribute" in reply.message


@pytest.mark.parametrize(
    ("state", "status"), [(0, 2), (0, 3), (0, 4), (0, 7), (1, 5), (2, 6)]
)  # fmt: skip
async def test_a_task_has_a_status_for_each_of_outlook(web: Web, state: int, status: int) -> None:
    path = f"tasks({await web.created('tasks', subject='t', percentcomplete=50)})"
    for other in {0, 1, 2} - {state}:
        reply = await web.patch(path, {"statecode": other, "statuscode": status})
        assert (reply.status, reply.code) == (400, "0x80048408")
    assert (await web.patch(path, {"statecode": state, "statuscode": status})).status == 204
    row = (await web.get(path)).json
    assert (row["statecode"], row["statuscode"], row["percentcomplete"]) == (state, status, 50)


@pytest.mark.parametrize("state", [{"statecode": 1, "statuscode": 5}, {"statecode": 2}])
async def test_a_closed_task_is_read_only(web: Web, state: dict[str, int]) -> None:
    path = f"tasks({await web.created('tasks', subject='t')})"
    assert (await web.patch(path, {"percentcomplete": 100, **state})).status == 204
    for body in (
        {"subject": "u"},
        {"percentcomplete": 10},
        {"actualend": "2026-11-02T00:00:00Z"},
        {"scheduledend": None},
        {"subject": "u", "statecode": 0, "statuscode": 2},
    ):
        assert (await web.patch(path, body)).code == "0x80040203"
    assert (await web.patch(path, {"category": "c"})).status == 204
    reply = await web.batch([
        Part("PATCH", path, {"statecode": 0, "statuscode": 3}, "1"),
        Part("PATCH", path, {"subject": "u", "percentcomplete": 10}, "2"),
    ])  # fmt: skip
    assert reply.status == 200
    row = (await web.get(path)).json
    assert (row["subject"], row["statecode"], row["statuscode"]) == ("u", 0, 3)


@pytest.mark.parametrize("percent", [-1, 101, 50.5, "50", True])
async def test_a_percentage_is_a_whole_number_to_a_hundred(web: Web, percent: object) -> None:
    assert (await web.post("tasks", {"percentcomplete": percent})).status == 400


async def test_when_a_task_ended_is_a_moment_that_forms_show_as_a_day(web: Web) -> None:
    path = f"tasks({await web.created('tasks', actualend='2026-11-02T00:00:00Z')})"
    assert (await web.get(path)).json["actualend"] == "2026-11-02T00:00:00Z"
    for value in ("2026-11-02", "yesterday", 20261102):
        assert (await web.patch(path, {"actualend": value})).status == 400
    attribute = "EntityDefinitions(LogicalName='task')/Attributes(LogicalName='actualend')"
    definition = (await web.get(attribute)).json
    assert (definition["Format"], definition["DateTimeBehavior"]["Value"]) == (
        "DateOnly", "UserLocal",
    )  # fmt: skip


async def test_the_names_of_a_contact_are_composed(web: Web) -> None:
    path = f"contacts({await web.created('contacts', firstname='Emmy', lastname='Noether')})"
    assert (await web.get(path)).json["fullname"] == "Emmy Noether"
    await web.patch(path, {"middlename": "A.", "firstname": None, "yomilastname": "ネーター"})
    row = (await web.get(path)).json
    assert (row["fullname"], row["yomifullname"]) == ("A. Noether", "ネーター")
    for name in ("fullname", "yomifullname"):
        assert (await web.patch(path, {name: "x"})).code == "0x80040203"


async def test_a_contact_belongs_to_an_account_or_to_another_contact(web: Web) -> None:
    account = await web.created("accounts", name="Contoso")
    bound = {"parentcustomerid_account@odata.bind": f"accounts({account})"}
    contact = await web.created("contacts", lastname="N", **bound)
    expand = "$expand=parentcustomerid_account($select=name)"
    row = (await web.get(f"contacts({contact})?{expand}")).json
    assert row["_parentcustomerid_value"] == account
    assert row["parentcustomerid_account"]["name"] == "Contoso"
    other = await web.created("contacts", lastname="M")
    bound = {"parentcustomerid_contact@odata.bind": f"contacts({other})"}
    assert (await web.patch(f"contacts({contact})", bound)).status == 204
    assert (await web.get(f"contacts({contact})")).json["_parentcustomerid_value"] == other
    wrong = {"parentcustomerid@odata.bind": f"accounts({account})"}
    assert (await web.patch(f"contacts({contact})", wrong)).code == "0x80048d19"
    nothing = {"parentcustomerid_contact": None}
    assert (await web.patch(f"contacts({contact})", nothing)).status == 204
    assert (await web.get(f"contacts({contact})")).json["_parentcustomerid_value"] is None


async def test_days_are_written_as_days(web: Web) -> None:
    path = f"contacts({await web.created('contacts', birthdate='1882-03-23')})"
    row = (await web.get(path)).json
    assert (row["birthdate"], row["anniversary"]) == ("1882-03-23", None)
    for value in ("1882-03-23T00:00:00Z", "23.3.1882", "1882-02-30", 1882):
        assert (await web.patch(path, {"anniversary": value})).status == 400
    assert (await web.patch(path, {"birthdate": None})).status == 204


async def test_a_deactivated_contact_can_still_be_written(web: Web) -> None:
    path = f"contacts({await web.created('contacts', lastname='N', statecode=1)})"
    assert (await web.get(path)).json["statecode"] == 0
    reply = await web.patch(path, {"statecode": 1, "statuscode": 1})
    assert (reply.status, reply.code) == (400, "0x80048408")
    assert (await web.patch(path, {"statecode": 1, "statuscode": 2})).status == 204
    assert (await web.patch(path, {"jobtitle": "Professor"})).status == 204
    row = (await web.get(path)).json
    assert (row["jobtitle"], row["statecode"]) == ("Professor", 1)
    assert (await web.patch(path, {"statecode": 0, "statuscode": 1})).status == 204


async def test_activities_go_with_the_account_they_regard_contacts_stay(web: Web) -> None:
    account = await web.created("accounts", name="Contoso")
    made = {
        entity_set: await web.created(
            entity_set,
            **{f"regardingobjectid_account_{entity_set[:-1]}@odata.bind": f"accounts({account})"},
        )
        for entity_set in ("appointments", "tasks")
    }
    bound = {"parentcustomerid_account@odata.bind": f"accounts({account})"}
    contact = await web.created("contacts", lastname="N", **bound)
    assert (await web.delete(f"accounts({account})")).status == 204
    for entity_set, row in made.items():
        assert (await web.get(f"{entity_set}({row})")).status == 404
    assert (await web.get(f"contacts({contact})")).json["_parentcustomerid_value"] is None
