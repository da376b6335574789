"""Three enrolled mailboxes with contacts in them, a Dynamics, and a reconciler for contacts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.dataverse.rows import Row
from sandbox.faults import Fault
from shared.changes import Change, Hint
from shared.dataverse.client import Dataverse
from shared.dataverse.links import LinkState
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.requests import Action, Request
from shared.graph.client import Graph
from shared.graph.contacts import Contact
from shared.identifiers import ItemId, Kind, MailboxId, SystemUserId, link_id_of_item
from shared.sync.contacts.facts import ContactFacts
from shared.sync.contacts.fields import FIELDS, ContactField
from shared.sync.contacts.rules import ContactRules
from shared.sync.contacts.telling import Telling
from shared.sync.outcome import Outcome
from shared.sync.plan import Plan
from shared.sync.reconcile import Reconciler
from tests.unit.app.sides import Ground, InProcessDataverse, InProcessGraph, enrol

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
CASEY = "casey@customer.example"


class AddressBook:
    """Three mailboxes and all that their owners do with contacts."""

    def __init__(self, ground: Ground, fields: Sequence[ContactField] = FIELDS) -> None:
        self.graph: InProcessGraph
        self.dataverse: InProcessDataverse
        self.graph, self.dataverse = ground.fresh()
        self.fields = fields
        self.surroundings = ground.surroundings
        self.people = [mailbox.person for mailbox in self.graph.mailboxes.all()]
        self.reconciler = self.instance()
        self._told = 0

    async def open(self) -> "AddressBook":
        await enrol(self.graph, self.dataverse, [FilteringMethod.NONE] * 3)
        return self

    def instance(
        self, *, graph: Graph | None = None, dataverse: Dataverse | None = None
    ) -> Reconciler[Contact, ContactFacts, Telling]:
        """Return a further instance of the app, if need be on a side that misbehaves."""
        sides = graph or self.graph, dataverse or self.dataverse
        return Reconciler(ContactRules(self.fields), *sides, self.surroundings.clock.now)

    async def add(self, person: int = 0, **said: object) -> Change:
        """Add a contact, Casey if nobody else is said; return the change it is told by."""
        whole = {
            "givenName": "Casey", "surname": "Customer", "emailAddresses": [{"address": CASEY}],
            **said,
        }  # fmt: skip
        shown = await self.graph.do("POST", f"/users/{self.people[person].id}/contacts", whole)
        return self.change(person, shown["id"])

    async def edit(self, change: Change, **said: object) -> Change:
        """Change a contact a little later; return the change that is told by."""
        self.surroundings.clock.advance(timedelta(seconds=2))
        await self.graph.do("PATCH", _path(change), dict(said))
        return self.again(change)

    async def delete(self, change: Change) -> Change:
        await self.graph.do("DELETE", _path(change))
        return self.again(change)

    async def saved(self, person: int = 0, **said: object) -> Change:
        """Add a contact that its owner saves to Dynamics."""
        change = await self.add(person, **said)
        self.save(change)
        return change

    def save(self, change: Change) -> None:
        """Do what a seller's save comes down to: a link that asks for it."""
        self.dataverse.write(
            "PATCH",
            f"tether_links({link_id_of_item(change.mailbox, change.item)})",
            {
                "tether_name": "as saved",
                "tether_kind": 3,
                "tether_state": LinkState.REQUESTED,
                "tether_reason": 1,
                "tether_MailboxId@odata.bind": f"tether_mailboxes({change.mailbox})",
                "tether_itemid": change.item,
                "tether_trackedon": None,
                "tether_request": Request(
                    action=Action.SAVE, by=self.user(change), on=NOW
                ).written(),
            },
        )

    def user(self, change: Change) -> SystemUserId:
        """Return whose contact it is, in Dynamics."""
        (owner,) = (one for one in self.people if one.id == change.mailbox)
        return SystemUserId(owner.systemuserid)

    async def tell(self, *changes: Change) -> Outcome:
        """Reconcile changes; all must be settled."""
        outcome = await self.reconciler.reconcile(changes)
        assert not outcome.failed, outcome.failed
        assert not outcome.impossible, outcome.impossible
        return outcome

    async def plan_of(self, change: Change) -> Plan[Any] | None:
        """Return what is planned for a change, and done."""
        (settled,) = (await self.tell(change)).settled
        return settled.plan

    def change(self, person: int, item: str) -> Change:
        self._told += 1
        return Change(
            id=f"{person}/{self._told}",
            mailbox=MailboxId(self.people[person].id),
            kind=Kind.CONTACTS,
            item=ItemId(item),
            hint=Hint.UPDATED,
            noticed=NOW,
        )

    def again(self, change: Change) -> Change:
        """Return a change of the same contact as it is told once more."""
        self._told += 1
        return change.model_copy(update={"id": f"again {self._told}"})

    def link(self, change: Change) -> Row:
        return self.dataverse.rows("tether_link")[link_id_of_item(change.mailbox, change.item)]

    def row(self, change: Change) -> Row:
        """Return the row a contact is tied to."""
        return self.dataverse.rows("contact")[self.link(change)["tether_contactid"]["id"]]

    def known(self, **said: object) -> str:
        """Put a contact into Dynamics, as somebody there does; return its key."""
        before = self.dataverse.rows("contact").keys()
        self.dataverse.write("POST", "contacts", {"lastname": "Known", **said})
        (key,) = self.dataverse.rows("contact").keys() - before
        return key

    def account(self, name: str, **said: object) -> str:
        before = self.dataverse.rows("account").keys()
        self.dataverse.write("POST", "accounts", {"name": name, **said})
        (key,) = self.dataverse.rows("account").keys() - before
        return key

    def amend(self, change: Change, **said: object) -> None:
        """Change a tied row, as somebody in Dynamics does."""
        key = self.link(change)["tether_contactid"]["id"]
        self.dataverse.write("PATCH", f"contacts({key})", said)

    def fault(self, service: str, operation: str, status: int, **stated: object) -> None:
        fault = {"service": service, "operation": operation, "action": "status", "status": status}
        self.surroundings.faults.replace([Fault.model_validate({**fault, **stated})])

    def versions(self) -> dict[str, int]:
        """Return the versions of all rows, to see what is written."""
        tables = ("contact", "tether_link", "account")
        return {
            f"{table} {key}": row["versionnumber"]
            for table in tables
            for key, row in self.dataverse.rows(table).items()
        }


def _path(change: Change) -> str:
    return f"/users/{change.mailbox}/contacts/{change.item}"
