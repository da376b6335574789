"""How a batch of changes ended: every change is in exactly one of the lists."""

from dataclasses import dataclass, field

from shared.changes import Change
from shared.sync.plan import Plan


@dataclass(frozen=True, slots=True)
class Settled:
    """Both sides agree. `plan` is None for a change that told nothing new."""

    change: Change
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done now; `retry_after` is the server's own wish in seconds."""

    change: Change
    problem: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """It can never be done, and why."""

    change: Change
    reason: str


@dataclass(slots=True)
class Outcome:
    """What became of each change; `look_again` are settled ones that want a later look."""

    settled: list[Settled] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    impossible: list[Impossible] = field(default_factory=list)
    look_again: list[Change] = field(default_factory=list)
