"""Mail, as the reconcile knows a kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.dataverse.batch import Operation
from shared.graph.client import GraphRequest
from shared.graph.messages import Message, read_message, set_categories
from shared.identifiers import ActivityId, ItemId, MailboxId, SystemUserId
from shared.sync.facts import Question
from shared.sync.mail import facts as asking
from shared.sync.mail.decide import decide
from shared.sync.mail.facts import MailFacts
from shared.sync.mail.planning import plan_batch
from shared.sync.mail.policy import MailPolicy
from shared.sync.mail.telling import Telling, email_writes
from shared.sync.plan import Keep, Track
from shared.sync.rules import Decision, Read, Rules


class MailRules(Rules[Message, MailFacts, Telling]):
    """See `Rules`."""

    noun = "mail"

    def __init__(self, policy: MailPolicy | None = None) -> None:
        self._policy = policy or MailPolicy()

    def request(self, mailbox: MailboxId, item: ItemId) -> GraphRequest:
        """See `Rules.request`."""
        return read_message(mailbox, item)

    def item(self, body: Mapping[str, Any]) -> Message:
        """See `Rules.item`."""
        return Message.model_validate(body)

    def categorized(
        self, mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
    ) -> GraphRequest:
        """See `Rules.categorized`."""
        return set_categories(mailbox, item, etag, categories)

    def facts(self) -> MailFacts:
        """See `Rules.facts`."""
        return MailFacts(policy=self._policy)

    def questions(
        self, reads: Sequence[Read[Message]], users: Mapping[MailboxId, SystemUserId]
    ) -> list[Question[MailFacts]]:
        """See `Rules.questions`."""
        return asking.questions(reads, users)

    def further_questions(
        self, facts: MailFacts, reads: Sequence[Read[Message]]
    ) -> list[Question[MailFacts]]:
        """See `Rules.further_questions`."""
        return asking.questions_about_removed(facts, reads)

    def decide(
        self,
        facts: MailFacts,
        reads: Sequence[Read[Message]],
        now: datetime,  # noqa: ARG002 - no rule for mail goes by the time
    ) -> Sequence[Decision[Message, Telling]]:
        """See `Rules.decide`."""
        return plan_batch(facts, reads, decide)

    def follows(self, plan: Track[Telling] | Keep[Telling]) -> ActivityId | None:
        """See `Rules.follows`: a reply is written after the mail it answers."""
        return plan.telling.content.parent

    def writes(
        self, plans: Sequence[Track[Telling] | Keep[Telling]], entity_sets: Mapping[str, str]
    ) -> Sequence[Operation]:
        """See `Rules.writes`."""
        return email_writes(plans, entity_sets)
