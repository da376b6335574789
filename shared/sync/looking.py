"""How an item stands, and what a reconcile would make of it: what people are told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.changes import Change
from shared.graph.items import Item
from shared.sync.outcome import Failed, Impossible
from shared.sync.plan import Plan
from shared.sync.rules import Decision, Read


@dataclass(frozen=True, slots=True)
class Look[I: Item, C]:
    """One item: as Outlook shows it (None when it is gone), and the plan for it.

    `was_read` is false where Outlook did not show it. Without a plan it could not be decided: `end`
    says why, None where the item is being written at this very moment.
    """

    change: Change
    item: I | None
    was_read: bool
    plan: Plan[C] | None
    end: Failed | Impossible | None = None

    @property
    def is_gone(self) -> bool:
        """Whether there is no such item, nor can be one of that name."""
        return self.item is None and (self.was_read or isinstance(self.end, Impossible))


class Looks(Protocol):
    """What tells how items of one kind stand."""

    async def look(self, changes: Sequence[Change]) -> Sequence[Look[Any, Any]]:
        """Return how items stand, in order; nothing is written.

        Raises:
            Transient: Graph or Dataverse did not answer.
            Permanent: Dataverse will never answer.
        """


def looks_at[I: Item, C](
    changes: Sequence[Change],
    reads: Iterable[Read[I]],
    decisions: Iterable[Decision[I, C]],
    ends: Iterable[Failed | Impossible],
) -> list[Look[I, C]]:
    """Put together what was read, decided, and could not be."""
    items = {read.change.id: read.item for read in reads}
    plans = {decision.read.change.id: decision.plan for decision in decisions}
    ended = {end.change.id: end for end in ends}
    return [
        Look(one, items.get(one.id), one.id in items, plans.get(one.id), ended.get(one.id))
        for one in changes
    ]
