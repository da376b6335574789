"""What a caller may write into a task, checked and made into what is stored (graph.md 8.4)."""

from datetime import UTC, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt

from sandbox.graph.drafts import Body, Wrapped
from sandbox.graph.errors import bad_request
from sandbox.graph.shapes import Shape
from sandbox.graph.wire import Camel, checked, stated
from sandbox.graph.zones import zone
from sandbox.store import Document

PARTS = ("linkedResources", "checklistItems")
_DAYS = ("dueDateTime", "startDateTime", "completedDateTime")
_SPARSE = (*_DAYS, "reminderDateTime", "recurrence", "bodyLastModifiedDateTime")

TASK = Shape(
    "todoTask",
    {
        "importance": "normal",
        "isReminderOn": False,
        "status": "notStarted",
        "title": None,
        "createdDateTime": None,
        "lastModifiedDateTime": None,
        "hasAttachments": False,
        "categories": [],
        "body": {"content": "", "contentType": "text"},
        **dict.fromkeys(_SPARSE),
    },
    expandable=PARTS,
    sparse=frozenset(_SPARSE),
)


def _without_offset(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is not None:
        raise ValueError("dateTime has no offset: timeZone says where it is meant")
    return text


class DateTimeTimeZone(Camel):
    """A point in time: what the clock shows, and where."""

    date_time: Annotated[str, AfterValidator(_without_offset)]
    time_zone: str = Field(min_length=1)


class Recurring(Camel):
    """A pattern or a range; what is in it beside its type is kept as it is given."""

    model_config = ConfigDict(extra="allow")

    type: Literal[
        "daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly",
        "relativeYearly", "noEnd", "endDate", "numbered",
    ]  # fmt: skip
    interval: Annotated[StrictInt, Field(ge=1)] = 1


class Recurrence(Camel):
    """How often a task comes again. It is kept, no task is made of it."""

    pattern: Recurring
    range: Recurring


class LinkedResource(Camel):
    """What in another application a task is about."""

    web_url: str | None = None
    application_name: str | None = None
    display_name: str | None = None
    external_id: str | None = None


class ChecklistItem(Camel):
    """A step."""

    display_name: str = Field(default="", min_length=1)
    is_checked: StrictBool = False


_MODELS: dict[str, type[Camel]] = {
    "linkedResources": LinkedResource,
    "checklistItems": ChecklistItem,
}


class Task(Camel):
    """The writable properties of a task; what is missing stays as it is."""

    title: str = Field(default="", min_length=1)
    body: Wrapped[Body] = Body()
    status: Literal["notStarted", "inProgress", "completed", "waitingOnOthers", "deferred"] = (
        "notStarted"
    )
    importance: Literal["low", "normal", "high"] = "normal"
    is_reminder_on: StrictBool = False
    categories: list[Annotated[str, Field(min_length=1, max_length=255)]] = Field(
        default_factory=list
    )
    due_date_time: Wrapped[DateTimeTimeZone] | None = None
    start_date_time: Wrapped[DateTimeTimeZone] | None = None
    completed_date_time: Wrapped[DateTimeTimeZone] | None = None
    reminder_date_time: Wrapped[DateTimeTimeZone] | None = None
    recurrence: Wrapped[Recurrence] | None = None


class NewTask(Task):
    """What may be given at creation only, too."""

    linked_resources: list[Wrapped[LinkedResource]] = Field(default_factory=list)
    checklist_items: list[Wrapped[ChecklistItem]] = Field(default_factory=list)


def new_task(body: Document, now: str) -> tuple[Document, dict[str, list[Document]]]:
    """Return a task ready to be put in a list, and its parts by the name of their collection.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    task = stated(checked(NewTask, body, "todoTask"))
    if "title" not in task:
        raise bad_request("title is required.", "invalidRequest")
    parts = {name: task.pop(name, []) for name in PARTS}
    return _settled({}, task, now), parts


def changes_of(task: Document, body: Document, now: str) -> Document:
    """Return the properties a PATCH changes.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    changes = stated(checked(Task, body, "todoTask"))
    return _settled(task, changes, now)


def checked_part(name: str, body: Document, *, partly: bool = False) -> Document:
    """Return what a caller says of a part, or, `partly`, what it changes.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type, or a step has no name.
    """
    given = stated(checked(_MODELS[name], body, name.removesuffix("s")))
    if name == "checklistItems" and not partly and "displayName" not in given:
        raise bad_request("displayName is required.", "invalidRequest")
    return given


def part(name: str, given: Document, guid: str, now: str) -> Document:
    """Return a part of a task as it is kept and shown."""
    if name == "linkedResources":
        names = ("webUrl", "applicationName", "displayName", "externalId")
        return {"id": guid, **{each: given.get(each) for each in names}}
    step: Document = {
        "id": guid,
        "displayName": given.get("displayName", ""),
        "createdDateTime": given.get("createdDateTime", now),
        "isChecked": given.get("isChecked", False),
    }
    if step["isChecked"]:
        step["checkedDateTime"] = given.get("checkedDateTime", now)
    return step


def _settled(before: Document, changes: Document, now: str) -> Document:
    """Return changes of a task with what follows from them."""
    task = {**TASK.properties, **before, **changes}
    for name in (*_DAYS, "reminderDateTime"):
        if changes.get(name):
            changes[name] = _utc(changes[name], whole_day=name in _DAYS)
    if "body" in changes:
        body = {"contentType": "text", "content": "", **changes["body"]}
        changes["body"] = {**body, "contentType": body["contentType"].lower()}
        changes["bodyLastModifiedDateTime"] = now
    if task["status"] != "completed":
        if changes.get("completedDateTime"):
            raise bad_request("Only a completed task has a completedDateTime.", "invalidRequest")
        changes["completedDateTime"] = None
    elif not changes.get("completedDateTime", task["completedDateTime"]):
        changes["completedDateTime"] = _utc({"dateTime": now[:19], "timeZone": "UTC"})
    if task["recurrence"] and not task["dueDateTime"]:
        raise bad_request("A task that recurs needs a dueDateTime.", "invalidRequest")
    return changes


def _utc(stamp: Document, *, whole_day: bool = True) -> Document:
    """Return a point in time in UTC; of a day, when it begins where it is meant."""
    local = datetime.fromisoformat(stamp["dateTime"])
    local = datetime.combine(local, time() if whole_day else local.time())
    try:
        moment = local.replace(tzinfo=zone(stamp["timeZone"])).astimezone(UTC)
    except OverflowError as error:
        raise bad_request("dateTime is out of range.", "invalidRequest") from error
    written = moment.replace(tzinfo=None, microsecond=0).isoformat()
    return {"dateTime": f"{written}.0000000", "timeZone": "UTC"}
