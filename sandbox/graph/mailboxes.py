"""All mailboxes of the tenant, and where to find one."""

from collections.abc import Callable

from sandbox.clock import Clock
from sandbox.graph.errors import GraphError
from sandbox.graph.mailbox import Change, Counter, Mailbox
from sandbox.store import Store
from sandbox.tenant import Person, Tenant


class Mailboxes:
    """The tenant's people and their mailboxes, found by object id or user principal name."""

    def __init__(self, tenant: Tenant, store: Store, clock: Clock) -> None:
        self.counter = Counter(store)
        self._observers: list[Callable[[Change], None]] = []
        self._by_id = {
            person.id: Mailbox(person, store, self.counter, clock, self.tell)
            for person in tenant.people
        }
        self._by_name = {person.upn.lower(): person.id for person in tenant.people}

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Have `observer` called with every change from now on."""
        self._observers.append(observer)

    def person(self, id_or_upn: str) -> Person:
        """Return who that is.

        Raises:
            GraphError: 404, nobody.
        """
        found = self.find(id_or_upn)
        if found is None:
            message = (
                f"Resource '{id_or_upn}' does not exist or one of its queried "
                "reference-property objects are not present."
            )
            raise GraphError(404, "Request_ResourceNotFound", message)
        return found.person

    def mailbox(self, id_or_upn: str) -> Mailbox:
        """Return whose mailbox that is.

        Raises:
            GraphError: 404, nobody's.
        """
        found = self.find(id_or_upn)
        if found is None:
            message = f"The requested user '{id_or_upn}' is invalid."
            raise GraphError(404, "ErrorInvalidUser", message)
        return found

    def find(self, id_or_address: str) -> Mailbox | None:
        """Return the mailbox, or None when it is nobody's here."""
        wanted = id_or_address.lower()
        return self._by_id.get(self._by_name.get(wanted, wanted))

    def all(self) -> list[Mailbox]:
        """Return the mailboxes in the order of the tenant's people."""
        return list(self._by_id.values())

    def tell(self, change: Change) -> None:
        """Have every observer know of a change."""
        for observer in self._observers:
            observer(change)
