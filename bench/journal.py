"""What became of each mail, read from the app's log as an operator would."""

import re
from dataclasses import dataclass, field

# The consumer's line for a change that is settled (functions/mail.py).
_SETTLED = re.compile(
    r"settled plan=(?P<plan>\w+) mailbox=(?P<mailbox>\S+) item=(?P<item>\S+)"
    r" lag=(?P<lag>[\d.]+)(?: why=(?P<why>.*))?"
)


@dataclass(slots=True)
class Line:
    """A mail in a mailbox: what is expected of it, and what the app said last."""

    upn: str
    mailbox: str
    item: str
    message_id: str
    subject: str
    expected: str
    outcome: str = "on its way"
    lag: float | None = None


@dataclass(slots=True)
class Journal:
    """The lines of a run, in the order of delivery."""

    lines: list[Line] = field(default_factory=list)
    _read: int = 0

    def read(self, log: list[str]) -> None:
        """Take in what the log has gained since the last time."""
        fresh, self._read = log[self._read :], len(log)
        by_item = {(line.mailbox, line.item): line for line in self.lines}
        for entry in fresh:
            found = _SETTLED.search(entry)
            line = by_item.get((found["mailbox"], found["item"])) if found else None
            if found and line:
                _note(line, found["plan"], found["why"] or "", float(found["lag"]))


def _note(line: Line, plan: str, why: str, lag: float) -> None:
    match plan:
        case "track":
            line.outcome, line.lag = f"tracked: {why}", lag
        case "unlink":
            line.outcome = f"unlinked: {why}"
        case "ignore":
            line.outcome = f"ignored: {why}"
        case _:
            pass
