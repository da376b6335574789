"""Is the add-in told the truth? Every answer as expected, every item as Dynamics has it."""

from collections import defaultdict

from bench.clicks import Clicks
from bench.journal import Line
from bench.running import Run
from shared.identifiers import Kind

_SHARED = {Kind.MAIL, Kind.CALENDAR}
_NOT_SAVED = {"notSaved", "ignored"}


async def differences(run: Run) -> list[str]:
    """Return every difference between what people are told and what is so, in plain words."""
    found = [
        f"{click.upn} {click.did}: expected {click.expected}, was told {click.told}"
        for click in run.journal.clicks
        if click.told != click.expected
    ]
    mailboxes: dict[str, list[Line]] = defaultdict(list)
    everywhere: dict[tuple[Kind, str], set[str]] = defaultdict(set)
    for line in run.journal.lines:
        if line.item:
            mailboxes[line.mailbox].append(line)
            everywhere[_named(line)].add(line.expected.partition(":")[0])
    for lines in mailboxes.values():
        states = await Clicks(run).states(lines)
        for line, state in zip(lines, states, strict=True):
            wanted = _wanted(everywhere[_named(line)])
            if state not in wanted:
                found.append(f"'{line.subject}' in {line.upn}: people are told it is {state}")
    return found


def _named(line: Line) -> tuple[Kind, str]:
    """Return what has one state for everybody: a mail, a meeting; of the rest each item."""
    shared = line.kind in _SHARED
    return line.kind, line.identity if shared else f"{line.mailbox} {line.item}"


def _wanted(ends: set[str]) -> set[str]:
    if "tracked" in ends:
        return {"saved"}
    return {"removed"} if "unlinked" in ends else _NOT_SAVED
