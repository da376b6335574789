"""Finds out why an item is or is not in Dynamics, by the very look the API takes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cli.clients import Clients
from cli.why.describing import Described, described
from cli.why.waiting import Waiting, waiting_in
from shared.bootstrap import reconcilers_by
from shared.dataverse.client import Dataverse
from shared.dataverse.links import Link
from shared.dataverse.mailboxes import mailboxes_of
from shared.dataverse.readiness import Terms
from shared.dataverse.seat_states import SeatState, codes_of, state_of
from shared.dataverse.seats import Seat, read_terms
from shared.errors import Transient
from shared.graph.client import GraphRequest
from shared.identifiers import MailboxId, SystemUserId
from shared.tracking.contract import Asked, ItemStatus, Trouble
from shared.tracking.finding import Finder
from shared.tracking.problems import Refusal
from shared.tracking.seeing import Seen, see
from shared.tracking.states import Sides
from shared.tracking.troubles import trouble_of


@dataclass(frozen=True, slots=True)
class Answer:
    """All there is to say of one item in one mailbox.

    `status` is None where neither side knows the item; `refusal` is why it could not be looked at.
    `mailboxes` and `people` name those whose links there are.
    """

    seat: Seat
    terms: Terms
    item: Described
    folder: str
    waiting: Waiting
    status: ItemStatus | None = None
    sides: Sides | None = None
    refusal: Trouble | None = None
    mailboxes: Mapping[MailboxId, str] = field(default_factory=dict)
    people: Mapping[SystemUserId, str] = field(default_factory=dict)

    @property
    def state(self) -> SeatState:
        """How the mailbox stands."""
        return state_of(self.seat, self.terms)

    @property
    def lacking(self) -> list[Trouble]:
        """What the mailbox lacks."""
        return [trouble_of(code) for code in codes_of(self.seat, self.terms)]

    @property
    def trouble(self) -> Trouble | None:
        """What stands in the way of the item itself."""
        return self.refusal or (self.status.trouble if self.status else None)

    @property
    def links(self) -> Sequence[Link]:
        """Every participant's link, that of who saved first in front."""
        return self.sides.links if self.sides else ()


async def answer(clients: Clients, seat: Seat, item: Described, now: datetime) -> Answer:
    """Find out about one item.

    Raises:
        Transient: a service did not answer.
        Permanent: whoever asks may not read what is needed.
    """
    asked = Asked(kind=item.kind, id=item.item)
    terms, waiting, seen = await asyncio.gather(
        read_terms(clients.dataverse, clients.settings.native_sync),
        waiting_in(clients.servicebus, seat.id, item.kind),
        _seen(clients, seat.id, asked, now),
    )
    if isinstance(seen, Refusal):
        return _refused(seat, terms, item, waiting, seen)
    (sides,) = seen.sides
    (status,) = seen.statuses(clients.settings.dataverse_url)
    if sides and sides.look.item:
        change = sides.look.change
        item = described(change.kind, change.item, sides.look.item)
    folder, mailboxes = await asyncio.gather(
        _folder(clients, seat.id, item), _names(clients.dataverse, sides)
    )
    return Answer(
        seat, terms, item, folder, waiting.about(item.item), status, sides,
        mailboxes=mailboxes, people=seen.known.names,
    )  # fmt: skip


async def refused_answer(clients: Clients, seat: Seat, item: Described, refusal: Refusal) -> Answer:
    """Say what there is to say of an item in a mailbox that cannot be reached."""
    terms, waiting = await asyncio.gather(
        read_terms(clients.dataverse, clients.settings.native_sync),
        waiting_in(clients.servicebus, seat.id, item.kind),
    )
    return _refused(seat, terms, item, waiting, refusal)


def _refused(
    seat: Seat, terms: Terms, item: Described, waiting: Waiting, refusal: Refusal
) -> Answer:
    about = waiting.about(item.item)
    return Answer(seat, terms, item, "", about, refusal=trouble_of(refusal.code))


async def _seen(
    clients: Clients, mailbox: MailboxId, asked: Asked, now: datetime
) -> Seen | Refusal:
    graph, dataverse = clients.graph, clients.dataverse
    looks = reconcilers_by(clients.settings, graph, dataverse, lambda: now)
    try:
        return await see(Finder(graph, looks, lambda: now), dataverse, mailbox, [asked])
    except Refusal as refusal:
        return refusal


async def _folder(clients: Clients, mailbox: MailboxId, item: Described) -> str:
    """Return what the folder of a mail is called; what is not known is not worth failing for."""
    if not item.folder:
        return ""
    path = f"/users/{mailbox}/mailFolders/{item.folder}?$select=displayName"
    (found,) = await clients.graph.batch([GraphRequest("GET", path, mailbox)])
    return str(found.body["displayName"]) if found.ok else ""


async def _names(dataverse: Dataverse, sides: Sides | None) -> dict[MailboxId, str]:
    mailboxes = {link.mailbox for link in sides.links if link.mailbox} if sides else set()
    names: dict[MailboxId, str] = {}
    for response in await dataverse.batch(mailboxes_of(mailboxes)) if mailboxes else []:
        if not response.ok:
            raise Transient(response.problem, retry_after=response.retry_after)
        names |= {
            row["tether_mailboxid"]: row["tether_name"] or "" for row in response.body["value"]
        }
    return names
