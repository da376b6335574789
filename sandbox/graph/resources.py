"""What a subscription watches: its `resource` path read once, and what matters to it."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from sandbox.graph import contacts, event_views, events, listing, messages
from sandbox.graph.contact_fields import CONTACT
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.items import Items
from sandbox.graph.listing import ValueOf
from sandbox.graph.mailbox import Change, Mailbox
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.protocol import split_path
from sandbox.graph.todo_fields import TASK
from sandbox.graph.todo_lists import WRITE as TASKS_WRITE
from sandbox.odata import Filter
from sandbox.store import Document


@dataclass(frozen=True, slots=True)
class Source:
    """A collection that can be watched: how notifications name it, and who may read it.

    `properties` are what a filter may read (None: whatever `value_of` finds).
    """

    segment: str
    type: str
    readers: frozenset[str]
    value_of: ValueOf
    properties: Collection[str] | None = None


SOURCES = {
    "messages": Source("Messages", "#Microsoft.Graph.Message", messages.READ, messages.value_of),
    "contacts": Source(
        "Contacts", "#Microsoft.Graph.Contact", contacts.READ, CONTACT.value_of, CONTACT.filterable
    ),
    "tasks": Source(
        "Tasks", "#microsoft.graph.todoTask", TASKS_WRITE, TASK.value_of, TASK.filterable
    ),
    "events": Source("Events", "#Microsoft.Graph.Event", events.READ, event_views.value_of),
}
"""By the `collection` of a `Change`."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A collection of items: which mailbox, of which folder (None: all), those that pass."""

    mailbox: str
    collection: str
    folder: str | None
    filter: Filter | None

    def event(self, change: Change) -> Literal["created", "updated", "deleted"] | None:
        """Return what a change is to this subscription: it watches who belongs (graph.md 1.3)."""
        if change.collection != self.collection:
            return None
        before = change.before is not None and self._holds(change.before)
        after = change.after is not None and self._holds(change.after)
        if before and after:
            return "updated"
        return "created" if after else "deleted" if before else None

    def _holds(self, item: Document) -> bool:
        if self.folder is not None and item["parentFolderId"] != self.folder:
            return False
        value_of = SOURCES[self.collection].value_of
        return self.filter is None or listing.matches(self.filter, item, value_of)


def watched(
    resource: str, mailboxes: Mailboxes, roles: frozenset[str], *, in_folder: str | None = None
) -> Watched:
    """Read a subscription's `resource`; `in_folder` is its folder's id where that is known.

    Raises:
        GraphError: 400 not to be subscribed to, 403 without a role to read it, 404 no mailbox.
    """
    path, _, query = resource.partition("?")
    if re.match(r"\w+://", path):
        raise bad_request("resource must be a relative path.", "InvalidRequest")
    segments = split_path(path)
    match [segment.lower() if at != 1 else segment for at, segment in enumerate(segments)]:
        case ["users", user, "messages" | "events" as collection]:
            folder = None
        case ["users", user, "mailfolders", _, "messages" as collection]:
            folder = segments[3]
        case ["users", user, "contacts" as collection]:
            folder = None
        case ["users", user, "contactfolders", _, "contacts" as collection]:
            folder = segments[3]
        case ["users", user, "todo", "lists", _, "tasks" as collection]:
            folder = segments[4]
        case _:
            text = f"Resource '{resource}' is not supported for subscriptions by this application."
            raise bad_request(text, "InvalidRequest")
    if not roles & SOURCES[collection].readers:
        raise GraphError(
            403,
            "ExtensionError",
            "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied. "
            "Check credentials and try again.]",
        )
    mailbox = mailboxes.mailbox(user)
    kept: dict[str, Mailbox | Items] = {
        "messages": mailbox,
        "contacts": mailboxes.contacts(user),
        "tasks": mailboxes.tasks(user),
    }
    if folder and in_folder is None:
        in_folder = kept[collection].folder(folder)["id"]
    return Watched(mailbox.id, collection, in_folder, _filter(query, SOURCES[collection]))


def _filter(query: str, source: Source) -> Filter | None:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := [name for name in options if name not in ("$filter", "$select")]:
        raise bad_request(f"{unknown[0]} is not supported in resource.", "InvalidRequest")
    found = listing.parsed_filter(options.get("$filter"))
    if found is None or source.properties is None:
        return found
    names = sorted(path.partition("/")[0] for path in found.paths)
    if strange := [name for name in names if name not in source.properties]:
        raise bad_request(f"Could not find a property named '{strange[0]}'.", "InvalidRequest")
    return found
