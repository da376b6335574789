"""Subscriptions to a mailbox: the requests, and what their answers mean (graph.md 1)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.client_state import Subject
from shared.identifiers import Kind, MailboxId

LIFETIME = timedelta(minutes=10_000)  # Graph says seven days and takes 10,070 minutes (1.2)
HALF_LIFE = LIFETIME / 2
LIST_LIFETIME = timedelta(minutes=4_200)  # Graph takes 4,230 for tasks (1.2)
_RESOURCES = {
    Kind.MAIL: "users/{mailbox}/messages?$filter=isDraft eq false",
    Kind.CALENDAR: "users/{mailbox}/events",
    Kind.CONTACTS: "users/{mailbox}/contacts",
}
SUBSCRIBED_KINDS = tuple(_RESOURCES)
"""The kinds of item the app subscribes to in every mailbox; each has its resource above."""
_EXISTING = re.compile(r"Subscription Id ([0-9a-fA-F-]{36})")


@dataclass(frozen=True, slots=True)
class TaskList:
    """One list of a mailbox's To Do: tasks are subscribed to list by list (1.3)."""

    mailbox: MailboxId
    id: str


type Watched = Subject | TaskList
"""What has a subscription of its own."""


def subject_of(watched: Watched) -> Subject:
    """Return what the notifications of a subscription are about; they need not name the list."""
    if isinstance(watched, TaskList):
        return Subject(watched.mailbox, Kind.TASKS)
    return watched


def lifetime_of(watched: Watched) -> timedelta:
    """Return for how long to ask."""
    return LIST_LIFETIME if isinstance(watched, TaskList) else LIFETIME


def create_subscription(
    watched: Watched, *, webhook_base_url: str, client_state: str, expires: datetime
) -> GraphRequest:
    """Subscribe to one kind of item in one mailbox, by immutable ids (1.3, 1.4).

    No mailbox is named for the request's lane: subscriptions are not metered by mailbox.
    """
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": notification_url(webhook_base_url),
        "lifecycleNotificationUrl": f"{webhook_base_url}/api/graph/lifecycle",
        "resource": _resource(watched),
        "expirationDateTime": _graph_time(expires),
        "clientState": client_state,
        "latestSupportedTlsVersion": "v1_2",
    }
    if isinstance(watched, TaskList):
        del body["lifecycleNotificationUrl"]  # refused for tasks
    return GraphRequest("POST", "/subscriptions", body=body)


def notification_url(webhook_base_url: str) -> str:
    """Return where Graph is to report changes (functions/webhook.py)."""
    return f"{webhook_base_url}/api/graph/notifications"


def read_subscription(subscription: str) -> GraphRequest:
    """Ask what a subscription is, whoever made it."""
    return GraphRequest("GET", f"/subscriptions/{subscription}")


def renew_subscription(subscription: str, expires: datetime) -> GraphRequest:
    """Extend a subscription; this reauthorizes it as well (1.6)."""
    body = {"expirationDateTime": _graph_time(expires)}
    return GraphRequest("PATCH", f"/subscriptions/{subscription}", body=body)


def delete_subscription(subscription: str) -> GraphRequest:
    """End a subscription."""
    return GraphRequest("DELETE", f"/subscriptions/{subscription}")


def existing_subscription(response: GraphResponse) -> str | None:
    """Return the id of the live subscription that made Graph refuse another (409, 1.7)."""
    if response.status != 409:
        return None
    found = _EXISTING.search(response.problem)
    return found[1] if found else None


def expiry_of(response: GraphResponse) -> datetime:
    """Return until when a created or renewed subscription lives (UTC)."""
    return datetime.fromisoformat(str(response.body["expirationDateTime"]))


def _resource(watched: Watched) -> str:
    if isinstance(watched, TaskList):
        return f"users/{watched.mailbox}/todo/lists/{watched.id}/tasks"
    return _RESOURCES[watched.kind].format(mailbox=watched.mailbox)


def _graph_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
