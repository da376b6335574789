from typing import Any

import pytest

from tests.contract.graph.service import IMMUTABLE, Service, mail


async def round_of(
    service: Service, link: str, **headers: str
) -> tuple[list[dict[str, Any]], str, int]:
    """Follow a round to its end: its rows, the delta link, the number of pages."""
    rows: list[dict[str, Any]] = []
    for pages in range(1, 100):
        status, page = await service.call("GET", link, **headers)
        assert status == 200, page
        rows += page["value"]
        if "@odata.deltaLink" in page:
            return rows, page["@odata.deltaLink"], pages
        link = page["@odata.nextLink"]
    raise AssertionError("the round has no end")


async def test_a_round_and_what_changed_since(service: Service) -> None:
    user = f"/users/{service.ada.id}"
    ids = [(await service.deliver(mail(f"m{n}")))["id"] for n in range(5)]
    prefer = {"Prefer": 'odata.maxpagesize=2, IdType="ImmutableId"'}
    inbox = f"{user}/mailFolders/inbox/messages/delta?$select=subject"
    rows, link, pages = await round_of(service, inbox, **prefer)
    assert ([row["id"] for row in rows], pages) == (ids, 3)
    assert set(rows[0]) == {"@odata.type", "@odata.etag", "id", "subject"}
    assert await round_of(service, link, **prefer) == ([], link, 1)
    await service.call("PATCH", f"{user}/messages/{ids[0]}", {"isRead": True})
    await service.call("POST", f"{user}/messages/{ids[1]}/move", {"destinationId": "archive"})
    await service.call("POST", f"{user}/messages/{ids[2]}/permanentDelete")
    new = (await service.deliver(mail("new")))["id"]
    rows, _, _ = await round_of(service, link, **prefer)
    assert [(row["id"], row.get("@removed")) for row in rows] == [
        (ids[0], None),
        (ids[1], {"reason": "deleted"}),
        (ids[2], {"reason": "deleted"}),
        (new, None),
    ]
    archive, _, _ = await round_of(service, f"{user}/mailFolders/archive/messages/delta", **prefer)
    assert [row["id"] for row in archive] == [ids[1]]


async def test_immutable_ids_lose_what_left_and_came_back_until_it_is_touched(
    service: Service,
) -> None:
    user = f"/users/{service.ada.id}"
    item = (await service.deliver(mail()))["id"]
    inbox = f"{user}/mailFolders/inbox/messages/delta"
    _, link, _ = await round_of(service, inbox, **IMMUTABLE)
    for folder in ("archive", "inbox"):
        await service.call("POST", f"{user}/messages/{item}/move", {"destinationId": folder})
    rows, after, _ = await round_of(service, link, **IMMUTABLE)
    assert [(row["id"], "@removed" in row) for row in rows] == [(item, True)]
    regular, _, _ = await round_of(service, link)
    assert sorted("@removed" in row for row in regular) == [False, True]
    await service.call("PATCH", f"{user}/messages/{item}", {"isRead": True})
    rows, _, _ = await round_of(service, after, **IMMUTABLE)
    assert [(row["id"], "@removed" in row) for row in rows] == [(item, False)]
    rows, _, _ = await round_of(service, inbox, **IMMUTABLE)
    assert [row["id"] for row in rows] == [item]


async def test_filtered_pages_may_be_empty_and_go_on(service: Service) -> None:
    for number in range(4):
        await service.deliver(mail(f"m{number}"), f"?received=2026-11-0{number + 1}T08:00:00Z")
    path = (
        f"/users/{service.ada.id}/mailFolders/inbox/messages/delta"
        "?$filter=receivedDateTime ge 2026-11-04T00:00:00Z&$select=subject"
    )
    _, first = await service.call("GET", path, Prefer="odata.maxpagesize=2")
    assert (first["value"], "@odata.nextLink" in first) == ([], True)
    rows, _, _ = await round_of(service, first["@odata.nextLink"])
    assert [row["subject"] for row in rows] == ["m3"]


async def test_options_that_delta_refuses(service: Service) -> None:
    inbox = f"/users/{service.ada.id}/mailFolders/inbox/messages/delta"
    for query in ("$filter=isRead eq true", "$orderby=subject", "changeType=moved"):
        assert (await service.call("GET", f"{inbox}?{query}"))[0] == 400


async def test_a_token_nobody_gave_is_gone(service: Service) -> None:
    inbox = f"/users/{service.ada.id}/mailFolders/inbox/messages/delta"
    status, body = await service.call("GET", f"{inbox}?$deltatoken=abc")
    assert (status, body["error"]["code"]) == (410, "SyncStateNotFound")
    assert service.headers["Location"].endswith("$deltatoken=")


async def test_folders_that_are_new(service: Service) -> None:
    folders = f"/users/{service.ada.id}/mailFolders"
    rows, link, _ = await round_of(service, f"{folders}/delta?$select=displayName")
    assert len(rows) == 7
    await service.call("POST", folders, {"displayName": "Customers"})
    rows, _, _ = await round_of(service, link)
    assert [row["displayName"] for row in rows] == ["Customers"]


async def test_contacts_that_changed_since(service: Service) -> None:
    contacts = f"/users/{service.ada.id}/contacts"
    prefer = {"Prefer": 'odata.maxpagesize=2, IdType="ImmutableId"'}
    made = []
    for name in ("Ann", "Bob", "Cid"):
        _, contact = await service.call("POST", contacts, {"givenName": name}, **prefer)
        made.append(contact["id"])
    rows, link, pages = await round_of(service, f"{contacts}/delta?$select=givenName", **prefer)
    assert ([row["id"] for row in rows], pages) == (made, 2)
    assert set(rows[0]) == {"@odata.type", "@odata.etag", "id", "givenName"}
    assert rows[0]["@odata.type"] == "#microsoft.graph.contact"
    assert await round_of(service, link, **prefer) == ([], link, 1)
    await service.call("PATCH", f"{contacts}/{made[0]}", {"title": "Dr"})
    await service.call("DELETE", f"{contacts}/{made[1]}")
    rows, _, _ = await round_of(service, link, **prefer)
    assert [(row["id"], row.get("@removed")) for row in rows] == [
        (made[0], None),
        (made[1], {"reason": "deleted"}),
    ]
    rows, _, _ = await round_of(service, f"{contacts}/delta", **prefer)  # only what there is
    assert [row["id"] for row in rows] == [made[2], made[0]]


async def test_contact_folders_each_have_a_round_of_their_own(service: Service) -> None:
    folders = f"/users/{service.ada.id}/contactFolders"
    rows, link, _ = await round_of(service, f"{folders}/delta")
    assert [row["displayName"] for row in rows] == ["Contacts"]
    _, folder = await service.call("POST", folders, {"displayName": "Customers"})
    rows, link, _ = await round_of(service, link)
    assert [row["displayName"] for row in rows] == ["Customers"]
    inside = f"{folders}/{folder['id']}/contacts"
    await service.call("POST", inside, {"givenName": "Ann"})
    rows, _, _ = await round_of(service, f"{inside}/delta")
    assert [row["displayName"] for row in rows] == ["Ann"]
    rows, _, _ = await round_of(service, f"/users/{service.ada.id}/contacts/delta")
    assert rows == []
    await service.call("DELETE", f"{folders}/{folder['id']}")
    rows, _, _ = await round_of(service, link)
    assert rows == [{"id": folder["id"], "@removed": {"reason": "deleted"}}]


@pytest.mark.parametrize("token", ["abc", "W10=", "WzEsMl0=", "WzFlOTk5LDIse31d", "%F0%9F%98%80"])
async def test_a_token_that_is_none_is_gone_everywhere(service: Service, token: str) -> None:
    user = f"/users/{service.ada.id}"
    for path in ("contacts", "contactFolders", "contactFolders/contacts/contacts"):
        for option in ("$deltatoken", "$skiptoken"):
            status, body = await service.call("GET", f"{user}/{path}/delta?{option}={token}")
            assert (status, body["error"]["code"]) == (410, "SyncStateNotFound")


async def test_options_that_the_delta_of_contacts_refuses(service: Service) -> None:
    for option in ("$filter=givenName eq 'A'", "$orderby=givenName", "$top=2", "$select=nothing"):
        path = f"/users/{service.ada.id}/contacts/delta?{option}"
        assert (await service.call("GET", path))[0] == 400
