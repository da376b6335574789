"""Finds the items that are asked for, by whatever they are named, and looks at both sides of each.

An add-in may know a mail by an id that changes when it is moved, a meeting by one of its
occurrences, and either by what names it in every mailbox. Tether's own name for an item is its
immutable id, for a series that of the series.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.changes import Change, Hint
from shared.errors import Transient
from shared.graph.client import Graph, GraphRequest, GraphResponse
from shared.graph.contacts import Contact
from shared.graph.events import Event, find_event
from shared.graph.messages import Message, find_message
from shared.identifiers import ItemId, Kind, MailboxId
from shared.sync.looking import Look, Looks
from shared.tracking.contract import Asked
from shared.tracking.problems import Refusal

type AnyLook = Look[Any, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """An item by its kind and its id in the mailbox."""

    kind: Kind
    item: ItemId


class Finder:
    """Finds items of mailboxes; `looks` tells how those of a kind stand, `now` is UTC."""

    def __init__(
        self, graph: Graph, looks: Mapping[Kind, Looks], now: Callable[[], datetime]
    ) -> None:
        self._graph = graph
        self._looks = looks
        self._now = now

    async def find(self, mailbox: MailboxId, asked: Sequence[Asked]) -> list[AnyLook | None]:
        """Return a look at each item asked for; None where the mailbox has nothing of that name.

        An item that is named by its id and is gone is looked at all the same.

        Raises:
            Refusal: the mailbox cannot be reached.
            Transient: Graph or Dataverse did not answer.
        """
        named = await self._named(mailbox, asked)
        found = await self._look(mailbox, [one for one in named if one])
        renamed = {
            name: Named(name.kind, own)
            for name, look in found.items()
            if (own := _own_name(look)) != name.item
        }
        again = await self._look(mailbox, list(renamed.values()))
        return [
            (again[renamed[one]] if one in renamed else found[one]) if one else None
            for one in named
        ]

    async def _named(self, mailbox: MailboxId, asked: Sequence[Asked]) -> list[Named | None]:
        """Return each item's kind and id; those named otherwise are searched for."""
        searches = {one: request for one in asked if (request := _search(mailbox, one))}
        answers = await self._graph.batch(list(searches.values()))
        found = {one: _first(one, answer) for one, answer in zip(searches, answers, strict=True)}
        return [found[one] if one in found else _by_id(one) for one in asked]

    async def _look(self, mailbox: MailboxId, named: Sequence[Named]) -> dict[Named, AnyLook]:
        found: dict[Named, AnyLook] = {}
        for kind in {one.kind: None for one in named}:
            some = list(dict.fromkeys(one for one in named if one.kind is kind))
            changes = [look_at(mailbox, one.kind, one.item, self._now()) for one in some]
            looks = await self._looks[kind].look(changes)
            found |= zip(some, looks, strict=True)
        return found


def look_at(mailbox: MailboxId, kind: Kind, item: ItemId, now: datetime) -> Change:
    """Return the change that has an item looked at."""
    return Change(
        id=f"look|{kind}|{item}|{now.timestamp()}",
        mailbox=mailbox,
        kind=kind,
        item=item,
        hint=Hint.UPDATED,
        noticed=now,
    )


def _search(mailbox: MailboxId, asked: Asked) -> GraphRequest | None:
    if asked.internet_message_id:
        return find_message(mailbox, asked.internet_message_id)
    return find_event(mailbox, asked.i_cal_uid) if asked.i_cal_uid else None


def _by_id(asked: Asked) -> Named | None:
    return Named(asked.kind, ItemId(asked.id)) if asked.id else None


def _first(asked: Asked, answer: GraphResponse) -> Named | None:
    if answer.status in {400, 404}:
        return None
    if not answer.ok:
        raise refused(answer)
    kind = Kind.MAIL if asked.internet_message_id else Kind.CALENDAR
    return next((Named(kind, ItemId(row["id"])) for row in answer.body["value"]), None)


def refused(answer: GraphResponse) -> Exception:
    """Return what it means that Graph does not show a mailbox: never, or not now."""
    if answer.status in {401, 403}:
        return Refusal("mailbox-not-reachable", 409, answer.problem)
    return Transient(answer.problem, retry_after=answer.retry_after)


def _own_name(look: AnyLook) -> ItemId:
    match look.item:
        case Event(is_part=True, series_master=series) if series:
            return ItemId(series)
        case Message(id=own) | Event(id=own) | Contact(id=own):
            return own
        case _:
            return look.change.item
