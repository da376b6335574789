"""What makes a meeting tracked, and what ends it: pure (server-side-sync.md 3.1, 4).

Whose copy counts: the organizer's if that is tracked, else that of whoever has tracked the meeting
longest. The others only have their links; so an attendee's copy never overwrites the organizer's.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.dataverse.appointments import Appointment, delete_appointment
from shared.dataverse.links import Link, Reason
from shared.dataverse.tracking import Attendance, Tracking
from shared.graph.events import Event
from shared.identifiers import ActivityId, Kind, activity_id_of_meeting, link_id_of_item
from shared.sync.calendar.content import wanted_of
from shared.sync.calendar.facts import Snapshot
from shared.sync.calendar.meeting import Meeting, Rank, changed, compare, ended
from shared.sync.calendar.policy import CalendarPolicy, Ending
from shared.sync.plan import REMOVED, Ignore, Keep, Plan, Refuse, Track, Unlink
from shared.sync.versions import version_of
from shared.sync.zones import zone

_DELETED = "deleted in Outlook"
_NEVER = datetime.max.replace(tzinfo=UTC)


def decide(snapshot: Snapshot, policy: CalendarPolicy) -> Plan[Meeting]:
    """Return what makes the two sides of one event agree."""
    event = snapshot.event
    if snapshot.link and snapshot.link.removal:
        return _removed(snapshot, snapshot.link)
    if event is None:
        return _gone(snapshot, policy)
    if event.is_part:
        return _never(snapshot, "a part of a series; the series as a whole is tracked or not")
    if snapshot.tracked and not _is_saved_anew(snapshot, snapshot.tracked, event):
        return _tracked(snapshot, snapshot.tracked, event, policy)
    return _untracked(snapshot, event, policy)


def _never(snapshot: Snapshot, why: str) -> Plan[Meeting]:
    """Leave an event alone; if it was to be saved, say that this cannot be."""
    link = snapshot.link
    return Refuse(link, why) if link and link.save else Ignore(why)


def _removed(snapshot: Snapshot, link: Link) -> Plan[Meeting]:
    """Carry out a removal; the rows stay while they are another mailbox's, too."""
    shared = any(not copy.removal for copy in snapshot.copies)
    deletes = snapshot.tracked and link.removal and link.removal.deletes and not shared
    return Unlink(
        link,
        REMOVED,
        unmark=bool(snapshot.event and snapshot.event.is_marked),
        also=tuple(delete_appointment(row) for row in snapshot.rows) if deletes else (),
        heirs=_heirs(snapshot) if snapshot.tracked else (),
    )


def _is_saved_anew(snapshot: Snapshot, link: Link, event: Event) -> bool:
    """Tell whether a save is to bring back what is just being let go."""
    return bool(link.save) and not (event.is_marked and snapshot.rows)


def _gone(snapshot: Snapshot, policy: CalendarPolicy) -> Plan[Meeting]:
    link = snapshot.tracked
    if link is None:
        asked = snapshot.link if snapshot.link and snapshot.link.request else None
        return Unlink(asked, _DELETED) if asked else Ignore(_DELETED)
    if link.is_organizer:
        ending = policy.deleted_by_organizer
    else:
        ending = policy.deleted_by_attendee if _counts(snapshot) else Ending.KEEP
    also = ended(snapshot.rows, ending, policy, snapshot.window.now)
    heirs = () if link.is_organizer else _heirs(snapshot)
    return Unlink(link, _DELETED, also=also, heirs=heirs)


def _tracked(snapshot: Snapshot, link: Link, event: Event, policy: CalendarPolicy) -> Plan[Meeting]:
    if event.is_cancelled:
        ending = policy.canceled if _counts(snapshot) else Ending.KEEP
        also = ended(snapshot.rows, ending, policy, snapshot.window.now)
        return Unlink(link, "the meeting was canceled", also=also)
    if not event.is_marked:
        why = "the category was taken off in Outlook"
        return Unlink(link, why, heirs=_heirs(snapshot))
    wanted = _wanted(snapshot, event)
    if wanted and not snapshot.rows and _expected(snapshot, link):
        return Unlink(link, "the appointment was deleted in Dynamics", unmark=True)
    meeting, tied = _meeting(snapshot, event, wanted, policy)
    tracking = _tracking(snapshot, event, len(wanted))
    told = _is_told(link, tracking, tied)
    files_may_have_come = (link.save or not told) and _brings_files(snapshot, event, policy, tied)
    return Keep(
        known=link,
        activity=activity_id_of_meeting(snapshot.global_id),
        tied=tied,
        telling=meeting,
        amended=None if told and not link.save else tracking,
        attachments=link.attachments_pending or bool(files_may_have_come),
    )


def _untracked(snapshot: Snapshot, event: Event, policy: CalendarPolicy) -> Plan[Meeting]:
    save = snapshot.link.save if snapshot.link else None
    if not (event.is_marked or save):
        return Ignore("it has no category")
    if event.is_cancelled:
        return _never(snapshot, "the meeting was canceled")
    if event.is_draft:
        return Ignore("a draft is saved once it is sent")
    wanted = _wanted(snapshot, event)
    meeting, tied = _meeting(snapshot, event, wanted, policy)
    return Track(
        link=link_id_of_item(snapshot.mailbox.id, snapshot.item),
        known=snapshot.link,
        tracking=_tracking(snapshot, event, len(wanted)),
        activity=activity_id_of_meeting(snapshot.global_id),
        tied=tied,
        telling=meeting,
        mark=not event.is_marked,
        # The copy that counts may be let go at this very moment, and not know this one.
        look_again=not _counts(snapshot),
        attachments=_brings_files(snapshot, event, policy, tied),
    )


def _brings_files(
    snapshot: Snapshot, event: Event, policy: CalendarPolicy, tied: ActivityId | None
) -> bool:
    """Tell whether the attachments follow: from the copy that counts, to a row of our own."""
    save = snapshot.link.save if snapshot.link else None
    wished = save.attachments if save else None
    wanted = policy.attachments if wished is None else wished
    if event.is_series or event.is_private or not (wanted and event.has_attachments):
        return False
    return _counts(snapshot) and tied == activity_id_of_meeting(snapshot.global_id)


def _wanted(snapshot: Snapshot, event: Event) -> Mapping[ActivityId, Appointment]:
    owner, where = snapshot.mailbox.systemuser, zone(snapshot.mailbox.time_zone)
    return wanted_of(event, snapshot.global_id, snapshot.records, owner, where)


def _meeting(
    snapshot: Snapshot,
    event: Event,
    wanted: Mapping[ActivityId, Appointment],
    policy: CalendarPolicy,
) -> tuple[Meeting, ActivityId | None]:
    """Return what this copy makes of the rows, and the row that a single meeting has."""
    window, rows = snapshot.window, snapshot.rows
    found = compare(wanted, rows, snapshot.global_id, snapshot.tied)
    save = snapshot.link.save if snapshot.link else None
    asked = save.about if save else None
    inherited = next((row.regarding for row in rows if row.regarding), None)
    meeting = Meeting(
        global_id=snapshot.global_id,
        rank=_rank(snapshot),
        regarding=asked.of("appointment") if asked else inherited,
        regarded=tuple(rows) if asked else (),
    )
    the_row = next((row.id for row, _ in found.paired), None)
    if _counts(snapshot):
        ending = policy.deleted_by_organizer if event.is_organizer else policy.canceled
        left = [row for row in found.left if not event.is_series or window.shows(row)]
        living = (r for r, _ in found.paired if not r.is_ended and not r.is_over(window.now))
        meeting = replace(
            meeting,
            missing=found.missing,
            changed=changed(found.paired, policy, window.now),
            ended=ended(left, ending, policy, window.now),
            # Whoever begins to count makes those look again who have counted so far.
            touched=None if snapshot.tracked else next(living, None),
        )
        the_row = the_row or next(iter(found.missing), None)
    return meeting, None if event.is_series else the_row


def _expected(snapshot: Snapshot, link: Link) -> bool:
    """Tell whether the meeting had rows when the copy that counts was last written."""
    return min((link, *snapshot.copies), key=_rank_of).appointments > 0


def _counts(snapshot: Snapshot) -> bool:
    """Tell whether this copy is the one that the rows follow, or is the first to make them."""
    mine = _rank(snapshot)
    return not snapshot.rows or all(mine < _rank_of(copy) for copy in snapshot.copies)


def _heirs(snapshot: Snapshot) -> tuple[Link, ...]:
    """Return the links of the copies of which one counts once this one is no longer tracked.

    All of them: the first in line may be let go at this very moment, too.
    """
    return tuple(snapshot.copies) if _counts(snapshot) else ()


def _rank(snapshot: Snapshot) -> Rank:
    event, link = snapshot.event, snapshot.tracked
    if link:
        rank = _rank_of(link)
        return (not event.is_organizer, *rank[1:]) if event else rank
    key = link_id_of_item(snapshot.mailbox.id, snapshot.item)
    return (not (event and event.is_organizer), _NEVER, key)


def _rank_of(link: Link) -> Rank:
    return (not link.is_organizer, link.tracked_on or _NEVER, link.id)


def _tracking(snapshot: Snapshot, event: Event, count: int) -> Tracking:
    save = snapshot.link.save if snapshot.link else None
    return Tracking(
        kind=Kind.CALENDAR,
        mailbox=snapshot.mailbox.id,
        item=snapshot.item,
        subject=event.subject,
        reason=Reason.SELLER if save else Reason.CATEGORY,
        tracked_by=save.by if save else snapshot.mailbox.systemuser,
        place=Attendance(
            global_id=snapshot.global_id,
            is_organizer=event.is_organizer,
            is_series=event.is_series,
            response=event.response,
            appointments=count,
        ),
        version=version_of(event),
    )


def _is_told(link: Link, tracking: Tracking, tied: ActivityId | None) -> bool:
    said = Attendance(
        global_id=link.global_id.upper(),
        is_organizer=link.is_organizer,
        is_series=link.is_series,
        response=link.response,
        appointments=link.appointments,
    )
    return (
        said == tracking.place
        and link.version == tracking.version
        and tied in {None, link.activity}
    )
