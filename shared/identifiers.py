"""What things are named by; an id Tether gives is derived, so that twice made is one row."""

from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

MailboxId = NewType("MailboxId", str)
"""An Entra user id, lower case; also the key of the user's `tether_mailbox` row."""
ItemId = NewType("ItemId", str)
"""A Graph immutable id; case matters."""
ActivityId = NewType("ActivityId", str)
"""The key of an activity row, lower case."""
LinkId = NewType("LinkId", str)
"""The key of a `tether_link` row, lower case."""
SystemUserId = NewType("SystemUserId", str)
"""The key of a Dynamics user, lower case."""


class Kind(StrEnum):
    """A sort of item; also the name of its queue."""

    MAIL = "mail"
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    TASKS = "tasks"


_NAMESPACE = UUID("5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90")


def activity_id_of_message(internet_message_id: str) -> ActivityId:
    """Name the one activity of a mail, the same in whichever mailbox it is found."""
    return ActivityId(str(uuid5(_NAMESPACE, f"mail|{internet_message_id}")))


def link_id_of_item(mailbox: MailboxId, item: ItemId) -> LinkId:
    """Name the link of one item in one mailbox."""
    return LinkId(str(uuid5(_NAMESPACE, f"link|{mailbox}|{item}")))
