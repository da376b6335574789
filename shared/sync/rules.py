"""What a kind of item brings to the reconcile: how to read it, what to ask, what to decide.

Everything here is pure; the reconcile does the talking. What most kinds need not say has a default.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.changes import Change
from shared.dataverse.batch import Operation
from shared.graph.client import GraphRequest
from shared.graph.items import Item
from shared.identifiers import ActivityId, ItemId, LinkId, MailboxId, SystemUserId, link_id_of_item
from shared.sync.facts import Facts, Question
from shared.sync.plan import Keep, Plan, Track


@dataclass(frozen=True, slots=True)
class Read[I: Item]:
    """A change and the item it is about, None when the item is gone."""

    change: Change
    item: I | None

    @property
    def link_id(self) -> LinkId:
        """The key of the item's link."""
        return link_id_of_item(self.change.mailbox, self.change.item)


@dataclass(frozen=True, slots=True)
class Decision[I: Item, C]:
    """A change that was looked at, and the plan for it."""

    read: Read[I]
    plan: Plan[C]


class Rules[I: Item, F: Facts, C](Protocol):
    """A kind: `I` is its item, `F` what is known of a batch of them, `C` what one tells."""

    noun: str
    """What people call an item, e.g. `mail`."""

    def request(self, mailbox: MailboxId, item: ItemId) -> GraphRequest:
        """Ask for an item with all the rules need of it."""

    def item(self, body: Mapping[str, Any]) -> I:
        """Read an item.

        Raises:
            ValidationError: it has a shape nobody knows.
        """

    def rest(
        self,
        mailbox: MailboxId,  # noqa: ARG002 - a default
        item: I,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> GraphRequest | None:
        """Ask for what the first answer left out, None when nothing is missing (any more)."""
        return None

    def completed(self, item: I, body: Mapping[str, Any]) -> I:  # noqa: ARG002 - a default
        """Return the item with the answer to `rest`."""
        return item

    def categorized(
        self, mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
    ) -> GraphRequest:
        """Replace an item's categories, unless it has changed since `etag`."""

    def facts(self) -> F:
        """Return what is known before anything was asked: nothing."""

    def questions(
        self, reads: Sequence[Read[I]], users: Mapping[MailboxId, SystemUserId]
    ) -> list[Question[F]]:
        """Return all that must be asked of Dynamics about `reads`, of mailboxes of `users`."""

    def further_questions(
        self,
        facts: F,  # noqa: ARG002 - a default
        reads: Sequence[Read[I]],  # noqa: ARG002
    ) -> list[Question[F]]:
        """Return what the answers leave open; costs a round trip more, so seldom anything."""
        return []

    def decide(self, facts: F, reads: Sequence[Read[I]], now: datetime) -> Sequence[Decision[I, C]]:
        """Decide a whole batch, whose mailboxes are all enrolled."""

    def follows(self, plan: Track[C] | Keep[C]) -> ActivityId | None:  # noqa: ARG002 - a default
        """Return the activity that must be written before this one, if any."""
        return None

    def writes(
        self, plans: Sequence[Track[C] | Keep[C]], entity_sets: Mapping[str, str]
    ) -> Iterable[Operation]:
        """Return what makes one activity say what its copies tell; nothing if it does."""
