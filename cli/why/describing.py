"""Describes an item as its owner knows it in Outlook: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.graph.contacts import Contact
from shared.graph.events import Event
from shared.graph.items import Item
from shared.graph.messages import Message
from shared.graph.tasks import TodoTask
from shared.identifiers import ItemId, Kind
from shared.sync.contacts.mapping import name_of

_READ: Mapping[Kind, type[Message | Event | Contact]] = {
    Kind.MAIL: Message,
    Kind.CALENDAR: Event,
    Kind.CONTACTS: Contact,
}


@dataclass(frozen=True, slots=True)
class Described:
    """An item; `when` (UTC) is when a mail came, a meeting begins, a task is due.

    `name` is what names it in every mailbox: the Message-ID, or the iCalUId. `folder` is an id.
    """

    kind: Kind
    item: ItemId
    subject: str
    when: datetime | None = None
    name: str = ""
    folder: str = ""


def described_by(kind: Kind, body: Mapping[str, Any]) -> Described:
    """Describe an item that Graph found; tasks are not searched for."""
    item = _READ[kind].model_validate(body)
    return described(kind, item.id, item)


def described(kind: Kind, name: ItemId, item: Item | None) -> Described:
    """Describe an item; one that is gone has only its id left."""
    match item:
        case Message():
            when = item.received or item.sent
            return Described(kind, name, item.subject, when, item.internet_message_id, item.folder)
        case Event():
            return Described(kind, name, item.subject, item.start, item.ical_uid)
        case Contact():
            return Described(kind, name, name_of(item), item.modified)
        case TodoTask():
            return Described(kind, name, item.title, item.due)
        case _:
            return Described(kind, name, "")
