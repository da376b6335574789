"""What became of each item, read from the app's log as an operator would."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from shared.identifiers import Kind

# The consumer's line for a change that is settled (shared/sync/consuming.py).
_SETTLED = re.compile(
    r"settled plan=(?P<plan>\w+) mailbox=(?P<mailbox>\S+) item=(?P<item>\S+)"
    r" lag=(?P<lag>[\d.]+)(?: why=(?P<why>.*))?"
)


@dataclass(slots=True)
class Line:
    """An item in a mailbox: what is expected of it, and what the app said last.

    `identity` is the same in every mailbox: a mail's Message-ID, a meeting's iCalUId. `lag` is how
    long (seconds) it took to be tracked, `kept` how long its last change took after that. `held`
    says which rows it has in Dynamics where that is more than one. What never came to a mailbox,
    such as a file nobody can read, has no `item`.
    """

    kind: Kind
    upn: str
    mailbox: str
    item: str
    identity: str
    subject: str
    expected: str
    outcome: str = "on its way"
    lag: float | None = None
    kept: float | None = None
    held: str = ""


@dataclass(frozen=True, slots=True)
class Click:
    """What a person did in the add-in, what came back, and the words it was told in."""

    upn: str
    did: str
    told: str
    words: str
    expected: str


@dataclass(slots=True)
class Journal:
    """The lines of a run, in the order of arrival, and what people clicked."""

    lines: list[Line] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    _read: int = 0

    def of(self, kind: Kind) -> list[Line]:
        """Return the lines of the items of a kind that came to a mailbox."""
        return [line for line in self.lines if line.kind is kind and line.item]

    def read(self, log: list[str]) -> None:
        """Take in what the log has gained since the last time."""
        fresh, self._read = log[self._read :], len(log)
        by_item: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in self.lines:
            by_item[line.mailbox, line.item].append(line)
        for entry in fresh:
            if found := _SETTLED.search(entry):
                for line in by_item[found["mailbox"], found["item"]]:
                    _note(line, found["plan"], found["why"] or "", float(found["lag"]))


def _note(line: Line, plan: str, why: str, lag: float) -> None:
    match plan:
        case "track":
            line.outcome, line.lag = f"tracked: {why}", lag
        case "unlink":
            line.outcome = f"unlinked: {why}"
        case "ignore":
            line.outcome = f"ignored: {why}"
        case "keep":
            line.kept = lag
        case _:
            pass
