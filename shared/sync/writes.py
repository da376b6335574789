"""Plans become change sets: one for each activity, with the links of all its mailboxes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.tracking import (
    amend_link,
    fail_link,
    refuse_request,
    remove_link,
    write_link,
)
from shared.graph.items import Item
from shared.identifiers import ActivityId
from shared.sync.facts import Facts
from shared.sync.plan import Keep, Refuse, Track, Unlink
from shared.sync.rules import Decision, Rules

MAX_OPERATIONS = (
    900  # a batch takes 1,000 requests, whatever is in its change sets (dataverse.md 4)
)


@dataclass(frozen=True, slots=True)
class Write[I: Item, C]:
    """A change set and the decisions it carries out: done together or not at all."""

    change_set: ChangeSet
    decisions: tuple[Decision[I, C], ...]


def writes_for[I: Item, F: Facts, C](
    decisions: Sequence[Decision[I, C]],
    rules: Rules[I, F, C],
    entity_sets: Mapping[str, str],
    now: datetime,
) -> list[Write[I, C]]:
    """Return what to write, each activity after the one it follows; no change, no write."""
    by_activity: dict[ActivityId, list[Decision[I, C]]] = {}
    writes: list[Write[I, C]] = []
    for decision in decisions:
        match decision.plan:
            case Track(activity=activity) | Keep(activity=activity):
                by_activity.setdefault(activity, []).append(decision)
            case Unlink(known=known, why=why, also=also):
                operations = _deletions_last((*also, remove_link(known, why, now)))
                writes += _change_sets(operations, (decision,))
            case Refuse(known=known, why=why):
                writes.append(Write(ChangeSet((refuse_request(known, why),)), (decision,)))
            case _:
                pass
    for group in _in_order(by_activity, rules):
        plans = [d.plan for d in group if isinstance(d.plan, Track | Keep)]
        operations = _deletions_last((*rules.writes(plans, entity_sets), *_links(plans, now)))
        writes += _change_sets(operations, tuple(group))
    return writes


def failed_links[I: Item, C](
    refused: Sequence[tuple[Decision[I, C], str]], now: datetime
) -> list[Operation]:
    """Return what notes, for each item that was to be tracked, that Dynamics refused it and why.

    What was asked for an item that is tracked already is refused alone.
    """
    notes: list[Operation] = []
    for decision, why in refused:
        match decision.plan:
            case Track() as plan:
                notes.append(fail_link(plan.link, plan.known, plan.tracking, why, now))
            case Keep(known=known) | Unlink(known=known) if known.request:
                notes.append(refuse_request(known, why))
            case _:
                pass
    return notes


def _deletions_last(operations: Iterable[Operation]) -> list[Operation]:
    """Put deletions behind the links: one empties its link's lookup, and so changes its version."""
    return sorted(operations, key=lambda operation: operation.method == "DELETE")


def _change_sets[I: Item, C](
    operations: Sequence[Operation], decisions: tuple[Decision[I, C], ...]
) -> list[Write[I, C]]:
    """Cut what is too much for one change set; whatever stands of it, the next look completes."""
    return [
        Write(ChangeSet(some), decisions)
        for some in batched(operations, MAX_OPERATIONS, strict=False)
    ]


def _links[C](plans: Sequence[Track[C] | Keep[C]], now: datetime) -> list[Operation]:
    operations: list[Operation] = []
    for plan in plans:
        match plan:
            case Track():
                tracking, follow = plan.tracking, plan.attachments
                operations.append(
                    write_link(plan.link, plan.known, tracking, plan.tied, now, follow=follow)
                )
            case Keep(amended=amended) if amended:
                follow = plan.attachments
                operations.append(amend_link(plan.known, amended, plan.tied, follow=follow))
            case _:
                pass
    return operations


def _in_order[I: Item, F: Facts, C](
    by_activity: Mapping[ActivityId, Sequence[Decision[I, C]]], rules: Rules[I, F, C]
) -> list[Sequence[Decision[I, C]]]:
    """Order groups so that an activity is written before those that follow it."""
    ordered: dict[ActivityId, Sequence[Decision[I, C]]] = {}

    def place(activity: ActivityId, below: frozenset[ActivityId]) -> None:
        if activity in ordered or activity in below:
            return
        for decision in by_activity[activity]:
            plan = decision.plan
            before = rules.follows(plan) if isinstance(plan, Track | Keep) else None
            if before and before in by_activity:
                place(before, below | {activity})
        ordered[activity] = by_activity[activity]

    for activity in by_activity:
        place(activity, frozenset())
    return list(ordered.values())
