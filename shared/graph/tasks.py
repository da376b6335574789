"""Tasks in To Do: how one is asked for, what of it matters, and the category on it (graph.md 8.4).

Graph reads a task through its list, so an item is named by both.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from pydantic import AliasPath, Field, field_validator

from shared.graph.client import GraphRequest
from shared.graph.items import Item, in_utc, with_categories
from shared.identifiers import ItemId, MailboxId

_SELECT = (
    "id,title,body,status,importance,startDateTime,dueDateTime,completedDateTime,recurrence,"
    "categories,lastModifiedDateTime"
)
_PREFER = {
    "Prefer": 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
}


class TodoStatus(StrEnum):
    """How far a task has come."""

    NOT_STARTED = "notStarted"
    IN_PROGRESS = "inProgress"
    WAITING = "waitingOnOthers"
    DEFERRED = "deferred"
    COMPLETED = "completed"


class TodoTask(Item):
    """A task as Graph shows it now; times are UTC.

    `body_type` is `text` or `html`: To Do need not heed which was asked for.
    """

    id: str
    title: str = ""
    body: str = Field(default="", validation_alias=AliasPath("body", "content"))
    body_type: str = Field(default="text", validation_alias=AliasPath("body", "contentType"))
    status: TodoStatus = TodoStatus.NOT_STARTED
    importance: str = "normal"
    start: datetime | None = Field(default=None, alias="startDateTime")
    due: datetime | None = Field(default=None, alias="dueDateTime")
    completed: datetime | None = Field(default=None, alias="completedDateTime")
    recurrence: Mapping[str, Any] | None = None

    @field_validator("start", "due", "completed", mode="before")
    @classmethod
    def _in_utc(cls, value: object) -> object:
        return in_utc(value)

    @field_validator("body", "body_type", mode="before")
    @classmethod
    def _no_text(cls, value: object) -> object:
        # Where an alias leads nowhere the object that should hold the text comes here.
        return value if isinstance(value, str) else ""

    @field_validator("status", mode="before")
    @classmethod
    def _unheard_of(cls, value: object) -> object:
        return value if value in set(TodoStatus) else TodoStatus.IN_PROGRESS

    @property
    def is_completed(self) -> bool:
        """Whether it is done."""
        return self.status is TodoStatus.COMPLETED

    @property
    def recurs(self) -> bool:
        """Whether there will be another one when it is done."""
        return bool(self.recurrence)


def item_of(list_id: str, task: str) -> ItemId:
    """Name a task by its list and its own id; neither has a slash in it."""
    return ItemId(f"{list_id}/{task}")


def names_its_list(item: ItemId) -> bool:
    """Tell a task from what notifications name: it alone, by which it cannot be read (2.5)."""
    return "/" in item


def list_and_task(item: ItemId) -> tuple[str, str]:
    """Return what `item_of` was given."""
    list_id, _, task = item.partition("/")
    return list_id, task


def read_task(mailbox: MailboxId, item: ItemId) -> GraphRequest:
    """Ask for a task with all the rules need of it."""
    return GraphRequest("GET", f"{_path(mailbox, item)}?$select={_SELECT}", mailbox, dict(_PREFER))


def set_task_categories(
    mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
) -> GraphRequest:
    """Replace a task's categories, unless it has changed since `etag`: then Graph answers 412."""
    return with_categories(_path(mailbox, item), mailbox, etag, categories)


def _path(mailbox: MailboxId, item: ItemId) -> str:
    list_id, task = list_and_task(item)
    return f"/users/{mailbox}/todo/lists/{quote(list_id, safe='')}/tasks/{quote(task, safe='')}"
