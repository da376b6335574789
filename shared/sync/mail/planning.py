"""Decides a whole batch: what one decision makes tracked, the next ones know of. Pure."""

from collections.abc import Callable, Sequence

from shared.dataverse.emails import Email
from shared.dataverse.tracking import Thread
from shared.graph.messages import Message
from shared.sync.mail.facts import MailFacts, Planned
from shared.sync.mail.snapshot import Companion, Snapshot
from shared.sync.mail.telling import Telling
from shared.sync.plan import Plan, Track
from shared.sync.rules import Decision, Read

_LONGEST_CHAIN = 30  # replies upon replies within one batch; longer ones get their later look


def plan_batch(
    facts: MailFacts,
    reads: Sequence[Read[Message]],
    decide: Callable[[Snapshot], Plan[Telling]],
) -> list[Decision[Message, Telling]]:
    """Return a decision for each of `reads`, whose mailboxes are all enrolled.

    A reply may stand before the mail it answers, so deciding is repeated until nothing changes:
    the order of a batch never matters.
    """
    planned = Planned()
    decisions: list[Decision[Message, Telling]] = []
    for _ in range(_LONGEST_CHAIN):
        decisions = [Decision(read, decide(facts.snapshot(read, planned))) for read in reads]
        further = Planned.of(_newly_tracked(decisions))
        if further == planned:
            break
        planned = further
    return decisions


def _newly_tracked(decisions: Sequence[Decision[Message, Telling]]) -> list[Companion]:
    companions: list[Companion] = []
    for decision in decisions:
        plan = decision.plan
        if isinstance(plan, Track) and isinstance(plan.tracking.place, Thread):
            content, known = plan.telling.content, plan.telling.existing
            email = Email(
                id=plan.activity,
                message_id=content.message_id,
                outgoing=content.outgoing,
                when=content.received,
                parent=content.parent,
                regarding=known.regarding if known and known.regarding else content.regarding,
                owner=known.owner if known else content.owner,
            )
            companions.append(Companion(plan.tracking.place.conversation_index, email))
    return companions
