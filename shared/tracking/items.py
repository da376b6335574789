"""The items of mailboxes as sellers see them: how they stand, to save them, to remove them.

Nothing is written but what was asked for, on the item's link. The rest is the reconcile's, through
the same queue as every change, so that a click and a notification are one operation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.bus import Bus, change_messages
from shared.changes import Change
from shared.dataverse.client import Dataverse
from shared.dataverse.links import Link
from shared.dataverse.requests import About, Action, Request
from shared.dataverse.tracking import ask_for
from shared.errors import Transient
from shared.graph.messages import Message
from shared.identifiers import ItemId, MailboxId
from shared.tracking.api import MailboxDesk
from shared.tracking.asking import (
    check_removal,
    check_save,
    first_tracking,
    going_of,
    is_needed,
    removal,
)
from shared.tracking.callers import Caller
from shared.tracking.contract import (
    Asked,
    ItemStatus,
    MailboxState,
    Removal,
    SaveRequest,
    Scope,
    State,
)
from shared.tracking.finding import AnyLook, Finder, look_at
from shared.tracking.knowing import Knowledge, know, link_of
from shared.tracking.people import People
from shared.tracking.problems import Refusal
from shared.tracking.regarding import about_of
from shared.tracking.seeing import looks_of, see
from shared.tracking.states import Sides
from shared.tracking.telling import status_of

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Items:
    """See `shared.tracking.api.Items`; one for a process.

    `address` is where Dynamics is, `removal` what a removal does to the row unless it says, `now`
    is UTC.
    """

    finder: Finder
    people: People
    desk: MailboxDesk
    dataverse: Dataverse
    bus: Bus
    address: str
    removal: Removal
    now: Callable[[], datetime]

    async def status(self, mailbox: MailboxId, asked: Sequence[Asked]) -> list[ItemStatus | None]:
        """See `shared.tracking.api.Items.status`.

        Where the two sides are apart, they are brought together: a look is a hint like any other.
        """
        seen = await see(self.finder, self.dataverse, mailbox, asked)
        await self._bring_together([one for one in seen.sides if one])
        return seen.statuses(self.address)

    async def save(
        self, caller: Caller, mailbox: MailboxId, asked: Asked, wish: SaveRequest
    ) -> ItemStatus:
        """See `shared.tracking.api.Items.save`."""
        look = await self._look_at_one(mailbox, asked)
        check_save(look, wish)
        owner = await self.people.owner_of(mailbox)
        request = Request(
            action=Action.SAVE,
            by=await self.people.user_of(caller, mailbox, owner) or owner.systemuser,
            on=self.now(),
            about=await about_of(self.dataverse, wish),
            attachments=wish.attachments,
            of_draft=isinstance(look.item, Message) and look.item.is_draft,
        )
        for _ in range(_TRIES):
            known = await know(self.dataverse, [look])
            sides = known.sides(look)
            status = status_of(sides, known, self.address)
            if not is_needed(sides, request, _present(known, sides)):
                return status
            if await self._ask({sides.own: request}, look):
                await self._tell([look.change])
                if not owner.is_enrolled:
                    await self._check_that_it_is_coming(caller, mailbox)
                return _under_way(status)
        raise Transient("the item is being written to by others")

    async def remove(
        self,
        caller: Caller,
        mailbox: MailboxId,
        asked: Asked,
        removal_wanted: Removal | None,
        scope: Scope,
    ) -> ItemStatus:
        """See `shared.tracking.api.Items.remove`."""
        look = await self._look_at_one(mailbox, asked)
        owner = await self.people.owner_of(mailbox)
        user = await self.people.user_of(caller, mailbox, owner)
        by, kind = user or owner.systemuser, look.change.kind
        request = removal(by, self.now(), kind, removal_wanted or self.removal)
        known = await know(self.dataverse, [look])
        check_removal(known.sides(look), caller, user, known.owners, scope)
        for _ in range(_TRIES):
            sides = known.sides(look)
            status = status_of(sides, known, self.address)
            if look.is_gone and not sides.own:
                raise Refusal("item-not-found", 404)
            going = going_of(sides, scope)
            if not going:
                return status
            written = await self._ask(dict.fromkeys(going, request), look)
            await self._tell([_change_of(link, look) for link in going])
            if written:
                if not owner.is_enrolled:
                    await self._check_that_it_is_coming(caller, mailbox)
                return _under_way(status)
            known = await know(self.dataverse, [look])
        raise Transient("the item is being written to by others")

    async def _check_that_it_is_coming(self, caller: Caller, mailbox: MailboxId) -> None:
        """Say so if nobody has turned the mailbox on; what was asked for waits all the same."""
        seat = await self.desk.status(caller, mailbox)
        if seat.state is MailboxState.NOT_ENABLED:
            lacking = ", ".join(one.code for one in seat.lacking)
            raise Refusal("mailbox-not-enabled", 409, f"The mailbox lacks: {lacking}.")

    async def _look_at_one(self, mailbox: MailboxId, asked: Asked) -> AnyLook:
        (found,) = await looks_of(self.finder, mailbox, [asked])
        if found is None:
            raise Refusal("item-not-found", 404)
        return found

    async def _ask(self, requests: dict[Link | None, Request], look: AnyLook) -> bool:
        """Write what is asked for on links; False if one has changed since it was read.

        Each by itself: a removal that is asked for twice is the same removal.
        """
        now = self.now()
        answers = await self.dataverse.batch(
            [
                ask_for(
                    link.id if link else link_of(look),
                    link,
                    first_tracking(look, request.by) if link is None else None,
                    request.after(link.request if link else None),
                    now,
                )
                for link, request in requests.items()
            ]
        )
        for answer in answers:
            if not answer.ok and not answer.has_moved_on:
                raise Transient(answer.problem, retry_after=answer.retry_after)
        return all(answer.ok for answer in answers)

    async def _bring_together(self, items: Sequence[Sides]) -> None:
        await self._tell([_versioned(one) for one in items if one.is_apart])

    async def _tell(self, changes: Sequence[Change]) -> None:
        for kind in {change.kind: None for change in changes}:
            some = [change for change in changes if change.kind is kind]
            await self.bus.send(kind.value, change_messages(some))


def _versioned(sides: Sides) -> Change:
    """Return the change of what is apart: one for each pair of versions, however often asked."""
    look, own = sides.look, sides.own
    item = look.item.etag if look.item else ""
    told = f"look|{look.change.item}|{item}|{own.etag if own else ''}"
    return look.change.model_copy(update={"id": told})


def _change_of(link: Link, look: AnyLook) -> Change:
    change = look.change
    if link.mailbox is None or link.item is None:
        return change
    return look_at(link.mailbox, change.kind, ItemId(link.item), change.noticed)


def _present(known: Knowledge, sides: Sides) -> About:
    shown = known.activity(sides)
    regarding = shown.regarding if shown else None
    return About(table=regarding.table, id=regarding.id) if regarding else About()


def _under_way(status: ItemStatus) -> ItemStatus:
    return status.model_copy(update={"state": State.SAVING, "why": "it was just asked for"})
