import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.graph.service import IMMUTABLE, Service, mail

EXAMPLES = Path(__file__).parents[4] / "shared/data/graph-examples"
RIGHTS = "String {00020386-0000-0000-c000-000000000046} Name content-class"
SIGNED = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=x\r\n'
TEXT = {"Prefer": 'IdType="ImmutableId", outlook.body-content-type="text"'}


def to(*addresses: str) -> list[dict[str, Any]]:
    return [{"emailAddress": {"address": one}} for one in addresses]


async def test_a_message_has_the_properties_graph_documents(service: Service) -> None:
    if not EXAMPLES.exists():
        pytest.skip("the documentation's examples are not here")
    documented = json.loads((EXAMPLES / "message.json").read_text())
    item = (await service.deliver(mail()))["id"]
    _, message = await service.call("GET", f"/users/{service.ada.id}/messages/{item}")
    assert set(message) == set(documented) | {"conversationIndex"}


async def test_ids_regular_and_immutable(service: Service) -> None:
    item = (await service.deliver(mail()))["id"]
    messages = f"/users/{service.ada.upn.upper()}/messages"
    _, before = await service.call("GET", f"{messages}/{item}")
    move = {"destinationId": "archive"}
    status, after = await service.call("POST", f"{messages}/{before['id']}/move", move)
    assert (status, after["id"] != before["id"]) == (201, True)
    status, error = await service.call("GET", f"{messages}/{before['id']}")
    assert (status, error["error"]["code"]) == (404, "ErrorItemNotFound")
    _, same = await service.call("GET", f"{messages}/{after['id']}", **IMMUTABLE)
    assert (same["id"], same["changeKey"]) == (item, after["changeKey"])
    assert service.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert (await service.call("GET", f"{messages}/{item.swapcase()}"))[0] == 404
    status, error = await service.call("GET", f"{messages}/nonsense")
    assert (status, error["error"]["code"]) == (400, "ErrorInvalidIdMalformed")
    status, translated = await service.call(
        "POST",
        f"/users/{service.ada.id}/translateExchangeIds",
        {"inputIds": [after["id"], before["id"]], "sourceIdType": "restId",
         "targetIdType": "restImmutableEntryId"},
    )  # fmt: skip
    assert [one.get("targetId") for one in translated["value"]] == [item, None]


async def test_every_write_makes_a_later_version_and_if_match_is_heeded(service: Service) -> None:
    item = (await service.deliver(mail()))["id"]
    path = f"/users/{service.ada.id}/messages/{item}"
    _, first = await service.call("GET", path)
    status, second = await service.call(
        "PATCH", path, {"categories": ["Tracked"]}, If_Match=first["@odata.etag"]
    )
    assert (status, second["categories"]) == (200, ["Tracked"])
    assert second["changeKey"] > first["changeKey"]
    for method, target, body in (
        ("PATCH", path, {"isRead": True}),
        ("DELETE", path, None),
        ("POST", f"{path}/move", {"destinationId": "archive"}),
    ):
        status, error = await service.call(method, target, body, If_Match=first["@odata.etag"])
        assert (status, error["error"]["code"]) == (412, "ErrorIrresolvableConflict")
    assert (await service.call("DELETE", path, If_Match=second["@odata.etag"]))[0] == 204


@pytest.mark.parametrize(
    "body",
    [
        {"subject": "new"},
        {"changeKey": "x"},
        {"categories": "red"},
        {"isRead": "yes"},
        {"x": 1},
        [],
    ],
)
async def test_what_cannot_be_written_into_a_received_message(
    service: Service, body: object
) -> None:
    item = (await service.deliver(mail()))["id"]
    status, error = await service.call("PATCH", f"/users/{service.ada.id}/messages/{item}", body)
    assert (status, "innerError" in error["error"]) == (400, True)


async def test_delete_goes_to_deleted_items_and_from_there_for_good(service: Service) -> None:
    item = (await service.deliver(mail()))["id"]
    user = f"/users/{service.ada.id}"
    _, bin_ = await service.call("GET", f"{user}/mailFolders('DeletedItems')")
    assert (await service.call("DELETE", f"{user}/messages/{item}"))[0] == 204
    _, found = await service.call("GET", f"{user}/messages/{item}")
    assert found["parentFolderId"] == bin_["id"]
    assert (await service.call("DELETE", f"{user}/messages/{item}"))[0] == 204
    assert (await service.call("GET", f"{user}/messages/{item}"))[0] == 404
    other = (await service.deliver(mail("other")))["id"]
    assert (await service.call("POST", f"{user}/messages/{other}/permanentDelete"))[0] == 204
    assert (await service.call("GET", f"{user}/messages/{other}"))[0] == 404


async def test_lists_are_selected_filtered_ordered_and_paged(service: Service) -> None:
    for number in range(25):
        await service.deliver(mail(f"m{number:02}"), f"?received=2026-11-02T08:{number:02}:00Z")
    user = f"/users/{service.ada.id}"
    _, page = await service.call("GET", f"{user}/messages?$select=subject&$count=true")
    assert (len(page["value"]), page["@odata.count"]) == (10, 25)
    assert set(page["value"][0]) == {"@odata.etag", "id", "subject"}
    seen = [one["subject"] for one in page["value"]]
    while "@odata.nextLink" in page:
        _, page = await service.call("GET", page["@odata.nextLink"])
        seen += [one["subject"] for one in page["value"]]
    assert seen == [f"m{number:02}" for number in reversed(range(25))]
    named = "$filter=internetMessageId eq '<m07@customer.example>'"
    _, one = await service.call("GET", f"{user}/mailFolders/inbox/messages?{named}")
    assert [found["subject"] for found in one["value"]] == ["m07"]
    sender = "$filter=from/emailAddress/address eq 'CASEY@customer.example'&$top=1000"
    assert len((await service.call("GET", f"{user}/messages?{sender}"))[1]["value"]) == 25
    _, empty = await service.call("GET", f"{user}/mailFolders/archive/messages")
    assert empty["value"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$select=colour", "RequestBroker--ParseUri"),
        ("$expand=colour", "RequestBroker--ParseUri"),
        ("$filter=colour eq 1", "RequestBroker--ParseUri"),
        ("$filter=subject eq", "BadRequest"),
        ("$top=many", "BadRequest"),
        ("$filter=isRead eq false&$orderby=subject", "InefficientFilter"),
    ],
)
async def test_queries_that_are_refused(service: Service, query: str, code: str) -> None:
    await service.deliver(mail())
    status, error = await service.call("GET", f"/users/{service.ada.id}/messages?{query}")
    assert (status, error["error"]["code"]) == (400, code)


async def test_headers_and_unique_body_come_only_when_asked_for(service: Service) -> None:
    raw = mail(X_Custom="yes").replace(
        b"customer.\r\n", b"us.\r\n\r\nOn Monday someone wrote:\r\n> q"
    )
    item = (await service.deliver(raw))["id"]
    path = f"/users/{service.ada.id}/messages/{item}"
    asked = f"{path}?$select=internetMessageHeaders,uniqueBody,body"
    _, message = await service.call("GET", asked, **TEXT)
    assert {"name": "X-Custom", "value": "yes"} in message["internetMessageHeaders"]
    assert message["body"]["contentType"] == "text"
    assert "wrote" in message["body"]["content"]
    assert message["uniqueBody"]["content"].strip() == "Hello from the us."


async def test_extended_properties_are_written_read_and_found(service: Service) -> None:
    item = (await service.deliver(mail(In_Reply_To="<a@b>", References="<z@b> <a@b>")))["id"]
    path = f"/users/{service.ada.id}/messages/{item}"
    named = "Double {00020329-0000-0000-C000-000000000046} Name crmLinkState"
    status, written = await service.call(
        "PATCH", path, {"singleValueExtendedProperties": [{"id": named, "value": "2"}]}
    )
    assert (status, "singleValueExtendedProperties" in written) == (200, False)
    asked = "id eq 'String 0x1042' or id eq 'String 0x1039' or id eq '" + named.lower().replace(
        "double", "Double").replace("name crmlinkstate", "Name crmLinkState") + "'"  # fmt: skip
    expand = f"?$expand=singleValueExtendedProperties($filter={asked})"
    _, read = await service.call("GET", path + expand)
    assert [one["value"] for one in read["singleValueExtendedProperties"]] == [
        "<a@b>", "<z@b> <a@b>", "2",
    ]  # fmt: skip
    condition = f"singleValueExtendedProperties/any(p:p/id eq '{named}' and p/value eq '2')"
    _, found = await service.call(
        "GET", f"/users/{service.ada.id}/messages?$filter={condition}", **IMMUTABLE
    )
    assert [one["id"] for one in found["value"]] == [item]


async def test_mime_and_attachments(service: Service) -> None:
    raw = (
        b"From: a@b.example\r\nSubject: files\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        b"<p>see</p>\r\n--x\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--\r\n"
    )
    delivered = await service.deliver(raw)
    assert delivered["internetMessageId"].endswith("prod.outlook.com>")
    path = f"/users/{service.ada.id}/messages/{delivered['id']}"
    _, message = await service.call("GET", f"{path}?$expand=attachments")
    assert message["hasAttachments"] is True
    assert message["attachments"][0]["contentBytes"] == "JVBERg=="
    _, listed = await service.call("GET", f"{path}/attachments?$select=name,size")
    assert [(one["name"], one["size"]) for one in listed["value"]] == [("a.pdf", 4)]
    one = f"{path}/attachments/{listed['value'][0]['id']}"
    assert (await service.call("GET", f"{one}/$value"))[1] == b"%PDF"
    _, mime = await service.call("GET", f"{path}/$value")
    assert mime.endswith(raw)
    assert delivered["internetMessageId"].encode() in mime


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        (b"", {"String 0x1a": "IPM.Note", "Integer 0x36": "0"}),
        (b"Sensitivity: private\r\n", {"Integer 0x36": "2"}),
        (b"Sensitivity: Company-Confidential\r\n", {"Integer 0x36": "3"}),
        (b"Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data\r\n",
         {"String 0x1a": "IPM.Note.SMIME"}),
        (SIGNED, {"String 0x1a": "IPM.Note.SMIME.MultipartSigned"}),
        (b"Content-Class: rpmsg.message\r\n", {RIGHTS: "rpmsg.message"}),
    ],
)  # fmt: skip
async def test_what_a_mail_is_stands_in_its_extended_properties(
    service: Service, headers: bytes, kept: dict[str, str]
) -> None:
    delivered = await service.deliver(b"From: a@b.example\r\n" + headers + b"\r\nx")
    wanted = " or ".join(f"id eq '{name}'" for name in ("String 0x1a", "Integer 0x36", RIGHTS))
    path = f"/users/{service.ada.id}/messages/{delivered['id']}"
    _, message = await service.call(
        "GET", f"{path}?$select=id&$expand=singleValueExtendedProperties($filter={wanted})"
    )
    found = {one["id"]: one["value"] for one in message["singleValueExtendedProperties"]}
    assert kept.items() <= found.items()


async def test_a_meeting_request_is_an_event_message(service: Service) -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTART:20261102T080000Z\r\n"
        "DTEND:20261102T090000Z\r\nLOCATION:Room 1\\, Berlin\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    raw = b"Subject: Kick-off\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    item = (await service.deliver(raw + calendar.encode()))["id"]
    _, message = await service.call("GET", f"/users/{service.ada.id}/messages/{item}")
    assert message["@odata.type"] == "#microsoft.graph.eventMessageRequest"
    assert message["meetingMessageType"] == "meetingRequest"
    assert message["startDateTime"]["dateTime"] == "2026-11-02T08:00:00.0000000"
    assert message["location"] == {"displayName": "Room 1, Berlin"}


async def test_sending_between_mailboxes_keeps_the_thread(service: Service) -> None:
    ada, grace = (f"/users/{person.id}" for person in (service.ada, service.grace))
    message = {
        "subject": "Plan",
        "body": {"contentType": "HTML", "content": "<b>Go</b>"},
        "toRecipients": to(service.grace.upn),
        "bccRecipients": to(service.alan.upn),
    }
    assert (await service.call("POST", f"{ada}/sendMail", {"message": message}))[0] == 202
    _, sent = await service.call("GET", f"{ada}/mailFolders/sentitems/messages")
    _, came = await service.call("GET", f"{grace}/mailFolders/inbox/messages")
    _, copied = await service.call("GET", f"/users/{service.alan.id}/messages")
    original, received, hidden = sent["value"][0], came["value"][0], copied["value"][0]
    assert original["internetMessageId"] == received["internetMessageId"]
    assert original["conversationIndex"] == received["conversationIndex"]
    assert original["conversationId"] != received["conversationId"]
    assert (len(original["bccRecipients"]), hidden["bccRecipients"]) == (1, [])
    reply = f"{grace}/messages/{received['id']}/reply"
    assert (await service.call("POST", reply, {"comment": "Fine"}))[0] == 202
    _, inbox = await service.call("GET", f"{ada}/mailFolders/inbox/messages")
    answer = inbox["value"][0]
    assert answer["subject"] == "RE: Plan"
    assert answer["conversationId"] == original["conversationId"]
    _, headers = await service.call(
        "GET", f"{ada}/messages/{answer['id']}?$select=internetMessageHeaders"
    )
    named = {one["name"]: one["value"] for one in headers["internetMessageHeaders"]}
    assert named["In-Reply-To"] == original["internetMessageId"]
    assert answer["bodyPreview"].startswith("Fine")


async def test_a_draft_is_written_changed_and_sent(service: Service) -> None:
    user = f"/users/{service.ada.id}"
    _, draft = await service.call("POST", f"{user}/messages", {"subject": "a"}, **IMMUTABLE)
    path = f"{user}/messages/{draft['id']}"
    assert draft["isDraft"] is True
    assert (await service.call("POST", f"{path}/send"))[0] == 400  # to nobody
    file = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "f", "contentBytes": "aGk="}
    assert (await service.call("POST", f"{path}/attachments", file))[0] == 201
    changes = {"subject": "b", "toRecipients": to(service.grace.upn)}
    assert (await service.call("PATCH", path, changes))[0] == 200
    assert b"Subject: b" in (await service.call("GET", f"{path}/$value"))[1]
    assert (await service.call("POST", f"{path}/send"))[0] == 202
    _, sent = await service.call("GET", f"{path}?$select=isDraft,internetMessageHeaders")
    assert (sent["isDraft"], sent["internetMessageHeaders"]) == (False, None)
    _, inbox = await service.call("GET", f"/users/{service.grace.id}/messages?$expand=attachments")
    assert [one["name"] for one in inbox["value"][0]["attachments"]] == ["f"]
    assert (await service.call("POST", f"{path}/send"))[0] == 400  # no draft any more


async def test_forward_and_reply_all_as_drafts(service: Service) -> None:
    raw = mail(to=f"{service.ada.upn}, {service.grace.upn}", Cc=service.alan.upn)
    item = (await service.deliver(raw))["id"]
    path = f"/users/{service.ada.id}/messages/{item}"
    _, all_ = await service.call("POST", f"{path}/createReplyAll")
    addresses = [one["emailAddress"]["address"] for one in all_["toRecipients"]]
    assert addresses == ["casey@customer.example", service.grace.upn]
    assert len(all_["ccRecipients"]) == 1
    status, forwarded = await service.call("POST", f"{path}/createForward")
    assert (status, forwarded["subject"]) == (201, "FW: Offer")


async def test_folders_are_listed_found_and_created(service: Service) -> None:
    await service.deliver(mail())
    user = f"/users/{service.ada.id}/mailFolders"
    _, inbox = await service.call("GET", f"{user}/inbox")
    assert (inbox["totalItemCount"], inbox["unreadItemCount"]) == (1, 1)
    new = {"displayName": "Customers"}
    status, child = await service.call("POST", f"{user}/{inbox['id']}/childFolders", new)
    assert (status, child["parentFolderId"]) == (201, inbox["id"])
    assert (await service.call("POST", f"{user}/inbox/childFolders", new))[0] == 409
    _, listed = await service.call("GET", f"{user}/inbox/childFolders")
    assert [one["id"] for one in listed["value"]] == [child["id"]]
    assert len((await service.call("GET", user))[1]["value"]) == 7


async def test_people_by_id_and_by_name(service: Service) -> None:
    _, everyone = await service.call("GET", "//users?$top=2")
    assert len(everyone["value"]) == 2
    assert "@odata.nextLink" in everyone
    _, ada = await service.call("GET", f"/Users/{service.ada.upn}?$select=id,mail")
    assert (ada["id"], ada["mail"]) == (service.ada.id, service.ada.upn)
    status, error = await service.call("GET", "/users/nobody@contoso.example")
    assert (status, error["error"]["code"]) == (404, "Request_ResourceNotFound")
