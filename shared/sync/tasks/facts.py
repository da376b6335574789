"""What is asked of Dynamics for a batch of tasks, and the snapshot the answers make. Pure."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from shared.dataverse import links, tasks
from shared.dataverse.links import Link, LinkState
from shared.dataverse.mailboxes import MailboxRow
from shared.dataverse.tasks import TaskRow
from shared.graph.tasks import TodoTask, list_and_task
from shared.identifiers import ActivityId, ItemId, LinkId, activity_id_of_task
from shared.sync.facts import Facts, Question, Row, about_items, asked, requested_tables
from shared.sync.rules import Read


@dataclass(slots=True)
class TaskFacts(Facts):
    """What Dynamics knows of a batch of tasks; `ties` are the tracked links of those gone."""

    rows: dict[ActivityId, TaskRow] = field(default_factory=dict)
    ties: dict[ActivityId, set[LinkId]] = field(default_factory=lambda: defaultdict(set))

    @property
    def regarding_tables(self) -> set[str]:
        """See `Facts.regarding_tables`."""
        return requested_tables(self.links.values())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A task in Outlook (None when it is gone) and what Dynamics knows of it.

    `elsewhere`: it lies in another list by now, as another item with the same row.
    """

    mailbox: MailboxRow
    item: ItemId
    task: TodoTask | None
    activity: ActivityId
    link: Link | None = None
    row: TaskRow | None = None
    elsewhere: bool = False

    @property
    def tracked(self) -> Link | None:
        """The item's link, if it is tracked."""
        return self.link if self.link and self.link.is_tracked else None

    @property
    def told(self) -> str:
        """The task's status in Outlook when its row was last written; empty if it never was."""
        written = self.link and self.link.state is not LinkState.FAILED
        return self.link.status if self.link and written else ""


def activity_of(read: Read[TodoTask]) -> ActivityId:
    """Name the row of a task, the same in whichever list it lies."""
    _, task = list_and_task(read.change.item)
    return activity_id_of_task(read.change.mailbox, task)


def questions(reads: Sequence[Read[TodoTask]]) -> list[Question[TaskFacts]]:
    """Return all that must be asked about `reads`."""
    return [
        *about_items((read.change.mailbox for read in reads), (read.link_id for read in reads)),
        *asked(tasks.tasks_by_id({activity_of(read) for read in reads}), _note_row),
        *asked(
            links.links_of_tasks({activity_of(read) for read in reads if not read.item}), _note_tie
        ),
    ]


def snapshots(facts: TaskFacts, reads: Sequence[Read[TodoTask]]) -> list[Snapshot]:
    """Return both sides of each task, whose mailboxes are all enrolled."""
    here = {activity_of(read) for read in reads if read.item}
    return [_snapshot(facts, read, here) for read in reads]


def _snapshot(facts: TaskFacts, read: Read[TodoTask], here: Collection[ActivityId]) -> Snapshot:
    activity = activity_of(read)
    return Snapshot(
        mailbox=facts.mailboxes[read.change.mailbox],
        item=read.change.item,
        task=read.item,
        activity=activity,
        link=facts.links.get(read.link_id),
        row=facts.rows.get(activity),
        elsewhere=activity in here or bool(facts.ties[activity] - {read.link_id}),
    )


def _note_row(facts: TaskFacts, row: Row) -> None:
    task = tasks.task_row(row)
    facts.rows[task.id] = task


def _note_tie(facts: TaskFacts, row: Row) -> None:
    link = links.link_row(row)
    if link.activity:
        facts.ties[link.activity].add(link.id)
