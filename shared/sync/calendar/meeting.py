"""A meeting's rows against what Outlook shows: what is made, changed and ended. Pure.

A single meeting is a series of one. Rows are found by the meeting's global id, so that rows which
Outlook no longer shows are found as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.dataverse.activities import Reference, regard
from shared.dataverse.appointments import (
    Appointment,
    AppointmentRow,
    cancel_appointment,
    create_appointment,
    delete_appointment,
    rewrite_appointment,
    touch_appointment,
)
from shared.dataverse.batch import Operation
from shared.identifiers import ActivityId, activity_id_of_meeting
from shared.sync.calendar.policy import CalendarPolicy, Ending
from shared.sync.plan import Keep, Track

type Rank = tuple[bool, datetime, str]
"""Not the organizer's, tracked since, link: the least is the copy that counts."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a series has rows, seen from `now` (all UTC)."""

    now: datetime
    since: datetime
    until: datetime

    def shows(self, row: AppointmentRow) -> bool:
        """Tell whether Outlook was asked about the time of a row."""
        return (row.start is None or row.start < self.until) and (
            row.end is None or row.end > self.since
        )


@dataclass(frozen=True, slots=True)
class Meeting:
    """What one mailbox's copy of a meeting makes of its rows.

    `rank` says whose copy counts if several tell at once, the least first. `missing` are to be
    made, `changed` rewritten, `ended` is what becomes of rows that Outlook shows no more.
    `regarding` is what new parts of a series are about, as its other rows are; `regarded` are those
    rows that were asked to be about that, too.
    """

    global_id: str
    rank: Rank
    regarding: Reference | None = None
    regarded: tuple[AppointmentRow, ...] = ()
    missing: Mapping[ActivityId, Appointment] = field(default_factory=dict)
    changed: tuple[tuple[AppointmentRow, Appointment], ...] = ()
    ended: tuple[Operation, ...] = ()
    touched: AppointmentRow | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows paired with what they should say; `left` are rows that Outlook does not show."""

    missing: Mapping[ActivityId, Appointment]
    paired: tuple[tuple[AppointmentRow, Appointment], ...]
    left: tuple[AppointmentRow, ...]


def compare(
    wanted: Mapping[ActivityId, Appointment],
    rows: Sequence[AppointmentRow],
    global_id: str,
    tied: ActivityId | None,
) -> Comparison:
    """Pair rows with what Outlook shows: by our key, else adopted from whoever made them.

    Another application's row is adopted for the slot it names; for a single meeting, if it is the
    one the link is `tied` to or, tied to none, is at that time.
    """
    by_key = {row.id: row for row in rows}
    by_slot = {
        activity_id_of_meeting(global_id, row.original_start): row
        for row in rows
        if row.original_start
    }
    pairs: dict[ActivityId, AppointmentRow] = {}
    for key, said in wanted.items():
        row = by_key.get(key) or by_slot.get(key)
        if row is None and key == activity_id_of_meeting(global_id):
            row = by_key.get(tied) if tied else _at_that_time(rows, said)
        if row is not None:
            pairs[key] = row
    paired = {row.id for row in pairs.values()}
    return Comparison(
        missing={key: said for key, said in wanted.items() if key not in pairs},
        paired=tuple((row, wanted[key]) for key, row in pairs.items()),
        left=tuple(row for row in rows if row.id not in paired),
    )


def _at_that_time(rows: Sequence[AppointmentRow], said: Appointment) -> AppointmentRow | None:
    return next((row for row in rows if row.start == said.start), None)


def changed(
    paired: Iterable[tuple[AppointmentRow, Appointment]], policy: CalendarPolicy, now: datetime
) -> tuple[tuple[AppointmentRow, Appointment], ...]:
    """Return the rows to be rewritten: not what people ended, nor what is over on both sides."""
    return tuple(
        (row, said)
        for row, said in paired
        if not row.says(said)
        if not row.is_ended or row.canceled_by_us or policy.touch_completed
        if policy.touch_past or not (row.is_over(now) and said.end < now)
    )


def ended(
    rows: Iterable[AppointmentRow], ending: Ending, policy: CalendarPolicy, now: datetime
) -> tuple[Operation, ...]:
    """Return what becomes of rows that Outlook shows no more.

    Rows of meetings that are over, and those that were completed or canceled, stay as they are.
    """
    going = [
        row
        for row in rows
        if not row.is_ended or (policy.touch_completed and ending is Ending.DELETE)
        if policy.touch_past or not row.is_over(now)
    ]
    match ending:
        case Ending.DELETE:
            return tuple(delete_appointment(row) for row in going)
        case Ending.CANCEL:
            return tuple(one for row in going for one in cancel_appointment(row))
        case Ending.KEEP:
            return ()


def meeting_writes(
    plans: Sequence[Track[Meeting] | Keep[Meeting]], entity_sets: Mapping[str, str]
) -> Iterable[Operation]:
    """Return what makes the rows of a meeting what the copy that counts tells."""
    meeting = min((plan.telling for plan in plans), key=lambda telling: telling.rank)
    written = {row.id for row, _ in meeting.changed}
    for row, said in meeting.changed:
        yield from rewrite_appointment(row, said)
    for telling in (plan.telling for plan in plans):
        for row in telling.regarded:
            guard = "*" if row.id in written else row.etag
            yield from regard(
                "appointments", row.id, guard, row.regarding, telling.regarding, entity_sets
            )
            written.add(row.id)
    if meeting.touched and meeting.touched.id not in written:
        yield touch_appointment(meeting.touched, meeting.global_id)
    for activity, said in meeting.missing.items():
        yield from create_appointment(activity, said, meeting.regarding, entity_sets)
    yield from meeting.ended
