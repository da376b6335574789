"""Plans become change sets: one for each activity, with the links of all its mailboxes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.emails import Email, correlate_email, create_email, rewrite_email
from shared.dataverse.links import fail_link, remove_link, write_link
from shared.identifiers import ActivityId, activity_id_of_message
from shared.sync.facts import Read
from shared.sync.plan import Keep, Plan, Track, Unlink


@dataclass(frozen=True, slots=True)
class Decision:
    """A change that was looked at, and the plan for it."""

    read: Read
    plan: Plan


@dataclass(frozen=True, slots=True)
class Write:
    """A change set and the decisions it carries out: done together or not at all."""

    change_set: ChangeSet
    decisions: tuple[Decision, ...]


def writes_for(
    decisions: Sequence[Decision], entity_sets: Mapping[str, str], now: datetime
) -> list[Write]:
    """Return what to write, mails before their replies; what changes nothing is left out."""
    by_activity: dict[ActivityId, list[Decision]] = {}
    writes: list[Write] = []
    for decision in decisions:
        match decision.plan:
            case Track(activity=activity) | Keep(activity=activity):
                by_activity.setdefault(activity, []).append(decision)
            case Unlink(known=known, why=why):
                change_set = ChangeSet((remove_link(known, why, now),))
                writes.append(Write(change_set, (decision,)))
            case _:
                pass
    for group in _parents_first(by_activity):
        operations = _operations(group, entity_sets, now)
        if operations:
            writes.append(Write(ChangeSet(operations), tuple(group)))
    return writes


def failed_links(refused: Sequence[tuple[Decision, str]], now: datetime) -> list[Operation]:
    """Return what notes, for each mail that was to be tracked, that Dynamics refused it and why."""
    return [
        fail_link(plan.link, plan.known, plan.tracking, why, now)
        for decision, why in refused
        if isinstance(plan := decision.plan, Track)
    ]


def _operations(
    group: Sequence[Decision], entity_sets: Mapping[str, str], now: datetime
) -> tuple[Operation, ...]:
    plans = [d.plan for d in group if isinstance(d.plan, Track | Keep)]
    tracks = [plan for plan in plans if isinstance(plan, Track)]
    linked = tuple(
        write_link(plan.link, plan.known, plan.tracking, plan.activity, now) for plan in tracks
    )
    # The sender's copy knows most; else any copy will do.
    teller = max(plans, key=lambda plan: plan.content.outgoing)
    existing = next((email for plan in plans if (email := _existing(plan))), None)
    if existing is None and tracks:
        return (*create_email(teller.activity, teller.content, entity_sets), *linked)
    if existing is None:
        return ()
    return (*_amendment(existing, teller, entity_sets), *linked)


def _amendment(
    email: Email, teller: Track | Keep, entity_sets: Mapping[str, str]
) -> tuple[Operation, ...]:
    """Return what makes an activity say what it would say had it been made last.

    Only of our own making: what another application has written is adopted as it is.
    """
    content = teller.content
    if email.id != activity_id_of_message(content.message_id):
        return ()
    if content.outgoing and not email.outgoing:
        return rewrite_email(email, content, entity_sets)
    if content.parent and content.parent != email.parent:
        return correlate_email(email, content, entity_sets)
    return ()


def _existing(plan: Track | Keep) -> Email | None:
    return plan.adopted if isinstance(plan, Track) else plan.email


def _parents_first(
    by_activity: Mapping[ActivityId, Sequence[Decision]],
) -> list[Sequence[Decision]]:
    """Order groups so that a mail is written before those that name it as their parent."""
    ordered: dict[ActivityId, Sequence[Decision]] = {}

    def place(activity: ActivityId, below: frozenset[ActivityId]) -> None:
        if activity in ordered or activity in below:
            return
        for decision in by_activity[activity]:
            plan = decision.plan
            parent = plan.content.parent if isinstance(plan, Track | Keep) else None
            if parent and parent in by_activity:
                place(parent, below | {activity})
        ordered[activity] = by_activity[activity]

    for activity in by_activity:
        place(activity, frozenset())
    return list(ordered.values())
