"""Contacts, as the reconcile knows a kind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.dataverse.batch import Operation
from shared.graph.client import GraphRequest
from shared.graph.contacts import Contact, read_contact
from shared.identifiers import ItemId, MailboxId, SystemUserId
from shared.sync.contacts import facts as asking
from shared.sync.contacts.decide import decide
from shared.sync.contacts.facts import ContactFacts, snapshot
from shared.sync.contacts.fields import ContactField
from shared.sync.contacts.telling import Telling, contact_writes
from shared.sync.facts import Question
from shared.sync.plan import Keep, Track
from shared.sync.rules import Decision, Read, Rules


class ContactRules(Rules[Contact, ContactFacts, Telling]):
    """See `Rules`; `fields` is the organisation's mapping."""

    noun = "contact"

    def __init__(self, fields: Sequence[ContactField]) -> None:
        self._fields = [field for field in fields if field.direction.writes_dynamics]

    def request(self, mailbox: MailboxId, item: ItemId) -> GraphRequest:
        """See `Rules.request`."""
        return read_contact(mailbox, item, (field.outlook for field in self._fields))

    def item(self, body: Mapping[str, Any]) -> Contact:
        """See `Rules.item`."""
        return Contact.model_validate(body)

    def categorized(
        self, mailbox: MailboxId, item: ItemId, etag: str, categories: tuple[str, ...]
    ) -> GraphRequest:
        """See `Rules.categorized`.

        Raises:
            NotImplementedError: always; no plan for a contact puts the category on or takes it off.
        """
        raise NotImplementedError("a contact is tracked without a category")

    def facts(self) -> ContactFacts:
        """See `Rules.facts`."""
        return ContactFacts()

    def questions(
        self,
        reads: Sequence[Read[Contact]],
        users: Mapping[MailboxId, SystemUserId],  # noqa: ARG002 - no personal option is asked for
    ) -> list[Question[ContactFacts]]:
        """See `Rules.questions`."""
        return asking.questions(reads, [field.column for field in self._fields])

    def decide(
        self,
        facts: ContactFacts,
        reads: Sequence[Read[Contact]],
        now: datetime,  # noqa: ARG002 - no rule for contacts goes by the time
    ) -> Sequence[Decision[Contact, Telling]]:
        """See `Rules.decide`."""
        return [Decision(read, decide(snapshot(facts, read), self._fields)) for read in reads]

    def writes(
        self,
        plans: Sequence[Track[Telling] | Keep[Telling]],
        entity_sets: Mapping[str, str],  # noqa: ARG002 - a contact is regarding nothing
    ) -> Iterable[Operation]:
        """See `Rules.writes`."""
        return contact_writes(plans)
