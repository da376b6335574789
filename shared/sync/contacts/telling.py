"""What one mailbox's contact makes of a person's row, and what all of them do. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.dataverse.batch import Operation
from shared.dataverse.contacts import (
    Columns,
    ContactRow,
    create_contact,
    update_contact,
)
from shared.identifiers import SystemUserId
from shared.sync.plan import Keep, Track


@dataclass(frozen=True, slots=True)
class Telling:
    """What a contact has to tell that it has not told yet, and the row that is there.

    `changed` is when it was last changed in Outlook (UTC); `owner` is to own a row that is made.
    """

    row: ContactRow | None
    news: Columns
    changed: datetime
    owner: SystemUserId


def contact_writes(plans: Sequence[Track[Telling] | Keep[Telling]]) -> Iterable[Operation]:
    """Return what makes a row say the news, of which the last change in Outlook counts."""
    tellings = sorted((plan.telling for plan in plans), key=lambda one: (one.changed, one.owner))
    news = {column: value for telling in tellings for column, value in telling.news.items()}
    row = next((telling.row for telling in tellings if telling.row), None)
    if row is None:
        yield create_contact(plans[0].activity, news, tellings[0].owner)
    elif differing := {
        column: value for column, value in news.items() if row.said[column] != value
    }:
        yield update_contact(row, differing)
