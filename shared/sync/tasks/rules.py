"""Tasks, as the reconcile knows a kind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.dataverse.batch import Operation
from shared.graph.client import GraphRequest
from shared.graph.tasks import TodoTask, read_task, set_task_categories
from shared.identifiers import ItemId, MailboxId, SystemUserId
from shared.sync.facts import Question
from shared.sync.plan import Keep, Track
from shared.sync.rules import Decision, Read, Rules
from shared.sync.tasks import facts as asking
from shared.sync.tasks.decide import decide
from shared.sync.tasks.facts import TaskFacts, snapshots
from shared.sync.tasks.policy import TaskPolicy
from shared.sync.tasks.telling import Telling, task_writes


class TaskRules(Rules[TodoTask, TaskFacts, Telling]):
    """See `Rules`."""

    noun = "task"

    def __init__(self, policy: TaskPolicy) -> None:
        self._policy = policy

    def request(self, mailbox: MailboxId, item: ItemId) -> GraphRequest:
        """See `Rules.request`."""
        return read_task(mailbox, item)

    def item(self, body: Mapping[str, Any]) -> TodoTask:
        """See `Rules.item`."""
        return TodoTask.model_validate(body)

    def categorized(
        self, mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
    ) -> GraphRequest:
        """See `Rules.categorized`."""
        return set_task_categories(mailbox, item, etag, categories)

    def facts(self) -> TaskFacts:
        """See `Rules.facts`."""
        return TaskFacts()

    def questions(
        self,
        reads: Sequence[Read[TodoTask]],
        users: Mapping[MailboxId, SystemUserId],  # noqa: ARG002 - no personal option is asked for
    ) -> list[Question[TaskFacts]]:
        """See `Rules.questions`."""
        return asking.questions(reads)

    def decide(
        self,
        facts: TaskFacts,
        reads: Sequence[Read[TodoTask]],
        now: datetime,  # noqa: ARG002 - tasks change by themselves at no time
    ) -> Sequence[Decision[TodoTask, Telling]]:
        """See `Rules.decide`."""
        both_sides = zip(reads, snapshots(facts, reads), strict=True)
        return [Decision(read, decide(snapshot, self._policy)) for read, snapshot in both_sides]

    def writes(
        self, plans: Sequence[Track[Telling] | Keep[Telling]], entity_sets: Mapping[str, str]
    ) -> Iterable[Operation]:
        """See `Rules.writes`."""
        return task_writes(plans, entity_sets)
