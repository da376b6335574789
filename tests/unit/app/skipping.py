"""An event loop whose time is its own: where there is nothing to do but wait, it skips the wait."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

_ON_ITS_WAY_SECONDS = 0.02
"""How long real sockets are given before a wait counts as idle."""


class _Skipping(selectors.DefaultSelector):
    """A selector that does not wait for time to pass, but counts what would have passed."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(min(timeout, _ON_ITS_WAY_SECONDS))
        if not ready:
            self.passed += timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop that begins at 0.0 seconds; an hour's sleep takes it no time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.passed


def run[T](main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on a loop that skips waits."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(main)
