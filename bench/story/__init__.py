"""The story `make run` tells: what comes to five sellers, and what must become of each piece."""

from bench.running import Run
from bench.story import contacts, mail, meetings, tasks


async def tell(run: Run) -> None:
    """Let everything come, the sellers act, and say what is expected."""
    await mail.tell(run)
    await meetings.tell(run)
    await contacts.tell(run)
    await tasks.tell(run)
