"""What is named by what: the kinds of item, and the ids Tether gives.

Each id is derived from what it names, so that twice made is one row.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5


class Kind(StrEnum):
    """A sort of item; also the name of its queue."""

    MAIL = "mail"
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    TASKS = "tasks"


MailboxId = NewType("MailboxId", str)
"""An Entra user id, lower case; also the key of the user's `tether_mailbox` row."""
ItemId = NewType("ItemId", str)
"""A Graph immutable id; case matters."""
ActivityId = NewType("ActivityId", str)
"""The key of an activity row, or of a contact, lower case."""
AttachmentId = NewType("AttachmentId", str)
"""The key of an `activitymimeattachment` row, lower case."""
LinkId = NewType("LinkId", str)
"""The key of a `tether_link` row, lower case."""
SystemUserId = NewType("SystemUserId", str)
"""The key of a Dynamics user, lower case."""

_NAMESPACE = UUID("5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90")


def activity_id_of_message(internet_message_id: str) -> ActivityId:
    """Name the one activity of a mail, the same in whichever mailbox it is found."""
    return ActivityId(str(uuid5(_NAMESPACE, f"mail|{internet_message_id}")))


def activity_id_of_sent(internet_message_id: str) -> ActivityId:
    """Name the activity of what a user has sent, where received mail has one of its own."""
    return ActivityId(str(uuid5(_NAMESPACE, f"sent|{internet_message_id}")))


def activity_id_of_meeting(global_id: str, original_start: datetime | None = None) -> ActivityId:
    """Name the one activity of a meeting, or of that part of a series whose slot it was (UTC)."""
    slot = f"|{original_start.astimezone(UTC):%Y-%m-%dT%H:%M}" if original_start else ""
    return ActivityId(str(uuid5(_NAMESPACE, f"meeting|{global_id.upper()}{slot}")))


def contact_id_of(mailbox: MailboxId, item: ItemId, address: str = "") -> ActivityId:
    """Name the one row of a person by the first address; of one without, by the item alone."""
    who = address.lower() if address else f"{mailbox}|{item}"
    return ActivityId(str(uuid5(_NAMESPACE, f"contact|{who}")))


def activity_id_of_task(mailbox: MailboxId, task: str) -> ActivityId:
    """Name the one activity of a task, by Graph's id of it, in whichever list it lies."""
    return ActivityId(str(uuid5(_NAMESPACE, f"task|{mailbox}|{task}")))


def attachment_id_of(activity: ActivityId, name: str, place: int) -> AttachmentId:
    """Name an attachment of an activity: the file of that name, the how manieth of them."""
    return AttachmentId(str(uuid5(_NAMESPACE, f"attachment|{activity}|{place}|{name}")))


def link_id_of_item(mailbox: MailboxId, item: ItemId) -> LinkId:
    """Name the link of one item in one mailbox."""
    return LinkId(str(uuid5(_NAMESPACE, f"link|{mailbox}|{item}")))
