import pytest

from tests.contract.graph.service import IMMUTABLE, Service
from tests.contract.graph.test_delta import round_of
from tests.contract.graph.test_events import at, made
from tests.contract.graph.test_series import Series

WINDOW = "?startDateTime=2026-10-01T00:00:00Z&endDateTime=2026-12-01T00:00:00Z"


def view(service: Service) -> str:
    return f"/users/{service.ada.id}/calendarView/delta{WINDOW}"


async def test_a_first_round_has_what_is_in_the_window(service: Service) -> None:
    single = await made(service)
    far = await made(service, start=at("2027-10-20T10:00:00"), end=at("2027-10-20T11:00:00"))
    series = await Series.of(service)
    second = (await series.instances())[1]
    await series.patch(second["id"], subject="Other")
    rows, link, _ = await round_of(service, view(service), **IMMUTABLE)
    assert {row["@odata.type"] for row in rows} == {"#microsoft.graph.event"}
    assert [row["type"] for row in rows] == [
        "singleInstance", "seriesMaster", "occurrence", "occurrence", "occurrence", "occurrence",
        "exception",
    ]  # fmt: skip
    assert rows[0]["id"] == single["id"]
    assert set(rows[2]) == {
        "@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end",
    }  # fmt: skip
    assert rows[6]["subject"] == "Other"
    assert await round_of(service, link, **IMMUTABLE) == ([], link, 1)
    assert "2026" not in link.partition("?")[2]  # the window is in the token
    assert far["id"] not in [row["id"] for row in rows]


async def test_what_changed_left_or_went_since(service: Service) -> None:
    changed, left, gone = [await made(service, subject=name) for name in ("a", "b", "c")]
    series = await Series.of(service)
    _, link, _ = await round_of(service, view(service), **IMMUTABLE)
    events = f"/users/{service.ada.id}/events"
    await service.call("PATCH", f"{events}/{changed['id']}", {"subject": "z"})
    away = {"start": at("2027-10-20T10:00:00"), "end": at("2027-10-20T11:00:00")}
    await service.call("PATCH", f"{events}/{left['id']}", away)
    await service.call("DELETE", f"{events}/{gone['id']}")
    first = (await series.instances())[0]
    await service.call("DELETE", f"{events}/{first['id']}")
    rows, link, _ = await round_of(service, link, **IMMUTABLE)
    assert [(row["id"], "@removed" in row) for row in rows[:3]] == [
        (changed["id"], False), (left["id"], True), (gone["id"], True),
    ]  # fmt: skip
    # The series comes whole; of its lost occurrence nothing is said.
    assert rows[3]["id"] == series.id
    assert [row["start"]["dateTime"][:10] for row in rows[4:]] == [
        "2026-10-27", "2026-11-03", "2026-11-10", "2026-11-17",
    ]  # fmt: skip
    await service.call("DELETE", series.path)
    rows, _, _ = await round_of(service, link, **IMMUTABLE)
    assert [(row["id"], row["@removed"]) for row in rows] == [(series.id, {"reason": "deleted"})]


async def test_a_series_is_not_split_over_pages(service: Service) -> None:
    await made(service)
    await Series.of(service)
    await made(service)
    prefer = {"Prefer": 'odata.maxpagesize=2, IdType="ImmutableId"'}
    _, first = await service.call("GET", view(service), **prefer)
    assert [row["type"] for row in first["value"]][:2] == ["singleInstance", "seriesMaster"]
    assert len(first["value"]) == 7
    rows, _, pages = await round_of(service, first["@odata.nextLink"], **prefer)
    assert (len(rows), pages) == (1, 1)


async def test_what_goes_between_two_pages_is_told(service: Service) -> None:
    items = [(await made(service))["id"] for _ in range(3)]
    prefer = {"Prefer": 'odata.maxpagesize=1, IdType="ImmutableId"'}
    _, first = await service.call("GET", view(service), **prefer)
    await service.call("DELETE", f"/users/{service.ada.id}/events/{items[0]}")
    rows, _, _ = await round_of(service, first["@odata.nextLink"], **prefer)
    assert [(row["id"], "@removed" in row) for row in rows] == [
        (items[1], False), (items[2], False), (items[0], True),
    ]  # fmt: skip


async def test_an_empty_calendar_still_tells_of_what_goes(service: Service) -> None:
    _, link, _ = await round_of(service, view(service), **IMMUTABLE)
    event = await made(service)
    rows, link, _ = await round_of(service, link, **IMMUTABLE)
    assert [row["id"] for row in rows] == [event["id"]]
    await service.call("DELETE", f"/users/{service.ada.id}/events/{event['id']}")
    rows, _, _ = await round_of(service, link, **IMMUTABLE)
    assert "@removed" in rows[0]


@pytest.mark.parametrize(
    "option",
    ["$select=subject", "$top=2", "$filter=isAllDay eq true", "$orderby=subject", "$expand=x"],
)
async def test_options_are_refused(service: Service, option: str) -> None:
    status, refused = await service.call("GET", f"{view(service)}&{option}")
    assert (status, refused["error"]["code"]) == (400, "ErrorInvalidUrlQuery")


async def test_a_token_nobody_gave_is_gone(service: Service) -> None:
    inbox = f"/users/{service.ada.id}/mailFolders/inbox/messages/delta"
    _, link, _ = await round_of(service, inbox)
    foreign = link.partition("$deltatoken=")[2]
    for token in ("abc", foreign):
        path = f"/users/{service.ada.id}/calendarView/delta?$deltatoken={token}"
        status, refused = await service.call("GET", path)
        assert (status, refused["error"]["code"]) == (410, "SyncStateNotFound")
