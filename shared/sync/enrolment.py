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

_FOLDERS = {folder.value for folder in Folder}

Problems = dict[MailboxId, str]
"""What could not be done for a mailbox, in the service's words."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a pass has to do. Pure: made from what is ready, what is enrolled, and the time."""

    to_enrol: tuple[ReadyMailbox, ...]
    to_renew: tuple[MailboxRow, ...]
    to_suspend: tuple[MailboxRow, ...]

    @classmethod
    def between(
        cls,
        ready: Iterable[ReadyMailbox],
        enrolled: Iterable[MailboxRow],
        now: datetime,
        seal: str,
    ) -> "Difference":
        """Compare; a subscription is renewed at half its life.

        It is made anew when it is gone, or was made with another `seal` than the present one.
        """
        wanted = {mailbox.id: mailbox for mailbox in ready}
        known = {row.id: row for row in enrolled}
        alive = {
            row.id
            for row in known.values()
            if row.subscription and row.expires and row.expires > now
            if row.state is MailboxState.ENROLLED and row.subscription_seal == seal
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
        """Make one pass over all mailboxes; one that fails is logged and stops no other.

        Raises:
            Transient: Dataverse did not answer; the next pass does it again.
        """
        ready = await self._ready()
        found = await self._dataverse.read_all(rows.ALL_MAILBOXES)
        known = {row.id: row for row in rows.mailbox_rows(found, knowing=_FOLDERS)}
        seal = self._subscriber.seal
        todo = Difference.between(ready, known.values(), self._now(), seal)
        await self._suspend(todo.to_suspend)
        await self._renew(todo.to_renew)
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
        row = next(iter(rows.mailbox_rows(found, knowing=_FOLDERS)), None)
        if row is None or row.state is not MailboxState.ENROLLED:
            logger.info("lifecycle event for a mailbox not enrolled: %s", event.subject.mailbox)
            return
        match event.event:
            case "reauthorizationRequired":
                problems = await self._renew([row])
            case "missed":
                problems = await self._need_catch_up([row], "Graph reported missed notifications")
            case "subscriptionRemoved":
                problems = await self._need_catch_up([row], "Graph removed the subscription")
                problems |= (await self._subscribe([row.id]))[0]
        for problem in problems.values():
            raise Transient(problem)

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
        folders, unreachable = await self._folders(ready)
        await self._write(
            {
                mailbox.id: rows.refuse(mailbox, unreachable[mailbox.id], known.get(mailbox.id))
                for mailbox in ready
                if mailbox.id in unreachable
            }
        )
        # The row comes first: nothing may arrive for a mailbox nobody knows.
        refused = await self._write(
            {
                mailbox.id: rows.enrol(
                    mailbox, folders[mailbox.id], _sync_from(known.get(mailbox.id), self._now())
                )
                for mailbox in ready
                if mailbox.id in folders
            }
        )
        reachable = [m.id for m in ready if m.id in folders and m.id not in refused]
        before = [known[mailbox] for mailbox in reachable if mailbox in known]
        now = self._now()
        expired = [row for row in before if row.expires and row.expires <= now]
        alive = [row for row in before if row.expires and row.expires > now]
        await self._need_catch_up(expired, "the subscription expired")
        await self._need_catch_up(alive, "the subscription had a former key or address")
        _, replaced = await self._subscribe(reachable)
        strangers = replaced - {row.id for row in (*expired, *alive)}
        why = "another subscription stood in the place of ours"
        await self._write({one: rows.need_catch_up(one, now, why) for one in strangers})

    async def _subscribe(
        self, mailboxes: Sequence[MailboxId]
    ) -> tuple[Problems, frozenset[MailboxId]]:
        """Give each mailbox a live subscription; return what failed, and whose was replaced."""
        subscribed = await self._subscriber.subscribe(mailboxes)
        for mailbox in subscribed.replaced:
            logger.warning("replaced a subscription that did not reach us mailbox=%s", mailbox)
        notes = {
            mailbox: self._kept(mailbox, answer)
            if answer.ok
            else rows.lose_subscription(mailbox, answer.problem)
            for mailbox, answer in subscribed.answers.items()
        }
        problems = await self._write(notes) | _refusals(subscribed.answers)
        return problems, subscribed.replaced

    async def _folders(
        self, mailboxes: Sequence[ReadyMailbox]
    ) -> tuple[dict[MailboxId, dict[str, str]], Problems]:
        """Return the well-known folders of the mailboxes, and what kept us from reading others."""
        asked = [(mailbox.id, folder) for mailbox in mailboxes for folder in Folder]
        answers = await self._graph.batch([read_folder(mailbox, one) for mailbox, one in asked])
        folders: dict[MailboxId, dict[str, str]] = {mailbox.id: {} for mailbox in mailboxes}
        problems: Problems = {}
        for (mailbox, folder), answer in zip(asked, answers, strict=True):
            if answer.ok:
                folders[mailbox][folder] = str(answer.body["id"])
            else:
                problems[mailbox] = answer.problem
        for mailbox, problem in problems.items():
            logger.warning("mailbox not enrolled mailbox=%s problem=%s", mailbox, problem)
            del folders[mailbox]
        return folders, problems

    async def _suspend(self, enrolled: Sequence[MailboxRow]) -> None:
        await self._need_catch_up(enrolled, "it stopped being ready")
        await self._subscriber.end(enrolled)
        await self._write({row.id: rows.suspend(row.id) for row in enrolled})

    async def _renew(self, enrolled: Sequence[MailboxRow]) -> Problems:
        answers = await self._subscriber.renew(enrolled)
        gone = [row for row in enrolled if answers[row.id].status == 404]
        kept = {
            mailbox: self._kept(mailbox, answer) for mailbox, answer in answers.items() if answer.ok
        }
        refused = await self._write(kept)
        refused |= await self._need_catch_up(gone, "the subscription was gone")
        refused |= (await self._subscribe([row.id for row in gone]))[0]
        return refused | _refusals({m: a for m, a in answers.items() if a.status != 404})

    def _kept(self, mailbox: MailboxId, answer: GraphResponse) -> Operation:
        subscription, expires = str(answer.body["id"]), subscriptions.expiry_of(answer)
        return rows.keep_subscription(mailbox, subscription, expires, self._subscriber.seal)

    async def _need_catch_up(self, enrolled: Sequence[MailboxRow], why: str) -> Problems:
        return await self._write(
            {
                row.id: rows.need_catch_up(row.id, _gap_began(row, self._now()), why)
                for row in enrolled
                if row.catch_up_needed_since is None
            }
        )

    async def _answers(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        answers = await self._dataverse.batch(operations)
        for answer in answers:
            if not answer.ok:
                raise Transient(answer.problem, retry_after=answer.retry_after)
        return [row for answer in answers for row in answer.body["value"]]

    async def _write(self, operations: Mapping[MailboxId, Operation]) -> Problems:
        """Write mailboxes' rows; return what Dataverse refused."""
        answers = await self._dataverse.batch(list(operations.values()))
        refused = {m: a.problem for m, a in zip(operations, answers, strict=True) if not a.ok}
        for mailbox, problem in refused.items():
            logger.error("row refused mailbox=%s problem=%s", mailbox, problem)
        return refused


def _is_half_over(row: MailboxRow, now: datetime) -> bool:
    return row.expires is not None and row.expires - now < subscriptions.HALF_LIFE


def _sync_from(row: MailboxRow | None, now: datetime) -> datetime:
    """Return since when a mailbox syncs: its first enrolment, whatever came later."""
    return row.sync_from if row and row.sync_from else now


def _gap_began(row: MailboxRow, now: datetime) -> datetime:
    """Return when the subscription was last known to live: at its expiry, or when last renewed."""
    if row.expires is None:
        return now
    return row.expires if row.expires <= now else row.expires - subscriptions.LIFETIME


def _refusals(answers: Answers) -> Problems:
    """Return what Graph refused, each logged."""
    refused = {mailbox: answer.problem for mailbox, answer in answers.items() if not answer.ok}
    for mailbox, problem in refused.items():
        logger.warning("no subscription mailbox=%s problem=%s", mailbox, problem)
    return refused
