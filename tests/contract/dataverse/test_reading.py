"""Queries: selecting, filtering, sorting, paging, expanding, annotations."""

import json
from urllib.parse import quote

import pytest

from sandbox.tenant import Tenant
from tests.contract.dataverse.webapi import Web

CRM = "Microsoft.Dynamics.CRM."


@pytest.fixture
async def people(web: Web) -> dict[str, str]:
    """Contacts by last name, two of them in one company."""
    company = await web.created("accounts", name="Contoso", telephone1="1")
    found = {"company": company}
    for number, name in enumerate(("Adler", "Brecht", "celan")):
        bound = {"parentcustomerid_account@odata.bind": f"accounts({company})"} if number else {}
        found[name] = await web.created(
            "contacts", lastname=name, emailaddress1=f"{name}@x.example",
            gendercode=1 if number else None, birthdate=f"198{number}-01-01",
            donotemail=number == 2, **bound,
        )  # fmt: skip
    return found


async def names(web: Web, query: str) -> list[str]:
    reply = await web.get(f"contacts?$select=lastname&$orderby=lastname&{query}")
    assert reply.status == 200, reply.text
    return [row["lastname"] for row in reply.rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lastname eq 'ADLER'", "Adler"),
        ("lastname ne 'adler'", "Brecht celan"),
        ("contains(emailaddress1,'N@x')", "celan"),
        ("startswith(lastname,'b') or endswith(lastname,'r')", "Adler Brecht"),
        ("not contains(lastname,'e')", ""),
        ("gendercode eq null", "Adler"),
        ("gendercode eq 1 and donotemail eq true", "celan"),
        ("birthdate ge 1981-01-01", "Brecht celan"),
        ("createdon lt 2020-01-01T00:00:00Z", ""),
        ("lastname in ('brecht','celan')", "Brecht celan"),
        ("lastname gt 'B'", "Brecht celan"),
        ("parentcustomerid_account/name eq 'contoso'", "Brecht celan"),
        ("_parentcustomerid_value eq null", "Adler"),
        (f"{CRM}In(PropertyName='lastname',PropertyValues=['BRECHT','x'])", "Brecht"),
        (f"{CRM}In(PropertyName='gendercode',PropertyValues=['1'])", "Brecht celan"),
        (f"{CRM}NotIn(PropertyName='lastname',PropertyValues=[\"brecht\"])", "Adler celan"),
    ],
)  # fmt: skip
async def test_filters(web: Web, people: dict[str, str], text: str, expected: str) -> None:
    assert people
    assert await names(web, f"$filter={quote(text)}") == expected.split()


async def test_a_filter_with_parameters(web: Web, people: dict[str, str]) -> None:
    values = quote(json.dumps(["ADLER@x.example", "celan@x.example"]))
    query = (
        "$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"
        f"&@p1='emailaddress1'&@p2={values}"
    )
    assert await names(web, query) == ["Adler", "celan"]
    by_id = f"$filter=contactid eq {people['celan'].upper()}"
    assert await names(web, by_id.replace(" ", "%20")) == ["celan"]


@pytest.mark.parametrize(
    "query",
    [
        "$filter=nosuch eq 1",
        "$filter=lastname eq 1",
        "$filter=lastname eq",
        "$filter=gendercode eq '1'",
        "$filter=contactid eq '00000000-0000-0000-0000-000000000000'",
        "$filter=ownerid eq null",
        "$select=nosuch",
        "$select=ownerid",
        "$orderby=nosuch",
        "$expand=nosuch",
        "$top=x",
        "$apply=x",
        "$skip=1",
        "fetchXml=<fetch/>",
        "sql=SELECT name FROM account",
        "$select=lastname&$select=firstname",
    ],
)
async def test_what_a_query_cannot_say(web: Web, query: str) -> None:
    reply = await web.get(f"contacts?{query.replace(' ', '%20')}")
    assert reply.status == 400
    assert reply.code in {"0x80060888", "0x8006088a"}


async def test_order_by_several_columns(web: Web, people: dict[str, str]) -> None:
    assert people
    reply = await web.get("contacts?$select=lastname&$orderby=gendercode,lastname desc")
    assert [row["lastname"] for row in reply.rows] == ["Adler", "celan", "Brecht"]


async def test_pages_by_preference(web: Web, people: dict[str, str]) -> None:
    assert people
    reply = await web.get(
        "contacts?$select=lastname&$orderby=lastname&$count=true", Prefer="odata.maxpagesize=2"
    )
    assert reply.headers["Preference-Applied"] == "odata.maxpagesize=2"
    assert reply.json["@odata.count"] == 3
    link = reply.json["@odata.nextLink"]
    assert "$skiptoken=" in link
    rest = await web.get(link, Prefer="odata.maxpagesize=2")
    assert [row["lastname"] for row in (*reply.rows, *rest.rows)] == ["Adler", "Brecht", "celan"]
    assert "@odata.nextLink" not in rest.json


async def test_top_and_count(web: Web, people: dict[str, str]) -> None:
    assert people
    reply = await web.get("contacts?$top=1&$count=true&$orderby=lastname")
    assert [row["lastname"] for row in reply.rows] == ["Adler"]
    assert reply.json["@odata.count"] == 3
    assert (await web.get("contacts/$count")).text == "3"
    assert (await web.get("contacts/$count?$filter=gendercode%20eq%201")).text == "2"


async def test_expansions_with_options(web: Web, people: dict[str, str]) -> None:
    expand = quote(
        "parentcustomerid_account($select=telephone1),ownerid($select=ownerid)", safe="()$,="
    )
    refused = await web.get(f"contacts?$expand={expand}")
    assert refused.status == 400  # a user has no column of that name
    query = (
        "accounts?$select=name&$expand=contact_customer_accounts($select=lastname;"
        "$filter=contains(lastname,'C');$orderby=lastname desc;$top=1;"
        "$expand=parentcustomerid_account($select=name))"
    )
    (row,) = (await web.get(query)).rows
    (child,) = row["contact_customer_accounts"]
    assert (child["lastname"], child["parentcustomerid_account"]["name"]) == ("celan", "Contoso")
    lone = await web.get(f"contacts({people['Adler']})?$expand=parentcustomerid_account")
    assert lone.json["parentcustomerid_account"] is None


async def test_annotations_only_as_asked(web: Web, people: dict[str, str]) -> None:
    path = f"contacts({people['celan']})?$select=gendercode,donotemail,_parentcustomerid_value"
    plain = (await web.get(path)).json
    assert not [name for name in plain if "@OData.Community" in name or "@Microsoft" in name]
    some = (
        await web.get(path, Prefer='odata.include-annotations="OData.Community.Display.V1.*"')
    ).json
    assert some["gendercode@OData.Community.Display.V1.FormattedValue"] == "Male"
    assert some["donotemail@OData.Community.Display.V1.FormattedValue"] == "Yes"
    assert some["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"] == "Contoso"
    assert not [name for name in some if "@Microsoft" in name]


async def test_the_people_are_there(web: Web, tenant: Tenant) -> None:
    ada = tenant.people[0]
    (user,) = (
        await web.get(
            f"systemusers?$filter=azureactivedirectoryobjectid%20eq%20{ada.id}"
            "&$select=fullname,internalemailaddress,domainname"
        )
    ).rows
    assert user["systemuserid"] == ada.systemuserid
    assert (user["fullname"], user["internalemailaddress"]) == (ada.display_name, ada.upn)
    settings = await web.get(f"usersettingscollection({ada.systemuserid})")
    assert settings.json["incomingemailfilteringmethod"] == ada.incoming_email_filtering_method
    (mailbox,) = (
        await web.get(
            f"mailboxes?$filter=_regardingobjectid_value%20eq%20{ada.systemuserid}"
            "&$expand=emailserverprofile($select=servertype)"
        )
    ).rows
    assert mailbox["emailserverprofile"]["servertype"] == 2
    assert {
        "incomingemaildeliverymethod": 2, "outgoingemaildeliverymethod": 2,
        "actdeliverymethod": 1, "emailrouteraccessapproval": 1, "mailboxstatus": 1,
        "incomingemailstatus": 1, "actstatus": 1, "enabledforact": True, "statecode": 0,
    }.items() <= mailbox.items()  # fmt: skip


async def test_an_activity_seen_as_a_pointer(web: Web) -> None:
    contact = await web.created("contacts", lastname="Noether")
    bound = {"regardingobjectid_contact@odata.bind": f"contacts({contact})"}
    email = await web.created("emails", subject="s" * 500, **bound)
    await web.created("appointments", subject="later")
    await web.patch(f"emails({email})", {"statecode": 1, "statuscode": 4})
    (row,) = (
        await web.get(
            f"activitypointers?$filter=_regardingobjectid_value%20eq%20{contact}"
            "&$expand=regardingobjectid_contact($select=lastname)"
        )
    ).rows
    assert (row["activityid"], row["activitytypecode"]) == (email, "email")
    assert (row["statecode"], row["statuscode"], len(row["subject"])) == (1, 2, 400)
    assert row["regardingobjectid_contact"]["lastname"] == "Noether"
    one = await web.get(f"activitypointers({email})?$select=statuscode")
    assert one.json["statuscode"] == 2
    assert (await web.patch(f"activitypointers({email})", {"subject": "x"})).status == 405


async def test_the_service_document_lists_the_sets(web: Web) -> None:
    found = {one["name"] for one in (await web.get("")).rows}
    assert {"emails", "usersettingscollection", "activityparties"} <= found
