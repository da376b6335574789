"""The end of a subscription, and what is said before and about it (graph.md 3)."""

from datetime import datetime
from typing import Literal

from sandbox.clock import Clock, Timer
from sandbox.graph.notifications import Notifications, wire_expiry
from sandbox.graph.rules import Rules
from sandbox.store import Document

LifecycleEvent = Literal["missed", "reauthorizationRequired", "subscriptionRemoved"]


class Lifecycle:
    """Ends subscriptions when their time is over and tells their owners what happens to them.

    `reauthorizationRequired` comes at half of what is left, and again, at least 15 minutes apart,
    until the subscription is renewed or has ended.
    """

    def __init__(
        self, tenant_id: str, notifications: Notifications, clock: Clock, rules: Rules
    ) -> None:
        self._tenant_id = tenant_id
        self._notifications = notifications
        self._clock = clock
        self._rules = rules
        self._timers: dict[str, list[Timer]] = {}
        self._missed: set[str] = set()

    def start(self) -> None:
        """Take up the subscriptions an earlier process left; the ended ones end now."""
        for subscription_id in list(self._notifications.subscriptions):
            self.schedule(subscription_id)

    def stop(self) -> None:
        """Call nobody any more."""
        for subscription_id in list(self._timers):
            self.cancel(subscription_id)

    def schedule(self, subscription_id: str) -> None:
        """Go by the subscription's expiry, which may have changed."""
        self.cancel(subscription_id)
        ends = _expiry(self._notifications.subscriptions[subscription_id])
        self._timers[subscription_id] = [
            self._clock.call_at(ends, lambda: self._expire(subscription_id))
        ]
        self._remind_later(subscription_id)

    def reauthorized(self, subscription_id: str) -> None:
        """Start the reminders anew; the expiry stays."""
        self.schedule(subscription_id)

    def cancel(self, subscription_id: str) -> None:
        """Forget the subscription's times."""
        for timer in self._timers.pop(subscription_id, []):
            timer.cancel()

    def announce(self, subscription_id: str, event: LifecycleEvent) -> None:
        """Send an event to the subscription's lifecycle URL, if it has one."""
        row = self._notifications.subscriptions.get(subscription_id)
        if row is None:
            return
        if row["lifecycleNotificationUrl"]:
            entry = {
                "lifecycleEvent": event,
                "subscriptionId": row["id"],
                "subscriptionExpirationDateTime": wire_expiry(row),
                "clientState": row["clientState"],
                "tenantId": self._tenant_id,
            }
            delivery = self._notifications.delivery
            delivery.post(row["lifecycleNotificationUrl"], row["id"], entry, struck=True)
        if event == "subscriptionRemoved":
            self.cancel(subscription_id)
            self._notifications.remove(subscription_id)

    def missed(self, subscription_id: str) -> None:
        """Say that deliveries were dropped: once a collection period, however many were."""
        if subscription_id in self._missed:
            return
        self._missed.add(subscription_id)
        self._clock.call_later(self._rules.penalty, lambda: self._missed.discard(subscription_id))
        self.announce(subscription_id, "missed")

    def _remind_later(self, subscription_id: str) -> None:
        left = _expiry(self._notifications.subscriptions[subscription_id]) - self._clock.timestamp()
        wait = max(left / 2, self._rules.reauthorization_interval)
        if wait < left:
            self._timers[subscription_id][1:] = [
                self._clock.call_later(wait, lambda: self._remind(subscription_id))
            ]

    def _remind(self, subscription_id: str) -> None:
        self.announce(subscription_id, "reauthorizationRequired")
        self._remind_later(subscription_id)

    def _expire(self, subscription_id: str) -> None:
        self.cancel(subscription_id)
        self._notifications.delivery.forget(subscription_id)
        self._notifications.remove(subscription_id)
        self._notifications.delivery.store.commit()


def _expiry(row: Document) -> float:
    return datetime.fromisoformat(row["expirationDateTime"]).timestamp()
