"""Gives mailboxes and To Do lists live subscriptions and extends them, in Graph batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from shared.graph import subscriptions
from shared.graph.client import Graph, GraphResponse
from shared.graph.client_state import ClientStateKeys
from shared.graph.subscriptions import Watched, lifetime_of, subject_of
from shared.identifiers import Kind

type Answers[W: Watched] = dict[W, GraphResponse]
"""What Graph last said of each subscription."""


@dataclass(frozen=True, slots=True)
class Subscribed[W: Watched]:
    """Graph's answers, and what had a subscription that spoke to somebody else."""

    answers: Answers[W]
    replaced: frozenset[W]


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

    async def subscribe[W: Watched](self, wanted: Sequence[W]) -> Subscribed[W]:
        """Make a subscription for each; one of ours that is there is adopted and extended.

        One that is sealed with a former key or reports elsewhere would never reach us, however
        often it is extended: it is replaced.
        """
        answers = await self._create(wanted)
        existing = {
            watched: found
            for watched, answer in answers.items()
            if (found := subscriptions.existing_subscription(answer))
        }
        shown = await self._graph.batch(
            [subscriptions.read_subscription(one) for one in existing.values()]
        )
        ours = {
            watched: one
            for (watched, one), answer in zip(existing.items(), shown, strict=True)
            if self._is_ours(watched, answer)
        }
        others = {watched: one for watched, one in existing.items() if watched not in ours}
        await self.end(others.values())
        answers |= await self._create(list(others))
        return Subscribed(answers | await self.renew(ours), frozenset(others))

    async def renew[W: Watched](self, ids: Mapping[W, str]) -> Answers[W]:
        """Extend subscriptions; one that is gone answers 404."""
        responses = await self._graph.batch(
            [
                subscriptions.renew_subscription(one, self._expiry(watched))
                for watched, one in ids.items()
            ]
        )
        return dict(zip(ids, responses, strict=True))

    async def end(self, ids: Iterable[str]) -> set[str]:
        """Delete subscriptions; return those that live on. One that is gone already is as good."""
        ending = list(ids)
        responses = await self._graph.batch(
            [subscriptions.delete_subscription(one) for one in ending]
        )
        answered = zip(ending, responses, strict=True)
        return {one for one, answer in answered if not answer.ok and answer.status != 404}

    async def _create[W: Watched](self, wanted: Sequence[W]) -> Answers[W]:
        responses = await self._graph.batch(
            [
                subscriptions.create_subscription(
                    watched,
                    webhook_base_url=self._webhook_base_url,
                    client_state=self._keys.seal(subject_of(watched)),
                    expires=self._expiry(watched),
                )
                for watched in wanted
            ]
        )
        return dict(zip(wanted, responses, strict=True))

    def _expiry(self, watched: Watched) -> datetime:
        return self._now() + lifetime_of(watched)

    def _is_ours(self, watched: Watched, answer: GraphResponse) -> bool:
        """Tell whether a subscription reports here under the present key."""
        state = str(answer.body.get("clientState") or "")
        here = subscriptions.notification_url(self._webhook_base_url)
        return (
            answer.body.get("notificationUrl") == here
            and self._keys.is_current(state)
            and self._keys.open(state) == subject_of(watched)
        )
