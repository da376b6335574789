import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.store import Document
from tests.contract.graph.service import IMMUTABLE, Service

EXAMPLES = Path(__file__).parents[4] / "shared/data/graph-examples"


def at(text: str, zone: str = "UTC") -> Document:
    return {"dateTime": text, "timeZone": zone}


def visit(**stated: object) -> Document:
    """Return the body of an hour on a Tuesday."""
    return {
        "subject": "Visit",
        "body": {"contentType": "html", "content": "<p>The <b>order</b></p>"},
        "start": at("2026-10-20T10:00:00", "W. Europe Standard Time"),
        "end": at("2026-10-20T11:00:00", "Europe/Berlin"),
        **stated,
    }


async def made(service: Service, **stated: object) -> Document:
    path = f"/users/{service.ada.id}/events"
    status, event = await service.call("POST", path, visit(**stated), **IMMUTABLE)
    assert status == 201, event
    created: Document = event
    return created


async def test_what_is_made_is_read_changed_and_removed(service: Service) -> None:
    event = await made(service, location={"displayName": "Room 1"}, categories=["Blue"])
    assert service.headers["Location"].endswith(f"/events('{event['id']}')")
    path = f"/users/{service.ada.id}/events/{event['id']}"
    status, read = await service.call("GET", path, **IMMUTABLE)
    assert (status, {k: v for k, v in read.items() if k != "@odata.context"}) == (
        200, {k: v for k, v in event.items() if k != "@odata.context"},
    )  # fmt: skip
    assert read["start"] == at("2026-10-20T08:00:00.0000000")
    assert (read["type"], read["showAs"], read["isOrganizer"]) == ("singleInstance", "busy", True)
    assert read["originalStartTimeZone"] == "W. Europe Standard Time"
    assert read["organizer"]["emailAddress"]["address"] == service.ada.upn
    assert (read["location"]["displayName"], len(read["locations"])) == ("Room 1", 1)
    assert read["bodyPreview"] == "The order"
    assert read["@odata.etag"] == f'W/"{read["changeKey"]}"' == service.headers["ETag"]
    bytes.fromhex(read["iCalUId"])
    status, changed = await service.call("PATCH", path, {"subject": "Other"}, **IMMUTABLE)
    assert (status, changed["subject"], changed["id"]) == (200, "Other", event["id"])
    assert changed["changeKey"] != event["changeKey"]
    assert (await service.call("DELETE", path))[0] == 204
    status, gone = await service.call("GET", path)
    assert (status, gone["error"]["code"]) == (404, "ErrorItemNotFound")


async def test_another_version_is_not_overwritten(service: Service) -> None:
    event = await made(service)
    path = f"/users/{service.ada.id}/events/{event['id']}"
    await service.call("PATCH", path, {"subject": "b"}, If_Match=event["@odata.etag"])
    for method, body in (("PATCH", {"subject": "c"}), ("DELETE", None)):
        status, refused = await service.call(method, path, body, If_Match=event["@odata.etag"])
        assert (status, refused["error"]["code"]) == (412, "ErrorIrresolvableConflict")
    _, event = await service.call("GET", path)
    assert event["subject"] == "b"


async def test_regular_and_immutable_ids_name_the_same_event(service: Service) -> None:
    event = await made(service)
    path = f"/users/{service.ada.upn}/calendar/events"
    _, listed = await service.call("GET", path)
    assert listed["value"][0]["id"] != event["id"]
    _, read = await service.call("GET", f"{path}/{listed['value'][0]['id']}", **IMMUTABLE)
    assert read["id"] == event["id"]
    status, refused = await service.call("GET", f"{path}/nonsense")
    assert (status, refused["error"]["code"]) == (400, "ErrorInvalidIdMalformed")


async def test_preferences(service: Service) -> None:
    event = await made(service)
    path = f"/users/{service.ada.id}/events/{event['id']}?$select=start,end,body"
    prefer = 'outlook.timezone="Pacific Standard Time", outlook.body-content-type="text"'
    _, read = await service.call("GET", path, Prefer=prefer)
    assert read["start"] == at("2026-10-20T01:00:00.0000000", "Pacific Standard Time")
    assert read["end"] == at("2026-10-20T02:00:00.0000000", "Pacific Standard Time")
    assert read["body"] == {"contentType": "text", "content": "The order"}
    assert service.headers["Preference-Applied"] == prefer
    assert set(read) == {"@odata.context", "@odata.etag", "id", "start", "end", "body"}
    status, refused = await service.call("GET", path, Prefer='outlook.timezone="Moon"')
    assert (status, refused["error"]["code"]) == (400, "TimeZoneNotSupportedException")


async def test_a_whole_day_is_that_day_everywhere(service: Service) -> None:
    day = {
        "isAllDay": True,
        "start": at("2026-10-20T00:00:00", "Europe/Berlin"),
        "end": at("2026-10-21T00:00:00", "Europe/Berlin"),
    }
    event = await made(service, **day)
    assert event["start"] == at("2026-10-20T00:00:00.0000000")
    path = f"/users/{service.ada.id}/events/{event['id']}"
    _, read = await service.call("GET", path, Prefer='outlook.timezone="Asia/Tokyo"')
    assert read["start"] == at("2026-10-20T00:00:00.0000000", "Asia/Tokyo")
    view = f"/users/{service.ada.id}/calendarView"
    tokyo = "?startDateTime=2026-10-19T15:00:00Z&endDateTime=2026-10-19T16:00:00Z"
    _, there = await service.call("GET", view + tokyo, Prefer='outlook.timezone="Asia/Tokyo"')
    _, here = await service.call("GET", view + tokyo)
    assert (len(there["value"]), len(here["value"])) == (1, 0)
    body = {"isAllDay": True, "start": at("2026-10-20T01:00:00"), "end": at("2026-10-21T00:00:00")}
    status, refused = await service.call("PATCH", path, body)
    assert (status, "midnight" in refused["error"]["message"]) == (400, True)
    status, timed = await service.call(
        "PATCH",
        path,
        {"isAllDay": False, "start": at("2026-10-20T09:00:00"), "end": at("2026-10-20T10:00:00")},
    )
    assert (status, timed["isAllDay"], timed["start"]["dateTime"][11:13]) == (200, False, "09")


async def test_lists_are_filtered_ordered_and_paged(service: Service) -> None:
    for day in ("22", "20", "21"):
        times = {"start": at(f"2026-10-{day}T10:00:00"), "end": at(f"2026-10-{day}T11:00:00")}
        await made(service, subject=f"on {day}", **times)
    path = f"/users/{service.ada.id}/events?$select=subject"
    _, page = await service.call("GET", f"{path}&$top=2")
    assert [one["subject"] for one in page["value"]] == ["on 20", "on 21"]
    _, rest = await service.call("GET", page["@odata.nextLink"])
    assert [one["subject"] for one in rest["value"]] == ["on 22"]
    _, found = await service.call("GET", f"{path}&$filter=start/dateTime ge '2026-10-21T00:00'")
    assert [one["subject"] for one in found["value"]] == ["on 21", "on 22"]
    _, found = await service.call("GET", f"{path}&$orderby=createdDateTime desc,subject desc")
    assert len(found["value"]) == 3
    assert (await service.call("GET", f"{path}&$filter=colour eq 'red'"))[0] == 400
    assert (await service.call("GET", f"{path}&$expand=attachments"))[0] == 400


async def test_files_are_attached_listed_and_read(service: Service) -> None:
    event = await made(service, subject="with files")
    path = f"/users/{service.ada.id}/events/{event['id']}"
    file = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a", "contentBytes": "aGk="}
    status, added = await service.call("POST", f"{path}/attachments", file)
    assert (status, added["name"], added["size"]) == (201, "a", 2)
    _, changed = await service.call("GET", path)
    assert changed["hasAttachments"] is True
    assert changed["changeKey"] != event["changeKey"]
    _, listed = await service.call("GET", f"{path}/attachments?$select=name,isInline")
    (one,) = listed["value"]
    assert (one["name"], one["isInline"], "contentBytes" in one) == ("a", False, False)
    assert (await service.call("GET", f"{path}/attachments/{one['id']}/$value"))[1] == b"hi"
    assert (await service.call("GET", f"{path}/attachments/{one['id']}"))[1]["contentBytes"]
    assert (await service.call("GET", f"{path}/attachments/nothing"))[0] == 404
    assert (await service.call("POST", f"{path}/attachments", {"name": "a"}))[0] == 400


async def test_the_same_transaction_makes_one_event(service: Service) -> None:
    first = await made(service, transactionId="t-1")
    again = await made(service, transactionId="t-1", subject="again")
    assert (again["id"], again["subject"]) == (first["id"], "Visit")
    path = f"/users/{service.ada.id}/events/{first['id']}"
    assert (await service.call("PATCH", path, {"transactionId": "t-2"}))[0] == 400
    await service.call("DELETE", path)
    assert (await made(service, transactionId="t-1"))["id"] != first["id"]


async def test_an_online_meeting_has_an_address_that_stays(service: Service) -> None:
    event = await made(service, isOnlineMeeting=True)
    url = event["onlineMeeting"]["joinUrl"]
    assert (url[:8], event["onlineMeetingProvider"]) == ("https://", "teamsForBusiness")
    path = f"/users/{service.ada.id}/events/{event['id']}"
    _, kept = await service.call("PATCH", path, {"isOnlineMeeting": False})
    assert (kept["isOnlineMeeting"], kept["onlineMeeting"]["joinUrl"]) == (True, url)


@pytest.mark.parametrize(
    "stated",
    [
        {"start": None},
        {"end": at("2026-10-20T07:00:00")},
        {"start": at("soon")},
        {"start": at("0001-01-01T00:00:00", "Asia/Tokyo")},
        {"end": at("2046-10-20T10:00:00")},
        {"start": "2026-10-20T10:00:00"},
        {"start": at("2026-10-20T10:00:00", "Mars/Base")},
        {"showAs": "asleep"},
        {"attendees": [{"emailAddress": {"name": "Nobody"}}]},
        {"attendees": [{"emailAddress": {"address": f"{n}@x.example"}} for n in range(501)]},
        {"iCalUId": "mine"},
        {"organizer": {"emailAddress": {"address": "x@y.example"}}},
        {"categories": "Blue"},
        {"isAllDay": "yes"},
        {"reminderMinutesBeforeStart": -1},
    ],
)
async def test_what_an_event_cannot_be(service: Service, stated: Document) -> None:
    body = visit(**stated)
    status, refused = await service.call("POST", f"/users/{service.ada.id}/events", body)
    assert status == 400
    assert refused["error"]["code"]


async def test_roles() -> None:
    async with Service(roles=("Calendars.Read", "Mail.ReadWrite")) as service:
        user = f"/users/{service.ada.id}"
        assert (await service.call("GET", f"{user}/events"))[0] == 200
        for method, path in (
            ("POST", "/events"), ("PATCH", "/events/x"), ("DELETE", "/events/x"),
            ("POST", "/events/x/cancel"), ("POST", "/events/x/accept"), ("GET", "/mailboxSettings"),
        ):  # fmt: skip
            assert (await service.call(method, f"{user}{path}", {}))[0] == 403
    async with Service(roles=("Mail.ReadWrite",)) as service:
        for path in ("/events", "/calendar", "/calendarView", "/calendarView/delta"):
            assert (await service.call("GET", f"/users/{service.ada.id}{path}"))[0] == 403


async def test_the_calendar_itself(service: Service) -> None:
    user = f"/users/{service.ada.id}"
    _, one = await service.call("GET", f"{user}/calendar")
    _, every = await service.call("GET", f"{user}/calendars")
    assert [each["id"] for each in every["value"]] == [one["id"]]
    assert (one["isDefaultCalendar"], one["owner"]["address"]) == (True, service.ada.upn)
    event = await made(service)
    _, listed = await service.call("GET", f"{user}/calendars/{one['id']}/events", **IMMUTABLE)
    assert [each["id"] for each in listed["value"]] == [event["id"]]
    assert (await service.call("GET", f"{user}/calendars/other/events"))[0] == 404
    assert (await service.call("GET", "/users/nobody/events"))[0] == 404


async def test_mailbox_settings(service: Service) -> None:
    path = f"/users/{service.ada.id}/mailboxSettings"
    assert (await service.call("GET", f"{path}/timeZone"))[1]["value"] == "UTC"
    for zone in ("W. Europe Standard Time", "America/New_York"):
        status, settings = await service.call("PATCH", path, {"timeZone": zone})
        assert (status, settings["timeZone"]) == (200, zone)
        assert (await service.call("GET", path))[1]["workingHours"]["timeZone"]["name"] == zone
    wrong: list[Document] = [{"timeZone": "Moon"}, {"timeZone": None}, {}, {"language": {}}]
    for body in wrong:
        assert (await service.call("PATCH", path, body))[0] == 400
    assert (await service.call("GET", f"{path}/timeZone"))[1]["value"] == "America/New_York"


async def test_events_in_a_batch(service: Service) -> None:
    parts = [
        {"id": "1", "method": "POST", "url": f"/users/{service.ada.id}/events", "body": visit(),
         "headers": {"Content-Type": "application/json"}},
        {"id": "2", "method": "GET", "url": f"/users/{service.ada.id}/events/x"},
    ]  # fmt: skip
    _, answer = await service.call("POST", "/$batch", {"requests": parts})
    statuses = {one["id"]: one["status"] for one in answer["responses"]}
    assert statuses == {"1": 201, "2": 400}


@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the examples beside the project")
async def test_events_have_the_shape_of_real_ones(service: Service) -> None:
    shown = await made(service, attendees=[{"emailAddress": {"address": "x@customer.example"}}])
    real: dict[str, Any] = json.loads((EXAMPLES / "event.json").read_text())
    assert set(real) - set(shown) == set()
    assert set(shown["attendees"][0]) == set(real["attendees"][0])
    real = json.loads((EXAMPLES / "message-meeting-request.json").read_text())["event"]
    assert set(real) - set(shown) == set()
    body = json.loads((EXAMPLES / "event-series-request.json").read_text())
    status, series = await service.call("POST", f"/users/{service.ada.id}/events", body)
    assert (status, series["type"]) == (201, "seriesMaster")
    assert series["recurrence"]["range"]["recurrenceTimeZone"] == "Pacific Standard Time"
