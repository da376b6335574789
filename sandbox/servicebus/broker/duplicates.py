"""Duplicate detection: which message ids came within the window (service-bus.md 1.3)."""

from collections.abc import Iterator


class DuplicateWindow:
    """Message ids and when each is forgotten, seconds since 1970.

    Completing a message does not free its id, and a repeat does not lengthen its stay.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expires: dict[str, float] = {}

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._expires

    def remember(self, message_id: str, now: float) -> float:
        """Take note of an id; return when it will be forgotten."""
        self._expires[message_id] = now + self._seconds
        return now + self._seconds

    def restore(self, message_id: str, expires: float) -> None:
        """Take back a note of an earlier run; call in the order of expiry."""
        self._expires[message_id] = expires

    def forget(self, now: float) -> Iterator[str]:
        """Forget and yield the ids whose time is up."""
        while self._expires:
            message_id, expires = next(iter(self._expires.items()))
            if expires > now:
                return
            del self._expires[message_id]
            yield message_id

    def clear(self) -> list[str]:
        """Forget all ids; return them."""
        forgotten = list(self._expires)
        self._expires.clear()
        return forgotten
