"""Counts mailboxes and subscriptions for whoever watches, after each pass over them."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from shared.dataverse.client import Dataverse
from shared.dataverse.freshness import freshness_of_kinds, freshness_of_mailboxes
from shared.dataverse.readiness import CONFLICT, NativeSync
from shared.dataverse.standing import Standing, read_standings
from shared.dataverse.subscriptions import Subscription
from shared.errors import Permanent, Transient, briefly
from shared.identifiers import Kind, MailboxId
from shared.telemetry import (
    CONDITION,
    KIND,
    MailboxCondition,
    SubscriptionCondition,
    freshness,
    mailboxes,
    subscriptions_by_condition,
    subscriptions_remaining,
)

logger = logging.getLogger("tether.census")

SILENT_AFTER = timedelta(days=5)
"""Longer than Easter; a holiday is longer still, so that silence is a question and no alarm."""
_EXPIRING_UNDER = timedelta(hours=24)  # renewal is due at half of seven days
_LISTENING_EVERY = timedelta(hours=1)  # it takes a request for each mailbox


class Census:
    """Tells `shared.telemetry` how many mailboxes and subscriptions are how; `now` is UTC."""

    def __init__(
        self,
        dataverse: Dataverse,
        kinds: Sequence[Kind],
        now: Callable[[], datetime],
        native: NativeSync = NativeSync.BESIDE,
    ) -> None:
        self._dataverse = dataverse
        self._kinds = kinds
        self._now = now
        self._native = native
        self._silent: frozenset[MailboxId] = frozenset()
        self._listened: datetime | None = None

    async def take(self) -> None:
        """Count; what Dataverse does not answer is told again next time."""
        try:
            standings = await read_standings(self._dataverse, self._native, with_links=False)
            enrolled = [one for one in standings if one.state == MailboxCondition.ENROLLED]
            await self._listen([one.id for one in enrolled])
            newest = await freshness_of_kinds(self._dataverse)
        except (Transient, Permanent) as problem:
            logger.warning("not counted: %s", briefly(problem))
            return
        now = self._now()
        freshness.tell(({KIND: kind}, (now - at).total_seconds()) for kind, at in newest.items())
        mailboxes.tell(_mailboxes(standings, self._silent))
        held = [one.subscriptions for one in enrolled]
        subscriptions_by_condition.tell(_subscriptions(held, self._kinds, now))
        subscriptions_remaining.tell(_remaining(held, self._kinds, now))

    async def _listen(self, enrolled: Collection[MailboxId]) -> None:
        """Find out which mailboxes are silent, once in a while, and name them."""
        now = self._now()
        if self._listened and now - self._listened < _LISTENING_EVERY:
            return
        fresh = await freshness_of_mailboxes(self._dataverse, enrolled)
        silent = {one: at for one, at in fresh.items() if now - at > SILENT_AFTER}
        for mailbox, at in silent.items():
            logger.warning("silent mailbox=%s since=%s", mailbox, at.isoformat())
        self._silent, self._listened = frozenset(map(MailboxId, silent)), now


def _mailboxes(
    standings: Iterable[Standing], silent: Collection[MailboxId]
) -> Iterator[tuple[Mapping[str, str], int]]:
    counted = Counter(
        condition for one in standings for condition in _conditions(one, one.id in silent)
    )
    # Those of which nothing is true are told as well: an alert must see that it is over.
    for condition in MailboxCondition:
        yield {CONDITION: condition}, counted[condition]


def _conditions(one: Standing, is_silent: bool) -> Iterator[MailboxCondition]:
    if not one.ready:
        yield MailboxCondition.NOT_READY
    if any(condition.code == MailboxCondition.CONFLICT for condition in one.noted):
        yield MailboxCondition.CONFLICT
    if one.state:
        yield MailboxCondition(one.state)
    if one.catch_up_needed_since:
        yield MailboxCondition.CATCH_UP
    if one.last_error:
        yield MailboxCondition.LAST_ERROR
    if CONFLICT in one.noted:
        yield MailboxCondition.CONFLICT
    if is_silent and one.state == MailboxCondition.ENROLLED:
        yield MailboxCondition.SILENT


def _subscriptions(
    held: Sequence[Mapping[Kind, Subscription]], kinds: Sequence[Kind], now: datetime
) -> Iterator[tuple[Mapping[str, str], int]]:
    for kind in kinds:
        counted = Counter(_condition(one.get(kind), now) for one in held)
        for condition in SubscriptionCondition:
            yield {KIND: kind, CONDITION: condition}, counted[condition]


def _condition(one: Subscription | None, now: datetime) -> SubscriptionCondition:
    if one is None:
        return SubscriptionCondition.MISSING
    is_expiring = one.expires - now < _EXPIRING_UNDER
    return SubscriptionCondition.EXPIRING if is_expiring else SubscriptionCondition.LIVE


def _remaining(
    held: Sequence[Mapping[Kind, Subscription]], kinds: Sequence[Kind], now: datetime
) -> Iterator[tuple[Mapping[str, str], float]]:
    for kind in kinds:
        left = [(one[kind].expires - now).total_seconds() for one in held if kind in one]
        if left:
            yield {KIND: kind}, min(left)
