"""Tasks on both sides, and the app told of them: as they change, or any way at all.

What changes twice between two looks may rightly leave other traces than what was looked at in
between: a task marked and unmarked was in Dynamics for a while, or never. So a world is a list of
epochs in which people only add to what is tracked, or only take from it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from hypothesis import strategies as st

from sandbox.graph import ids
from sandbox.graph.mailbox import Change as MailboxChange
from shared.changes import Change, Hint
from shared.graph.tasks import TodoStatus, TodoTask, item_of
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.reconcile import Reconciler
from shared.sync.tasks.facts import TaskFacts
from shared.sync.tasks.telling import Telling
from tests.unit.app.desk import MARKED, NOW, Desk

type TaskReconciler = Reconciler[TodoTask, TaskFacts, Telling]

DUE = {"dateTime": "2026-11-05T00:00:00", "timeZone": "UTC"}
DAILY = {"pattern": {"type": "daily", "interval": 1}, "range": {"type": "noEnd"}}
_TASKS = 2
_MOST_ACTIONS = 5
_MOST_EPOCHS = 5
_MOST_TELLINGS = 500


class Do(Enum):
    """What a person does with a task in Outlook, or with its row in Dynamics."""

    RENAME = auto()
    SET_STATUS = auto()
    MARK = auto()
    RECUR_NO_MORE = auto()
    UNMARK = auto()
    RECUR = auto()
    DELETE = auto()
    COMPLETE_ROW = auto()
    REOPEN_ROW = auto()
    SET_PERCENT = auto()
    DELETE_ROW = auto()


_CHANGING = (Do.RENAME, Do.SET_STATUS)
ADDING = (*_CHANGING, Do.MARK, Do.RECUR_NO_MORE)
REMOVING = (*_CHANGING, Do.UNMARK, Do.RECUR)
DELETING = (Do.DELETE,)
IN_DYNAMICS = (Do.COMPLETE_ROW, Do.REOPEN_ROW, Do.SET_PERCENT, Do.DELETE_ROW)


@dataclass(frozen=True, slots=True)
class Action:
    """Something done to a task; `status` is what one is set to."""

    do: Do
    task: int
    status: TodoStatus = TodoStatus.NOT_STARTED


type World = tuple[tuple[Action, ...], ...]


@st.composite
def _epoch(draw: st.DrawFn, choices: Sequence[Do]) -> tuple[Action, ...]:
    action = st.builds(
        Action,
        st.sampled_from(choices),
        st.sampled_from(range(_TASKS)),
        st.sampled_from(TodoStatus),
    )
    return tuple(draw(st.lists(action, max_size=_MOST_ACTIONS)))


@st.composite
def outlook_worlds(draw: st.DrawFn) -> World:
    """Draw a world in which people act in Outlook alone."""
    kinds = st.sampled_from([ADDING, ADDING, REMOVING, DELETING])
    return tuple(draw(_epoch(draw(kinds))) for _ in range(draw(st.integers(1, _MOST_EPOCHS))))


@st.composite
def shared_worlds(draw: st.DrawFn) -> World:
    """Draw a world in which people act on both sides by turns.

    A status is set once in an epoch: a row that somebody completed is opened again for a task that
    was seen to be done and undone, and not for one that was so behind everybody's back.
    """
    marked = tuple(Action(Do.MARK, task) for task in range(_TASKS))
    epochs = [marked]
    for _ in range(draw(st.integers(1, _MOST_EPOCHS))):
        epochs.append(draw(_epoch(IN_DYNAMICS)))
        statuses = (
            Action(Do.SET_STATUS, task, draw(st.sampled_from(TodoStatus)))
            for task in range(_TASKS)
            if draw(st.booleans())
        )
        renamed = (Action(Do.RENAME, task) for task in range(_TASKS))
        epochs.append((*statuses, *renamed))
    return tuple(epochs)


@dataclass(slots=True)
class Life:
    """A desk, its tasks, and what has changed without being told yet."""

    desk: Desk
    items: list[ItemId] = field(default_factory=list)
    untold: list[Change] = field(default_factory=list)
    copies_left: int = 6
    _told: int = 0
    _names: int = 0

    async def begin(self) -> None:
        """Put the tasks there, and let every change be noticed."""
        self.desk.graph.mailboxes.observe(self._notice)
        for number in range(_TASKS):
            self.items.append(await self.desk.add(f"Task {number}", categories=[], dueDateTime=DUE))

    async def act(self, action: Action) -> None:
        """Do what a person does, where it can be done."""
        item = self.items[action.task]
        if action.do in IN_DYNAMICS:
            self._in_dynamics(action.do, item)
            return
        if item not in self.there():
            return
        match action.do:
            case Do.RENAME:
                self._names += 1
                await self.desk.change(item, title=f"Name {self._names}")
            case Do.SET_STATUS:
                await self.desk.change(item, status=action.status.value)
            case Do.MARK | Do.UNMARK:
                categories = MARKED if action.do is Do.MARK else []
                await self.desk.change(item, categories=categories)
            case Do.RECUR | Do.RECUR_NO_MORE:
                recurrence = DAILY if action.do is Do.RECUR else None
                await self.desk.change(item, recurrence=recurrence)
            case _:
                await self.desk.delete(item)

    def there(self) -> dict[ItemId, list[str]]:
        """Return the tasks that are there, with their categories."""
        tasks = self.desk.graph.mailboxes.tasks(self.desk.mailbox())
        return {
            item_of(folder, row["id"]): row["categories"]
            for folder in tasks.folders
            for row in tasks.in_folder(folder)
        }

    def _in_dynamics(self, do: Do, item: ItemId) -> None:
        row = self.desk.row(item)
        if row is None:
            return
        closed = row["statecode"] != 0
        match do:
            case Do.COMPLETE_ROW if not closed:
                self.desk.in_dynamics(item, statecode=1, statuscode=5)
            case Do.REOPEN_ROW if closed:
                self.desk.in_dynamics(item, statecode=0, statuscode=3)
            case Do.SET_PERCENT if not closed:
                self.desk.in_dynamics(item, percentcomplete=30)
            case Do.DELETE_ROW:
                self.desk.delete_row(item)
            case _:
                pass

    def _notice(self, change: MailboxChange) -> None:
        task = change.after or change.before
        assert task is not None
        self._told += 1
        gone = change.after is None
        self.untold.append(
            Change(
                id=str(self._told),
                mailbox=MailboxId(change.mailbox),
                kind=Kind.TASKS,
                item=item_of(task["parentFolderId"], task["id"]),
                hint=Hint(change.kind),
                noticed=NOW,
                etag=None if gone else ids.etag(task["changeKey"]),
            )
        )


async def tell_in_order(life: Life, reconciler: TaskReconciler) -> None:
    """Tell each change once, alone."""
    for _ in range(_MOST_TELLINGS):
        if not life.untold:
            return
        outcome = await reconciler.reconcile([life.untold.pop(0)])
        assert not outcome.impossible
        life.untold += [failed.change for failed in outcome.failed]
    raise AssertionError("it never gets quiet")


async def tell_anyhow(life: Life, instances: Sequence[TaskReconciler], chance: Random) -> None:
    """Tell changes in any order and number, to any instance or to all at once."""
    for _ in range(_MOST_TELLINGS):
        if not life.untold:
            return
        chance.shuffle(life.untold)
        at_work = chance.sample(instances, chance.randint(1, len(instances)))
        batches = [_take(life, chance) for _ in at_work]
        working = zip(at_work, batches, strict=True)
        for outcome in await asyncio.gather(*(one.reconcile(batch) for one, batch in working)):
            assert not outcome.impossible
            life.untold += [failed.change for failed in outcome.failed]
    raise AssertionError("it never gets quiet")


def _take(life: Life, chance: Random) -> list[Change]:
    """Take some changes; now and then leave one to be told again."""
    size = chance.randint(1, 4)
    batch, life.untold = life.untold[:size], life.untold[size:]
    if batch and life.copies_left and chance.randint(0, 2) == 0:
        life.copies_left -= 1
        life.untold.append(chance.choice(batch))
    return batch
