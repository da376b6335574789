"""Sees items from both sides, as everybody is told of them; nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.dataverse.client import Dataverse
from shared.errors import Transient
from shared.identifiers import MailboxId
from shared.sync.outcome import Failed
from shared.tracking.contract import Asked, ItemStatus
from shared.tracking.finding import AnyLook, Finder
from shared.tracking.knowing import Knowledge, know
from shared.tracking.problems import Refusal
from shared.tracking.states import Sides
from shared.tracking.telling import status_of


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides of each item that was asked for, None for what the mailbox has never had."""

    sides: Sequence[Sides | None]
    known: Knowledge

    def statuses(self, address: str) -> list[ItemStatus | None]:
        """Return how each stands; `address` is where Dynamics is."""
        return [status_of(one, self.known, address) if one else None for one in self.sides]


async def see(
    finder: Finder, dataverse: Dataverse, mailbox: MailboxId, asked: Sequence[Asked]
) -> Seen:
    """Return both sides of items, in the order asked.

    Raises:
        Refusal: the mailbox cannot be reached.
        Transient: Graph or Dataverse did not answer.
    """
    looks = await looks_of(finder, mailbox, asked)
    known = await know(dataverse, [one for one in looks if one])
    sides = [known.sides(one) if one else None for one in looks]
    return Seen([one if one and _is_or_was(one) else None for one in sides], known)


async def looks_of(
    finder: Finder, mailbox: MailboxId, asked: Sequence[Asked]
) -> list[AnyLook | None]:
    """Return a look at each item; see `Finder.find`, and `see` for what it raises."""
    looks = await finder.find(mailbox, asked)
    for one in looks:
        if one and not one.was_read and isinstance(one.end, Failed):
            if one.end.denied:
                raise Refusal("mailbox-not-reachable", 409, one.end.problem)
            raise Transient(one.end.problem, retry_after=one.end.retry_after)
    return looks


def _is_or_was(sides: Sides) -> bool:
    return sides.own is not None or not sides.look.is_gone
