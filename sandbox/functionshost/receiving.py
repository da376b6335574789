"""What a listener needs of a message broker; azurebus.py offers it over azure-servicebus."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from sandbox.functionshost.messages import Message


class BrokerError(Exception):
    """The broker could not be reached, refused, or a lock was lost."""


class Receiver(Protocol):
    """Takes messages under lock from an entity, or from one session of it.

    All methods raise BrokerError.
    """

    async def receive(self, limit: int, wait: float) -> Sequence[Message]:
        """Return what is there as soon as something is, nothing after `wait` seconds."""
        ...

    async def complete(self, message: Message) -> None:
        """Remove the message."""
        ...

    async def abandon(self, message: Message) -> None:
        """Give the message back; its delivery count grows."""
        ...

    def keep_locked(self, message: Message, duration: timedelta) -> None:
        """Renew the lock of the message or its session until it is settled, at most so long."""
        ...

    async def close(self) -> None:
        """Give back what was taken ahead, and with it the session."""
        ...


class Source(Protocol):
    """One entity of a broker."""

    async def open(self) -> Receiver:
        """Return a receiver for the entity."""
        ...

    async def accept_session(self, wait: float) -> Receiver | None:
        """Return a receiver for the next session with messages, None after `wait` seconds."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...
