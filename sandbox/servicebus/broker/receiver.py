"""What the broker sees of somebody who receives."""

from typing import TYPE_CHECKING, Protocol

from sandbox.servicebus.broker.errors import BrokerError
from sandbox.servicebus.broker.message import Message

if TYPE_CHECKING:
    from sandbox.servicebus.broker.session_queue import Session


class Receiver(Protocol):
    """Takes messages while it is ready for them.

    `deletes` tells that messages are gone once handed out (receive-and-delete); `owner` is the
    connection, which is what a session's lock belongs to for management requests.
    """

    @property
    def deletes(self) -> bool:
        """Whether a message is deleted when it is handed out."""
        ...

    @property
    def owner(self) -> object:
        """The connection."""
        ...

    @property
    def ready(self) -> bool:
        """Whether one more message may be delivered now."""
        ...

    def deliver(self, message: Message) -> None:
        """Take a message; its lock is set unless this receiver deletes."""
        ...

    def granted(self, session: "Session") -> None:
        """Hear that a session is now this receiver's."""
        ...

    def fail(self, error: BrokerError) -> None:
        """Hear that there will be no more messages, and why."""
        ...
