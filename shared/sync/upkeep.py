"""Keeps subscriptions alive, and what became of them on the mailboxes' rows.

Graph is asked in batches across mailboxes and kinds; each row is then written once.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from shared.dataverse import mailboxes as rows
from shared.dataverse.batch import Operation
from shared.dataverse.client import Dataverse
from shared.dataverse.mailboxes import MailboxRow
from shared.dataverse.subscriptions import Subscription
from shared.errors import briefly
from shared.graph.client import GraphResponse
from shared.graph.client_state import Subject
from shared.graph.subscriptions import expiry_of
from shared.identifiers import Kind, MailboxId
from shared.sync.gaps import Gap, to_be_noted
from shared.sync.subscribing import Answers, Subscriber
from shared.telemetry import KIND, REASON, subscriptions_lost

logger = logging.getLogger("tether.enrolment")

Rows = Mapping[MailboxId, MailboxRow]
"""The rows as they were read."""
Problems = dict[MailboxId, str]
"""What could not be done for a mailbox, in the service's words."""


class Upkeep:
    """Makes and extends subscriptions; `now` is UTC."""

    def __init__(
        self, dataverse: Dataverse, subscriber: Subscriber, now: Callable[[], datetime]
    ) -> None:
        self._dataverse = dataverse
        self._subscriber = subscriber
        self._now = now

    async def keep(
        self,
        known: Rows,
        *,
        renew: Sequence[Subject] = (),
        missing: Sequence[Subject] = (),
        gaps: Iterable[Gap] = (),
        time_zones: Mapping[MailboxId, str],
    ) -> Problems:
        """Extend the subscriptions to be renewed, make the missing; return what could not be done.

        One that is gone at its renewal is made, too. `gaps` are those the missing ones left.
        """
        renewed = await self._subscriber.renew(_ids(known, renew))
        gone = [subject for subject in renew if _is_gone(renewed.get(subject))]
        now, why = self._now(), "the subscription was gone"
        gaps = [*gaps, *(Gap.of(one, known.get(one.mailbox), now, why) for one in gone)]
        # Gaps come first: once there is a subscription again, nothing else tells of them.
        refused = await self.note(gaps, known)
        for subject in gone:
            subscriptions_lost.add(1, {KIND: subject.kind, REASON: "gone"})
        subscribed = await self._subscriber.subscribe([*missing, *gone])
        for one in subscribed.replaced:
            logger.warning(
                "replaced a subscription that did not reach us mailbox=%s kind=%s",
                one.mailbox,
                one.kind,
            )
        noted = {gap.mailbox for gap in gaps}
        why = "another subscription stood in the place of ours"
        strangers = [one for one in subscribed.replaced if one.mailbox not in noted]
        refused |= await self.note([Gap.of(one, None, now, why) for one in strangers], known)
        kept = {one: answer for one, answer in renewed.items() if one not in gone}
        return await self._write_down(known, kept, subscribed.answers, time_zones) | refused

    async def note(self, gaps: Iterable[Gap], known: Rows) -> Problems:
        """Write down the gaps that rows do not tell of yet."""
        return await self.write(
            {
                mailbox: rows.need_catch_up(mailbox, gap.since, gap.why)
                for mailbox, gap in to_be_noted(gaps, known).items()
            }
        )

    async def write(self, operations: Mapping[MailboxId, Operation]) -> Problems:
        """Write mailboxes' rows; return what Dataverse refused."""
        answers = await self._dataverse.batch(list(operations.values()))
        refused = {m: a.problem for m, a in zip(operations, answers, strict=True) if not a.ok}
        for mailbox, problem in refused.items():
            logger.error("row refused mailbox=%s problem=%s", mailbox, briefly(problem))
        return refused

    async def _write_down(
        self,
        known: Rows,
        renewed: Answers[Subject],
        made: Answers[Subject],
        time_zones: Mapping[MailboxId, str],
    ) -> Problems:
        """Note what Graph answered; a subscription that is not extended lives on for now."""
        changed: dict[MailboxId, dict[Kind, Subscription | None]] = defaultdict(dict)
        refused: dict[MailboxId, list[str]] = defaultdict(list)
        for subject, answer in {**renewed, **made}.items():
            mailbox, kind = subject.mailbox, subject.kind
            if answer.ok:
                is_new = subject in made
                seal = self._subscriber.seal if is_new else known[mailbox].subscriptions[kind].seal
                changed[mailbox][kind] = _subscription(answer, seal)
                continue
            if subject in made:
                changed[mailbox][kind] = None
            refused[mailbox].append(f"{kind}: {answer.problem}")
            logger.warning(
                "no subscription mailbox=%s kind=%s problem=%s",
                mailbox,
                kind,
                briefly(answer.problem),
            )
        problems = {mailbox: "\n".join(told) for mailbox, told in refused.items()}
        notes = {
            mailbox: rows.note_subscriptions(
                mailbox,
                changed[mailbox],
                problem=problems.get(mailbox, self._if_whole(known.get(mailbox), changed[mailbox])),
                time_zone=time_zones.get(mailbox),
            )
            for mailbox in {one.mailbox: None for one in (*renewed, *made)}
        }
        return await self.write(notes) | problems

    def _if_whole(
        self, row: MailboxRow | None, changed: Mapping[Kind, Subscription | None]
    ) -> str | None:
        """Clear the last error only if it cannot be about another kind."""
        others = {*row.subscriptions} if row else set()
        return "" if {*self._subscriber.kinds} <= {*changed, *others} else None


def _ids(known: Rows, subjects: Iterable[Subject]) -> dict[Subject, str]:
    """Return the subscriptions of those subjects that have one."""
    found = (
        (subject, known[subject.mailbox].subscriptions.get(subject.kind)) for subject in subjects
    )
    return {subject: subscription.id for subject, subscription in found if subscription}


def _subscription(answer: GraphResponse, seal: str) -> Subscription:
    return Subscription(str(answer.body["id"]), expiry_of(answer), seal)


def _is_gone(answer: GraphResponse | None) -> bool:
    return answer is None or answer.status == 404
