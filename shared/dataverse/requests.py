"""What somebody asked for an item: to save it, or to remove it. It stands on the item's link.

It stays there until the reconcile has done it, so that whatever dies in between, it is not lost.
"""

import logging
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.dataverse.activities import Reference
from shared.identifiers import SystemUserId

logger = logging.getLogger("tether.requests")


class Action(StrEnum):
    """What was asked for."""

    SAVE = "save"
    REMOVE = "remove"


class About(BaseModel):
    """The record an activity is to be about; without `table` and `id`, none."""

    model_config = ConfigDict(frozen=True)

    table: str = ""
    id: str = ""

    def of(self, activity: str) -> Reference | None:
        """Return it as an activity's row points to it (dataverse.md 1.6)."""
        if not self.table:
            return None
        return Reference(f"regardingobjectid_{self.table}_{activity}", self.table, self.id)


class Request(BaseModel):
    """`tether_request`; `by` is a systemuser, `on` is UTC.

    A save leaves what `about` says alone where that is None, and the attachments to the settings
    where `attachments` is; `of_draft`: it was asked for a mail not sent yet, which may be sent as
    another item. A removal that `deletes` takes the row out of Dynamics as well.
    """

    model_config = ConfigDict(frozen=True)

    action: Action
    by: SystemUserId
    on: datetime
    about: About | None = None
    attachments: bool | None = None
    of_draft: bool = False
    deletes: bool = False

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """Read what stands on a link; what somebody made unreadable is logged, and is no request.

        A link without one counts as done, and the category or a further click asks anew.
        """
        if not text:
            return None
        try:
            return cls.model_validate_json(text)
        except ValidationError as problem:
            logger.error("unreadable tether_request: %s", problem.errors()[0]["msg"])
            return None

    def written(self) -> str:
        """Return what is to stand on a link."""
        return self.model_dump_json(exclude_defaults=True)

    def after(self, earlier: "Request | None") -> "Request":
        """Return this save with what an earlier one, that is not done yet, asked for besides."""
        if self.action is Action.REMOVE or earlier is None or earlier.action is Action.REMOVE:
            return self
        return self.model_copy(
            update={
                "about": earlier.about if self.about is None else self.about,
                "attachments": (
                    earlier.attachments if self.attachments is None else self.attachments
                ),
            }
        )
