"""Keeps a live subscription to every To Do list where the organisation wants that; else to none.

They tell where to poll at once. One that is lost loses nothing, for its list's delta link stands.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from shared.dataverse.client import Dataverse
from shared.dataverse.polled_mailboxes import keep_subscriptions
from shared.dataverse.subscriptions import Subscription
from shared.errors import briefly
from shared.graph.client import GraphResponse
from shared.graph.subscriptions import LIST_LIFETIME, TaskList, expiry_of
from shared.identifiers import MailboxId
from shared.sync.subscribing import Subscriber

logger = logging.getLogger("tether.polling")

type Held = dict[TaskList, Subscription]
"""The subscriptions there are."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of a mailbox that are polled, and the subscriptions it has, by list."""

    mailbox: MailboxId
    polled: AbstractSet[str]
    held: Mapping[str, Subscription]


class ListWatching:
    """Subscribes to To Do lists if it is `on`, and ends what is needless; `now` is UTC."""

    def __init__(
        self,
        dataverse: Dataverse,
        subscriber: Subscriber,
        now: Callable[[], datetime],
        *,
        on: bool,
    ) -> None:
        self._dataverse = dataverse
        self._subscriber = subscriber
        self._now = now
        self._on = on

    async def keep(self, mailboxes: Iterable[Lists]) -> None:
        """Make what is missing, extend what is at half of its life, end what is needless.

        A list that Graph refuses is logged, and tried again the next time.

        Raises:
            Transient: Dataverse did not answer; what was made meanwhile is adopted the next time.
        """
        held: Held = {}
        wanted: set[TaskList] = set()
        for one in mailboxes:
            held |= {TaskList(one.mailbox, name): kept for name, kept in one.held.items()}
            if self._on:
                wanted |= {TaskList(one.mailbox, name) for name in one.polled}
        live = {one: held[one] for one in wanted if one in held and self._lives(held[one])}
        soon = self._now() + LIST_LIFETIME / 2
        ageing = {one: kept.id for one, kept in live.items() if kept.expires < soon}
        missing = wanted - live.keys()
        needless = {one: kept.id for one, kept in held.items() if one not in wanted}
        if not (ageing or missing or needless):
            return
        ended = await self._end(needless)
        made = await self._subscribe(missing, ageing)
        left = {one: kept for one, kept in held.items() if one not in ended}
        await self._write_down(held, left | made)

    def _lives(self, kept: Subscription) -> bool:
        return kept.expires > self._now() and kept.seal == self._subscriber.seal

    async def _end(self, needless: Mapping[TaskList, str]) -> set[TaskList]:
        """Return those that are no more."""
        living = await self._subscriber.end(needless.values())
        return {one for one, subscription in needless.items() if subscription not in living}

    async def _subscribe(self, missing: Iterable[TaskList], ageing: Mapping[TaskList, str]) -> Held:
        """Return what is new or longer; one that is gone at its renewal is made, too."""
        renewed = await self._subscriber.renew(ageing)
        gone = [one for one, answer in renewed.items() if answer.status == 404]
        subscribed = await self._subscriber.subscribe([*missing, *gone])
        for one in subscribed.replaced:
            logger.warning(
                "replaced a subscription that did not reach us mailbox=%s list=%s",
                one.mailbox,
                one.id,
            )
        answers = renewed | subscribed.answers
        _log_refusals(answers)
        seal = self._subscriber.seal
        return {
            one: Subscription(str(answer.body["id"]), expiry_of(answer), seal)
            for one, answer in answers.items()
            if answer.ok
        }

    async def _write_down(self, before: Held, after: Held) -> None:
        known, found = _by_mailbox(before), _by_mailbox(after)
        noting = {
            mailbox: keep_subscriptions(mailbox, found.get(mailbox, {}))
            for mailbox in known | found
            if known.get(mailbox) != found.get(mailbox)
        }
        answers = await self._dataverse.batch(list(noting.values()))
        for mailbox, answer in zip(noting, answers, strict=True):
            if not answer.ok:
                logger.warning(
                    "subscriptions not noted mailbox=%s problem=%s",
                    mailbox,
                    briefly(answer.problem),
                )


def _log_refusals(answers: Mapping[TaskList, GraphResponse]) -> None:
    refused: dict[MailboxId, list[str]] = defaultdict(list)
    for one, answer in answers.items():
        if not answer.ok:
            refused[one.mailbox].append(answer.problem)
    for mailbox, problems in refused.items():
        logger.warning(
            "lists not subscribed to mailbox=%s lists=%d problem=%s",
            mailbox,
            len(problems),
            briefly(problems[0]),
        )


def _by_mailbox(held: Held) -> dict[MailboxId, dict[str, Subscription]]:
    found: dict[MailboxId, dict[str, Subscription]] = defaultdict(dict)
    for one, kept in held.items():
        found[one.mailbox][one.id] = kept
    return found
