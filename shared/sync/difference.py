"""What a pass has to do: what Dynamics says is ready, compared with what is enrolled. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.dataverse.mailboxes import MailboxRow, MailboxState, ReadyMailbox
from shared.graph.client_state import Subject
from shared.graph.subscriptions import HALF_LIFE
from shared.identifiers import Kind


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be done. A mailbox is enrolled when nothing of it lives, row and all.

    Where some kinds live and some do not, the missing ones alone are subscribed to.
    """

    to_enrol: tuple[ReadyMailbox, ...]
    to_subscribe: tuple[Subject, ...]
    to_renew: tuple[Subject, ...]
    to_suspend: tuple[MailboxRow, ...]

    @classmethod
    def between(
        cls,
        ready: Iterable[ReadyMailbox],
        enrolled: Iterable[MailboxRow],
        *,
        kinds: Sequence[Kind],
        now: datetime,
        seal: str,
    ) -> Self:
        """Compare; a subscription is renewed at half its life.

        It is made anew when it is gone, or was made with another `seal` than the present one.
        """
        wanted = {mailbox.id: mailbox for mailbox in ready}
        known = {row.id: row for row in enrolled}
        alive = {
            Subject(row.id, kind): row.subscriptions[kind].expires
            for row in known.values()
            for kind in _living(row, kinds, now, seal)
        }
        partly = {subject.mailbox for subject in alive} & wanted.keys()
        return cls(
            to_enrol=tuple(m for m in wanted.values() if m.id not in partly),
            to_subscribe=tuple(
                subject
                for mailbox in wanted
                if mailbox in partly
                for subject in (Subject(mailbox, kind) for kind in kinds)
                if subject not in alive
            ),
            to_renew=tuple(
                subject
                for subject, expires in alive.items()
                if subject.mailbox in wanted and expires - now < HALF_LIFE
            ),
            to_suspend=tuple(
                row
                for row in known.values()
                if row.id not in wanted and row.state is MailboxState.ENROLLED
            ),
        )


def _living(row: MailboxRow, kinds: Sequence[Kind], now: datetime, seal: str) -> Iterator[Kind]:
    """Yield the kinds whose subscriptions live and reach us."""
    if row.state is not MailboxState.ENROLLED:
        return
    for kind in kinds:
        subscription = row.subscriptions.get(kind)
        if subscription and subscription.expires > now and subscription.seal == seal:
            yield kind
