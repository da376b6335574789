"""All calendars of the tenant, and where to find one."""

from sandbox.clock import Clock
from sandbox.graph.calendar import Calendar
from sandbox.graph.errors import item_not_found
from sandbox.graph.mailboxes import Mailboxes
from sandbox.store import Store


class Calendars:
    """The calendars of the tenant's people."""

    def __init__(self, mailboxes: Mailboxes, store: Store, clock: Clock) -> None:
        self._mailboxes = mailboxes
        self._by_mailbox = {
            mailbox.id: Calendar(mailbox.person, store, mailboxes.counter, clock, mailboxes.tell)
            for mailbox in mailboxes.all()
        }

    def calendar(self, id_or_upn: str) -> Calendar:
        """Return whose calendar that is.

        Raises:
            GraphError: 404, nobody's.
        """
        return self._by_mailbox[self._mailboxes.mailbox(id_or_upn).id]

    def find(self, address: str) -> Calendar | None:
        """Return the calendar, or None when it is nobody's here."""
        found = self._mailboxes.find(address)
        return self._by_mailbox[found.id] if found else None

    def named(self, id_or_upn: str, calendar_id: str | None) -> Calendar:
        """Return a person's calendar, which is the default one by any name.

        Raises:
            GraphError: 404, nobody's, or no calendar of theirs.
        """
        found = self.calendar(id_or_upn)
        if calendar_id is not None and calendar_id != found.id:
            raise item_not_found()
        return found
