"""Waits for what happens in another process: polls a condition, never just for a while."""

import asyncio
from collections.abc import Awaitable, Callable

_POLL_SECONDS = 0.02


async def eventually[T](look: Callable[[], Awaitable[T]], *, seconds: float = 20) -> T:
    """Return the first true thing that `look` sees.

    Raises:
        AssertionError: there was none in time; says what was seen last.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (seen := await look()):
        assert loop.time() < deadline, f"not within {seconds:g} s; last seen: {seen!r}"
        await asyncio.sleep(_POLL_SECONDS)
    return seen
