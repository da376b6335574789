"""Finds what has changed in To Do by asking: a round of delta through every enrolled mailbox.

Graph tells of tasks list by list and not reliably (graph.md 2.5). How far a mailbox is known is
written down only when its changes are on the queue: what dies in between is told twice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched

from shared.bus import Bus, change_messages
from shared.dataverse.client import Dataverse
from shared.dataverse.links import link_row, links_of_tasks_in
from shared.dataverse.query import next_page
from shared.dataverse.task_deltas import ENROLLED_MAILBOXES, keep_links, links_in
from shared.graph.client import Graph
from shared.identifiers import Kind, MailboxId
from shared.sync.task_walk import Walk

logger = logging.getLogger("tether.polling")

_MAILBOXES_AT_ONCE = 200  # so that what was found is on the queue before much more is asked


class Poller:
    """Polls for tasks; one for a process. `now` is UTC."""

    def __init__(
        self, graph: Graph, dataverse: Dataverse, bus: Bus, now: Callable[[], datetime]
    ) -> None:
        self._graph = graph
        self._dataverse = dataverse
        self._bus = bus
        self._now = now
        self._not_before: dict[MailboxId, datetime] = {}

    async def poll(self) -> None:
        """Go through all mailboxes once; one that fails is logged and stops no other.

        Raises:
            Transient: Dataverse or the broker did not answer; the next poll finds the same again.
        """
        rows = await self._dataverse.read_all(ENROLLED_MAILBOXES)
        known = {MailboxId(row["tether_mailboxid"]): links_in(row) for row in rows}
        now = self._now()
        due = [one for one in known if self._not_before.get(one, now) <= now]
        for some in batched(due, _MAILBOXES_AT_ONCE, strict=False):
            await self._poll({mailbox: known[mailbox] for mailbox in some})

    async def _poll(self, known: Mapping[MailboxId, Mapping[str, str]]) -> None:
        walks = [Walk(mailbox, links) for mailbox, links in known.items()]
        while asked := [(walk, *step) for walk in walks for step in walk.steps()]:
            answers = await self._graph.batch([request for _, _, request in asked])
            for (walk, step, _), answer in zip(asked, answers, strict=True):
                walk.learn(step, answer)
        for walk in walks:
            self._heed(walk)
        sure = await self._make_sure(walks)
        await self._tell(sure)
        await self._write_down([walk for walk in sure if walk.has_moved])

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
            walk.problems[0].problem,
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
                    logger.warning("tasks not told mailbox=%s problem=%s", mailbox, answer.problem)
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
                    answer.problem,
                )
