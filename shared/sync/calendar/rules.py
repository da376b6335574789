"""Meetings, as the reconcile knows a kind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.dataverse.batch import Operation
from shared.graph.client import GraphRequest
from shared.graph.events import (
    Event,
    read_event,
    read_occurrences,
    set_event_categories,
    with_occurrences,
)
from shared.identifiers import ItemId, MailboxId, SystemUserId
from shared.sync.calendar import facts as asking
from shared.sync.calendar.decide import decide
from shared.sync.calendar.facts import CalendarFacts, snapshot
from shared.sync.calendar.meeting import Meeting, Window, meeting_writes
from shared.sync.calendar.policy import CalendarPolicy
from shared.sync.facts import Question
from shared.sync.plan import Keep, Track
from shared.sync.rules import Decision, Read, Rules

_BEHIND = timedelta(days=1)  # an occurrence moved to earlier today is still shown


class CalendarRules(Rules[Event, CalendarFacts, Meeting]):
    """See `Rules`."""

    noun = "meeting"

    def __init__(self, policy: CalendarPolicy) -> None:
        self._policy = policy

    def request(self, mailbox: MailboxId, item: ItemId) -> GraphRequest:
        """See `Rules.request`."""
        return read_event(mailbox, item)

    def item(self, body: Mapping[str, Any]) -> Event:
        """See `Rules.item`."""
        return Event.model_validate(body)

    def rest(self, mailbox: MailboxId, item: Event, now: datetime) -> GraphRequest | None:
        """See `Rules.rest`: a series shows its occurrences only when asked again."""
        window = self._window(now)
        return read_occurrences(mailbox, item, window.since, window.until)

    def completed(self, item: Event, body: Mapping[str, Any]) -> Event:
        """See `Rules.completed`."""
        return with_occurrences(item, body)

    def categorized(
        self, mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
    ) -> GraphRequest:
        """See `Rules.categorized`."""
        return set_event_categories(mailbox, item, etag, categories)

    def facts(self) -> CalendarFacts:
        """See `Rules.facts`."""
        return CalendarFacts()

    def questions(
        self,
        reads: Sequence[Read[Event]],
        users: Mapping[MailboxId, SystemUserId],  # noqa: ARG002 - no personal option is asked for
    ) -> list[Question[CalendarFacts]]:
        """See `Rules.questions`."""
        return asking.questions(reads)

    def further_questions(
        self, facts: CalendarFacts, reads: Sequence[Read[Event]]
    ) -> list[Question[CalendarFacts]]:
        """See `Rules.further_questions`."""
        return asking.questions_about_gone(facts, reads)

    def decide(
        self, facts: CalendarFacts, reads: Sequence[Read[Event]], now: datetime
    ) -> Sequence[Decision[Event, Meeting]]:
        """See `Rules.decide`."""
        window = self._window(now)
        return [
            Decision(read, decide(snapshot(facts, read, window), self._policy)) for read in reads
        ]

    def writes(
        self, plans: Sequence[Track[Meeting] | Keep[Meeting]], entity_sets: Mapping[str, str]
    ) -> Iterable[Operation]:
        """See `Rules.writes`."""
        return meeting_writes(plans, entity_sets)

    def _window(self, now: datetime) -> Window:
        # By the minute, so that a page asked for and a decision made a moment apart agree.
        minute = now.replace(second=0, microsecond=0)
        return Window(now, minute - _BEHIND, minute + self._policy.ahead)
