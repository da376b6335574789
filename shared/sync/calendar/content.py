"""What the row of a meeting says. Pure (server-side-sync.md 2.5, 4.1, 4.2, 4.4)."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from shared.dataverse.activities import Party, Priority, Role
from shared.dataverse.appointments import Appointment, Status
from shared.dataverse.records import Table
from shared.graph.events import Event, ShowAs
from shared.graph.items import Address
from shared.identifiers import ActivityId, SystemUserId, activity_id_of_meeting
from shared.sync.addresses import Records, the_record
from shared.sync.zones import midnight

_STATUS = {
    ShowAs.FREE: Status.FREE,
    ShowAs.WORKING_ELSEWHERE: Status.FREE,
    ShowAs.TENTATIVE: Status.TENTATIVE,
    ShowAs.BUSY: Status.BUSY,
    ShowAs.UNKNOWN: Status.BUSY,
    ShowAs.OUT_OF_OFFICE: Status.OUT_OF_OFFICE,
}
_ROLES = {"required": Role.REQUIRED, "optional": Role.OPTIONAL}  # a room is where, not who


def wanted_of(
    event: Event, global_id: str, records: Records, owner: SystemUserId, where: tzinfo
) -> Mapping[ActivityId, Appointment]:
    """Return the rows a meeting should have: one, or one for each occurrence in the window."""
    if event.is_cancelled:
        return {}
    if not event.is_series:
        said = appointment_of(event, global_id, records, owner, where)
        return {activity_id_of_meeting(global_id): said}
    return {
        activity_id_of_meeting(global_id, part.original_start or part.start): appointment_of(
            part, global_id, records, owner, where
        )
        for part in event.occurrences or ()
        if not part.is_cancelled
    }


def appointment_of(
    event: Event, global_id: str, records: Records, mailbox_owner: SystemUserId, where: tzinfo
) -> Appointment:
    """Return what the row of an event says; `where` is the mailbox's time zone.

    Of a private meeting body and attendees stay out. Its organizer owns it, if a user of Dynamics.
    """
    start, end = event.start, event.end
    if event.is_all_day:
        start, end = midnight(start, where), midnight(end, where)
    organizer = _organizer(event, records, mailbox_owner)
    attendees = () if event.is_private else attendees_of(event, records, mailbox_owner)
    return Appointment(
        global_id=global_id,
        subject=event.subject,
        description="" if event.is_private else description_of(event),
        location=event.location,
        start=start,
        end=end,
        all_day=event.is_all_day,
        status=_STATUS[event.show_as],
        priority=Priority.of(event.importance),
        private=event.is_private,
        parties=(*([organizer] if organizer else []), *attendees),
        owner=organizer.record.id if organizer and organizer.record else mailbox_owner,
    )


def description_of(event: Event) -> str:
    """Return the body, with the link to the online meeting kept."""
    if not event.join_url or event.join_url in event.body:
        return event.body
    return f"{event.body}\n\n{event.join_url}".strip()


def attendees_of(event: Event, records: Records, mailbox_owner: SystemUserId) -> tuple[Party, ...]:
    """Return a party for each address invited, one row each; required goes before optional.

    An organizer who is no user of Dynamics cannot be the row's organizer (dataverse.md 2.2), and
    stands among those required.
    """
    invited = [(_ROLES[one.type], one) for one in event.attendees if one.type in _ROLES]
    named: list[tuple[Role, Address]] = sorted(invited, key=lambda one: one[0])
    if event.organizer and (event.attendees or not event.is_organizer):
        if _organizer(event, records, mailbox_owner):
            ours = event.organizer.address.lower()
            named = [one for one in named if one[1].address.lower() != ours]
        else:
            named.insert(0, (Role.REQUIRED, event.organizer))
    return tuple(_one_each(named, records, mailbox_owner))


def addresses_of(event: Event) -> set[str]:
    """Return every address on a meeting and its occurrences, in lower case."""
    events = (event, *(event.occurrences or ()))
    named = {one.address.lower() for part in events for one in part.attendees}
    return (named | {part.organizer.address.lower() for part in events if part.organizer}) - {""}


def _organizer(event: Event, records: Records, mailbox_owner: SystemUserId) -> Party | None:
    who = event.organizer
    record = the_record(who, records, mailbox_owner) if who else None
    if who and record and record.table is Table.SYSTEMUSER:
        return Party(Role.ORGANIZER, who.address, who.name, record)
    return None


def _one_each(
    named: Iterable[tuple[Role, Address]], records: Records, mailbox_owner: SystemUserId
) -> Iterable[Party]:
    seen: set[str] = set()
    for role, who in named:
        key = (who.address or who.name).lower()
        if key and key not in seen:
            seen.add(key)
            yield Party(role, who.address, who.name, the_record(who, records, mailbox_owner))
