from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.store import Document
from tests.contract.graph.service import IMMUTABLE, Service
from tests.contract.graph.test_delta import round_of
from tests.contract.graph.webhook import Webhook

LISTS = "/users/ada@contoso.example/todo/lists"
DUE = {"dateTime": "2026-11-20T17:30:00.0000000", "timeZone": "UTC"}


async def builtin(service: Service) -> str:
    """Return the path of the tasks in the list that everybody has."""
    _, lists = await service.call("GET", LISTS)
    return f"{LISTS}/{lists['value'][0]['id']}/tasks"


async def created(service: Service, tasks: str, **stated: object) -> Document:
    status, task = await service.call("POST", tasks, {"title": "Call", **stated}, **IMMUTABLE)
    assert status == 201, task
    made: Document = task
    return made


def watching(service: Service, tasks: str) -> Document:
    """Return what a subscription to a list states."""
    expires = service.surroundings.clock.now() + timedelta(days=2)
    return {"resource": tasks, "expirationDateTime": expires.isoformat()}


async def test_everybody_has_a_list_that_stays(service: Service) -> None:
    _, lists = await service.call("GET", LISTS)
    (own,) = lists["value"]
    shown = {name: own[name] for name in own if name not in ("id", "@odata.etag")}
    assert shown == {
        "displayName": "Tasks",
        "isOwner": True,
        "isShared": False,
        "wellknownListName": "defaultList",
    }
    path = f"{LISTS}/{own['id']}"
    assert (await service.call("PATCH", path, {"displayName": "Mine"}))[0] == 400
    assert (await service.call("DELETE", path))[0] == 400
    assert (await service.call("GET", path))[1]["id"] == own["id"]


async def test_lists_come_change_and_go_with_their_tasks(service: Service) -> None:
    status, made = await service.call("POST", LISTS, {"displayName": "Deals"})
    assert (status, made["wellknownListName"]) == (201, "none")
    path = f"{LISTS}/{made['id']}"
    task = await created(service, f"{path}/tasks")
    for body in ({}, {"displayName": ""}, {"displayName": 1}, {"name": "x"}):
        assert (await service.call("POST", LISTS, body))[0] == 400
    stale = {"If_Match": made["@odata.etag"]}
    _, renamed = await service.call("PATCH", path, {"displayName": "Offers"}, **stale)
    assert renamed["displayName"] == "Offers"
    assert (await service.call("PATCH", path, {"displayName": "X"}, **stale))[0] == 412
    assert (await service.call("DELETE", path, **stale))[0] == 412
    assert (await service.call("DELETE", path))[0] == 204
    for gone in (path, f"{path}/tasks", f"{path}/tasks/{task['id']}", f"{path}/tasks/delta"):
        assert (await service.call("GET", gone))[0] == 404


async def test_a_task_as_graph_shows_it(service: Service) -> None:
    tasks = await builtin(service)
    task = await created(
        service,
        tasks,
        body={"content": "Ask about the offer", "contentType": "text"},
        dueDateTime=DUE,
        reminderDateTime=DUE,
        isReminderOn=True,
        importance="high",
        categories=["Tracked To Dynamics 365"],
    )
    assert service.headers["ETag"] == task["@odata.etag"]
    assert task["body"] == {"content": "Ask about the offer", "contentType": "text"}
    midnight = {"dateTime": "2026-11-20T00:00:00.0000000", "timeZone": "UTC"}
    assert (task["dueDateTime"], task["reminderDateTime"]) == (midnight, DUE)
    assert (task["status"], task["hasAttachments"]) == ("notStarted", False)
    assert task["bodyLastModifiedDateTime"] == task["createdDateTime"]
    for unset in ("startDateTime", "completedDateTime", "recurrence", "linkedResources"):
        assert unset not in task
    _, changed = await service.call("PATCH", f"{tasks}/{task['id']}", {"dueDateTime": None})
    assert ("dueDateTime" in changed, changed["title"]) == (False, "Call")


async def test_a_day_begins_where_it_is_meant(service: Service) -> None:
    due = {"dateTime": "2026-07-20T17:30:00", "timeZone": "America/New_York"}
    task = await created(service, await builtin(service), dueDateTime=due)
    assert task["dueDateTime"] == {"dateTime": "2026-07-20T04:00:00.0000000", "timeZone": "UTC"}


async def test_completing_and_reopening(service: Service) -> None:
    tasks = await builtin(service)
    path = f"{tasks}/{(await created(service, tasks))['id']}"
    _, task = await service.call("PATCH", path, {"status": "completed"})
    today = f"{service.surroundings.clock.now():%Y-%m-%d}T00:00:00.0000000"
    assert task["completedDateTime"] == {"dateTime": today, "timeZone": "UTC"}
    _, task = await service.call("PATCH", path, {"title": "Called"})
    assert task["completedDateTime"]["dateTime"] == today
    _, task = await service.call("PATCH", path, {"status": "inProgress"})
    assert (task["status"], "completedDateTime" in task) == ("inProgress", False)
    assert (await service.call("PATCH", path, {"completedDateTime": DUE}))[0] == 400
    _, task = await service.call("PATCH", path, {"status": "completed", "completedDateTime": DUE})
    assert task["completedDateTime"]["dateTime"] == "2026-11-20T00:00:00.0000000"


@pytest.mark.parametrize(
    "stated",
    [
        {"title": None},
        {"title": ""},
        {"subject": "x"},
        {"status": "done"},
        {"importance": "urgent"},
        {"isReminderOn": "yes"},
        {"hasAttachments": True},
        {"createdDateTime": "2026-11-02T08:00:00Z"},
        {"dueDateTime": "2026-11-20"},
        {"dueDateTime": {"dateTime": "tomorrow", "timeZone": "UTC"}},
        {"dueDateTime": {"dateTime": "2026-11-20T00:00:00Z", "timeZone": "UTC"}},
        {"dueDateTime": {"dateTime": "2026-11-20T00:00:00", "timeZone": "Nowhere"}},
        {"dueDateTime": {"dateTime": "0001-01-01T00:00:00", "timeZone": "Asia/Tokyo"}},
        {"dueDateTime": {"dateTime": "2026-11-20T00:00:00"}},
        {"body": "text"},
        {"body": {"contentType": "rtf"}},
        {"recurrence": {"pattern": {"type": "daily"}, "range": {"type": "noEnd"}}},
        {"recurrence": {"pattern": {"type": "daily"}}, "dueDateTime": DUE},
    ],
)
async def test_what_a_task_cannot_be_is_refused(service: Service, stated: Document) -> None:
    tasks = await builtin(service)
    assert (await service.call("POST", tasks, {"title": "Call", **stated}))[0] == 400
    task = await created(service, tasks)
    status, body = await service.call("PATCH", f"{tasks}/{task['id']}", stated)
    assert (status, "message" in body["error"]) == (400, True)


async def test_a_title_is_needed_and_recurrence_kept(service: Service) -> None:
    tasks = await builtin(service)
    assert (await service.call("POST", tasks, {"importance": "low"}))[0] == 400
    pattern = {"type": "weekly", "interval": 2, "daysOfWeek": ["monday"]}
    span = {"type": "noEnd", "startDate": "2026-11-20"}
    recurrence = {"pattern": pattern, "range": span}
    task = await created(service, tasks, dueDateTime=DUE, recurrence=recurrence)
    assert task["recurrence"] == recurrence


async def test_linked_resources_and_steps(service: Service) -> None:
    tasks = await builtin(service)
    link = {"webUrl": "https://crm.example/1", "applicationName": "CRM", "externalId": "1"}
    task = await created(
        service, tasks, linkedResources=[link], checklistItems=[{"displayName": "Dial"}]
    )
    path = f"{tasks}/{task['id']}"
    _, expanded = await service.call("GET", f"{path}?$expand=linkedResources")
    assert {**link, "displayName": None}.items() <= expanded["linkedResources"][0].items()
    status, step = await service.call("POST", f"{path}/checklistItems", {"displayName": "Talk"})
    assert (status, step["isChecked"]) == (201, False)
    one = f"{path}/checklistItems/{step['id']}"
    _, checked = await service.call("PATCH", one, {"isChecked": True})
    assert (checked["displayName"], "checkedDateTime" in checked) == ("Talk", True)
    _, steps = await service.call("GET", f"{path}/checklistItems")
    assert [step["displayName"] for step in steps["value"]] == ["Dial", "Talk"]
    assert (await service.call("DELETE", one))[0] == 204
    assert (await service.call("GET", one))[0] == 404
    assert (await service.call("POST", f"{path}/checklistItems", {}))[0] == 400
    assert (await service.call("POST", f"{path}/linkedResources", {"url": "x"}))[0] == 400
    _, now = await service.call("GET", path)
    assert now["@odata.etag"] != task["@odata.etag"]


async def test_tasks_are_chosen_filtered_and_paged(service: Service) -> None:
    tasks = await builtin(service)
    for number in range(3):
        await created(service, tasks, title=f"t{number}", importance=("low", "high")[number % 2])
    _, page = await service.call("GET", f"{tasks}?$filter=importance eq 'low'&$select=title&$top=1")
    _, rest = await service.call("GET", page["@odata.nextLink"])
    shown = [*page["value"], *rest["value"]]
    assert [set(one) for one in shown] == [{"@odata.etag", "id", "title"}] * 2
    assert [one["title"] for one in shown] == ["t0", "t2"]
    assert (await service.call("GET", f"{tasks}?$filter=subject eq 'x'"))[0] == 400


async def test_versions_guard_tasks_and_deletion_is_final(service: Service) -> None:
    tasks = await builtin(service)
    task = await created(service, tasks)
    path, stale = f"{tasks}/{task['id']}", {"If_Match": task["@odata.etag"]}
    assert (await service.call("PATCH", path, {"importance": "low"}, **stale))[0] == 200
    assert (await service.call("PATCH", path, {"importance": "high"}, **stale))[0] == 412
    assert (await service.call("DELETE", path, **stale))[0] == 412
    assert (await service.call("DELETE", path))[0] == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert (await service.call(method, path, {"title": "x"}))[0] == 404


async def test_roles_decide(webhook: Webhook) -> None:
    async with Service(roles=("Tasks.Read.All",)) as service:
        tasks = await builtin(service)
        assert (await service.call("GET", f"{tasks}/delta"))[0] == 200
        assert (await service.call("POST", tasks, {"title": "x"}))[0] == 403
        body = service.subscription(webhook.url, resource=tasks)
        assert (await service.call("POST", "/subscriptions", body))[0] == 403
    async with Service(roles=("Mail.ReadWrite",)) as service:
        assert (await service.call("GET", LISTS))[0] == 403


async def test_what_changed_in_a_list(service: Service) -> None:
    tasks = await builtin(service)
    made = [(await created(service, tasks, title=f"t{n}"))["id"] for n in range(3)]
    path = f"{tasks}/delta?$select=title&$top=2"
    rows, link, pages = await round_of(service, path, **IMMUTABLE)
    assert ([row["id"] for row in rows], pages) == (made, 2)
    assert set(rows[0]) == {"@odata.type", "@odata.etag", "id", "title"}
    await service.call("PATCH", f"{tasks}/{made[2]}", {"status": "completed"})
    await service.call("DELETE", f"{tasks}/{made[0]}")
    rows, link, _ = await round_of(service, link, **IMMUTABLE)
    assert [(row["id"], row.get("@removed")) for row in rows] == [
        (made[2], None),
        (made[0], {"reason": "deleted"}),
    ]
    assert rows[0]["@odata.type"] == "#microsoft.graph.todoTask"
    assert await round_of(service, link, **IMMUTABLE) == ([], link, 1)
    status, body = await service.call("GET", f"{tasks}/delta?$deltatoken=nonsense")
    assert (status, body["error"]["code"]) == (410, "SyncStateNotFound")


async def test_what_changed_among_the_lists(service: Service) -> None:
    rows, link, _ = await round_of(service, f"{LISTS}/delta?$select=displayName")
    assert [row["displayName"] for row in rows] == ["Tasks"]
    _, made = await service.call("POST", LISTS, {"displayName": "Deals"})
    rows, link, _ = await round_of(service, link)
    assert [row["displayName"] for row in rows] == ["Deals"]
    await service.call("DELETE", f"{LISTS}/{made['id']}")
    rows, _, _ = await round_of(service, link)
    assert rows == [
        {
            "@odata.type": "#microsoft.graph.todoTaskList",
            "id": made["id"],
            "@removed": {"reason": "deleted"},
        }
    ]


async def test_one_list_is_told_of(service: Service, webhook: Webhook) -> None:
    tasks = await builtin(service)
    _, other = await service.call("POST", LISTS, {"displayName": "Deals"})
    await service.subscribe(webhook.url, **watching(service, tasks))
    await created(service, f"{LISTS}/{other['id']}/tasks")
    task = await created(service, tasks)
    await service.call("PATCH", f"{tasks}/{task['id']}", {"status": "completed"})
    await service.call("DELETE", f"{tasks}/{task['id']}")
    await webhook.received(3)
    assert webhook.kinds() == [
        ("created", task["id"]), ("updated", task["id"]), ("deleted", task["id"]),
    ]  # fmt: skip
    assert webhook.entries[0]["resourceData"]["@odata.type"] == "#microsoft.graph.todoTask"


async def test_subscriptions_to_tasks_are_shorter_and_have_no_lifecycle(
    service: Service, webhook: Webhook
) -> None:
    tasks = await builtin(service)
    now = service.surroundings.clock.now()
    far = (now + timedelta(minutes=4231)).isoformat()
    body = service.subscription(webhook.url, resource=tasks, expirationDateTime=far)
    _, answer = await service.call("POST", "/subscriptions", body)
    message = "Subscription expiration can only be 4230 minutes in the future."
    assert answer["error"]["message"] == message
    near = (now + timedelta(minutes=4229)).isoformat()
    stated: Document = {"resource": tasks, "expirationDateTime": near}
    body = service.subscription(webhook.url, **stated, lifecycleNotificationUrl=webhook.url)
    assert (await service.call("POST", "/subscriptions", body))[0] == 400
    row = await service.subscribe(webhook.url, **stated)
    path, renewal = f"/subscriptions/{row['id']}", {"expirationDateTime": far}
    assert (await service.call("PATCH", path, renewal))[0] == 400
    for resource in (LISTS, f"{LISTS}/nonsense/tasks"):
        body = service.subscription(webhook.url, resource=resource)
        assert (await service.call("POST", "/subscriptions", body))[0] == 400


async def test_tasks_and_subscriptions_to_a_list_that_went_survive_a_restart(
    tmp_path: Path, webhook: Webhook
) -> None:
    state = tmp_path / "graph.db"
    async with Service(state=state) as service:
        tasks = await builtin(service)
        task = await created(service, tasks, dueDateTime=DUE)
        _, other = await service.call("POST", LISTS, {"displayName": "Deals"})
        path = f"{LISTS}/{other['id']}"
        row = await service.subscribe(webhook.url, **watching(service, f"{path}/tasks"))
        await service.call("DELETE", path)
    async with Service(state=state) as service:
        assert await builtin(service) == tasks
        _, read = await service.call("GET", f"{tasks}/{task['id']}", **IMMUTABLE)
        assert {**read, "@odata.context": ""} == {**task, "@odata.context": ""}
        assert (await service.call("GET", f"/subscriptions/{row['id']}"))[0] == 200


async def test_tasks_in_a_batch(service: Service) -> None:
    tasks = await builtin(service)
    parts: list[dict[str, Any]] = [
        {"id": str(n), "method": "POST", "url": tasks, "body": {"title": f"t{n}"},
         "headers": {"Content-Type": "application/json"}}
        for n in range(3)
    ]  # fmt: skip
    _, body = await service.call("POST", "/$batch", {"requests": parts})
    assert [one["status"] for one in body["responses"]] == [201] * 3
    assert len((await service.call("GET", tasks))[1]["value"]) == 3
