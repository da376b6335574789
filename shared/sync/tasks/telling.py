"""What a task in Outlook makes of its row in Dynamics. Pure.

How far a task has come is written when that has changed in Outlook since it was last told; until
then it is what people in Dynamics say. So neither side undoes what the other did, and a row that
somebody completed in Dynamics is opened again only when its task was done in Outlook, too, and is
not any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.dataverse.activities import regard
from shared.dataverse.batch import Operation
from shared.dataverse.requests import About
from shared.dataverse.tasks import Status, Task, TaskRow, create_task, rewrite_task
from shared.graph.tasks import TodoStatus
from shared.sync.plan import Keep, Track


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a row is to say, and the status it is to have."""

    columns: Mapping[str, Any]
    status: Status


@dataclass(frozen=True, slots=True)
class Telling:
    """What a row would say, the row that is there, and what is to be changed in it.

    `about` is what it was asked to be about, None to leave that alone.
    """

    content: Task
    row: TaskRow | None
    amendment: Amendment | None = None
    about: About | None = None


def telling_of(content: Task, row: TaskRow | None, told: str, now: TodoStatus) -> Telling:
    """Compare; `told` is the task's status in Outlook when its row was last written, `now` today's.

    It is empty if the row was never written for this item.
    """
    moved = told != now
    if row is None or not _may_write(content, row, told, moved=moved):
        return Telling(content, row)
    # What is closed on both sides says all that Outlook says, whoever closed it.
    follows = moved or row.is_closed
    progress = content.progress(row.percent) if follows else {}
    status = content.status if follows else row.status
    differing = row.differing(content.columns | progress)
    if not differing and status is row.status:
        return Telling(content, row)
    # Being opened may cost a row what it says of its completion.
    said = differing | progress if row.is_closed else differing
    return Telling(content, row, Amendment(said, status))


def task_writes(
    plans: Sequence[Track[Telling] | Keep[Telling]], entity_sets: Mapping[str, str]
) -> tuple[Operation, ...]:
    """Return what makes the row say what its task tells.

    A row that becomes tied to another item is always written: whoever is about to delete it,
    because the item it was tied to is gone, must look again.
    """
    plan = plans[0]
    telling, about = plan.telling, plan.telling.about
    wanted = about.of("task") if about else None
    row = telling.row
    if row is None:
        return create_task(plan.activity, telling.content, wanted, entity_sets)
    written: tuple[Operation, ...] = ()
    if telling.amendment:
        written = rewrite_task(row, telling.amendment.columns, telling.amendment.status)
    elif isinstance(plan, Track):
        written = rewrite_task(row, {}, row.status)
    if about is None:
        return written
    guard = "*" if written else row.etag
    return (*written, *regard("tasks", row.id, guard, row.regarding, wanted, entity_sets))


def _may_write(content: Task, row: TaskRow, told: str, *, moved: bool) -> bool:
    """Tell whether a row may be changed: one that people closed is theirs."""
    if not row.is_closed:
        return True
    if content.status is Status.COMPLETED:
        return moved or row.status is Status.COMPLETED
    return told == TodoStatus.COMPLETED
