"""Whether a mailbox may sync, and which conditions it lacks: one table, of which all is made.

Tether stands beside Dynamics' own synchronization, and then the Dynamics `mailbox` row says it; or
instead of it, and then the same is kept on the `tether_mailbox` row (server-side-sync.md 6.1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from shared.catalogue import entry

ORGANIZATION = (
    "organizations?$select=requireapprovalforuseremail,_defaultemailserverprofileid_value"
)
"""Asks for what the organisation has decided about mailboxes."""


class NativeSync(StrEnum):
    """How Tether stands to Dynamics' own synchronization: the setting NATIVE_SYNC."""

    BESIDE = "beside"
    INSTEAD = "instead"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must be so; `code` is its entry in the catalogue.

    A column `wanted` as None must hold something, whatever it is. `after` is the column whose own
    condition comes first: while that is not met, this one says nothing new. One that does not
    `block` is told, but stops nothing.
    """

    code: str
    column: str
    wanted: int | bool | None
    after: str = ""
    blocks: bool = True

    @property
    def lacking(self) -> str:
        """What is so when it is not met, as an administrator knows it."""
        title = entry(self.code).title
        return f"{title[0].lower()}{title[1:]}"

    @property
    def remedy(self) -> str:
        """What an administrator does about it."""
        return entry(self.code).remedy

    def is_met(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row meets it."""
        value = row[self.column]
        return value is not None if self.wanted is None else value == self.wanted

    @property
    def filter(self) -> str:
        """The same, for Dataverse to tell."""
        match self.wanted:
            case None:
                return f"{self.column} ne null"
            case bool():
                return f"{self.column} eq {str(self.wanted).lower()}"
            case _:
                return f"{self.column} eq {self.wanted}"


_APPROVED = {"emailrouteraccessapproval", "tether_approval"}
# Appointments number their methods differently from the other two.
_DYNAMICS = (
    Condition("mailbox-inactive", "statecode", 0),
    Condition("no-server-profile", "_emailserverprofile_value", None),
    Condition("incoming-not-synchronized", "incomingemaildeliverymethod", 2),
    Condition("outgoing-not-synchronized", "outgoingemaildeliverymethod", 2),
    Condition("appointments-not-synchronized", "actdeliverymethod", 1),
    Condition("address-not-approved", "emailrouteraccessapproval", 1),
    Condition("incoming-not-tested", "incomingemailstatus", 1, "incomingemaildeliverymethod"),
    Condition("outgoing-not-tested", "outgoingemailstatus", 1, "outgoingemaildeliverymethod"),
    Condition("appointments-not-tested", "actstatus", 1, "actdeliverymethod"),
    Condition("incoming-not-enabled", "enabledforincomingemail", True, "incomingemailstatus"),
    Condition("outgoing-not-enabled", "enabledforoutgoingemail", True, "outgoingemailstatus"),
    Condition("appointments-not-enabled", "enabledforact", True, "actstatus"),
)
# An error that stops a mailbox also takes the three "enabled" away; any other passes by itself, and
# must not cost a mailbox its subscriptions (server-side-sync.md 6.4). Alerts are no plain rows that
# could be read, so the last error stands for them.
_ERROR = Condition("mailbox-error-open", "lastsyncerrorcode", None, blocks=False)
_ERROR_COLUMNS = (_ERROR.column, "lastsyncerroroccurredon", "lastsuccessfulsynccompletedon")
_OWN = (
    Condition("mailbox-inactive", "statecode", 0),
    Condition("sync-not-turned-on", "tether_turnedon", True),
    Condition("address-not-approved", "tether_approval", 1, "tether_turnedon"),
    Condition("mailbox-not-reachable", "tether_teststatus", 1, "tether_approval"),
)
CONFLICT = Condition("native-sync-conflict", "", None, blocks=False)
"""Both would write: Tether stands instead of Dynamics, and Dynamics is not told to do nothing."""
NO_METHODS: Mapping[str, int] = {
    "incomingemaildeliverymethod": 0,
    "outgoingemaildeliverymethod": 0,
    "actdeliverymethod": 2,
}
"""The delivery methods None."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a mailbox in this organisation.

    `approval`: mail is processed for approved users only; `profile` is the email server profile
    that mailboxes get by default.
    """

    native: NativeSync = NativeSync.BESIDE
    approval: bool = True
    profile: str | None = None

    @classmethod
    def of(cls, native: NativeSync, organization: Mapping[str, Any]) -> "Terms":
        """Return the terms by the organisation's row; approval is needed unless that denies it."""
        return cls(
            native,
            approval=organization["requireapprovalforuseremail"] is not False,
            profile=organization["_defaultemailserverprofileid_value"],
        )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All that must be so before a mailbox syncs, in the order in which it is mended."""
        all_of_them = _DYNAMICS if self.native is NativeSync.BESIDE else _OWN
        if self.approval:
            return all_of_them
        kept = (one for one in all_of_them if one.column not in _APPROVED)
        return tuple(replace(one, after="") if one.after in _APPROVED else one for one in kept)

    @property
    def ready(self) -> str:
        """The filter that finds the ready rows, percent-encoded."""
        return quote(" and ".join(one.filter for one in self.conditions), safe="")

    def unmet(self, row: Mapping[str, Any]) -> tuple[Condition, ...]:
        """Return the conditions that a row does not meet, without mere consequences."""
        lacking = {one.column: one for one in self.conditions if not one.is_met(row)}
        columns = {one.column: one for one in self.conditions}
        return tuple(one for one in lacking.values() if not _follows(one, columns, lacking.keys()))

    def noted(self, mailbox: Mapping[str, Any]) -> tuple[Condition, ...]:
        """Return what a Dynamics `mailbox` row tells that stops nothing, but must be mended."""
        if self.native is NativeSync.INSTEAD:
            none = all(mailbox[column] == method for column, method in NO_METHODS.items())
            return () if none else (CONFLICT,)
        return (_ERROR,) if _is_open(mailbox) else ()


COLUMNS = tuple(dict.fromkeys([*(one.column for one in _DYNAMICS), *_ERROR_COLUMNS]))
"""The columns of a Dynamics `mailbox` row that all this is made of."""
OWN_COLUMNS = tuple(one.column for one in _OWN)
"""The same of a `tether_mailbox` row."""


def _follows(one: Condition, columns: Mapping[str, Condition], lacking: Iterable[str]) -> bool:
    while one.after in columns:
        if one.after in lacking:
            return True
        one = columns[one.after]
    return False


def _is_open(mailbox: Mapping[str, Any]) -> bool:
    """Tell whether the last error is newer than the last success; 0 is no error."""
    code, since, success = (mailbox[column] for column in _ERROR_COLUMNS)
    if not code:
        return False
    return not (since and success) or datetime.fromisoformat(since) > datetime.fromisoformat(
        success
    )
