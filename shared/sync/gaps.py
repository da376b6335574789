"""Gaps: since when changes may have been missed, and why. Pure.

A mailbox's row keeps one, the earliest: whoever closes it looks at everything since then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.dataverse.mailboxes import MailboxRow
from shared.graph.client_state import Subject
from shared.graph.subscriptions import LIFETIME
from shared.identifiers import MailboxId


@dataclass(frozen=True, slots=True)
class Gap:
    """In `mailbox`, changes since a moment may have been missed."""

    mailbox: MailboxId
    since: datetime
    why: str

    @classmethod
    def of(cls, subject: Subject, row: MailboxRow | None, now: datetime, why: str) -> Self:
        """Return a gap that began when the subscription of `subject` was last known to live.

        That is its expiry, or else when it was last renewed; without any, it begins `now`.
        """
        subscription = row.subscriptions.get(subject.kind) if row else None
        since = now
        if subscription:
            expires = subscription.expires
            since = expires if expires <= now else expires - LIFETIME
        return cls(subject.mailbox, since, f"{subject.kind}: {why}")


def to_be_noted(gaps: Iterable[Gap], known: Mapping[MailboxId, MailboxRow]) -> dict[MailboxId, Gap]:
    """Return the earliest gap of each mailbox, unless its row tells of one as early."""
    earliest: dict[MailboxId, Gap] = {}
    for gap in sorted(gaps, key=lambda gap: gap.since):
        row = known.get(gap.mailbox)
        noted = row.catch_up_needed_since if row else None
        if noted is None or gap.since < noted:
            earliest.setdefault(gap.mailbox, gap)
    return earliest
