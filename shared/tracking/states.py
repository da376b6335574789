"""How an item stands, the same for everybody who has it: pure.

Not a state of its own that could differ from the truth: what the rules make of both sides this very
moment, and what the links of all participants say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.dataverse.links import Link, LinkState, Reason
from shared.sync.plan import Ignore, Keep, Refuse, Track, Unlink
from shared.tracking.contract import State
from shared.tracking.finding import AnyLook

_UNDER_WAY = "it is being brought in step with Dynamics"
_WHY = {
    Reason.SELLER: "a seller saved it",
    Reason.CATEGORY: "it was given the category",
    Reason.REPLY: "it answers mail that is saved",
    Reason.FILTER: "the personal option lets it in",
}


@dataclass(frozen=True, slots=True)
class Sides:
    """One item: as it was looked at, its link, and the links of the same mail or meeting elsewhere.

    What somebody else does in Outlook at this moment is not known here: only their link is.
    """

    look: AnyLook
    own: Link | None = None
    others: Sequence[Link] = ()

    @property
    def links(self) -> list[Link]:
        """All links, those of who saved first in front."""
        known = [*([self.own] if self.own else []), *self.others]
        return sorted(known, key=lambda link: (str(link.tracked_on), link.id))

    @property
    def saved(self) -> list[Link]:
        """The links by which it is in Dynamics and is to stay there."""
        return [link for link in self.links if self._holds(link)]

    @property
    def is_under_way(self) -> bool:
        """Whether this mailbox's copy and Dynamics are apart, and not for good."""
        if self.own and self.own.request:
            return True
        if self.is_refused:
            return False
        is_being_written = self.look.plan is None and self.look.end is None
        return is_being_written or isinstance(self.look.plan, Track | Unlink | Refuse)

    @property
    def is_apart(self) -> bool:
        """Whether the rules would change something, and nobody has asked for it."""
        asked = self.own is not None and self.own.request is not None
        return isinstance(self.look.plan, Track | Unlink) and not asked and not self.is_refused

    @property
    def is_refused(self) -> bool:
        """Whether Dynamics has refused what its category still asks for.

        The next change to the item tries that again; looking at it does not, or each look would
        park another change.
        """
        refused = self.own is not None and self.own.state is LinkState.FAILED
        return refused and isinstance(self.look.plan, Track)

    def _holds(self, link: Link) -> bool:
        if not link.is_tracked or link.removal:
            return False
        going = link is self.own and isinstance(self.look.plan, Unlink)
        return not going and (link.activity is not None or link.is_series)


def state_of(sides: Sides) -> tuple[State, str]:
    """Return how an item stands, and why, in words that follow on "because"."""
    if sides.is_under_way:
        return State.SAVING, _waits_for(sides)
    if saved := sides.saved:
        return State.SAVED, _WHY.get(saved[0].reason or Reason.SELLER, _WHY[Reason.SELLER])
    if any(link.request for link in sides.links):
        return State.SAVING, _UNDER_WAY
    for state, told in _ended(sides):
        return state, told
    return _never_saved(sides)


def _waits_for(sides: Sides) -> str:
    plan = sides.look.plan
    return plan.why if isinstance(plan, Ignore) else _UNDER_WAY


def _ended(sides: Sides) -> Iterator[tuple[State, str]]:
    for link_state, state in ((LinkState.FAILED, State.FAILED), (LinkState.REMOVED, State.REMOVED)):
        for link in sides.links:
            if link.state is link_state:
                yield state, link.detail or "Dynamics does not say why"
    for link in sides.links:
        if link.is_tracked:
            yield State.REMOVED, "its row was deleted in Dynamics"


def _never_saved(sides: Sides) -> tuple[State, str]:
    match sides.look.plan:
        case Ignore(why=why, excluded=True):
            return State.IGNORED, why
        case Ignore(why=why):
            return State.NOT_SAVED, why
        case Keep():
            return State.SAVED, _WHY[Reason.SELLER]
        case _:
            return State.NOT_SAVED, "the mailbox is not enrolled"
