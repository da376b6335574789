"""Asks Dynamics what it knows of the items that were looked at, for all participants."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from shared.dataverse import links
from shared.dataverse.batch import Operation, name_in
from shared.dataverse.client import Dataverse
from shared.dataverse.links import Link
from shared.dataverse.mailboxes import MailboxState, mailboxes_of
from shared.dataverse.rows import read_rows
from shared.dataverse.shown import ShownActivity, activities_shown, occurrences_shown, shown_in
from shared.graph.events import Event
from shared.graph.messages import Message
from shared.identifiers import ActivityId, Kind, LinkId, MailboxId, SystemUserId, link_id_of_item
from shared.tracking.finding import AnyLook
from shared.tracking.states import Sides

_TABLES = {
    Kind.MAIL: "email",
    Kind.CALENDAR: "appointment",
    Kind.CONTACTS: "contact",
    Kind.TASKS: "task",
}
_TRACKED_BY = "_tether_trackedby_value"


@dataclass(slots=True)
class Knowledge:
    """The links of all participants, the rows they are tied to, and who the people are."""

    links: dict[LinkId, Link] = field(default_factory=dict)
    activities: dict[ActivityId, ShownActivity] = field(default_factory=dict)
    series: dict[str, ShownActivity] = field(default_factory=dict)
    names: dict[SystemUserId, str] = field(default_factory=dict)
    suspended: set[MailboxId] = field(default_factory=set)

    @property
    def owners(self) -> dict[str, str]:
        """Whose the activities are that links are tied to, by the link."""
        shown = {link.id: self._shown(link) for link in self.links.values()}
        return {key: activity.owner for key, activity in shown.items() if activity}

    def sides(self, look: AnyLook) -> Sides:
        """Return both sides of an item, as all participants see it."""
        own = self.links.get(link_of(look))
        named = _everywhere(look, own)
        others = [
            link
            for link in self.links.values()
            if link is not own and named & _names_of(link.message_id, link.global_id)
            if not self._waits_elsewhere(link)
        ]
        return Sides(look, own, others)

    def _waits_elsewhere(self, link: Link) -> bool:
        """Tell whether a link is only something that waits for another mailbox to sync."""
        is_open = link.removal or (link.save and not link.is_tracked)
        return bool(is_open) and link.mailbox in self.suspended

    def activity(self, sides: Sides) -> ShownActivity | None:
        """Return the row to show of an item that is saved: of a series, its earliest."""
        own_first = sorted(sides.saved, key=lambda link: link is not sides.own)
        return next((shown for link in own_first if (shown := self._shown(link))), None)

    def _shown(self, link: Link) -> ShownActivity | None:
        if link.activity is None:
            return self.series.get(link.global_id.upper())
        table = _TABLES.get(link.kind, "") if link.kind else ""
        return self.activities.get(link.activity) or ShownActivity(link.activity, table)


async def know(dataverse: Dataverse, looks: Sequence[AnyLook]) -> Knowledge:
    """Return what Dynamics knows of the items; two or three round trips, however many they are.

    Raises:
        Transient: Dataverse did not answer.
        Permanent: it will never answer.
    """
    known = Knowledge()
    own = {link_of(look) for look in looks}
    await _learn_links(dataverse, known, links.links_with_id(own), _of_everybody(looks, known))
    gone = [look for look in looks if look.item is None]
    await _learn_links(dataverse, known, _of_everybody(gone, known))
    await _learn_suspended(dataverse, known, own)
    tied = {link.activity for link in known.links.values() if link.activity and _has_pointer(link)}
    series = {link.global_id for link in known.links.values() if link.is_series and link.is_tracked}
    for row in await read_rows(dataverse, [*activities_shown(tied), *occurrences_shown(series)]):
        shown = shown_in(row)
        known.activities[shown.id] = known.series[shown.global_id] = shown
    return known


async def _learn_suspended(dataverse: Dataverse, known: Knowledge, own: Collection[LinkId]) -> None:
    """Ask which of the others' mailboxes do not sync: what is asked for there waits, for all."""
    waiting = {
        link.mailbox
        for link in known.links.values()
        if link.id not in own and link.request and link.mailbox
    }
    for row in await read_rows(dataverse, mailboxes_of(waiting)):
        if row["tether_state"] == MailboxState.SUSPENDED:
            known.suspended.add(MailboxId(row["tether_mailboxid"]))


def link_of(look: AnyLook) -> LinkId:
    """Name the link of an item."""
    return link_id_of_item(look.change.mailbox, look.change.item)


async def _learn_links(
    dataverse: Dataverse, known: Knowledge, *operations: Iterable[Operation]
) -> None:
    asked = [replace(one, named=True) for some in operations for one in some]
    for row in await read_rows(dataverse, asked):
        link = links.link_row(row)
        known.links[link.id] = link
        if link.tracked_by:
            known.names[link.tracked_by] = name_in(row, _TRACKED_BY)


def _of_everybody(looks: Sequence[AnyLook], known: Knowledge) -> list[Operation]:
    named = [_everywhere(look, known.links.get(link_of(look))) for look in looks]
    messages = {name for names in named for kind, name in names if kind is Kind.MAIL}
    meetings = {name for names in named for kind, name in names if kind is Kind.CALENDAR}
    return [
        *links.links_of_messages(messages),
        *links.links_of_meetings(meetings, tracked_only=False),
    ]


def _everywhere(look: AnyLook, own: Link | None) -> set[tuple[Kind, str]]:
    """Return what names a mail or a meeting in every mailbox; nothing does a contact or a task."""
    match look.item:
        case Message(internet_message_id=message_id):
            return _names_of(message_id, "")
        case Event(ical_uid=ical_uid):
            return _names_of("", ical_uid)
        case None if own:
            return _names_of(own.message_id, own.global_id)
        case _:
            return set()


def _names_of(message_id: str, global_id: str) -> set[tuple[Kind, str]]:
    named = {(Kind.MAIL, message_id), (Kind.CALENDAR, global_id.upper())}
    return {(kind, name) for kind, name in named if name}


def _has_pointer(link: Link) -> bool:
    """Tell activities from contacts, which have none."""
    return link.kind is not Kind.CONTACTS
