"""Items and a desk for an app that has none: every call is refused as not set up."""

# ruff: noqa: ARG002  # each is called as what it stands for

from collections.abc import Sequence
from typing import Never

from shared.identifiers import MailboxId
from shared.tracking.callers import Caller
from shared.tracking.contract import Asked, Removal, SaveRequest, Scope
from shared.tracking.problems import Refusal


class UnservedItems:
    """See `shared.tracking.api.Items`."""

    async def status(self, mailbox: MailboxId, asked: Sequence[Asked]) -> Never:
        """Refuse."""
        raise Refusal("api-not-configured", 503)

    async def save(
        self, caller: Caller, mailbox: MailboxId, asked: Asked, wish: SaveRequest
    ) -> Never:
        """Refuse."""
        raise Refusal("api-not-configured", 503)

    async def remove(
        self,
        caller: Caller,
        mailbox: MailboxId,
        asked: Asked,
        removal: Removal | None,
        scope: Scope,
    ) -> Never:
        """Refuse."""
        raise Refusal("api-not-configured", 503)


class UnservedDesk:
    """See `shared.tracking.api.MailboxDesk`."""

    async def status(self, caller: Caller, mailbox: MailboxId) -> Never:
        """Refuse."""
        raise Refusal("api-not-configured", 503)

    async def enable(self, caller: Caller, mailbox: MailboxId) -> Never:
        """Refuse."""
        raise Refusal("api-not-configured", 503)
