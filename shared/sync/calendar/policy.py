"""What an organisation may decide about meetings; the defaults are the product's rules (3.1)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Ending(StrEnum):
    """What becomes of an open, future row whose meeting is no more."""

    DELETE = "delete"
    CANCEL = "cancel"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class CalendarPolicy:
    """How far ahead a series has rows, and how rows end (server-side-sync.md 3.1, 4.2).

    `deleted_by_organizer` and `deleted_by_attendee`: the event was deleted in that mailbox.
    `canceled`: the organizer called it off and an attendee's copy says so. `touch_past` and
    `touch_completed`: whether rows of meetings that are over, or that somebody completed or
    canceled in Dynamics, are changed and ended like any other. `attachments`: the files of a single
    meeting come along, never those of a series (4.3, 4.4).
    """

    ahead: timedelta = timedelta(days=365)
    deleted_by_organizer: Ending = Ending.DELETE
    deleted_by_attendee: Ending = Ending.KEEP
    canceled: Ending = Ending.CANCEL
    touch_past: bool = False
    touch_completed: bool = False
    attachments: bool = False
