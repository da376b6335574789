"""What has changed in To Do since it was last asked: a mailbox's lists, a list's tasks.

A link that Graph gives is kept as it is, relative to the version, as requests of a batch are. No
property is selected: it is not documented that a change of another one would be told (graph.md 5).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.items import Item
from shared.identifiers import MailboxId

_PREFER = {"Prefer": 'IdType="ImmutableId", odata.maxpagesize=200'}
_FLAGGED = "flaggedEmails"
_EXPIRED = {"syncstatenotfound", "syncstateinvalid", "resyncrequired"}


class Entry(Item):
    """A list or a task that is there, or was `removed`."""

    id: str = Field(min_length=1)
    removed: Mapping[str, Any] | None = Field(default=None, alias="@removed")
    is_owner: bool = Field(default=True, alias="isOwner")
    well_known: str = Field(default="", alias="wellknownListName")

    @property
    def holds_own_tasks(self) -> bool:
        """Whether it is a list of the mailbox's own tasks.

        Flagged mail is mail; a list that somebody else shares is in that one's mailbox.
        """
        return self.is_owner and self.well_known != _FLAGGED


class Page(BaseModel):
    """A page of a round: `more` is where the next one is, `end` where the next round begins."""

    model_config = ConfigDict(extra="ignore")

    value: tuple[Entry, ...]
    next_link: str = Field(default="", alias="@odata.nextLink")
    delta_link: str = Field(default="", alias="@odata.deltaLink")

    @property
    def more(self) -> str:
        """The next page of this round, empty if this is its last."""
        return _relative(self.next_link)

    @property
    def end(self) -> str:
        """The beginning of the next round, empty if this one goes on."""
        return _relative(self.delta_link)


def lists_delta(mailbox: MailboxId, link: str = "") -> GraphRequest:
    """Ask which lists of a mailbox have come, changed or gone; without a link, which there are."""
    return _delta(mailbox, link or f"/users/{mailbox}/todo/lists/delta")


def tasks_delta(mailbox: MailboxId, list_id: str, link: str = "") -> GraphRequest:
    """Ask which tasks of a list have come, changed or gone; without a link, which there are."""
    path = f"/users/{mailbox}/todo/lists/{quote(list_id, safe='')}/tasks/delta"
    return _delta(mailbox, link or path)


def must_start_afresh(response: GraphResponse) -> bool:
    """Tell whether Graph has forgotten where a link was."""
    return response.status == 410 or response.code.lower() in _EXPIRED


def _delta(mailbox: MailboxId, url: str) -> GraphRequest:
    return GraphRequest("GET", url, mailbox, dict(_PREFER))


def _relative(link: str) -> str:
    return link.partition("/v1.0")[2]
