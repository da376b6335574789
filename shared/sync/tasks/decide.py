"""What makes a task tracked, and what ends it: pure (server-side-sync.md 1.3, 3.1, 5.4)."""

from dataclasses import replace

from shared.dataverse.links import Link, Reason
from shared.dataverse.tasks import delete_task
from shared.dataverse.tracking import Progress, Tracking
from shared.graph.tasks import TodoTask
from shared.identifiers import Kind, link_id_of_item
from shared.sync.plan import REMOVED, Ignore, Keep, Plan, Refuse, Track, Unlink
from shared.sync.tasks.content import content_of
from shared.sync.tasks.facts import Snapshot
from shared.sync.tasks.policy import Fate, TaskPolicy
from shared.sync.tasks.telling import Telling, telling_of
from shared.sync.versions import version_of

_DELETED = "deleted in Outlook"
_RECURS = "a recurring task is never in Dynamics"


def decide(snapshot: Snapshot, policy: TaskPolicy) -> Plan[Telling]:
    """Return what makes the two sides of one task agree."""
    task = snapshot.task
    if snapshot.link and snapshot.link.removal:
        return _removed(snapshot, snapshot.link)
    if task is None:
        return _gone(snapshot, policy)
    if snapshot.tracked and not _is_saved_anew(snapshot, snapshot.tracked, task):
        return _tracked(snapshot, snapshot.tracked, task)
    return _untracked(snapshot, task)


def _gone(snapshot: Snapshot, policy: TaskPolicy) -> Plan[Telling]:
    link, row = snapshot.tracked, snapshot.row
    if link is None:
        asked = snapshot.link if snapshot.link and snapshot.link.request else None
        return Unlink(asked, _DELETED) if asked else Ignore(_DELETED)
    if snapshot.elsewhere:
        return Unlink(link, "moved to another list")
    if row is None or row.is_closed or policy.deleted is Fate.KEEP:
        return Unlink(link, _DELETED)
    return Unlink(link, _DELETED, also=(delete_task(row),))


def _removed(snapshot: Snapshot, link: Link) -> Plan[Telling]:
    """Carry out a removal; the row stays where the task lies in another list by now."""
    row = snapshot.row if link.removal and link.removal.deletes else None
    gone = snapshot.task is None
    return Unlink(
        link,
        REMOVED,
        unmark=bool(snapshot.task and snapshot.task.is_marked),
        also=(delete_task(row),) if row and not (gone and snapshot.elsewhere) else (),
    )


def _is_saved_anew(snapshot: Snapshot, link: Link, task: TodoTask) -> bool:
    """Tell whether a save is to bring back what is just being let go."""
    return bool(link.save) and not (task.is_marked and snapshot.row)


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
        amended=None if is_told and not link.save else tracking,
    )


def _untracked(snapshot: Snapshot, task: TodoTask) -> Plan[Telling]:
    asked = snapshot.link if snapshot.link and snapshot.link.save else None
    if task.recurs:
        return Refuse(asked, _RECURS) if asked else Ignore(_RECURS, excluded=True)
    if not (task.is_marked or asked):
        return Ignore("it has no category")
    return Track(
        link=link_id_of_item(snapshot.mailbox.id, snapshot.item),
        known=snapshot.link,
        tracking=_tracking(snapshot, task),
        activity=snapshot.activity,
        tied=snapshot.activity,
        telling=_telling(snapshot, task),
        mark=not task.is_marked,
    )


def _telling(snapshot: Snapshot, task: TodoTask) -> Telling:
    content = content_of(task, snapshot.mailbox.systemuser)
    telling = telling_of(content, snapshot.row, snapshot.told, task.status)
    save = snapshot.link.save if snapshot.link else None
    return replace(telling, about=save.about if save else None)


def _tracking(snapshot: Snapshot, task: TodoTask) -> Tracking:
    save = snapshot.link.save if snapshot.link else None
    return Tracking(
        kind=Kind.TASKS,
        mailbox=snapshot.mailbox.id,
        item=snapshot.item,
        subject=task.title,
        reason=Reason.SELLER if save else Reason.CATEGORY,
        tracked_by=save.by if save else snapshot.mailbox.systemuser,
        place=Progress(task.status),
        version=version_of(task),
    )
