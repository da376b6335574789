"""From a change in a mailbox to the entries its subscriptions are sent (graph.md 2)."""

from datetime import datetime, timedelta, timezone

from sandbox.clock import Clock
from sandbox.graph import ids
from sandbox.graph.delivery import Delivery
from sandbox.graph.mailbox import Change
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.resources import SOURCES, Watched, watched
from sandbox.store import Document, Store

_REDMOND = timezone(timedelta(hours=-8))


class Notifications:
    """Tells each subscription what concerns it."""

    def __init__(
        self,
        tenant_id: str,
        mailboxes: Mailboxes,
        store: Store,
        clock: Clock,
        delivery: Delivery,
    ) -> None:
        self._tenant_id = tenant_id
        self._mailboxes = mailboxes
        self._clock = clock
        self.delivery = delivery
        self.subscriptions = store.collection("subscriptions")
        self._watched: dict[str, dict[str, Watched]] = {}
        for row in self.subscriptions.values():
            self.watch(row)
        mailboxes.observe(self.tell)

    def watch(self, row: Document) -> None:
        """Begin to notify a subscription."""
        # The folder may be gone since: nothing happens in it, yet the subscription lives on.
        roles, folder = frozenset(row["roles"]), row.get("folder")
        what = watched(row["resource"], self._mailboxes, roles, in_folder=folder)
        self._watched.setdefault(what.mailbox, {})[row["id"]] = what

    def remove(self, subscription_id: str) -> None:
        """End a subscription; what is on its way still arrives."""
        row = self.subscriptions.pop(subscription_id)
        self._watched[row["mailbox"]].pop(subscription_id)

    def of_mailbox(self, mailbox: str) -> list[Document]:
        """Return the live subscriptions that watch a mailbox."""
        return [self.subscriptions[key] for key in self._watched.get(mailbox, ())]

    def tell(self, change: Change) -> None:
        """Queue an entry for every subscription a change concerns."""
        for key, what in self._watched.get(change.mailbox, {}).items():
            row = self.subscriptions[key]
            event = what.event(change)
            if event and event in [kind.strip() for kind in row["changeType"].split(",")]:
                self.delivery.post(row["notificationUrl"], key, self._entry(row, event, change))

    def _entry(self, row: Document, event: str, change: Change) -> Document:
        item = change.after or change.before or {}
        item_id = item["id"] if row["immutable"] else item["regularId"]
        source = SOURCES[change.collection]
        path = f"Users/{change.mailbox}/{source.segment}/{item_id}"
        gone = change.after is None
        return {
            "subscriptionId": row["id"],
            "subscriptionExpirationDateTime": wire_expiry(row),
            "changeType": event,
            "resource": path,
            "resourceData": {
                "@odata.type": source.type,
                "@odata.id": path,
                "@odata.etag": ids.etag("CQAAAA==" if gone else item["changeKey"]),
                "id": item_id,
            },
            "clientState": row["clientState"],
            "tenantId": self._tenant_id,
        }


def wire_expiry(row: Document) -> str:
    """Return when a subscription ends as notifications put it: seven digits, some offset."""
    moment = datetime.fromisoformat(row["expirationDateTime"]).astimezone(_REDMOND)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.0000000-08:00")
