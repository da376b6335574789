"""The story `make run` tells: what comes to sellers, what they do, and what must come of it."""

from bench.running import Run
from bench.story import contacts, mail, meetings, sellers, tasks


async def tell(run: Run) -> None:
    """Let everything come, the sellers act, and say what is expected."""
    await mail.tell(run)
    await meetings.tell(run)
    await contacts.tell(run)
    await tasks.tell(run)
    await sellers.tell(run)
