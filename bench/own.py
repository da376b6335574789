"""The user's own mail and calendars, brought to one mailbox that tracks all of it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.diaries import Diaries, event_path
from bench.files import read_at
from bench.inboxes import Inboxes
from bench.mail import mails_at
from bench.running import Run
from bench.story.people import ADA
from shared.identifiers import Kind

type Files = list[tuple[str, bytes | OSError]]

_NOUNS = {Kind.MAIL: "mail", Kind.CALENDAR: "event"}
_CANCELED = "ignored: the meeting was canceled"


def own_mail(path: Path) -> Files:
    """Return the user's mails, each with a name.

    Raises:
        FileNotFoundError: there is none.
    """
    return list(mails_at(path))


def own_calendars(path: Path) -> Files:
    """Return the user's calendars, each with a name.

    Raises:
        FileNotFoundError: there is none.
    """
    return [(file.name, raw) for file, raw in read_at(path, {".ics"})]


async def bring_mail(run: Run, mails: Files) -> None:
    """Let the mails arrive, and say what is expected: nothing but a reason keeps one out."""
    inboxes = Inboxes(run)
    for name, mail in mails:
        if isinstance(mail, OSError):
            run.left_out(Kind.MAIL, ADA, name, f"it cannot be read: {mail.strerror}")
            continue
        line = await inboxes.deliver(ADA, mail, "")
        line.subject = f"{name}: {line.subject}"
    await run.quiet()
    for line in run.journal.of(Kind.MAIL):
        is_settled = line.outcome.startswith(("tracked", "ignored: a meeting message"))
        line.expected = line.outcome if is_settled else "tracked or ignored with a reason"


async def bring_calendars(run: Run, calendars: Files) -> None:
    """Import the calendars, and say what is expected: all is tracked but what was canceled."""
    for name, raw in calendars:
        if isinstance(raw, OSError):
            run.left_out(Kind.CALENDAR, ADA, name, f"it cannot be read: {raw.strerror}")
            continue
        try:
            imported, skipped = await Diaries(run).bring(ADA, raw)
        except ValueError as problem:
            run.left_out(Kind.CALENDAR, ADA, name, str(problem))
            continue
        for one in imported:
            subject = f"{name}: {one['subject'] or '(no subject)'}"
            line = run.arrived(Kind.CALENDAR, ADA, one["id"], one["iCalUId"], subject, "")
            event = await run.read(f"{event_path(ADA, one['id'])}?$select=isCancelled")
            line.expected = _CANCELED if event["isCancelled"] else "tracked: category"
        alike = Counter((one.get("uid", ""), one["reason"]) for one in skipped)
        for (uid, reason), number in alike.items():
            what = f"{name} ({uid})" if uid else name
            what = f"{what}, {number} times" if number > 1 else what
            run.left_out(Kind.CALENDAR, ADA, what, reason)
    await run.quiet()


def nothing_came(run: Run, kinds: Iterable[Kind]) -> list[str]:
    """Return a sentence for each kind of which the user's files brought nothing."""
    return [
        f"No {_NOUNS[kind]} could be taken from the files."
        for kind in kinds
        if not run.journal.of(kind)
    ]
