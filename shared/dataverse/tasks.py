"""The `task` activity: what is read of one, and what makes, changes and ends one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from shared.dataverse.activities import Priority, Reference, bound, owned, regarding_in
from shared.dataverse.batch import Operation
from shared.dataverse.mailboxes import written
from shared.dataverse.query import rows_where_in
from shared.dataverse.text import clean, fit
from shared.identifiers import ActivityId

MAX_DESCRIPTION = 2000
COLUMNS = (
    "subject", "description", "scheduledstart", "scheduledend", "prioritycode",
    "percentcomplete", "actualend",
)  # fmt: skip
_SELECT = f"activityid,{','.join(COLUMNS)},statecode,statuscode,_regardingobjectid_value"
_DATE = len("2026-11-02")


class Status(IntEnum):
    """`statuscode` of a task."""

    NOT_STARTED = 2
    IN_PROGRESS = 3
    WAITING = 4
    COMPLETED = 5
    CANCELED = 6
    DEFERRED = 7

    @property
    def columns(self) -> dict[str, Any]:
        """Return the status and the state it goes with; Dataverse wants both (dataverse.md 2.4)."""
        state = {Status.COMPLETED: 1, Status.CANCELED: 2}.get(self, 0)
        return {"statecode": state, "statuscode": self}


@dataclass(frozen=True, slots=True)
class Task:
    """What a `task` row says; times are UTC, `owner` is a systemuser's id."""

    subject: str
    description: str
    start: datetime | None
    due: datetime | None
    priority: Priority
    status: Status
    completed: datetime | None
    owner: str

    @property
    def columns(self) -> dict[str, Any]:
        """What is written of it, how far it has come and whose it is apart."""
        return {
            "subject": fit(self.subject, 200),
            "description": fit(self.description, MAX_DESCRIPTION),
            "scheduledstart": _moment(self.start),
            "scheduledend": _moment(self.due),
            "prioritycode": self.priority,
        }

    def progress(self, percent: int) -> dict[str, Any]:
        """Return how far it has come, `percent` being what people in Dynamics say.

        Outlook knows no percentage but that of a task not begun, and that of one that is done. An
        open task of 100 % would count as done (server-side-sync.md 5.4).
        """
        match self.status:
            case Status.COMPLETED:
                when = {"actualend": _moment(self.completed)} if self.completed else {}
                return {"percentcomplete": 100, **when}
            case Status.NOT_STARTED:
                return {"percentcomplete": 0, "actualend": None}
            case _:
                return {"percentcomplete": percent if percent < 100 else 0, "actualend": None}


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A `task` row as it was read; `etag` guards a write to it."""

    id: ActivityId
    etag: str
    status: Status
    said: Mapping[str, Any]
    regarding: Reference | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it is completed or canceled; then its content cannot be changed."""
        return self.status in {Status.COMPLETED, Status.CANCELED}

    @property
    def percent(self) -> int:
        """How much of it is done."""
        return self.said["percentcomplete"] or 0

    def differing(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of `columns` that the row does not say."""
        return {
            name: value
            for name, value in columns.items()
            if _shown(name, value) != _shown(name, self.said[name])
        }


def tasks_by_id(tasks: Collection[ActivityId]) -> list[Operation]:
    """Ask for tasks by key."""
    return rows_where_in("tasks", ["activityid"], tasks, select=_SELECT)


def task_row(row: Mapping[str, Any]) -> TaskRow:
    """Read a `task` row; a status that somebody added counts as in progress, or as its state's."""
    by_state = {1: Status.COMPLETED, 2: Status.CANCELED}
    status = row["statuscode"]
    known = status in set(Status)
    return TaskRow(
        id=ActivityId(row["activityid"]),
        etag=row["@odata.etag"],
        status=Status(status) if known else by_state.get(row["statecode"], Status.IN_PROGRESS),
        said={name: row[name] for name in COLUMNS},
        regarding=regarding_in(row),
    )


def create_task(
    activity: ActivityId,
    task: Task,
    regarding: Reference | None,
    entity_sets: Mapping[str, str],
) -> tuple[Operation, ...]:
    """Make the row; it lands as Not Started, whatever is asked (dataverse.md 2.4)."""
    body = {
        "activityid": activity,
        **task.columns,
        **task.progress(0),
        **owned(task.owner),
        **bound(regarding, entity_sets),
    }
    made = Operation("POST", "tasks", body)
    if task.status is Status.NOT_STARTED:
        return (made,)
    return (made, Operation("PATCH", _path(activity), task.status.columns, if_match="*"))


def rewrite_task(row: TaskRow, columns: Mapping[str, Any], status: Status) -> tuple[Operation, ...]:
    """Let a row say `columns` and have `status`; a closed one is opened first.

    Refused if the row is no longer as it was read. With nothing to say, it becomes a new version:
    whoever read it before must look again.
    """
    path, guard, present = _path(row.id), row.etag, row.status
    operations: list[Operation] = []
    if row.is_closed and columns:
        present = Status.NOT_STARTED
        operations.append(Operation("PATCH", path, present.columns, if_match=guard))
        guard = "*"
    if columns:
        operations.append(Operation("PATCH", path, dict(columns), if_match=guard))
        guard = "*"
    if status is not present or not operations:
        operations.append(Operation("PATCH", path, status.columns, if_match=guard))
    return tuple(operations)


def delete_task(row: TaskRow) -> Operation:
    """Delete a row, unless it is no longer as it was read."""
    return Operation("DELETE", _path(row.id), if_match=row.etag)


def _shown(name: str, value: object) -> object:
    """Return a value as it is compared: no text is as good as empty text, completion is a day."""
    if isinstance(value, str):
        value = value[:_DATE] if name == "actualend" else clean(value)
    return value or None


def _moment(moment: datetime | None) -> str | None:
    return written(moment) if moment else None


def _path(activity: ActivityId) -> str:
    return f"tasks({activity})"
