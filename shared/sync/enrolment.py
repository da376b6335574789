"""Which mailboxes sync: every ready one has its row and live subscriptions, no other has.

A pass compares what Dynamics says is ready with what is enrolled, and acts on the difference. A gap
in which changes may have been missed is written on the mailbox's row, so that it is not forgotten.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from shared.dataverse import mailboxes as rows
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import MailboxRow, MailboxState, ReadyMailbox
from shared.dataverse.readiness import NativeSync
from shared.dataverse.ready_mailboxes import owner_of, ready_mailboxes
from shared.dataverse.rows import read_rows
from shared.dataverse.seats import read_terms
from shared.errors import Transient
from shared.graph.client import Graph
from shared.graph.client_state import Subject
from shared.graph.messages import Folder
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import MailboxId, SystemUserId
from shared.sync.difference import Difference
from shared.sync.gaps import Gap
from shared.sync.mailbox_reading import MailboxReading, read_mailboxes
from shared.sync.subscribing import Subscriber
from shared.sync.upkeep import Problems, Rows, Upkeep
from shared.telemetry import KIND, REASON, subscriptions_lost

logger = logging.getLogger("tether.enrolment")

_FOLDERS = {folder.value for folder in Folder}


class Enrolment:
    """Keeps subscriptions in step with readiness; one for a process. `now` is UTC."""

    def __init__(
        self,
        graph: Graph,
        dataverse: Dataverse,
        subscriber: Subscriber,
        now: Callable[[], datetime],
        native: NativeSync = NativeSync.BESIDE,
    ) -> None:
        self._graph = graph
        self._native = native
        self._dataverse = dataverse
        self._subscriber = subscriber
        self._upkeep = Upkeep(dataverse, subscriber, now)
        self._now = now

    async def enrol_and_renew(self) -> list[MailboxId]:
        """Make one pass over all mailboxes; one that fails is logged and stops no other.

        Return the mailboxes that were enrolled just now.

        Raises:
            Transient: Dataverse did not answer; the next pass does it again.
        """
        ready = await self._ready()
        found = await self._dataverse.read_all(rows.ALL_MAILBOXES)
        known = {row.id: row for row in rows.mailbox_rows(found, knowing=_FOLDERS)}
        enrolled = await self._bring_about(ready, known)
        for row in known.values():
            if row.catch_up_needed_since:
                logger.warning(
                    "catch-up needed mailbox=%s since=%s reason=%s",
                    row.id,
                    row.catch_up_needed_since.isoformat(),
                    row.catch_up_reason,
                )
        return enrolled

    async def enrol_one(self, ready: ReadyMailbox) -> bool:
        """Do a pass's part for a mailbox that is ready, now; tell whether it was enrolled.

        Raises:
            Transient: Dataverse did not answer; the next pass does it again.
        """
        found = await read_rows(self._dataverse, rows.mailboxes_of([ready.id]))
        known = {row.id: row for row in rows.mailbox_rows(found, knowing=_FOLDERS)}
        return ready.id in await self._bring_about([ready], known)

    async def _bring_about(self, ready: Sequence[ReadyMailbox], known: Rows) -> list[MailboxId]:
        """Act on the difference between what is ready and what is known; return the enrolled."""
        now, subscriber = self._now(), self._subscriber
        todo = Difference.between(
            ready, known.values(), kinds=subscriber.kinds, now=now, seal=subscriber.seal
        )
        await self._suspend(todo.to_suspend, known)
        touched = (one.mailbox for one in (*todo.to_subscribe, *todo.to_renew))
        enrolling = [mailbox.id for mailbox in todo.to_enrol]
        reading = await read_mailboxes(
            self._graph,
            folders_of=enrolling,
            time_zones_of=list(dict.fromkeys([*enrolling, *touched])),
        )
        enrolled = await self._enrol(todo.to_enrol, reading, known)
        anew = (Subject(mailbox, kind) for mailbox in enrolled for kind in subscriber.kinds)
        missing = [*anew, *todo.to_subscribe]
        await self._upkeep.keep(
            known,
            renew=todo.to_renew,
            missing=missing,
            gaps=_gaps_of(missing, known, now),
            time_zones=reading.time_zones,
        )
        return enrolled

    async def react(self, event: LifecycleEvent) -> None:
        """Do what a lifecycle event asks for (graph.md 3); harmless when repeated.

        Raises:
            Transient: it could not be done; the event must come again.
        """
        subject = event.subject
        found = await read_rows(self._dataverse, rows.mailboxes_of([subject.mailbox]))
        known = {row.id: row for row in rows.mailbox_rows(found, knowing=_FOLDERS)}
        row = known.get(subject.mailbox)
        if row is None or row.state is not MailboxState.ENROLLED:
            logger.info("lifecycle event for a mailbox not enrolled: %s", subject.mailbox)
            return
        if subject.kind not in self._subscriber.kinds:
            logger.info("lifecycle event for a kind not subscribed to: %s", subject.kind)
            return
        for problem in (await self._reaction(event, known)).values():
            raise Transient(problem)

    async def _reaction(self, event: LifecycleEvent, known: Rows) -> Problems:
        subject, row, now = event.subject, known[event.subject.mailbox], self._now()
        match event.event:
            case "reauthorizationRequired":
                reading = await read_mailboxes(self._graph, time_zones_of=[row.id])
                return await self._upkeep.keep(
                    known, renew=[subject], time_zones=reading.time_zones
                )
            case "missed":
                why = "Graph reported missed notifications"
                return await self._upkeep.note([Gap.of(subject, row, now, why)], known)
            case "subscriptionRemoved":
                gap = Gap.of(subject, row, now, "Graph removed the subscription")
                subscriptions_lost.add(1, {KIND: subject.kind, REASON: "removed"})
                return await self._upkeep.keep(known, missing=[subject], gaps=[gap], time_zones={})

    async def _ready(self) -> list[ReadyMailbox]:
        terms = await read_terms(self._dataverse, self._native)
        found = await self._dataverse.read_all(ready_mailboxes(terms))
        owners = {owner for row in found if (owner := owner_of(row, terms))}
        users = await read_rows(self._dataverse, rows.users_of(owners))
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
        self, ready: Sequence[ReadyMailbox], reading: MailboxReading, known: Rows
    ) -> list[MailboxId]:
        """Write the rows, and return the mailboxes that may be subscribed to now.

        The row comes first: nothing may arrive for a mailbox nobody knows.
        """
        now, unreachable = self._now(), reading.unreachable
        refused = await self._upkeep.write(
            {
                mailbox.id: rows.refuse(mailbox, unreachable[mailbox.id], known.get(mailbox.id))
                if mailbox.id in unreachable
                else rows.enrol(
                    mailbox,
                    reading.folders[mailbox.id],
                    _sync_from(known.get(mailbox.id), now),
                    reading.time_zones.get(mailbox.id),
                )
                for mailbox in ready
            }
        )
        return [one.id for one in ready if one.id not in unreachable and one.id not in refused]

    async def _suspend(self, enrolled: Sequence[MailboxRow], known: Rows) -> None:
        now, why = self._now(), "the mailbox stopped being ready"
        gaps = [
            Gap.of(Subject(row.id, kind), row, now, why)
            for row in enrolled
            for kind in self._subscriber.kinds
        ]
        await self._upkeep.note(gaps, known)
        await self._subscriber.end(
            [one.id for row in enrolled for one in row.subscriptions.values()]
        )
        await self._upkeep.write({row.id: rows.suspend(row.id) for row in enrolled})


def _gaps_of(
    missing: Sequence[Subject], known: Mapping[MailboxId, MailboxRow], now: datetime
) -> list[Gap]:
    """Return the gaps of those whose former subscription is of no use any more."""
    gaps: list[Gap] = []
    for subject in missing:
        row = known.get(subject.mailbox)
        former = row.subscriptions.get(subject.kind) if row else None
        if former is None:
            continue
        expired = former.expires <= now
        why = "expired" if expired else "had a former key or address"
        if expired:
            subscriptions_lost.add(1, {KIND: subject.kind, REASON: "expired"})
        gaps.append(Gap.of(subject, row, now, f"the subscription {why}"))
    return gaps


def _sync_from(row: MailboxRow | None, now: datetime) -> datetime:
    """Return since when a mailbox syncs: its first enrolment, whatever came later."""
    return row.sync_from if row and row.sync_from else now
