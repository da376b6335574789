"""What the seller's API takes and gives: the models its OpenAPI document is made from."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from shared.identifiers import Kind

MAX_ITEMS = 100
ITEM_ID = r"^[A-Za-z0-9_=/~-]+$"
"""What ids of Exchange are made of, and what joins the two of a task."""
_TABLE = r"^[a-z][a-z0-9_]{0,99}$"


class Wire(BaseModel):
    """A JSON object with names in camel case; one with names nobody knows is refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, frozen=True, extra="forbid"
    )


class State(StrEnum):
    """How an item stands, the same for every participant.

    `saving`: something is under way, a removal as well. `ignored`: a rule keeps it out, and `why`
    says which.
    """

    NOT_SAVED = "notSaved"
    SAVING = "saving"
    SAVED = "saved"
    REMOVED = "removed"
    FAILED = "failed"
    IGNORED = "ignored"


class Regarding(Wire):
    """The Dynamics record an activity is about, e.g. `opportunity`."""

    table: str = Field(pattern=_TABLE)
    id: UUID


class NamedRegarding(Regarding):
    """A record with its name, as Dynamics shows it."""

    name: str


class Activity(Wire):
    """The row an item is in Dynamics; `url` opens it there."""

    table: str
    id: UUID
    url: str
    regarding: NamedRegarding | None = None


class Person(Wire):
    """A Dynamics user."""

    id: UUID
    name: str


class Trouble(Wire):
    """What stands in the way: `code` is stable and one of the catalogue's.

    `seller` is a sentence for who uses Outlook, `administrator` one for who looks after Dynamics.
    """

    code: str
    seller: str
    administrator: str
    remedy: str
    page: str | None = None


class ItemStatus(Wire):
    """How one item stands, and why.

    `reason`, `saved_by` and `saved_on` (UTC) are those of who saved it first; `participants` counts
    the other mailboxes in which it is saved, too. `notes` are sentences on what was left out, such
    as a refused attachment.
    """

    id: str
    kind: Kind
    state: State
    why: str
    reason: Literal["seller", "category", "reply", "filter"] | None = None
    saved_by: Person | None = None
    saved_on: datetime | None = None
    activity: Activity | None = None
    participants: int = 0
    notes: tuple[str, ...] = ()
    trouble: Trouble | None = None


class Asked(Wire):
    """One item asked for: by its id in the mailbox, or by what names it in every mailbox."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in ("id", "internetMessageId", "iCalUId")
            ]
        }
    )

    kind: Kind = Kind.MAIL
    id: str | None = Field(default=None, min_length=1, max_length=512, pattern=ITEM_ID)
    internet_message_id: str | None = Field(default=None, min_length=3, max_length=998)
    i_cal_uid: str | None = Field(default=None, alias="iCalUId", min_length=1, max_length=998)

    @model_validator(mode="after")
    def _named_once(self) -> "Asked":
        names = (self.id, self.internet_message_id, self.i_cal_uid)
        if sum(name is not None for name in names) != 1:
            raise ValueError("give exactly one of id, internetMessageId and iCalUId")
        return self


class StatusRequest(Wire):
    """Which items to tell of."""

    items: Annotated[tuple[Asked, ...], Field(min_length=1, max_length=MAX_ITEMS)]


class StatusAnswer(Wire):
    """How each item stands, in the order asked; one that is not found is null."""

    items: tuple[ItemStatus | None, ...]


class SaveRequest(Wire):
    """What to save an item with; what is left out stays as it is, or goes by the settings.

    A `regarding` of null clears it.
    """

    regarding: Regarding | None = None
    attachments: bool | None = None


class RegardingRequest(Wire):
    """The record an item is to be about; null clears it."""

    regarding: Regarding | None


class Removal(StrEnum):
    """What becomes of the row in Dynamics when an item is removed."""

    UNLINK = "unlink"
    DELETE = "delete"


class Scope(StrEnum):
    """Whose item is removed: this mailbox's, or every participant's."""

    MAILBOX = "mailbox"
    ALL = "all"


class MailboxState(StrEnum):
    """Whether a mailbox syncs; `waiting`: it was asked for, Dynamics is not done yet."""

    ENABLED = "enabled"
    WAITING = "waiting"
    NOT_ENABLED = "notEnabled"


class MailboxStatus(Wire):
    """Whether a mailbox is ready, what it lacks, and whether its owner may turn it on.

    `pending` counts the saves that wait for it.
    """

    id: UUID
    address: str
    state: MailboxState
    lacking: tuple[Trouble, ...] = ()
    may_enable: bool
    pending: int = 0
