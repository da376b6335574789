"""What the row of a task says. Pure (server-side-sync.md 5.2, 5.4)."""

from inscriptis import get_text

from shared.dataverse.activities import Priority
from shared.dataverse.tasks import MAX_DESCRIPTION, Status, Task
from shared.dataverse.text import clean, fit
from shared.graph.tasks import TodoStatus, TodoTask
from shared.identifiers import SystemUserId

_SHORTENED = "… (shortened)"
_STATUS = {
    TodoStatus.NOT_STARTED: Status.NOT_STARTED,
    TodoStatus.IN_PROGRESS: Status.IN_PROGRESS,
    TodoStatus.WAITING: Status.WAITING,
    TodoStatus.DEFERRED: Status.DEFERRED,
    TodoStatus.COMPLETED: Status.COMPLETED,
}


def content_of(task: TodoTask, owner: SystemUserId) -> Task:
    """Return what the row of a task says; `owner` is the mailbox's user."""
    return Task(
        subject=task.title,
        description=shortened(text_of(task)),
        start=task.start,
        due=task.due,
        priority=Priority.of(task.importance),
        status=_STATUS[task.status],
        completed=task.completed,
        owner=owner,
    )


def text_of(task: TodoTask) -> str:
    """Return the words of a task's body."""
    words = clean(task.body)
    return get_text(words).strip() if task.body_type.lower() == "html" else words


def shortened(text: str) -> str:
    """Return text that fits into a description; where it was cut, it says so."""
    whole = fit(text, MAX_DESCRIPTION)
    if whole == clean(text):
        return whole
    return fit(text, MAX_DESCRIPTION - len(_SHORTENED)).rstrip() + _SHORTENED
