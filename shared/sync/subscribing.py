"""Gives mailboxes live subscriptions and extends them, in Graph batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from shared.graph import subscriptions
from shared.graph.client import Graph, GraphResponse
from shared.graph.client_state import ClientStateKeys, Subject
from shared.identifiers import Kind

Answers = dict[Subject, GraphResponse]
"""What Graph last said of each subscription."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Graph's answers, and the subjects whose former subscription spoke to somebody else."""

    answers: Answers
    replaced: frozenset[Subject]


class Subscriber:
    """Subscribes to `kinds` of items in mailboxes; `now` is UTC."""

    def __init__(
        self,
        graph: Graph,
        keys: ClientStateKeys,
        *,
        kinds: Sequence[Kind],
        webhook_base_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self.kinds = tuple(kinds)
        self._graph = graph
        self._keys = keys
        self._webhook_base_url = webhook_base_url
        self._now = now

    @property
    def seal(self) -> str:
        """What new subscriptions are made with: the key's id and a digest of where they report."""
        return f"{self._keys.current}@{sha256(self._webhook_base_url.encode()).hexdigest()[:16]}"

    async def subscribe(self, subjects: Sequence[Subject]) -> Subscribed:
        """Make a subscription for each subject; one of ours that is there is adopted and extended.

        One that is sealed with a former key or reports elsewhere would never reach us, however
        often it is extended: it is replaced.
        """
        answers = await self._create(subjects)
        existing = {
            subject: found
            for subject, answer in answers.items()
            if (found := subscriptions.existing_subscription(answer))
        }
        shown = await self._graph.batch(
            [subscriptions.read_subscription(one) for one in existing.values()]
        )
        ours = {
            subject: one
            for (subject, one), answer in zip(existing.items(), shown, strict=True)
            if self._is_ours(subject, answer)
        }
        others = {subject: one for subject, one in existing.items() if subject not in ours}
        await self.end(others.values())
        answers |= await self._create(list(others))
        return Subscribed(answers | await self.renew(ours), frozenset(others))

    async def renew(self, ids: Mapping[Subject, str]) -> Answers:
        """Extend subscriptions; one that is gone answers 404."""
        expires = self._now() + subscriptions.LIFETIME
        responses = await self._graph.batch(
            [subscriptions.renew_subscription(one, expires) for one in ids.values()]
        )
        return dict(zip(ids, responses, strict=True))

    async def end(self, ids: Iterable[str]) -> None:
        """Delete subscriptions; one that is gone already is as good."""
        await self._graph.batch([subscriptions.delete_subscription(one) for one in ids])

    async def _create(self, subjects: Sequence[Subject]) -> Answers:
        expires = self._now() + subscriptions.LIFETIME
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
        return dict(zip(subjects, responses, strict=True))

    def _is_ours(self, subject: Subject, answer: GraphResponse) -> bool:
        """Tell whether a subscription reports here under the present key."""
        state = str(answer.body.get("clientState") or "")
        here = subscriptions.notification_url(self._webhook_base_url)
        return (
            answer.body.get("notificationUrl") == here
            and self._keys.is_current(state)
            and self._keys.open(state) == subject
        )
