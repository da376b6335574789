"""What the seller's API is served from: who calls, their items, their mailbox, and the words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.identifiers import MailboxId
from shared.tracking.callers import Caller, Callers
from shared.tracking.contract import (
    Asked,
    ItemStatus,
    MailboxStatus,
    Removal,
    SaveRequest,
    Scope,
)
from shared.tracking.problems import Words


class Items(Protocol):
    """The items of mailboxes, as the API sees them; all raise `Refusal` or `Transient`."""

    async def status(
        self, mailbox: MailboxId, asked: Sequence[Asked]
    ) -> Sequence[ItemStatus | None]:
        """Return how each item stands, in the order asked; None where there is none."""

    async def save(
        self, caller: Caller, mailbox: MailboxId, asked: Asked, wish: SaveRequest
    ) -> ItemStatus:
        """Have an item saved, and return how it stands at once."""

    async def remove(
        self,
        caller: Caller,
        mailbox: MailboxId,
        asked: Asked,
        removal: Removal | None,
        scope: Scope,
    ) -> ItemStatus:
        """Have an item removed, and return how it stands at once."""


class MailboxDesk(Protocol):
    """The readiness of mailboxes, as the API sees it; both raise `Refusal` or `Transient`."""

    async def status(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        """Return whether a mailbox is ready, and what it lacks."""

    async def enable(self, caller: Caller, mailbox: MailboxId) -> MailboxStatus:
        """Turn sync on for a mailbox, and return how it stands at once."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What the OpenAPI document says of this installation: where to sign in, and for what."""

    login: str
    tenant: str
    audience: str | None


@dataclass(frozen=True, slots=True)
class Api:
    """All that the API's functions work with."""

    callers: Callers
    items: Items
    desk: MailboxDesk
    words: Words
    surface: Surface
