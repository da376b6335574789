"""What is asked of Dynamics for a batch of meetings, and the snapshot the answers make. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.dataverse import appointments, links
from shared.dataverse.appointments import AppointmentRow
from shared.dataverse.links import Link
from shared.dataverse.mailboxes import MailboxRow
from shared.graph.events import Event
from shared.identifiers import ActivityId, ItemId
from shared.sync.addresses import Records
from shared.sync.calendar.content import addresses_of
from shared.sync.calendar.meeting import Window
from shared.sync.facts import (
    Facts,
    Question,
    Row,
    about_addresses,
    about_items,
    asked,
    requested_tables,
)
from shared.sync.rules import Read


@dataclass(slots=True)
class CalendarFacts(Facts):
    """What Dynamics knows of a batch of meetings; global ids in upper case."""

    rows: dict[str, list[AppointmentRow]] = field(default_factory=lambda: defaultdict(list))
    copies: dict[str, list[Link]] = field(default_factory=lambda: defaultdict(list))

    @property
    def regarding_tables(self) -> set[str]:
        """See `Facts.regarding_tables`."""
        known = (row.regarding for rows in self.rows.values() for row in rows)
        return {regarding.table for regarding in known if regarding} | requested_tables(
            self.links.values()
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An event in Outlook (None when it is gone) and what Dynamics knows of its meeting.

    `rows` are all rows of the meeting, the earliest first; `copies` the tracked links of it in
    other mailboxes.
    """

    mailbox: MailboxRow
    item: ItemId
    event: Event | None
    global_id: str
    window: Window
    link: Link | None = None
    rows: Sequence[AppointmentRow] = ()
    copies: Sequence[Link] = ()
    records: Records = field(default_factory=dict)

    @property
    def tracked(self) -> Link | None:
        """The item's link, if it is tracked."""
        return self.link if self.link and self.link.is_tracked else None

    @property
    def tied(self) -> ActivityId | None:
        """The row the item, or another copy of a single meeting, is tied to."""
        known = (self.tracked, *self.copies)
        return next((link.activity for link in known if link and link.activity), None)


def global_id_of(read: Read[Event]) -> str:
    """Return what names the meeting in every mailbox; without one, the item alone."""
    told = read.item.ical_uid if read.item else ""
    return (told or f"{read.change.mailbox}|{read.change.item}").upper()


def snapshot(facts: CalendarFacts, read: Read[Event], window: Window) -> Snapshot:
    """Return both sides of one event, whose mailbox is enrolled."""
    link = facts.links.get(read.link_id)
    known = link.global_id.upper() if link else ""
    global_id = global_id_of(read) if read.item or not known else known
    return Snapshot(
        mailbox=facts.mailboxes[read.change.mailbox],
        item=read.change.item,
        event=read.item,
        global_id=global_id,
        window=window,
        link=link,
        rows=sorted(facts.rows[global_id], key=lambda row: (str(row.start), row.id)),
        copies=[one for one in facts.copies[global_id] if one.id != read.link_id],
        records=facts.records,
    )


def questions(reads: Sequence[Read[Event]]) -> list[Question[CalendarFacts]]:
    """Return all that must be asked about `reads`."""
    events = [read.item for read in reads if read.item]
    global_ids = {global_id_of(read) for read in reads if read.item}
    addresses = {address for event in events for address in addresses_of(event)}
    return [
        *about_items((read.change.mailbox for read in reads), (read.link_id for read in reads)),
        *_about_meetings(global_ids),
        *about_addresses(addresses),
    ]


def questions_about_gone(
    facts: CalendarFacts, reads: Sequence[Read[Event]]
) -> list[Question[CalendarFacts]]:
    """Ask for the rows of tracked events that are gone: only their links tell which meeting."""
    gone = (facts.links.get(read.link_id) for read in reads if read.item is None)
    tracked = (link for link in gone if link and link.is_tracked)
    return _about_meetings({link.global_id.upper() for link in tracked if link.global_id})


def _about_meetings(global_ids: set[str]) -> list[Question[CalendarFacts]]:
    return [
        *asked(appointments.appointments_of(global_ids), _note_row),
        *asked(links.links_of_meetings(global_ids), _note_copy),
    ]


def _note_row(facts: CalendarFacts, row: Row) -> None:
    known = facts.rows[appointments.global_id_in(row)]
    appointment = appointments.appointment_row(row)
    if appointment.id not in {one.id for one in known}:
        known.append(appointment)


def _note_copy(facts: CalendarFacts, row: Row) -> None:
    link = links.link_row(row)
    known = facts.copies[link.global_id.upper()]
    if link.id not in {one.id for one in known}:
        known.append(link)
