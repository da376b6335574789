"""Gives mailboxes live subscriptions and extends them, in Graph batches."""

from collections.abc import Callable, Sequence
from datetime import datetime

from shared.changes import Kind
from shared.dataverse.mailboxes import MailboxRow
from shared.graph import subscriptions
from shared.graph.client import Graph, GraphResponse
from shared.graph.client_state import ClientStateKeys, Subject
from shared.identifiers import MailboxId

Answers = dict[MailboxId, GraphResponse]
"""What Graph last said of each mailbox's subscription."""


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

    async def subscribe(self, mailboxes: Sequence[MailboxId]) -> Answers:
        """Make a subscription for each mailbox, or adopt and extend the one that is there."""
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
        answers = dict(zip(mailboxes, responses, strict=True))
        existing = {
            mailbox: found
            for mailbox, response in answers.items()
            if (found := subscriptions.existing_subscription(response))
        }
        return answers | await self._extend(existing)

    async def renew(self, enrolled: Sequence[MailboxRow]) -> Answers:
        """Extend the subscriptions of enrolled mailboxes; one that is gone answers 404."""
        return await self._extend({row.id: row.subscription or "none" for row in enrolled})

    async def end(self, enrolled: Sequence[MailboxRow]) -> None:
        """Delete the subscriptions; one that is gone already is as good."""
        await self._graph.batch(
            [
                subscriptions.delete_subscription(row.subscription)
                for row in enrolled
                if row.subscription
            ]
        )

    async def _extend(self, ids: dict[MailboxId, str]) -> Answers:
        expires = self._now() + subscriptions.LIFETIME
        responses = await self._graph.batch(
            [
                subscriptions.renew_subscription(subscription, expires)
                for subscription in ids.values()
            ]
        )
        return dict(zip(ids, responses, strict=True))
