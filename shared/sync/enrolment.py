"""Which mailboxes sync: every ready one has its row and a live subscription, no other has.

A pass compares what Dynamics says is ready with what is enrolled, and acts on the difference. A gap
in which changes may have been missed is written on the mailbox's row, so that it is not forgotten.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.dataverse import mailboxes as rows
from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import MailboxRow, MailboxState, ReadyMailbox
from shared.errors import Transient
from shared.graph import subscriptions
from shared.graph.client import Graph, GraphResponse
from shared.graph.messages import Folder, read_folder
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import MailboxId, SystemUserId
from shared.sync.subscribing import Answers, Subscriber

logger = logging.getLogger("tether.enrolment")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a pass has to do. Pure: made from what is ready, what is enrolled, and the time."""

    to_enrol: tuple[ReadyMailbox, ...]
    to_renew: tuple[MailboxRow, ...]
    to_suspend: tuple[MailboxRow, ...]

    @classmethod
    def between(
        cls, ready: Iterable[ReadyMailbox], enrolled: Iterable[MailboxRow], now: datetime
    ) -> "Difference":
        """Compare; a subscription is renewed at half its life, and made anew when it is gone."""
        wanted = {mailbox.id: mailbox for mailbox in ready}
        known = {row.id: row for row in enrolled}
        alive = {
            row.id
            for row in known.values()
            if row.subscription and row.expires and row.expires > now
            if row.state is MailboxState.ENROLLED
        }
        return cls(
            to_enrol=tuple(m for m in wanted.values() if m.id not in alive),
            to_renew=tuple(
                known[mailbox_id]
                for mailbox_id in wanted
                if mailbox_id in alive and _is_half_over(known[mailbox_id], now)
            ),
            to_suspend=tuple(
                row
                for row in known.values()
                if row.id not in wanted and row.state is MailboxState.ENROLLED
            ),
        )


class Enrolment:
    """Keeps subscriptions in step with readiness; one for a process. `now` is UTC."""

    def __init__(
        self,
        graph: Graph,
        dataverse: Dataverse,
        subscriber: Subscriber,
        now: Callable[[], datetime],
    ) -> None:
        self._graph = graph
        self._dataverse = dataverse
        self._subscriber = subscriber
        self._now = now

    async def enrol_and_renew(self) -> None:
        """Make one pass over all mailboxes.

        Raises:
            Transient: Dataverse could not be read or written; the next pass does it again.
        """
        ready = await self._ready()
        known = {
            row.id: row
            for row in map(rows.mailbox_row, await self._dataverse.read_all(rows.ALL_MAILBOXES))
        }
        todo = Difference.between(ready, known.values(), self._now())
        await self._suspend(todo.to_suspend)
        await self._note(await self._renew(todo.to_renew))
        await self._enrol(todo.to_enrol, known)
        for row in known.values():
            if row.catch_up_needed_since:
                logger.warning(
                    "catch-up needed mailbox=%s since=%s reason=%s",
                    row.id,
                    row.catch_up_needed_since.isoformat(),
                    row.catch_up_reason,
                )

    async def react(self, event: LifecycleEvent) -> None:
        """Do what a lifecycle event asks for (graph.md 3); harmless when repeated.

        Raises:
            Transient: it could not be done; the event must come again.
        """
        found = await self._answers(rows.mailboxes_of([event.subject.mailbox]))
        row = next(map(rows.mailbox_row, found), None)
        if row is None or row.state is not MailboxState.ENROLLED:
            logger.info("lifecycle event for a mailbox not enrolled: %s", event.subject.mailbox)
            return
        answers: Answers = {}
        match event.event:
            case "reauthorizationRequired":
                answers = await self._renew([row])
            case "missed":
                await self._need_catch_up([(row, "Graph reported missed notifications")])
            case "subscriptionRemoved":
                await self._need_catch_up([(row, "Graph removed the subscription")])
                answers = await self._subscriber.subscribe([row.id])
        await self._note(answers)
        for answer in answers.values():
            if not answer.ok:
                raise Transient(answer.problem, retry_after=answer.retry_after)

    async def _ready(self) -> list[ReadyMailbox]:
        mailboxes = await self._dataverse.read_all(rows.READY_MAILBOXES)
        owners = {row["_regardingobjectid_value"] for row in mailboxes} - {None}
        users = await self._answers(rows.users_of(owners))
        return [
            ReadyMailbox(
                id=MailboxId(str(user["azureactivedirectoryobjectid"]).lower()),
                systemuser=SystemUserId(user["systemuserid"]),
                name=user["internalemailaddress"] or "",
            )
            for user in users
            if user["azureactivedirectoryobjectid"]
        ]

    async def _enrol(
        self, ready: Sequence[ReadyMailbox], known: Mapping[MailboxId, MailboxRow]
    ) -> None:
        folders = await self._folders(ready)
        reachable = [mailbox for mailbox in ready if mailbox.id in folders]
        # The row comes first: nothing may arrive for a mailbox nobody knows.
        await self._write([rows.enrol(mailbox, folders[mailbox.id]) for mailbox in reachable])
        before = [known[mailbox.id] for mailbox in reachable if mailbox.id in known]
        expired = [row for row in before if row.expires]
        await self._need_catch_up([(row, "the subscription expired") for row in expired])
        await self._note(await self._subscriber.subscribe([mailbox.id for mailbox in reachable]))

    async def _folders(
        self, mailboxes: Sequence[ReadyMailbox]
    ) -> dict[MailboxId, dict[Folder, str]]:
        """Return the ids of the well-known folders of the mailboxes that Graph lets us read."""
        asked = [(mailbox.id, folder) for mailbox in mailboxes for folder in Folder]
        answers = await self._graph.batch([read_folder(mailbox, one) for mailbox, one in asked])
        folders: dict[MailboxId, dict[Folder, str]] = {mailbox.id: {} for mailbox in mailboxes}
        refused: dict[MailboxId, str] = {}
        for (mailbox, folder), answer in zip(asked, answers, strict=True):
            if answer.ok:
                folders[mailbox][folder] = str(answer.body["id"])
            else:
                refused[mailbox] = answer.problem
        for mailbox, problem in refused.items():
            logger.warning("mailbox not enrolled mailbox=%s problem=%s", mailbox, problem)
            del folders[mailbox]
        return folders

    async def _suspend(self, enrolled: Sequence[MailboxRow]) -> None:
        await self._need_catch_up([(row, "the mailbox stopped being ready") for row in enrolled])
        await self._subscriber.end(enrolled)
        await self._write([rows.suspend(row.id) for row in enrolled])

    async def _renew(self, enrolled: Sequence[MailboxRow]) -> Answers:
        answers = await self._subscriber.renew(enrolled)
        gone = [row for row in enrolled if answers[row.id].status == 404]
        await self._need_catch_up([(row, "the subscription was gone") for row in gone])
        return answers | await self._subscriber.subscribe([row.id for row in gone])

    async def _note(self, answers: Answers) -> None:
        """Write on each mailbox's row which subscription lives until when, or why none does."""
        await self._write([_noted(mailbox, answer) for mailbox, answer in answers.items()])

    async def _need_catch_up(self, gaps: Sequence[tuple[MailboxRow, str]]) -> None:
        now = self._now()
        await self._write(
            [
                rows.need_catch_up(row.id, min(now, row.expires or now), reason)
                for row, reason in gaps
                if row.catch_up_needed_since is None
            ]
        )

    async def _answers(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        answers = await self._dataverse.batch(operations)
        for answer in answers:
            if not answer.ok:
                raise Transient(answer.problem, retry_after=answer.retry_after)
        return [row for answer in answers for row in answer.body["value"]]

    async def _write(self, operations: Sequence[Operation]) -> None:
        for answer in await self._dataverse.batch(operations):
            if not answer.ok:
                raise Transient(answer.problem, retry_after=answer.retry_after)


def _is_half_over(row: MailboxRow, now: datetime) -> bool:
    return row.expires is not None and row.expires - now < subscriptions.HALF_LIFE


def _noted(mailbox: MailboxId, answer: GraphResponse) -> Operation:
    if answer.ok:
        return rows.keep_subscription(
            mailbox, str(answer.body["id"]), subscriptions.expiry_of(answer)
        )
    logger.warning("no subscription mailbox=%s problem=%s", mailbox, answer.problem)
    return rows.note_error(mailbox, answer.problem)
