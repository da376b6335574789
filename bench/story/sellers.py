"""What sellers do in Outlook's add-in: save and remove, and turn their mailboxes on."""

from datetime import UTC, datetime, timedelta

from bench.clicks import Clicks
from bench.diaries import Diaries
from bench.inboxes import Inboxes
from bench.journal import Line
from bench.mail import compose
from bench.running import Run
from bench.story.mail import CUSTOMER, NO_RULE
from bench.story.meetings import NO_CATEGORY
from bench.story.people import ALAN, BARBARA, DONALD, GRACE, KATHERINE
from shared.dataverse.batch import Operation
from shared.sync.plan import REMOVED

_OPPORTUNITY = "0c0ffee0-0000-4000-8000-000000000002"
_TENDER, _ANSWER = "<tender@fabrikam.example>", "<tender-answer@fabrikam.example>"
_REMOVED = f"unlinked: {REMOVED}"


async def tell(run: Run) -> None:
    """Let the sellers click, and say what is expected."""
    clicks = Clicks(run)
    await run.write(
        [
            Operation(
                "POST", "opportunities", {"opportunityid": _OPPORTUNITY, "name": "Engine No. 2"}
            )
        ]
    )
    barbaras, graces = await _tender(run)
    await _first_save_of_a_mailbox_that_is_not_on(run, clicks, barbaras)
    await _seen_by_another_participant(run, clicks, graces)
    answer = await _answered(run, clicks)
    await _removed_for_all(run, clicks, barbaras, graces, answer)
    await _not_approved(clicks)
    await _meeting(run, clicks)


async def _tender(run: Run) -> tuple[Line, Line]:
    mail = compose(_TENDER, "Tender", sender=CUSTOMER, to=[BARBARA, GRACE])
    inboxes = Inboxes(run)
    first = await inboxes.deliver(BARBARA, mail, "tracked: seller")
    second = await inboxes.deliver(GRACE, mail, NO_RULE)
    await run.quiet()
    return first, second


async def _first_save_of_a_mailbox_that_is_not_on(run: Run, clicks: Clicks, line: Line) -> None:
    """The save prompts to turn the mailbox on, waits for that, and is then done by itself."""
    about = {"table": "opportunity", "id": _OPPORTUNITY}
    await clicks.save(line, "409 mailbox-not-enabled", regarding=about)
    run.expect_regarding(_TENDER, _OPPORTUNITY)
    await clicks.turn_on(BARBARA, "202 waiting")
    await clicks.wait_until_on(BARBARA)
    await run.quiet()
    await clicks.look(line, "200 saved")


async def _seen_by_another_participant(run: Run, clicks: Clicks, line: Line) -> None:
    """It is saved for all who have it; a save of somebody else links, and makes no second row."""
    await clicks.look(line, "200 saved")
    await clicks.save(line, "202 saving")
    line.expected = "tracked: seller"
    await run.quiet()


async def _answered(run: Run, clicks: Clicks) -> Line:
    mail = compose(_ANSWER, "Re: Tender", sender=CUSTOMER, to=[BARBARA], answers=_TENDER)
    line = await Inboxes(run).deliver(BARBARA, mail, "tracked: reply")
    run.expect_regarding(_ANSWER, _OPPORTUNITY)
    await run.quiet()
    await clicks.look(line, "200 saved")
    return line


async def _removed_for_all(
    run: Run, clicks: Clicks, first: Line, second: Line, answer: Line
) -> None:
    """Both links go, the rows stay, and the conversation is not saved any further."""
    for line in (first, answer):
        await clicks.remove_for_all(line, "202 saving")
        line.expected = _REMOVED
    second.expected = _REMOVED
    await run.quiet()
    await clicks.look(second, "200 removed")
    mail = compose(
        "<tender-again@fabrikam.example>", "Re: Re: Tender", sender=CUSTOMER, to=[BARBARA],
        answers=_ANSWER,
    )  # fmt: skip
    await Inboxes(run).deliver(BARBARA, mail, NO_RULE)
    await run.quiet()


async def _not_approved(clicks: Clicks) -> None:
    """An address that nobody has approved tells what to do about it."""
    await clicks.turn_on(DONALD, "202 waiting")


async def _meeting(run: Run, clicks: Clicks) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    event = {
        "subject": "Kick-off",
        "start": {"dateTime": f"{start:%Y-%m-%dT%H:00:00}", "timeZone": "UTC"},
        "end": {"dateTime": f"{start + timedelta(hours=1):%Y-%m-%dT%H:00:00}", "timeZone": "UTC"},
    }
    lines = await Diaries(run).schedule(ALAN, event, {ALAN: NO_CATEGORY, KATHERINE: NO_CATEGORY})
    await run.quiet()
    await clicks.save(lines[ALAN], "202 saving")
    lines[ALAN].expected = "tracked: seller"
    await run.quiet()
    await clicks.look(lines[KATHERINE], "200 saved")
