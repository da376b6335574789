"""What follows from changing a mailbox: approvals that not everybody may give, tests that lapse."""

from collections.abc import Mapping
from typing import Any

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.organization import Caller, Organization, reference
from sandbox.dataverse.rows import Row

APPROVED, PENDING = 1, 2
NOT_RUN = 0
DIRECTIONS = {
    "incomingemaildeliverymethod": ("incomingemailstatus", "enabledforincomingemail", 2),
    "outgoingemaildeliverymethod": ("outgoingemailstatus", "enabledforoutgoingemail", 2),
    "actdeliverymethod": ("actstatus", "enabledforact", 1),
}
"""Of each delivery method: its status, whether it is enabled, the value of server-side sync."""


def consequences(org: Organization, caller: Caller, old: Row, values: Mapping[str, Any]) -> Row:
    """Return the columns that change with the `values` that are written to a mailbox.

    Raises:
        DataverseError: an application approves the address, which only people may.
    """
    changed = {name for name, value in values.items() if value != old.get(name)}
    row: Row = {}
    for method, (status, enabled, _) in DIRECTIONS.items():
        if method in changed:
            row |= {status: NOT_RUN, enabled: False, "mailboxstatus": NOT_RUN}
    if "emailaddress" in changed:
        row |= _approval(PENDING, None)
    if "emailrouteraccessapproval" in changed:
        row |= _approve(org, caller, values["emailrouteraccessapproval"])
    return row


def _approve(org: Organization, caller: Caller, approval: int | None) -> Row:
    if approval != APPROVED:
        return _approval(approval, None)
    user = org.rows.get("systemuser", caller.user_id) or {}
    if user.get("applicationid"):
        raise DataverseError(
            403,
            "0x80040256",
            "A failure occurred in CrmSecurity. An email address is approved by a Global or "
            "Exchange administrator who is a System Administrator, too.",
        )
    return {**_approval(APPROVED, caller.user_id), "emailaddressapprovedon": org.now()}


def _approval(approval: int | None, approver: str | None) -> Row:
    return {
        "emailrouteraccessapproval": approval,
        "isemailaddressapprovedbyo365admin": approver is not None,
        "emailaddressapprovedby": reference("systemuser", approver) if approver else None,
        "emailaddressapprovedon": None,
    }
