"""What a seat comes to: whether it syncs, waits for something, or lacks what somebody must mend."""

from collections.abc import Iterable
from enum import StrEnum

from shared.dataverse.enabling import Approval
from shared.dataverse.readiness import Condition, NativeSync, Terms
from shared.dataverse.seats import Seat

_NOT_APPROVED = "address-not-approved"
_UNTESTED = "-not-tested"
_APPROVALS = {
    NativeSync.BESIDE: "emailrouteraccessapproval",
    NativeSync.INSTEAD: "tether_approval",
}


class SeatState(StrEnum):
    """How a mailbox stands."""

    ENABLED = "enabled"
    WAITING = "waiting"
    NOT_ENABLED = "not enabled"


def state_of(seat: Seat, terms: Terms) -> SeatState:
    """Return how a mailbox stands; it waits as long as what was asked for is under way.

    A test that has failed is not: somebody has to mend its cause, and turn the mailbox on again.
    """
    lacking = seat.lacking(terms)
    if not lacking:
        return SeatState.ENABLED if seat.is_enrolled else SeatState.WAITING
    is_under_way = seat.is_being_tested or _is_pending(seat, lacking, terms)
    return SeatState.WAITING if is_under_way and seat.is_turned_on else SeatState.NOT_ENABLED


def codes_of(seat: Seat, terms: Terms) -> list[str]:
    """Return what a mailbox lacks by the catalogue's codes, in the order in which it is mended."""
    lacking = seat.lacking(terms)
    codes = [one.code for one in lacking]
    if not lacking and not seat.is_enrolled:
        codes.append("enrolment-under-way")
    if seat.is_turned_on and _is_pending(seat, lacking, terms):
        codes = ["approval-needed" if code == _NOT_APPROVED else code for code in codes]
    if seat.is_being_tested:
        # What the test is about to tell is not lacking yet.
        codes = [*(code for code in codes if not code.endswith(_UNTESTED)), "test-under-way"]
    return codes + [one.code for one in seat.noted(terms)]


def _is_pending(seat: Seat, lacking: Iterable[Condition], terms: Terms) -> bool:
    if _NOT_APPROVED not in {one.code for one in lacking}:
        return False
    row = seat.own if terms.native is NativeSync.INSTEAD else (seat.mailbox or {})
    return bool(row[_APPROVALS[terms.native]] == Approval.PENDING)
