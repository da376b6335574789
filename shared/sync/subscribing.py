"""Gives mailboxes live subscriptions and extends them, in Graph batches."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from shared.dataverse.mailboxes import MailboxRow
from shared.graph import subscriptions
from shared.graph.client import Graph, GraphResponse
from shared.graph.client_state import ClientStateKeys, Subject
from shared.identifiers import Kind, MailboxId

Answers = dict[MailboxId, GraphResponse]
"""What Graph last said of each mailbox's subscription."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Graph's answers, and the mailboxes whose former subscription spoke to somebody else."""

    answers: Answers
    replaced: frozenset[MailboxId]


class Subscriber:
    """Subscribes to the mail of mailboxes; `now` is UTC."""

    def __init__(
        self,
        graph: Graph,
        keys: ClientStateKeys,
        *,
        webhook_base_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self._graph = graph
        self._keys = keys
        self._webhook_base_url = webhook_base_url
        self._now = now

    @property
    def seal(self) -> str:
        """What new subscriptions are made with: the key's id and a digest of where they report."""
        return f"{self._keys.current}@{sha256(self._webhook_base_url.encode()).hexdigest()[:16]}"

    async def subscribe(self, mailboxes: Sequence[MailboxId]) -> Subscribed:
        """Make a subscription for each mailbox; one of ours that is there is adopted and extended.

        One that is sealed with a former key or reports elsewhere would never reach us, however
        often it is extended: it is replaced.
        """
        answers = await self._create(mailboxes)
        existing = {
            mailbox: found
            for mailbox, answer in answers.items()
            if (found := subscriptions.existing_subscription(answer))
        }
        shown = await self._graph.batch(
            [subscriptions.read_subscription(one) for one in existing.values()]
        )
        ours = {
            mailbox: one
            for (mailbox, one), answer in zip(existing.items(), shown, strict=True)
            if self._is_ours(mailbox, answer)
        }
        others = {mailbox: one for mailbox, one in existing.items() if mailbox not in ours}
        await self._delete(others.values())
        answers |= await self._create(list(others))
        return Subscribed(answers | await self._extend(ours), frozenset(others))

    async def renew(self, enrolled: Sequence[MailboxRow]) -> Answers:
        """Extend the subscriptions of enrolled mailboxes; one that is gone answers 404."""
        return await self._extend({row.id: row.subscription or "none" for row in enrolled})

    async def end(self, enrolled: Sequence[MailboxRow]) -> None:
        """Delete the subscriptions; one that is gone already is as good."""
        await self._delete([row.subscription for row in enrolled if row.subscription])

    async def _create(self, mailboxes: Sequence[MailboxId]) -> Answers:
        expires = self._now() + subscriptions.LIFETIME
        subjects = [Subject(mailbox, Kind.MAIL) for mailbox in mailboxes]
        responses = await self._graph.batch(
            [
                subscriptions.create_subscription(
                    subject,
                    webhook_base_url=self._webhook_base_url,
                    client_state=self._keys.seal(subject),
                    expires=expires,
                )
                for subject in subjects
            ]
        )
        return dict(zip(mailboxes, responses, strict=True))

    async def _extend(self, ids: dict[MailboxId, str]) -> Answers:
        expires = self._now() + subscriptions.LIFETIME
        responses = await self._graph.batch(
            [subscriptions.renew_subscription(one, expires) for one in ids.values()]
        )
        return dict(zip(ids, responses, strict=True))

    async def _delete(self, ids: Iterable[str]) -> None:
        await self._graph.batch([subscriptions.delete_subscription(one) for one in ids])

    def _is_ours(self, mailbox: MailboxId, answer: GraphResponse) -> bool:
        """Tell whether a subscription reports here under the present key."""
        state = str(answer.body.get("clientState") or "")
        here = subscriptions.notification_url(self._webhook_base_url)
        return (
            answer.body.get("notificationUrl") == here
            and self._keys.is_current(state)
            and self._keys.open(state) == Subject(mailbox, Kind.MAIL)
        )
