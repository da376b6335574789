"""The sellers' tasks: one that is done in the end, one that is deleted."""

from datetime import UTC, datetime, timedelta

from bench.running import Run
from bench.story.people import EDSGER
from bench.to_dos import ToDos
from shared.graph.items import TRACKED_CATEGORY


async def tell(run: Run) -> None:
    """Let tasks be made and done, and say what is expected."""
    to_dos = ToDos(run)
    due = datetime.now(UTC).date() + timedelta(days=7)
    call = await to_dos.add(
        EDSGER,
        {
            "title": "Call Carla",
            "importance": "high",
            "dueDateTime": {"dateTime": f"{due}T00:00:00", "timeZone": "UTC"},
            "categories": [TRACKED_CATEGORY],
        },
        "tracked: category",
    )
    paper = await to_dos.add(
        EDSGER, {"title": "Order paper", "categories": [TRACKED_CATEGORY]}, "tracked: category"
    )
    await to_dos.polled()
    await run.quiet()
    await to_dos.change(call, status="completed")
    await to_dos.delete(paper, "unlinked: deleted in Outlook")
    await to_dos.polled()
    await run.quiet()
