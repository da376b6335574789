"""What makes a task tracked, and what ends it: pure (server-side-sync.md 1.3, 3.1, 5.4)."""

from shared.dataverse.links import Link, Reason
from shared.dataverse.mailboxes import MailboxState
from shared.dataverse.tasks import delete_task
from shared.dataverse.tracking import Progress, Tracking
from shared.graph.tasks import TodoTask
from shared.identifiers import Kind, link_id_of_item
from shared.sync.plan import Ignore, Keep, Plan, Track, Unlink
from shared.sync.tasks.content import content_of
from shared.sync.tasks.facts import Snapshot
from shared.sync.tasks.policy import Fate, TaskPolicy
from shared.sync.tasks.telling import Telling, telling_of
from shared.sync.versions import version_of

_RECURS = "a recurring task is never in Dynamics"


def decide(snapshot: Snapshot, policy: TaskPolicy) -> Plan[Telling]:
    """Return what makes the two sides of one task agree."""
    task = snapshot.task
    if snapshot.mailbox.state is MailboxState.SUSPENDED:
        return Ignore("the mailbox is not ready for server-side synchronization")
    if task is None:
        return _gone(snapshot, policy)
    if snapshot.tracked:
        return _tracked(snapshot, snapshot.tracked, task)
    return _untracked(snapshot, task)


def _gone(snapshot: Snapshot, policy: TaskPolicy) -> Plan[Telling]:
    link, row = snapshot.tracked, snapshot.row
    if link is None:
        return Ignore("deleted in Outlook")
    if snapshot.elsewhere:
        return Unlink(link, "moved to another list")
    if row is None or row.is_closed or policy.deleted is Fate.KEEP:
        return Unlink(link, "deleted in Outlook")
    return Unlink(link, "deleted in Outlook", also=(delete_task(row),))


def _tracked(snapshot: Snapshot, link: Link, task: TodoTask) -> Plan[Telling]:
    if not task.is_marked:
        return Unlink(link, "the category was taken off in Outlook")
    if snapshot.row is None:
        return Unlink(link, "the task was deleted in Dynamics", unmark=True)
    if task.recurs:
        return Unlink(link, _RECURS)
    tracking = _tracking(snapshot, task)
    said = (link.status, link.activity, link.version)
    is_told = said == (task.status, snapshot.activity, tracking.version)
    return Keep(
        known=link,
        activity=snapshot.activity,
        tied=snapshot.activity,
        telling=_telling(snapshot, task),
        amended=None if is_told else tracking,
    )


def _untracked(snapshot: Snapshot, task: TodoTask) -> Plan[Telling]:
    if not task.is_marked:
        return Ignore("it has no category")
    if task.recurs:
        return Ignore(_RECURS, excluded=True)
    return Track(
        link=link_id_of_item(snapshot.mailbox.id, snapshot.item),
        known=snapshot.link,
        tracking=_tracking(snapshot, task),
        activity=snapshot.activity,
        tied=snapshot.activity,
        telling=_telling(snapshot, task),
        mark=False,
    )


def _telling(snapshot: Snapshot, task: TodoTask) -> Telling:
    content = content_of(task, snapshot.mailbox.systemuser)
    return telling_of(content, snapshot.row, snapshot.told, task.status)


def _tracking(snapshot: Snapshot, task: TodoTask) -> Tracking:
    return Tracking(
        kind=Kind.TASKS,
        mailbox=snapshot.mailbox.id,
        item=snapshot.item,
        subject=task.title,
        reason=Reason.CATEGORY,
        tracked_by=snapshot.mailbox.systemuser,
        place=Progress(task.status),
        version=version_of(task),
    )
