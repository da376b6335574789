"""What turns sync on for a mailbox, written down before any of it is done. Pure.

Beside Dynamics' own synchronization its mailbox is set up, and Dynamics tests it; instead of it,
its mailbox is set to do nothing, and Tether tests the mailbox itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.readiness import NO_METHODS, NativeSync, Terms
from shared.dataverse.seats import Seat
from shared.dataverse.text import fit

_METHODS: Mapping[str, int] = {
    "incomingemaildeliverymethod": 2,
    "outgoingemaildeliverymethod": 2,
    "actdeliverymethod": 1,
}
_STATUSES = ("incomingemailstatus", "outgoingemailstatus", "actstatus")
_PROFILE = "emailserverprofile@odata.bind"
_TEST: Mapping[str, Any] = {"testemailconfigurationscheduled": True}
_WORDS = {
    "incomingemaildeliverymethod": "incoming email",
    "outgoingemaildeliverymethod": "outgoing email",
    "actdeliverymethod": "appointments, contacts and tasks",
}


class Approval(IntEnum):
    """Whether an address is approved; an own column has it as the product's has."""

    EMPTY = 0
    APPROVED = 1
    PENDING = 2
    REJECTED = 3


class Test(IntEnum):
    """How a test went."""

    NOT_RUN = 0
    SUCCESS = 1
    FAILURE = 2


@dataclass(frozen=True, slots=True)
class Enabling:
    """What is to be written: columns of the Dynamics `mailbox`, and of the `tether_mailbox`."""

    seat: Seat
    mailbox: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> ChangeSet | None:
        """The writes, all or none of them; None if all is as it should be."""
        operations = [Operation("PATCH", f"tether_mailboxes({self.seat.id})", dict(self.own))]
        if not self.own:
            operations.clear()
        if self.mailbox:
            operations.append(_of_mailbox(self.seat, self.mailbox))
        return ChangeSet(tuple(operations)) if operations else None

    @property
    def told(self) -> tuple[str, ...]:
        """What is to be done, in words."""
        none = {name for name, method in self.mailbox.items() if NO_METHODS.get(name) == method}
        set_up = [_WORDS[name] for name in _WORDS if name in self.mailbox and name not in none]
        turned_off = [_WORDS[name] for name in _WORDS if name in none]
        told = {
            f"set {', '.join(set_up)} to server-side synchronization": set_up,
            f"set {', '.join(turned_off)} to None": turned_off,
            "set the default email server profile": _PROFILE in self.mailbox,
            "ask for approval of the address": Approval.PENDING
            in {self.mailbox.get("emailrouteraccessapproval"), self.own.get("tether_approval")},
            "approve the address": self.own.get("tether_approval") == Approval.APPROVED,
            "test and enable it": "testemailconfigurationscheduled" in self.mailbox,
            "turn it on": "tether_turnedon" in self.own,
        }
        return tuple(text for text, is_so in told.items() if is_so)


def turn_on(seat: Seat, terms: Terms, *, approve: bool) -> Enabling:
    """Return what turns a mailbox on; what is so already is left.

    `approve`: whoever asks may approve addresses. Of a Dynamics mailbox that is `approval_of`'s.
    """
    own: dict[str, Any] = {}
    if not seat.is_turned_on:
        own = {
            "tether_name": fit(seat.address, 200),
            "tether_SystemUserId@odata.bind": f"systemusers({seat.systemuser})",
            "tether_turnedon": True,
        }
    if terms.native is NativeSync.INSTEAD:
        return Enabling(seat, _turned_off(seat), own | _own_approval(seat, terms, approve=approve))
    return Enabling(seat, _set_up(seat, terms), own)


def approval_of(seat: Seat, terms: Terms) -> Operation | None:
    """Return what approves the address of a Dynamics mailbox; None if it needs no approval."""
    if not (terms.approval and terms.native is NativeSync.BESIDE and seat.mailbox):
        return None
    if seat.mailbox["emailrouteraccessapproval"] == Approval.APPROVED:
        return None
    return _of_mailbox(seat, {"emailrouteraccessapproval": Approval.APPROVED})


def test_again(seat: Seat, terms: Terms) -> Enabling | None:
    """Return what has a mailbox tested that was set up, but could not be tested until now.

    Dynamics tests a mailbox once; when its address was approved only afterwards, or its methods
    were set anew, nobody else asks again. One that has failed is left until somebody turns it on
    again, for testing mends nothing.
    """
    if terms.native is NativeSync.INSTEAD or seat.mailbox is None or seat.is_being_tested:
        return None
    if not _may_be_tested(seat.mailbox, terms) or set(_set_up(seat, terms)) != _TEST.keys():
        return None
    states = {seat.mailbox[status] for status in _STATUSES}
    if Test.NOT_RUN not in states or Test.FAILURE in states:
        return None
    return Enabling(seat, _TEST)


def note_test(seat: Seat, problem: str | None) -> Enabling:
    """Return what writes down how Tether's own test went."""
    status = Test.FAILURE if problem else Test.SUCCESS
    return Enabling(
        seat,
        own={"tether_teststatus": status, "tether_lasterror": fit(problem or "", 2000) or None},
    )


def _set_up(seat: Seat, terms: Terms) -> dict[str, Any]:
    mailbox = seat.mailbox
    if mailbox is None:
        return {}
    columns: dict[str, Any] = {c: m for c, m in _METHODS.items() if mailbox[c] != m}
    if mailbox["_emailserverprofile_value"] is None and terms.profile:
        columns[_PROFILE] = f"emailserverprofiles({terms.profile})"
    if terms.approval and not mailbox["emailrouteraccessapproval"]:
        columns["emailrouteraccessapproval"] = Approval.PENDING
    is_whole = not columns and not terms.unmet(mailbox)
    if not is_whole and _may_be_tested(mailbox, terms) and not seat.is_being_tested:
        columns |= _TEST
    return columns


def _may_be_tested(mailbox: Mapping[str, Any], terms: Terms) -> bool:
    """Tell whether a test can succeed; an address that is not approved fails it."""
    approved = mailbox["emailrouteraccessapproval"] == Approval.APPROVED or not terms.approval
    return approved and mailbox["statecode"] == 0


def _turned_off(seat: Seat) -> dict[str, Any]:
    mailbox = seat.mailbox
    if mailbox is None:
        return {}
    return {column: method for column, method in NO_METHODS.items() if mailbox[column] != method}


def _own_approval(seat: Seat, terms: Terms, *, approve: bool) -> dict[str, Any]:
    approval = seat.own["tether_approval"]
    if not terms.approval or approval == Approval.APPROVED:
        return {}
    if approve:
        return {"tether_approval": Approval.APPROVED}
    return {} if approval else {"tether_approval": Approval.PENDING}


def _of_mailbox(seat: Seat, columns: Mapping[str, Any]) -> Operation:
    key = seat.mailbox["mailboxid"] if seat.mailbox else ""
    return Operation("PATCH", f"mailboxes({key})", dict(columns), if_match="*")
