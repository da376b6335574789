"""The desk of a mailbox: whether it syncs, what it lacks, and turning it on."""

import logging
from dataclasses import dataclass
from uuid import UUID

from shared.dataverse.client import Dataverse
from shared.dataverse.readiness import NativeSync, Terms
from shared.dataverse.seat_states import SeatState, codes_of, state_of
from shared.dataverse.seats import Seat
from shared.dataverse.waiting_requests import requests_of
from shared.errors import Transient, briefly
from shared.identifiers import MailboxId
from shared.sync.enabling import Enabler
from shared.sync.enrolment import Enrolment
from shared.sync.waiting_saves import WaitingSaves
from shared.tracking.callers import Caller, mailbox_for
from shared.tracking.contract import MailboxState, MailboxStatus
from shared.tracking.problems import Refusal
from shared.tracking.troubles import trouble_of

logger = logging.getLogger("tether.desk")

_STATES = {
    SeatState.ENABLED: MailboxState.ENABLED,
    SeatState.WAITING: MailboxState.WAITING,
    SeatState.NOT_ENABLED: MailboxState.NOT_ENABLED,
}


@dataclass(frozen=True, slots=True)
class MailboxDesk:
    """See `shared.tracking.api.MailboxDesk`; one for a process.

    Where `sellers_may_enable` is false, administrators alone turn mailboxes on.
    """

    enabler: Enabler
    enrolment: Enrolment
    waiting: WaitingSaves
    dataverse: Dataverse
    sellers_may_enable: bool

    async def status(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        """See `shared.tracking.api.MailboxDesk.status`.

        A mailbox that was turned on and has become ready is enrolled at once: who waits for it
        asks here, and should not have to wait for the next pass.
        """
        mailbox_for(caller, UUID(mailbox))
        terms = await self.enabler.terms()
        return await self._told(await self._connected(mailbox, terms), terms, caller, mailbox)

    async def enable(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        """See `shared.tracking.api.MailboxDesk.enable`; repeating it does no harm."""
        mailbox_for(caller, UUID(mailbox))
        if not self._may_enable(caller):
            raise Refusal("enabling-not-allowed", 403)
        terms = await self.enabler.terms()
        seat = await self.enabler.read(mailbox)
        if seat is None or (seat.mailbox is None and terms.native is NativeSync.BESIDE):
            raise Refusal("user-not-in-dynamics", 409)
        if seat.is_inactive(terms):
            raise Refusal("mailbox-inactive", 409)
        problems = await self.enabler.turn_on([seat], terms, approve=caller.is_administrator)
        if problem := problems.get(mailbox):
            raise Refusal("enabling-refused", 409, problem)
        logger.info("turned on mailbox=%s by=%s", mailbox, caller.mailbox)
        return await self._told(await self._connected(mailbox, terms), terms, caller, mailbox)

    async def _connected(self, mailbox: MailboxId, terms: Terms) -> Seat | None:
        """Return a mailbox's seat, enrolled now if nothing but that is left to do."""
        seat = await self.enabler.read(mailbox)
        if seat is None or not seat.is_turned_on or seat.is_enrolled or seat.lacking(terms):
            return seat
        try:
            if not await self.enrolment.enrol_one(seat.ready):
                return seat
            await self.waiting.send(mailbox)
        except Transient as problem:
            # The pass does it again, as for every other mailbox.
            logger.warning("not enrolled yet mailbox=%s problem=%s", mailbox, briefly(problem))
        return await self.enabler.read(mailbox)

    async def _told(
        self, seat: Seat | None, terms: Terms, caller: Caller, mailbox: MailboxId
    ) -> MailboxStatus:
        if seat is None:
            return MailboxStatus(
                id=UUID(mailbox),
                address="",
                state=MailboxState.NOT_ENABLED,
                lacking=(trouble_of("user-not-in-dynamics"),),
                may_enable=False,
            )
        state = _STATES[state_of(seat, terms)]
        return MailboxStatus(
            id=UUID(mailbox),
            address=seat.address,
            state=state,
            lacking=tuple(map(trouble_of, codes_of(seat, terms))),
            may_enable=state is MailboxState.NOT_ENABLED
            and self._may_enable(caller)
            and not seat.is_inactive(terms),
            pending=await self._pending(mailbox),
        )

    def _may_enable(self, caller: Caller) -> bool:
        return self.sellers_may_enable or caller.is_administrator

    async def _pending(self, mailbox: MailboxId) -> int:
        (answer,) = await self.dataverse.batch([requests_of(mailbox)])
        if not answer.ok:
            raise Transient(answer.problem, retry_after=answer.retry_after)
        return len(answer.body["value"])
