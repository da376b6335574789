"""Graph's change and lifecycle notifications: what is genuine becomes changes and events."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import uuid4

from pydantic import AliasPath, BaseModel, ConfigDict, Field, ValidationError

from shared.changes import Change, Hint
from shared.errors import Malformed
from shared.graph.client_state import ClientStateKeys, Subject
from shared.identifiers import ItemId

MAX_BODY_BYTES = 1024 * 1024
_USER_SEGMENT = re.compile(r"^/?users(?:/|\(')([^/'@]+)", re.IGNORECASE)


class Rejection(StrEnum):
    """Why an entry of a collection was turned away."""

    MALFORMED = "malformed"
    FORGED = "forged"
    FOREIGN = "foreign"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    subscription_id: str = Field(alias="subscriptionId", min_length=1, max_length=128)
    client_state: str = Field(alias="clientState", max_length=255)
    tenant_id: str = Field(alias="tenantId", max_length=64)
    resource: str = Field(default="", max_length=2048)


class _Changed(_Entry):
    change_type: Hint = Field(alias="changeType")
    item: ItemId = Field(
        validation_alias=AliasPath("resourceData", "id"), min_length=1, max_length=1024
    )
    etag: str | None = Field(
        default=None, validation_alias=AliasPath("resourceData", "@odata.etag"), max_length=512
    )


class _Lifecycle(_Entry):
    event: Literal["reauthorizationRequired", "subscriptionRemoved", "missed"] = Field(
        alias="lifecycleEvent"
    )


class LifecycleEvent(BaseModel):
    """What happened to the subscription for one kind of item in one mailbox.

    `noticed` is when Tether heard of it (UTC), `attempt` counts failed tries to act on it.
    """

    model_config = ConfigDict(frozen=True)

    event: Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]
    subscription: str
    subject: Subject
    noticed: datetime
    attempt: int = Field(default=0, ge=0)


class _Collection(BaseModel):
    value: list[Any] = Field(min_length=1)


@dataclass(slots=True)
class Verdict[T]:
    """The genuine entries of a collection, and how many were turned away for which reason."""

    genuine: list[T] = field(default_factory=list)
    rejected: Counter[Rejection] = field(default_factory=Counter)


def entries_of(body: bytes) -> list[Any]:
    """Return the entries of a notification collection, unchecked.

    Raises:
        Malformed: the body is not a JSON object with a non-empty array `value`.
    """
    try:
        return _Collection.model_validate_json(body).value
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"])) or "the body"
        raise Malformed(f"not a notification collection: {field}: {problem['msg']}") from None


def changes_in(
    entries: Iterable[Any], keys: ClientStateKeys, *, tenant: str, now: datetime
) -> Verdict[Change]:
    """Return a change for each genuine entry (graph.md 2.1)."""
    verdict: Verdict[Change] = Verdict()
    for raw in entries:
        judged = _judge(_Changed, raw, keys, tenant)
        if isinstance(judged, Rejection):
            verdict.rejected[judged] += 1
        else:
            verdict.genuine.append(_change(*judged, now))
    return verdict


def lifecycle_events_in(
    entries: Iterable[Any], keys: ClientStateKeys, *, tenant: str, now: datetime
) -> Verdict[LifecycleEvent]:
    """Return an event for each genuine lifecycle entry (graph.md 3)."""
    verdict: Verdict[LifecycleEvent] = Verdict()
    for raw in entries:
        judged = _judge(_Lifecycle, raw, keys, tenant)
        if isinstance(judged, Rejection):
            verdict.rejected[judged] += 1
            continue
        entry, subject = judged
        event = LifecycleEvent(
            event=entry.event, subscription=entry.subscription_id, subject=subject, noticed=now
        )
        verdict.genuine.append(event)
    return verdict


def _judge[E: _Entry](
    shape: type[E], raw: object, keys: ClientStateKeys, tenant: str
) -> tuple[E, Subject] | Rejection:
    try:
        entry = shape.model_validate(raw)
    except ValidationError:
        return Rejection.MALFORMED
    if entry.tenant_id.lower() != tenant:
        return Rejection.FOREIGN
    subject = keys.open(entry.client_state)
    if subject is None or not _is_about(entry.resource, subject):
        return Rejection.FORGED
    return entry, subject


def _is_about(resource: str, subject: Subject) -> bool:
    """Tell whether the resource lies in the mailbox of the state; lifecycle entries may omit it."""
    user = _USER_SEGMENT.match(resource)
    return user[1].lower() == subject.mailbox if user else not resource


def _change(entry: _Changed, subject: Subject, now: datetime) -> Change:
    # The etag of a deleted item is meaningless and always the same (graph.md 2.1), so a second
    # deletion of an item that was restored in between must not pass for a copy of the first.
    version = uuid4().hex if entry.change_type is Hint.DELETED or not entry.etag else entry.etag
    return Change(
        id=f"{subject.mailbox}/{entry.item}/{entry.change_type}/{version}",
        mailbox=subject.mailbox,
        kind=subject.kind,
        item=entry.item,
        hint=entry.change_type,
        etag=None if entry.change_type is Hint.DELETED else entry.etag,
        noticed=now,
    )
