"""What the broker needs from wherever its messages are kept."""

from dataclasses import dataclass, field
from typing import Protocol

from sandbox.servicebus.broker.message import Message


@dataclass(slots=True)
class Kept:
    """What an earlier run left of one queue; `duplicates` in the order of expiry."""

    last_sequence: int = 0
    messages: list[Message] = field(default_factory=list)
    sessions: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    duplicates: dict[str, float] = field(default_factory=dict)


class Store(Protocol):
    """Collects changes and makes them last at `commit`, all or none."""

    def restore(self, queue: str) -> Kept:
        """Return what an earlier run left of a queue."""
        ...

    def keep(self, queue: str, message: Message) -> None:
        """Add or replace a message; it is read at commit."""
        ...

    def drop(self, queue: str, sequence: int) -> None:
        """Remove a message."""
        ...

    def keep_session(self, queue: str, session_id: str, state: bytes | None, at: float) -> None:
        """Set or, with None, remove a session's state."""
        ...

    def keep_duplicate(self, queue: str, message_id: str, expires: float | None) -> None:
        """Set or, with None, remove a message id of the duplicate window."""
        ...

    def commit(self) -> None:
        """Make everything since the last commit last."""
        ...

    def close(self) -> None:
        """Commit and let go."""
        ...


class NoStore:
    """Keeps nothing: the broker's memory is all there is."""

    def restore(self, queue: str) -> Kept:  # noqa: ARG002 -- nothing is kept of any queue
        """Return an empty past."""
        return Kept()

    def keep(self, queue: str, message: Message) -> None:
        """Do nothing."""

    def drop(self, queue: str, sequence: int) -> None:
        """Do nothing."""

    def keep_session(self, queue: str, session_id: str, state: bytes | None, at: float) -> None:
        """Do nothing."""

    def keep_duplicate(self, queue: str, message_id: str, expires: float | None) -> None:
        """Do nothing."""

    def commit(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
