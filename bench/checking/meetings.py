"""What Dynamics should hold of meetings, and what differs. Pure, and apart from Tether's own rules.

A tracked meeting has one row; a tracked series has one for each occurrence that Outlook shows. The
rows say what the organizer's copy says if that is tracked, else what the copy tracked longest says.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.calendars import Copy, Row, Window

APPOINTMENTS = (
    "appointments?$select=globalobjectid,subject,location,scheduledstart,scheduledend,"
    "isalldayevent,statecode,statuscode"
    "&$expand=appointment_activity_parties($select=participationtypemask,addressused)"
)
_LINKS = (
    "tether_links?$select=tether_itemid,tether_state,tether_globalid,tether_isorganizer,"
    "tether_isseries,tether_response,tether_trackedon,_tether_mailboxid_value,"
    "_tether_appointmentid_value&$filter=tether_kind eq 2"
)

_TRACKED = 1
_OPEN, _SCHEDULED = 0, 3
_ORGANIZER, _REQUIRED, _OPTIONAL = 7, 5, 6
_ROLES = {"required": _REQUIRED, "optional": _OPTIONAL}
_STATUS = {"free": 1, "workingElsewhere": 1, "tentative": 2, "busy": 5, "oof": 6, "unknown": 5}
_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Dynamics:
    """What Dynamics holds: rows of appointments and links, and its users' addresses."""

    appointments: Sequence[Row]
    links: Sequence[Row]
    users: Collection[str]


async def dynamics_of(rows: Callable[[str], Awaitable[list[Row]]]) -> Dynamics:
    """Return what Dynamics holds of meetings; `rows` answers a query."""
    users = await rows("systemusers?$select=internalemailaddress")
    return Dynamics(
        appointments=await rows(APPOINTMENTS),
        links=await rows(_LINKS),
        users={(row["internalemailaddress"] or "").lower() for row in users},
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What a row says of a meeting; parties are (role, address in lower case)."""

    start: datetime
    end: datetime
    subject: str
    location: str
    all_day: bool
    status: int
    parties: frozenset[tuple[int, str]]


def meeting_differences(
    copies: Iterable[Copy], dynamics: Dynamics, mailboxes: Collection[str]
) -> list[str]:
    """Return every difference between the calendars of `mailboxes` and Dynamics, in plain words."""
    copies = list(copies)
    tracked = [row for row in dynamics.links if row["tether_state"] == _TRACKED]
    links = {key: row for row in tracked if (key := _key(row))[0] in mailboxes}
    meetings: dict[str, list[Copy]] = defaultdict(list)
    for copy in copies:
        if copy.is_tracked:
            meetings[copy.meeting].append(copy)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in dynamics.appointments:
        rows[(row["globalobjectid"] or "").upper()].append(row)
    ever_linked = {(row["tether_globalid"] or "").upper() for row in dynamics.links}
    found = [f"rows of a meeting nobody tracked: {one}" for one in rows.keys() - ever_linked]
    found += _link_differences(copies, links, dynamics.links)
    for meeting, tied in meetings.items():
        found += _row_differences(tied, rows[meeting], links, dynamics.users)
    return found


def rows_shown(copy: Copy, users: Collection[str]) -> list[Said]:
    """Return what the rows that follow a copy should say."""
    window = Window.at(datetime.now(UTC))
    said = [_said_by_outlook(copy, one, users) for one in copy.instances if not one["isCancelled"]]
    return [one for one in said if not copy.is_series or window.shows(one.start, one.end)]


def _link_differences(
    copies: Iterable[Copy], links: Mapping[tuple[str, str], Row], all_links: Collection[Row]
) -> Iterator[str]:
    """One link for each item, tracked for those that should be, saying what the copy is."""
    counted = Counter(map(_key, all_links))
    yield from (f"two links: {key}" for key, number in counted.items() if number > 1)
    wanted = {(one.mailbox, str(one.event["id"])): one for one in copies if one.is_tracked}
    yield from (f"{_named(wanted[key])}: not tracked" for key in wanted.keys() - links.keys())
    yield from (f"a link too many: {key}" for key in links.keys() - wanted.keys())
    for key in wanted.keys() & links.keys():
        copy, link = wanted[key], links[key]
        told = (
            (link["tether_globalid"] or "").upper(),
            link["tether_isorganizer"],
            link["tether_isseries"],
            link["tether_response"] or "",
        )
        response = copy.event["responseStatus"]["response"]
        shown = (copy.meeting, copy.event["isOrganizer"], copy.is_series, response)
        if told != shown:
            yield f"{_named(copy)}: the link says {told}, Outlook {shown}"


def _row_differences(
    tracked: Sequence[Copy],
    rows: Sequence[Row],
    links: Mapping[tuple[str, str], Row],
    users: Collection[str],
) -> Iterator[str]:
    counting = min(tracked, key=lambda copy: _rank(copy, links))
    window = Window.at(datetime.now(UTC))
    wanted = Counter(rows_shown(counting, users))
    held: Counter[Said] = Counter()
    for row in (row for row in rows if row["statecode"] in {_OPEN, _SCHEDULED}):
        said = _said_by_dynamics(row)
        if not counting.is_series or window.shows(said.start, said.end):
            held[said] += 1
        for address, number in _times_named(row).items():
            if number > 1:
                yield f"{_named(counting)}: {address} stands {number} times in one row"
    yield from (f"{_named(counting)}: Dynamics lacks {one}" for one in wanted - held)
    yield from (f"{_named(counting)}: Dynamics should not hold {one}" for one in held - wanted)
    if not counting.is_series:
        ids = {row["activityid"] for row in rows}
        tied = {
            links[key]["_tether_appointmentid_value"]
            for copy in tracked
            if (key := (copy.mailbox, str(copy.event["id"]))) in links
        }
        if not tied <= ids:
            yield f"{_named(counting)}: a link points to {tied - ids}"


def _rank(copy: Copy, links: Mapping[tuple[str, str], Row]) -> tuple[bool, str, str]:
    link = links.get((copy.mailbox, str(copy.event["id"])), {})
    since = link.get("tether_trackedon") or "9999"
    return (not copy.event["isOrganizer"], since, link.get("tether_linkid", ""))


def _said_by_outlook(copy: Copy, event: Row, users: Collection[str]) -> Said:
    return Said(
        start=copy.moment(event, "start"),
        end=copy.moment(event, "end"),
        subject=_text(event["subject"]),
        location=_text(event["location"].get("displayName")),
        all_day=event["isAllDay"],
        status=_STATUS[event["showAs"]],
        parties=frozenset((role, one) for one, role in _invited(event, users).items()),
    )


def _invited(event: Row, users: Collection[str]) -> dict[str, int]:
    """Return the role of each address; of a private meeting none but an organizer of ours."""
    is_private = event["sensitivity"] in {"private", "confidential"}
    roles: dict[str, int] = {}
    organizer = _address(event["organizer"])
    if organizer in users or not is_private:
        roles[organizer] = _ORGANIZER if organizer in users else _REQUIRED
    for kind, role in _ROLES.items() if not is_private else ():
        for one in event["attendees"]:
            if one["type"] == kind:
                roles.setdefault(_address(one), role)
    return {address: role for address, role in roles.items() if address}


def _said_by_dynamics(row: Row) -> Said:
    return Said(
        start=datetime.fromisoformat(row["scheduledstart"]),
        end=datetime.fromisoformat(row["scheduledend"]),
        subject=_text(row["subject"]),
        location=_text(row["location"]),
        all_day=row["isalldayevent"],
        status=row["statuscode"],
        parties=frozenset(_parties(row)),
    )


def _parties(row: Row) -> Iterator[tuple[int, str]]:
    for party in row["appointment_activity_parties"]:
        role = party["participationtypemask"]
        if role in {_ORGANIZER, _REQUIRED, _OPTIONAL} and party["addressused"]:
            yield role, party["addressused"].lower()


def _times_named(row: Row) -> Counter[str]:
    return Counter(address for _, address in _parties(row))


def _address(named: Row) -> str:
    return str(named["emailAddress"].get("address") or "").lower()


def _text(value: str | None) -> str:
    return (value or "")[:_MOST_CHARACTERS].strip()


def _key(link: Row) -> tuple[str, str]:
    return (link["_tether_mailboxid_value"], link["tether_itemid"])


def _named(copy: Copy) -> str:
    return f"'{copy.event['subject']}' in {copy.mailbox}"
