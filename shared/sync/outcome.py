"""How a batch of changes ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.changes import Change
from shared.sync.plan import Plan
from shared.telemetry import Parked


@dataclass(frozen=True, slots=True)
class Settled:
    """Both sides agree. `plan` is None for a change that told nothing new."""

    change: Change
    plan: Plan[Any] | None


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done now; `retry_after` is the server's own wish in seconds.

    `denied`: Graph does not let the app into the mailbox, or there is none; people must mend that.
    """

    change: Change
    problem: str
    retry_after: float | None = None
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Impossible:
    """It can never be done, and why: in full, and as it is counted."""

    change: Change
    reason: str
    counted: Parked = Parked.REFUSED


@dataclass(frozen=True, slots=True)
class LaterLook:
    """A settled change that is looked at once more, `depth` mails into its conversation."""

    change: Change
    depth: int


@dataclass(slots=True)
class Outcome:
    """What became of each item; some of the settled ones are looked at again later."""

    settled: list[Settled] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    impossible: list[Impossible] = field(default_factory=list)
    look_again: list[LaterLook] = field(default_factory=list)

    def not_ended(self, work: Sequence[Change], settled_before: int) -> list[Change]:
        """Return those of `work` that have come to no end since `settled_before` had settled."""
        ended: list[Failed | Impossible | Settled]
        ended = [*self.failed, *self.impossible, *self.settled[settled_before:]]
        done = {(end.change.mailbox, end.change.item) for end in ended}
        return [change for change in work if (change.mailbox, change.item) not in done]
