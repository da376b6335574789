"""What every item in a mailbox has: a version, and the category that marks it as tracked."""

from datetime import UTC, datetime
from typing import Any

from pydantic import (
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from shared.graph.client import IMMUTABLE_IDS, GraphRequest
from shared.identifiers import MailboxId

TRACKED_CATEGORY = "Tracked To Dynamics 365"  # server-side-sync.md 1.3
UNDELIVERABLE_CATEGORY = f"{TRACKED_CATEGORY} (Undeliverable)"


class Address(BaseModel):
    """A name and an address, as they stand on a mail or a meeting, or bare on a contact."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    name: str = Field(default="", validation_alias=AliasPath("emailAddress", "name"))
    address: str = Field(default="", validation_alias=AliasPath("emailAddress", "address"))

    @field_validator("name", "address", mode="before")
    @classmethod
    def _absent_is_empty(cls, value: object) -> object:
        return "" if value is None else value


class Item(BaseModel):
    """An item as Graph shows it now; `etag` is its version, `modified` since when (UTC)."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    etag: str = Field(default="", validation_alias="@odata.etag")
    modified: AwareDatetime | None = Field(default=None, alias="lastModifiedDateTime")
    categories: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: held for name, held in value.items() if held is not None}

    @property
    def is_marked(self) -> bool:
        """Whether it carries the tracking category."""
        return _among(self.categories, TRACKED_CATEGORY)

    @property
    def is_undeliverable(self) -> bool:
        """Whether it carries the category of what Dynamics kept refusing."""
        return _among(self.categories, UNDELIVERABLE_CATEGORY)

    @property
    def depth(self) -> int:
        """How many other items must be looked at before a later look at this one makes sense."""
        return 0


def without(categories: tuple[str, ...], *taken: str) -> tuple[str, ...]:
    """Return categories but for those taken off; Outlook does not tell case apart."""
    return tuple(name for name in categories if not _among(taken, name))


def _among(categories: tuple[str, ...], sought: str) -> bool:
    return any(name.casefold() == sought.casefold() for name in categories)


def in_utc(value: object) -> object:
    """Read a `dateTimeTimeZone` asked for in UTC: seven digits of a second, no offset."""
    if isinstance(value, dict):
        value = value.get("dateTime")
    if not isinstance(value, str):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def with_categories(
    path: str, mailbox: MailboxId, etag: str, categories: tuple[str, ...]
) -> GraphRequest:
    """Replace an item's categories, unless it has changed since `etag`: then Graph answers 412."""
    body: dict[str, Any] = {"categories": list(categories)}
    headers = {**IMMUTABLE_IDS, "If-Match": etag}
    return GraphRequest("PATCH", path, mailbox, headers=headers, body=body)
