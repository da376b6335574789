"""Turns sync on for mailboxes, many in each round trip; Tether's own test of them is made here."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from shared.dataverse import enabling
from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.enabling import Approval, Enabling
from shared.dataverse.readiness import NativeSync, Terms
from shared.dataverse.seats import Seat, read_seats, read_terms, read_turned_on
from shared.errors import Transient, briefly
from shared.graph.client import Graph
from shared.identifiers import MailboxId
from shared.sync.mailbox_reading import read_mailboxes

logger = logging.getLogger("tether.enabling")

Problems = dict[MailboxId, str]
"""What could not be done for a mailbox, in the service's words."""


class Enabler:
    """Turns mailboxes on; one for a process."""

    def __init__(self, graph: Graph, dataverse: Dataverse, native: NativeSync) -> None:
        self._graph = graph
        self._dataverse = dataverse
        self.native = native

    async def terms(self) -> Terms:
        """Return what is asked of mailboxes; see `read_terms`."""
        return await read_terms(self._dataverse, self.native)

    async def turn_on(self, seats: Sequence[Seat], terms: Terms, *, approve: bool) -> Problems:
        """Turn these on, as far as that is left to do; repeating it does no harm.

        With `approve` the addresses are approved, too, where whoever this runs as may do that; else
        approval is asked for where the organisation needs it.

        Raises:
            Transient: Dataverse did not answer; what was done is found by asking again.
        """
        approved = await self._approve(seats, terms) if approve else {}
        seats = [approved.get(seat.id, seat) for seat in seats]
        plans = [enabling.turn_on(seat, terms, approve=approve) for seat in seats]
        problems = await self._write(plans)
        if terms.native is NativeSync.INSTEAD:
            written = [plan for plan in plans if plan.seat.id not in problems]
            seats = [_as_written(plan) for plan in written]
            await self._test([seat for seat in seats if _lacks_only_its_test(seat, terms)])
        return problems

    async def go_on(self) -> None:
        """Have those tested that were turned on and have been waiting for their approval.

        Raises:
            Transient: Dataverse did not answer; the next time does it.
        """
        seats = await read_turned_on(self._dataverse)
        if not seats:
            return
        terms = await self.terms()
        plans = [plan for seat in seats if (plan := enabling.test_again(seat, terms))]
        await self._write(plans)
        if terms.native is NativeSync.INSTEAD:
            untested = [seat for seat in seats if seat.own["tether_teststatus"] is None]
            await self._test([seat for seat in untested if _lacks_only_its_test(seat, terms)])

    async def read(self, mailbox: MailboxId) -> Seat | None:
        """Return a mailbox's seat, None if nobody in Dynamics has it; see `read_seats`."""
        return next(iter(await read_seats(self._dataverse, [mailbox])), None)

    async def _approve(self, seats: Sequence[Seat], terms: Terms) -> dict[MailboxId, Seat]:
        """Approve addresses; return the seats whose is: of others it is asked for."""
        asked = [(s, operation) for s in seats if (operation := enabling.approval_of(s, terms))]
        answers = await self._answers([operation for _, operation in asked])
        approved: dict[MailboxId, Seat] = {}
        for (seat, _), problem in zip(asked, answers, strict=True):
            if problem:
                logger.warning("approval refused mailbox=%s problem=%s", seat.id, briefly(problem))
                continue
            row = {**(seat.mailbox or {}), "emailrouteraccessapproval": Approval.APPROVED}
            approved[seat.id] = replace(seat, mailbox=row)
        return approved

    async def _test(self, seats: Sequence[Seat]) -> None:
        """Read these mailboxes, and note how that went; what passes by itself is no failure."""
        reading = await read_mailboxes(self._graph, folders_of=[seat.id for seat in seats])
        await self._write(
            [
                enabling.note_test(seat, reading.unreachable.get(seat.id))
                for seat in seats
                if seat.id not in reading.passing
            ]
        )

    async def _write(self, plans: Sequence[Enabling]) -> Problems:
        told = [(plan.seat.id, changes) for plan in plans if (changes := plan.changes)]
        answers = await self._answers([changes for _, changes in told])
        problems = {m: problem for (m, _), problem in zip(told, answers, strict=True) if problem}
        for mailbox, problem in problems.items():
            logger.error("not turned on mailbox=%s problem=%s", mailbox, briefly(problem))
        return problems

    async def _answers(self, parts: Sequence[Operation | ChangeSet]) -> list[str]:
        """Return what was refused, in order; empty text for what was done."""
        answers = await self._dataverse.batch(parts) if parts else []
        for answer in answers:
            if answer.status == 429 or answer.status >= 500:
                raise Transient(answer.problem, retry_after=answer.retry_after)
        return ["" if answer.ok else answer.problem for answer in answers]


def _as_written(plan: Enabling) -> Seat:
    return replace(plan.seat, own={**plan.seat.own, **plan.own})


def _lacks_only_its_test(seat: Seat, terms: Terms) -> bool:
    return [one.code for one in seat.lacking(terms)] == ["mailbox-not-reachable"]
