"""Decides a whole batch: what one decision makes tracked, the next ones know of. Pure."""

from collections.abc import Callable, Sequence

from shared.dataverse.emails import Email
from shared.sync.facts import Facts, Planned, Read
from shared.sync.plan import Plan, Track
from shared.sync.snapshot import Companion, Snapshot
from shared.sync.writes import Decision

_LONGEST_CHAIN = 30  # replies upon replies within one batch; longer ones get their later look


def plan_batch(
    facts: Facts, reads: Sequence[Read], decide: Callable[[Snapshot], Plan]
) -> list[Decision]:
    """Return a decision for each of `reads`, whose mailboxes are all enrolled.

    A reply may stand before the mail it answers, so deciding is repeated until nothing changes:
    the order of a batch never matters.
    """
    planned = Planned()
    decisions: list[Decision] = []
    for _ in range(_LONGEST_CHAIN):
        decisions = [Decision(read, decide(facts.snapshot(read, planned))) for read in reads]
        further = Planned.of(_newly_tracked(decisions))
        if further == planned:
            break
        planned = further
    return decisions


def _newly_tracked(decisions: Sequence[Decision]) -> list[Companion]:
    companions: list[Companion] = []
    for decision in decisions:
        plan = decision.plan
        if isinstance(plan, Track):
            content = plan.content
            known = plan.adopted
            email = Email(
                id=plan.activity,
                message_id=content.message_id,
                outgoing=content.outgoing,
                when=content.received,
                parent=content.parent,
                regarding=known.regarding if known and known.regarding else content.regarding,
                owner=known.owner if known else content.owner,
            )
            companions.append(Companion(plan.tracking.conversation_index, email))
    return companions
