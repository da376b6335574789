"""Finds what has changed in To Do by asking: a round of delta through every enrolled mailbox.

Graph tells of tasks list by list and not reliably (graph.md 2.5): what it tells is at most a reason
to go through a mailbox at once. How far a mailbox is known is written down only when its changes
are on the queue: what dies in between is told twice.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from itertools import batched

from shared.bus import Bus, change_messages
from shared.dataverse.client import Dataverse
from shared.dataverse.links import link_row, links_of_tasks_in
from shared.dataverse.polled_mailboxes import (
    POLLED_MAILBOXES,
    PolledMailbox,
    keep_links,
    polled_mailbox,
    polled_mailboxes_of,
)
from shared.dataverse.query import next_page
from shared.errors import Transient, briefly
from shared.graph.client import Graph
from shared.identifiers import Kind, MailboxId
from shared.sync.list_watching import Lists, ListWatching
from shared.sync.task_walk import Walk

logger = logging.getLogger("tether.polling")

_MAILBOXES_AT_ONCE = 200  # so that what was found is on the queue before much more is asked


class Poller:
    """Polls for tasks; one for a process. `now` is UTC."""

    def __init__(
        self,
        graph: Graph,
        dataverse: Dataverse,
        bus: Bus,
        watching: ListWatching,
        now: Callable[[], datetime],
    ) -> None:
        self._graph = graph
        self._dataverse = dataverse
        self._bus = bus
        self._watching = watching
        self._now = now
        self._not_before: dict[MailboxId, datetime] = {}

    async def poll(self) -> None:
        """Go through all mailboxes once; one that fails is logged and stops no other.

        Then see to the subscriptions to their lists.

        Raises:
            Transient: Dataverse or the broker did not answer; the next poll finds the same again.
        """
        rows = [polled_mailbox(row) for row in await self._dataverse.read_all(POLLED_MAILBOXES)]
        lists = [
            Lists(row.mailbox, set(), row.subscriptions) for row in rows if not row.is_enrolled
        ]
        due = [row for row in rows if row.is_enrolled and not self._wait_for(row.mailbox)]
        for some in batched(due, _MAILBOXES_AT_ONCE, strict=False):
            walks = await self._walk(some)
            lists += [_lists(*one) for one in zip(some, walks, strict=True)]
        for of_some in batched(lists, _MAILBOXES_AT_ONCE, strict=False):
            await self._watching.keep(of_some)

    async def visit(self, mailboxes: Collection[MailboxId]) -> dict[MailboxId, Transient]:
        """Go through these mailboxes now, as far as they are enrolled.

        Return those that must be gone through again, and why.

        Raises:
            Transient: Dataverse or the broker did not answer; nothing found is lost.
        """
        answers = await self._dataverse.batch(polled_mailboxes_of(mailboxes))
        for answer in answers:
            if not answer.ok:
                raise Transient(answer.problem, retry_after=answer.retry_after)
        rows = [polled_mailbox(row) for answer in answers for row in answer.body["value"]]
        enrolled = [row for row in rows if row.is_enrolled]
        waits = {row.mailbox: self._wait_for(row.mailbox) for row in enrolled}
        again = {
            mailbox: Transient("Graph wishes to be left alone for now", retry_after=wait)
            for mailbox, wait in waits.items()
            if wait
        }
        for walk in await self._walk([row for row in enrolled if row.mailbox not in again]):
            if walk.problems:
                wait = max(problem.retry_after or 0.0 for problem in walk.problems)
                problem = walk.problems[0].problem
                again[walk.mailbox] = Transient(problem, retry_after=wait)
        return again

    def _wait_for(self, mailbox: MailboxId) -> float:
        """Return for how many seconds Graph wishes to be left alone about a mailbox."""
        now = self._now()
        return max(0.0, (self._not_before.get(mailbox, now) - now).total_seconds())

    async def _walk(self, rows: Sequence[PolledMailbox]) -> list[Walk]:
        walks = [Walk(row.mailbox, row.links) for row in rows]
        while asked := [(walk, *step) for walk in walks for step in walk.steps()]:
            answers = await self._graph.batch([request for _, _, request in asked])
            for (walk, step, _), answer in zip(asked, answers, strict=True):
                walk.learn(step, answer)
        for walk in walks:
            self._heed(walk)
        sure = await self._make_sure(walks)
        await self._tell(sure)
        await self._write_down([walk for walk in sure if walk.has_moved])
        return walks

    def _heed(self, walk: Walk) -> None:
        """Log what went wrong, and leave a mailbox alone for as long as Graph wishes."""
        if not walk.problems:
            self._not_before.pop(walk.mailbox, None)
            return
        wait = max(problem.retry_after or 0.0 for problem in walk.problems)
        self._not_before[walk.mailbox] = self._now() + timedelta(seconds=wait)
        logger.warning(
            "tasks not found out mailbox=%s lists=%d problem=%s",
            walk.mailbox,
            len(walk.problems),
            briefly(walk.problems[0].problem),
        )

    async def _make_sure(self, walks: Sequence[Walk]) -> list[Walk]:
        """Ask Dynamics what is tracked where delta does not say what has gone.

        Return the walks whose changes are complete.
        """
        unsure = {walk.mailbox: walk for walk in walks if walk.unsure}
        incomplete: set[MailboxId] = set()
        asking = [(mailbox, links_of_tasks_in(mailbox)) for mailbox in unsure]
        while asking:
            answers = await self._dataverse.batch([operation for _, operation in asking])
            answered, asking = zip(asking, answers, strict=True), []
            for (mailbox, _), answer in answered:
                if not answer.ok:
                    incomplete.add(mailbox)
                    unsure[mailbox].problems.append(answer)
                    logger.warning(
                        "tasks not told mailbox=%s problem=%s", mailbox, briefly(answer.problem)
                    )
                    continue
                links = map(link_row, answer.body["value"])
                unsure[mailbox].tell(link.item for link in links if link.item)
                if page := next_page(answer):
                    asking.append((mailbox, page))
        return [walk for walk in walks if walk.mailbox not in incomplete]

    async def _tell(self, walks: Sequence[Walk]) -> None:
        now = self._now()
        told = {walk.mailbox: walk.changes(now) for walk in walks}
        # Each mailbox has its own messages, so that what is told again is the same message.
        await self._bus.send(
            Kind.TASKS.value,
            [message for changes in told.values() for message in change_messages(changes)],
        )
        count = sum(map(len, told.values()))
        logger.info("polled mailboxes=%d changes=%d", len(walks), count)

    async def _write_down(self, walks: Sequence[Walk]) -> None:
        answers = await self._dataverse.batch(
            [keep_links(walk.mailbox, walk.links) for walk in walks]
        )
        for walk, answer in zip(walks, answers, strict=True):
            if not answer.ok:
                logger.warning(
                    "tasks told again next time mailbox=%s problem=%s",
                    walk.mailbox,
                    briefly(answer.problem),
                )


def _lists(row: PolledMailbox, walk: Walk) -> Lists:
    """Return a mailbox's lists; without knowing them all, none counts as gone."""
    doubtful = set() if walk.knows_all_lists else row.subscriptions.keys()
    return Lists(row.mailbox, walk.lists | doubtful, row.subscriptions)
