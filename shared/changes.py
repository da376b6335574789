"""The change: what the bus carries, and how several of them become one piece of work."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.errors import Malformed
from shared.identifiers import ItemId, Kind, MailboxId
from shared.tracing import traceparent_or_none


class Hint(StrEnum):
    """What Graph said had happened; never more than a hint."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class Change(BaseModel):
    """Item `item` of `mailbox` may have changed: look at both sides and make them agree.

    `id` is equal for two tellings of the same change; `etag` is the item's version the teller
    knew, if any; `noticed` is when Tether first heard (UTC); `attempt` counts failed tries;
    `looked_before` is true for the later look at a reply whose parent was not known yet; `replays`
    counts how often an operator has sent it again after it was parked. `trace` is the traceparent
    of what first told of it; it never decides anything.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1)
    mailbox: MailboxId
    kind: Kind
    item: ItemId = Field(min_length=1)
    hint: Hint
    noticed: datetime
    etag: str | None = None
    attempt: int = Field(default=0, ge=0)
    looked_before: bool = False
    replays: int = Field(default=0, ge=0)
    trace: Annotated[str | None, BeforeValidator(traceparent_or_none)] = None


class Envelope(BaseModel):
    """One message's body: changes of one kind."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    changes: tuple[Change, ...] = Field(min_length=1)


def encode(changes: Sequence[Change]) -> bytes:
    """Return the message body for `changes`."""
    return Envelope(changes=tuple(changes)).model_dump_json(exclude_defaults=True).encode()


def decode(body: bytes) -> tuple[Change, ...]:
    """Return the changes of a message body.

    Raises:
        Malformed: the body is not an envelope; names the field and its problem.
    """
    try:
        return Envelope.model_validate_json(body).changes
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the body"
        raise Malformed(f"not a change message: {field}: {first['msg']}") from None


def message_id(changes: Iterable[Change]) -> str:
    """Return the id by which the broker drops a second copy of the same message (≤ 128 chars)."""
    told = sorted(f"{c.id}#{c.replays}.{c.attempt}{'#later' * c.looked_before}" for c in changes)
    return sha256("\n".join(told).encode()).hexdigest()


def _what(change: Change) -> Hashable:
    return change.mailbox, change.item


def coalesce(
    changes: Iterable[Change], *, by: Callable[[Change], Hashable] = _what
) -> list[Change]:
    """Return one change for each item: what is looked at is the item now, however often it changed.

    `by` tells what else there is to be one change for.

    The one kept names no version, for it stands for several; it carries the highest attempt count,
    so that a change that keeps failing is given up on in the end.
    """
    latest: dict[Hashable, Change] = {}
    for change in changes:
        key = by(change)
        latest[key] = _merge(latest[key], change) if key in latest else change
    return list(latest.values())


def _merge(one: Change, other: Change) -> Change:
    newer, older = (one, other) if one.noticed > other.noticed else (other, one)
    return newer.model_copy(
        update={
            "attempt": max(newer.attempt, older.attempt),
            "noticed": older.noticed,
            "etag": None,
            "looked_before": newer.looked_before and older.looked_before,
            "replays": max(newer.replays, older.replays),
        }
    )
