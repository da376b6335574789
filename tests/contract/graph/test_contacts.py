from pathlib import Path
from typing import Any

import pytest

from sandbox.graph.rules import Rules
from sandbox.store import Document
from tests.contract.graph.service import IMMUTABLE, Service
from tests.contract.graph.webhook import Webhook

CONTACTS = "/users/ada@contoso.example/contacts"
FOLDERS = "/users/ada@contoso.example/contactFolders"
GARTH: Document = {
    "givenName": "Garth",
    "surname": "Fort",
    "companyName": "Contoso, Inc.",
    "birthday": "1974-07-22T00:00:00Z",
    "emailAddresses": [{"name": "Garth", "address": "garth@customer.example"}],
    "businessPhones": ["+1 918 555 0101"],
    "businessAddress": {"street": "10 Contoso Way", "city": "Redmond"},
}


async def created(service: Service, path: str = CONTACTS, **stated: object) -> Document:
    status, contact = await service.call("POST", path, GARTH | stated, **IMMUTABLE)
    assert status == 201, contact
    made: Document = contact
    return made


async def test_a_contact_as_graph_shows_it(service: Service) -> None:
    contact = await created(service)
    _, folder = await service.call("GET", f"{FOLDERS}/contacts")
    assert contact["@odata.etag"] == f'W/"{contact["changeKey"]}"'
    assert contact["parentFolderId"] == folder["id"]
    shown = {name: contact[name] for name in (*GARTH, "displayName", "fileAs", "initials")}
    assert shown == GARTH | {
        "birthday": "1974-07-22T11:59:00Z",
        "displayName": "Garth Fort",
        "fileAs": "Fort, Garth",
        "initials": "G.F.",
    }
    assert (contact["homePhones"], contact["homeAddress"], contact["manager"]) == ([], {}, None)
    status, read = await service.call("GET", f"{CONTACTS}/{contact['id']}", **IMMUTABLE)
    assert status == 200
    assert {**read, "@odata.context": ""} == {**contact, "@odata.context": ""}
    assert service.headers["ETag"] == contact["@odata.etag"]


async def test_changes_names_made_up_and_addresses_merged(service: Service) -> None:
    contact = await created(service)
    path = f"{CONTACTS}/{contact['id']}"
    _, changed = await service.call("PATCH", path, {"displayName": "The Garth"})
    assert (changed["displayName"], changed["fileAs"]) == ("The Garth", "Fort, Garth")
    _, changed = await service.call("PATCH", path, {"surname": "Forte", "middleName": "X"})
    assert (changed["displayName"], changed["fileAs"]) == ("Garth X Forte", "Forte, Garth X")
    change = {"businessAddress": {"city": None, "state": "WA"}, "businessPhones": []}
    _, changed = await service.call("PATCH", path, change)
    assert changed["businessAddress"] == {"street": "10 Contoso Way", "state": "WA"}
    assert changed["businessPhones"] == []
    _, changed = await service.call("PATCH", path, {"businessAddress": None, "birthday": None})
    assert (changed["businessAddress"], changed["birthday"]) == ({}, None)


async def test_nameless_contacts_are_filed_by_company_or_address(service: Service) -> None:
    nameless: Document = {"givenName": None, "surname": None}
    assert (await created(service, **nameless))["fileAs"] == "Contoso, Inc."
    contact = await created(service, **nameless, companyName=None)
    assert (contact["fileAs"], contact["displayName"]) == ("garth@customer.example",) * 2


@pytest.mark.parametrize(
    "stated",
    [
        {"faxNumber": "1"},
        {"\ud800": "half a character"},
        {"birthday": "\ud800"},
        {"id": "x"},
        {"parentFolderId": "x"},
        {"displayName": 1},
        {"birthday": "1974-07-22"},
        {"birthday": "0001-01-01T00:00:00+14:00"},
        {"birthday": 5},
        {"emailAddresses": [{"address": f"a{n}@x.example"} for n in range(4)]},
        {"emailAddresses": [None]},
        {"emailAddresses": [{"name": "no address"}]},
        {"emailAddresses": None},
        {"businessPhones": ["1", "2", "3"]},
        {"homePhones": ["1", "2", "3"]},
        {"homeAddress": "1 Street"},
        {"homeAddress": {"zip": "1"}},
        {"children": "one"},
        {"singleValueExtendedProperties": [{"id": "nonsense", "value": "x"}]},
    ],
)
async def test_what_a_contact_cannot_be_is_refused(service: Service, stated: Document) -> None:
    status, body = await service.call("POST", CONTACTS, stated)
    assert (status, "message" in body["error"]) == (400, True), body
    contact = await created(service)
    assert (await service.call("PATCH", f"{CONTACTS}/{contact['id']}", stated))[0] == 400


async def test_an_unknown_property_is_named(service: Service) -> None:
    _, body = await service.call("POST", CONTACTS, {"faxNumber": "1"})
    assert body["error"]["code"] == "RequestBodyRead"
    message = "The property 'faxNumber' does not exist on type 'microsoft.graph.contact'."
    assert body["error"]["message"] == message


async def test_extended_properties_are_kept_and_shown_on_request(service: Service) -> None:
    name = "String {00020329-0000-0000-C000-000000000046} Name crmid"
    contact = await created(service, singleValueExtendedProperties=[{"id": name, "value": "7"}])
    assert "singleValueExtendedProperties" not in contact
    option = f"$expand=singleValueExtendedProperties($filter=id eq '{name}')"
    _, read = await service.call("GET", f"{CONTACTS}/{contact['id']}?{option}")
    assert read["singleValueExtendedProperties"] == [{"id": name, "value": "7"}]
    assert (await service.call("GET", f"{CONTACTS}?$expand=photo"))[0] == 400
    assert (await service.call("GET", f"{CONTACTS}?$filter=extended eq null"))[0] == 400


async def test_lists_are_chosen_filtered_ordered_and_paged(service: Service) -> None:
    for name in ("Cid", "Ann", "Bob"):
        address = [{"address": f"{name}@customer.example"}]
        await created(service, givenName=name, emailAddresses=address)
    query = "$select=displayName&$orderby=displayName&$top=2&$count=true"
    _, page = await service.call("GET", f"{CONTACTS}?{query}")
    assert [set(one) for one in page["value"]] == [{"@odata.etag", "id", "displayName"}] * 2
    _, rest = await service.call("GET", page["@odata.nextLink"])
    shown = [one["displayName"] for one in (*page["value"], *rest["value"])]
    assert (shown, page["@odata.count"]) == (["Ann Fort", "Bob Fort", "Cid Fort"], 3)
    by_address = "$filter=emailAddresses/any(a:a/address eq 'bob@customer.example')"
    _, found = await service.call("GET", f"{CONTACTS}?{by_address}&$select=givenName")
    assert [one["givenName"] for one in found["value"]] == ["Bob"]
    for option in ("$select=faxNumber", "$filter=faxNumber eq '1'", "$orderby=entered"):
        assert (await service.call("GET", f"{CONTACTS}?{option}"))[0] == 400


async def test_versions_guard_changes_and_deletion_is_final(service: Service) -> None:
    contact = await created(service)
    path, stale = f"{CONTACTS}/{contact['id']}", contact["@odata.etag"]
    status, changed = await service.call("PATCH", path, {"title": "Dr"}, If_Match=stale)
    assert (status, changed["changeKey"] > contact["changeKey"]) == (200, True)
    for method in ("PATCH", "DELETE"):
        status, body = await service.call(method, path, {"title": "Mr"}, If_Match=stale)
        assert (status, body["error"]["code"]) == (412, "ErrorIrresolvableConflict")
    assert (await service.call("DELETE", path, If_Match=changed["@odata.etag"]))[0] == 204
    for method in ("GET", "PATCH", "DELETE"):
        status, body = await service.call(method, path, {"title": "Mr"})
        assert (status, body["error"]["code"]) == (404, "ErrorItemNotFound")
    status, body = await service.call("GET", f"{CONTACTS}/nonsense")
    assert (status, body["error"]["code"]) == (400, "ErrorInvalidIdMalformed")


async def test_either_id_finds_a_contact(service: Service) -> None:
    status, contact = await service.call("POST", CONTACTS, GARTH)
    _, again = await service.call("GET", f"{CONTACTS}/{contact['id']}", **IMMUTABLE)
    assert (status, contact["id"] != again["id"]) == (201, True)
    assert service.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert (await service.call("GET", f"{CONTACTS}/{again['id']}"))[1]["id"] == contact["id"]


async def test_folders_hold_their_own_contacts(service: Service) -> None:
    _, default = await service.call("GET", f"{FOLDERS}/contacts")
    status, folder = await service.call("POST", FOLDERS, {"displayName": "Customers"})
    assert (status, folder["parentFolderId"]) == (201, default["id"])
    assert (await service.call("POST", FOLDERS, {"displayName": "customers"}))[0] == 409
    assert (await service.call("POST", FOLDERS, {"name": "x"}))[0] == 400
    _, listed = await service.call("GET", FOLDERS)
    assert [one["displayName"] for one in listed["value"]] == ["Customers"]
    inside = f"{FOLDERS}/{folder['id']}/contacts"
    contact = await created(service, inside)
    assert contact["parentFolderId"] == folder["id"]
    assert (await service.call("GET", CONTACTS))[1]["value"] == []
    assert (await service.call("GET", f"{CONTACTS}/{contact['id']}"))[0] == 200
    assert (await service.call("GET", f"{FOLDERS}/contacts/contacts/{contact['id']}"))[0] == 404
    assert len((await service.call("GET", inside))[1]["value"]) == 1
    _, child = await service.call("POST", f"{FOLDERS}/{folder['id']}/childFolders",
                                  {"displayName": "Old"})  # fmt: skip
    _, children = await service.call("GET", f"{FOLDERS}/{folder['id']}/childFolders")
    assert [one["id"] for one in children["value"]] == [child["id"]]
    _, renamed = await service.call("PATCH", f"{FOLDERS}/{child['id']}", {"displayName": "New"})
    assert (renamed["id"], renamed["displayName"]) == (child["id"], "New")
    assert (await service.call("DELETE", f"{FOLDERS}/{folder['id']}"))[0] == 204
    for gone in (f"{CONTACTS}/{contact['id']}", f"{FOLDERS}/{child['id']}", inside):
        assert (await service.call("GET", gone))[0] == 404
    assert (await service.call("DELETE", f"{FOLDERS}/contacts"))[0] == 400


async def test_roles_decide(webhook: Webhook) -> None:
    async with Service(roles=("Contacts.Read",)) as service:
        assert (await service.call("GET", CONTACTS))[0] == 200
        assert (await service.call("POST", CONTACTS, GARTH))[0] == 403
        await service.subscribe(webhook.url, resource="users/ada@contoso.example/contacts")
    async with Service(roles=("Mail.ReadWrite",)) as service:
        assert (await service.call("GET", f"{CONTACTS}/delta"))[0] == 403
        body = service.subscription(webhook.url, resource="users/ada@contoso.example/contacts")
        assert (await service.call("POST", "/subscriptions", body))[0] == 403


async def test_what_is_told_of_contacts(service: Service, webhook: Webhook) -> None:
    _, folder = await service.call("POST", FOLDERS, {"displayName": "Customers"})
    inside = f"{FOLDERS}/{folder['id']}/contacts"
    watched = await service.subscribe(webhook.url, resource=CONTACTS)
    await service.subscribe(webhook.url, resource=inside, changeType="created")
    contact = await created(service)
    await service.call("PATCH", f"{CONTACTS}/{contact['id']}", {"title": "Dr"})
    await service.call("DELETE", f"{CONTACTS}/{contact['id']}")
    await webhook.received(3)
    assert webhook.kinds() == [
        ("created", contact["id"]), ("updated", contact["id"]), ("deleted", contact["id"]),
    ]  # fmt: skip
    entry = webhook.entries[0]
    assert entry["subscriptionId"] == watched["id"]
    assert entry["resource"] == f"Users/{service.ada.id}/Contacts/{contact['id']}"
    assert entry["resourceData"]["@odata.type"] == "#Microsoft.Graph.Contact"
    other = await created(service, inside)  # told to both
    await webhook.received(5)
    assert webhook.kinds()[3:] == [("created", other["id"])] * 2


async def test_a_filter_on_what_contacts_do_not_have_cannot_be_watched(
    service: Service, webhook: Webhook
) -> None:
    for resource, status in (
        (f"{CONTACTS}?$filter=faxNumber eq '1'", 400),
        (f"{CONTACTS}?$filter=companyName eq 'Contoso, Inc.'", 201),
        (f"{FOLDERS}/nonsense/contacts", 400),
    ):
        body = service.subscription(webhook.url, resource=resource)
        assert (await service.call("POST", "/subscriptions", body))[0] == status
    contact = await created(service)
    path = f"{CONTACTS}/{contact['id']}"
    await service.call("PATCH", path, {"companyName": "Fabrikam"})
    await webhook.received(2)
    assert [kind for kind, _ in webhook.kinds()] == ["created", "deleted"]


async def test_contacts_share_the_limits_of_their_mailbox() -> None:
    async with Service(rules=Rules(requests_per_window=2)) as service:
        await created(service)
        await service.call("GET", f"/users/{service.ada.id}/messages")
        status, body = await service.call("GET", CONTACTS)
        assert (status, body["error"]["code"]) == (429, "ApplicationThrottled")


async def test_contacts_in_a_batch(service: Service) -> None:
    parts: list[dict[str, Any]] = [
        {"id": "1", "method": "POST", "url": CONTACTS, "body": GARTH,
         "headers": {"Content-Type": "application/json"}},
        {"id": "2", "method": "GET", "url": CONTACTS, "dependsOn": ["1"]},
    ]  # fmt: skip
    _, body = await service.call("POST", "/$batch", {"requests": parts})
    answers = {one["id"]: one for one in body["responses"]}
    assert (answers["1"]["status"], len(answers["2"]["body"]["value"])) == (201, 1)


async def test_contacts_survive_a_restart(tmp_path: Path) -> None:
    async with Service(state=tmp_path / "graph.db") as service:
        _, folder = await service.call("POST", FOLDERS, {"displayName": "Customers"})
        contact = await created(service, f"{FOLDERS}/{folder['id']}/contacts")
        gone = await created(service)
        _, page = await service.call("GET", f"{CONTACTS}/delta")
        link = page["@odata.deltaLink"].partition("/v1.0")[2]
        await service.call("DELETE", f"{CONTACTS}/{gone['id']}")
    async with Service(state=tmp_path / "graph.db") as service:
        _, read = await service.call("GET", f"{CONTACTS}/{contact['id']}", **IMMUTABLE)
        assert read["@odata.etag"] == contact["@odata.etag"]
        assert (await service.call("GET", f"{FOLDERS}/contacts"))[1]["displayName"] == "Contacts"
        _, page = await service.call("GET", link, **IMMUTABLE)
        assert [(one["id"], "@removed" in one) for one in page["value"]] == [(gone["id"], True)]
        again = await created(service)
        assert again["id"] not in (contact["id"], gone["id"])
