from typing import Any

import pytest

from sandbox.store import Document
from sandbox.tenant import Person
from tests.contract.graph.service import IMMUTABLE, Service
from tests.contract.graph.test_events import at, visit
from tests.contract.graph.test_series import AUTUMN, weekly
from tests.contract.graph.webhook import Webhook


def attending(*people: Person | str) -> Document:
    addresses = [one if isinstance(one, str) else one.upn for one in people]
    return {"attendees": [{"emailAddress": {"address": one}} for one in addresses]}


class Meeting:
    """A meeting of Ada's with Grace and somebody from outside."""

    def __init__(self, service: Service, event: Document) -> None:
        self.service = service
        self.id = event["id"]
        self.uid = event["iCalUId"]

    @classmethod
    async def of(cls, service: Service, **stated: object) -> "Meeting":
        invited = attending(service.grace, "casey@customer.example")
        path = f"/users/{service.ada.id}/events"
        status, event = await service.call(
            "POST", path, visit(**{**invited, **stated}), **IMMUTABLE
        )
        assert status == 201, event
        return cls(service, event)

    async def call(self, who: Person, method: str, item: str, body: object = None) -> Document:
        status, answer = await self.service.call(
            method, f"/users/{who.id}/events/{item}", body, **IMMUTABLE
        )
        assert status < 300, answer
        answered: Document = answer
        return answered

    async def patch(self, **changes: object) -> Document:
        return await self.call(self.service.ada, "PATCH", self.id, changes)

    async def own(self) -> Document:
        return await self.call(self.service.ada, "GET", self.id)

    async def copies(self, who: Person) -> list[Any]:
        _, listed = await self.service.call("GET", f"/users/{who.id}/events", **IMMUTABLE)
        rows: list[Any] = [one for one in listed["value"] if one["iCalUId"] == self.uid]
        return rows

    async def copy(self, who: Person) -> Document:
        found: Document
        (found,) = await self.copies(who)
        return found


async def inbox(service: Service, who: Person) -> list[Any]:
    path = f"/users/{who.id}/mailFolders/inbox/messages?$orderby=createdDateTime"
    _, listed = await service.call("GET", path)
    rows: list[Any] = listed["value"]
    return rows


async def instances(service: Service, who: Person, item: str) -> list[Any]:
    path = f"/users/{who.id}/events/{item}/instances{AUTUMN}"
    status, page = await service.call("GET", path, **IMMUTABLE)
    assert status == 200, page
    rows: list[Any] = page["value"]
    return rows


async def test_an_invitation_is_a_copy_and_a_mail(service: Service) -> None:
    meeting = await Meeting.of(service, categories=["Blue"], reminderMinutesBeforeStart=45)
    copy = await meeting.copy(service.grace)
    assert copy["id"] != meeting.id
    assert (copy["isOrganizer"], copy["showAs"]) == (False, "tentative")
    assert copy["responseStatus"]["response"] == "notResponded"
    assert (copy["categories"], copy["reminderMinutesBeforeStart"]) == ([], 15)
    assert copy["organizer"]["emailAddress"]["address"] == service.ada.upn
    assert (copy["subject"], copy["start"]) == ("Visit", at("2026-10-20T08:00:00.0000000"))
    assert await meeting.copies(service.alan) == []
    (mail,) = await inbox(service, service.grace)
    assert mail["@odata.type"] == "#microsoft.graph.eventMessageRequest"
    assert (mail["meetingMessageType"], mail["subject"]) == ("meetingRequest", "Visit")
    assert mail["startDateTime"] == at("2026-10-20T08:00:00.0000000")
    assert mail["from"]["emailAddress"]["address"] == service.ada.upn


async def test_changes_flow_and_what_is_the_attendees_own_stays(service: Service) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    await meeting.call(service.grace, "POST", f"{copy['id']}/accept", {"sendResponse": True})
    own = {"categories": ["Red"], "reminderMinutesBeforeStart": 5, "showAs": "oof"}
    await meeting.call(service.grace, "PATCH", copy["id"], own)
    await meeting.patch(
        subject="Later",
        start=at("2026-10-20T12:00:00"),
        end=at("2026-10-20T13:00:00"),
        location={"displayName": "Room 2"},
    )
    after = await meeting.copy(service.grace)
    assert (after["id"], after["subject"]) == (copy["id"], "Later")
    assert after["start"] == at("2026-10-20T12:00:00.0000000")
    assert after["location"]["displayName"] == "Room 2"
    assert {name: after[name] for name in own} == own
    assert after["responseStatus"]["response"] == "accepted"
    assert len(await inbox(service, service.grace)) == 2
    await meeting.patch(categories=["Green"])
    assert (await meeting.copy(service.grace))["changeKey"] == after["changeKey"]
    assert len(await inbox(service, service.grace)) == 2


async def test_an_attendee_changes_only_what_is_theirs(service: Service) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    path = f"/users/{service.grace.id}/events/{copy['id']}"
    theirs: list[Document] = [
        {"subject": "x"}, {"start": at("2026-10-21T10:00:00")}, {"attendees": []},
    ]  # fmt: skip
    for changes in theirs:
        status, refused = await service.call("PATCH", path, changes)
        assert (status, refused["error"]["code"]) == (400, "ErrorInvalidPropertySet")


@pytest.mark.parametrize(
    ("action", "response", "shown", "kind"),
    [
        ("accept", "accepted", "busy", "meetingAccepted"),
        ("tentativelyAccept", "tentativelyAccepted", "tentative", "meetingTenativelyAccepted"),
    ],
)
async def test_an_answer_reaches_the_organizer(
    service: Service, action: str, response: str, shown: str, kind: str
) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    await meeting.call(service.grace, "POST", f"{copy['id']}/{action}", {"Comment": "Fine"})
    after = await meeting.copy(service.grace)
    assert (after["responseStatus"]["response"], after["showAs"]) == (response, shown)
    attendees = (await meeting.own())["attendees"]
    assert [one["status"]["response"] for one in attendees] == [response, "none"]
    (mail,) = await inbox(service, service.ada)
    assert mail["@odata.type"] == "#microsoft.graph.eventMessageResponse"
    assert (mail["meetingMessageType"], mail["responseType"]) == (kind, response)
    assert mail["bodyPreview"] == "Fine"


async def test_who_declines_has_it_no_more(service: Service) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    await meeting.call(service.grace, "POST", f"{copy['id']}/decline", {})
    assert await meeting.copies(service.grace) == []
    assert (await meeting.own())["attendees"][0]["status"]["response"] == "declined"
    (mail,) = await inbox(service, service.ada)
    assert (mail["meetingMessageType"], mail["subject"]) == ("meetingDeclined", "Declined: Visit")
    await meeting.patch(subject="Other")
    assert await meeting.copies(service.grace) == []


async def test_an_answer_may_be_kept_to_oneself(service: Service) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    await meeting.call(service.grace, "POST", f"{copy['id']}/accept", {"sendResponse": False})
    assert (await meeting.copy(service.grace))["responseStatus"]["response"] == "accepted"
    assert (await meeting.own())["attendees"][0]["status"]["response"] == "none"
    assert await inbox(service, service.ada) == []


async def test_who_may_answer_and_who_may_cancel(service: Service) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    for who, path in (
        (service.grace, f"{copy['id']}/cancel"), (service.ada, f"{meeting.id}/accept"),
        (service.ada, f"{meeting.id}/decline"),
    ):  # fmt: skip
        status, refused = await service.call("POST", f"/users/{who.id}/events/{path}", {})
        assert (status, refused["error"]["code"]) == (400, "ErrorInvalidRequest")
    path = f"/users/{service.grace.id}/events/{copy['id']}/accept"
    assert (await service.call("POST", path, {"sendResponse": "maybe"}))[0] == 400
    assert (await service.call("POST", path, {"mood": "good"}))[0] == 400


@pytest.mark.parametrize("how", ["cancel", "delete"])
async def test_a_meeting_called_off_stays_cancelled_with_its_attendees(
    service: Service, how: str
) -> None:
    meeting = await Meeting.of(service)
    if how == "cancel":
        await meeting.call(service.ada, "POST", f"{meeting.id}/cancel", {"Comment": "Sorry"})
    else:
        await meeting.call(service.ada, "DELETE", meeting.id)
    assert await meeting.copies(service.ada) == []
    copy = await meeting.copy(service.grace)
    assert (copy["isCancelled"], copy["subject"]) == (True, "Canceled: Visit")
    mail = (await inbox(service, service.grace))[-1]
    assert (mail["meetingMessageType"], mail["subject"]) == ("meetingCancelled", "Canceled: Visit")
    path = f"/users/{service.grace.id}/events/{copy['id']}"
    assert (await service.call("POST", f"{path}/accept", {}))[0] == 400
    assert (await service.call("DELETE", path))[0] == 204
    assert await meeting.copies(service.grace) == []


async def test_attendees_come_and_go(service: Service) -> None:
    meeting = await Meeting.of(service)
    await meeting.patch(**attending(service.alan))
    assert (await meeting.copy(service.grace))["subject"] == "Canceled: Visit"
    assert (await meeting.copy(service.alan))["subject"] == "Visit"
    await meeting.patch(**attending(service.alan, service.grace), subject="Again")
    copy = await meeting.copy(service.grace)
    assert (copy["isCancelled"], copy["subject"]) == (False, "Again")
    assert copy["responseStatus"]["response"] == "notResponded"


async def test_a_round_trip_of_attendees_keeps_their_answers(service: Service) -> None:
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    await meeting.call(service.grace, "POST", f"{copy['id']}/accept", {})
    attendees = (await meeting.own())["attendees"]
    attendees[0]["status"] = {"response": "declined", "time": "2026-10-01T00:00:00Z"}
    after = await meeting.patch(attendees=attendees)
    assert after["attendees"][0]["status"]["response"] == "accepted"


async def test_a_series_and_what_changes_in_it(service: Service) -> None:
    meeting = await Meeting.of(service, recurrence=weekly())
    copy = await meeting.copy(service.grace)
    assert copy["type"] == "seriesMaster"
    theirs = await instances(service, service.grace, copy["id"])
    await meeting.call(service.grace, "PATCH", theirs[1]["id"], {"categories": ["Red"]})
    ours = await instances(service, service.ada, meeting.id)
    assert [one["iCalUId"] for one in ours] == [one["iCalUId"] for one in theirs]
    await meeting.call(service.ada, "PATCH", ours[1]["id"], {"subject": "Second"})
    await meeting.call(service.ada, "DELETE", ours[2]["id"])
    theirs = await instances(service, service.grace, copy["id"])
    assert [(one["subject"], one["categories"], one["type"]) for one in theirs] == [
        ("Visit", [], "occurrence"), ("Second", ["Red"], "exception"),
        ("Visit", [], "occurrence"), ("Visit", [], "occurrence"),
    ]  # fmt: skip
    mails = [one["meetingMessageType"] for one in await inbox(service, service.grace)]
    assert mails == ["meetingRequest", "meetingRequest", "meetingCancelled"]
    await meeting.patch(recurrence=weekly(type="numbered", numberOfOccurrences=2))
    assert len(await instances(service, service.grace, copy["id"])) == 2
    await meeting.call(service.ada, "POST", f"{meeting.id}/cancel", {})
    assert {one["isCancelled"] for one in await instances(service, service.grace, copy["id"])} == {
        True
    }


async def test_one_occurrence_is_answered(service: Service) -> None:
    meeting = await Meeting.of(service, recurrence=weekly())
    copy = await meeting.copy(service.grace)
    first, second, *_ = await instances(service, service.grace, copy["id"])
    await meeting.call(service.grace, "POST", f"{first['id']}/decline", {})
    await meeting.call(service.grace, "POST", f"{second['id']}/accept", {})
    theirs = await instances(service, service.grace, copy["id"])
    assert [one["responseStatus"]["response"] for one in theirs] == [
        "accepted", "notResponded", "notResponded", "notResponded",
    ]  # fmt: skip
    ours = await instances(service, service.ada, meeting.id)
    answers = [one["attendees"][0]["status"]["response"] for one in ours]
    assert answers == ["declined", "accepted", "none", "none", "none"]
    await meeting.patch(subject="Other")
    theirs = await instances(service, service.grace, copy["id"])
    assert [(one["subject"], one["responseStatus"]["response"]) for one in theirs[:2]] == [
        ("Other", "accepted"), ("Other", "notResponded"),
    ]  # fmt: skip


async def test_what_the_mailboxes_notify(service: Service, webhook: Webhook) -> None:
    for who in (service.ada, service.grace):
        await service.subscribe(webhook.url, resource=f"users/{who.id}/events", clientState=who.upn)
    meeting = await Meeting.of(service)
    copy = await meeting.copy(service.grace)
    await webhook.received(4)
    assert seen(webhook, service.ada) == [("created", meeting.id), ("updated", meeting.id)]
    assert seen(webhook, service.grace) == [("created", copy["id"]), ("updated", copy["id"])]
    entry = webhook.entries[0]
    assert entry["resource"] == f"Users/{service.ada.id}/Events/{meeting.id}"
    assert entry["resourceData"]["@odata.type"] == "#Microsoft.Graph.Event"
    await meeting.call(service.grace, "POST", f"{copy['id']}/accept", {})
    await webhook.received(6)
    await meeting.call(service.ada, "POST", f"{meeting.id}/cancel", {})
    await webhook.received(8)
    await meeting.call(service.grace, "DELETE", copy["id"])
    await webhook.received(9)
    assert seen(webhook, service.ada)[2:] == [("updated", meeting.id), ("deleted", meeting.id)]
    assert seen(webhook, service.grace)[2:] == [
        ("updated", copy["id"]), ("updated", copy["id"]), ("deleted", copy["id"]),
    ]  # fmt: skip


async def test_a_change_to_an_occurrence_names_its_series(
    service: Service, webhook: Webhook
) -> None:
    meeting = await Meeting.of(service, recurrence=weekly(), attendees=[])
    first, second, *_ = await instances(service, service.ada, meeting.id)
    resource = f"users('{service.ada.upn}')/events?$filter=isAllDay eq false"
    await service.subscribe(webhook.url, resource=resource)
    await meeting.call(service.ada, "PATCH", first["id"], {"subject": "x"})
    await meeting.call(service.ada, "DELETE", second["id"])
    await webhook.received(2)
    assert webhook.kinds() == [("updated", meeting.id), ("updated", meeting.id)]


async def test_events_are_watched_by_those_who_may_read_them(webhook: Webhook) -> None:
    async with Service(roles=("Mail.Read",)) as service:
        body = service.subscription(webhook.url, resource=f"users/{service.ada.id}/events")
        assert (await service.call("POST", "/subscriptions", body))[0] == 403


def seen(webhook: Webhook, who: Person) -> list[tuple[str, str]]:
    return [
        (one["changeType"], one["resourceData"]["id"])
        for one in webhook.entries
        if one["clientState"] == who.upn
    ]
