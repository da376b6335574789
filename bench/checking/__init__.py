"""Does Dynamics hold exactly what it should? Compared row by row with what Outlook shows."""

from collections.abc import Sequence

from bench.calendars import copies_in
from bench.checking import contacts, mail, sellers, tasks
from bench.checking.meetings import APPOINTMENTS, dynamics_of, meeting_differences
from bench.running import Run
from shared.identifiers import Kind


async def differences(run: Run) -> list[str]:
    """Return every difference between what is and what was expected, in plain words."""
    found = [
        f"'{line.subject}' in {line.upn}: expected {line.expected}, found {line.outcome}"
        for line in run.journal.lines
        if line.outcome != line.expected
    ]
    found += await mail.differences(run)
    found += await _of_meetings(run)
    found += await contacts.differences(run)
    found += await tasks.differences(run)
    found += await sellers.differences(run)
    return found


async def _of_meetings(run: Run) -> list[str]:
    mailboxes = list(run.ids.values())
    copies = [copy for mailbox in mailboxes for copy in await copies_in(run.read, mailbox)]
    return meeting_differences(copies, await dynamics_of(run.stack.rows), mailboxes)


async def note_rows(run: Run) -> None:
    """Note in the journal which appointments tracked meetings have."""
    rows: dict[str, list[str]] = {}
    for row in await run.stack.rows(f"{APPOINTMENTS}&$filter=statecode ne 2"):
        rows.setdefault(row["globalobjectid"].upper(), []).append(row["scheduledstart"][:10])
    for line in run.journal.of(Kind.CALENDAR):
        if line.outcome.startswith("tracked"):
            days = sorted(rows.get(line.identity.upper(), []))
            line.held = _days(days)


def _days(days: Sequence[str]) -> str:
    if not days:
        return "no appointment: none of it lies in the coming year"
    if len(days) == 1:
        return f"1 appointment, {days[0]}"
    return f"{len(days)} appointments, {days[0]} to {days[-1]}"
