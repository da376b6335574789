"""Whether a mailbox may sync according to its Dynamics row, and which conditions it lacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must be so (server-side-sync.md 6.1), as an administrator knows it."""

    column: str
    wanted: int | bool
    lacking: str
    remedy: str


CONDITIONS = (
    Condition("statecode", 0, "the mailbox is deactivated", "activate it in Dynamics"),
    Condition(
        "incomingemaildeliverymethod",
        2,
        "incoming email is not set to server-side synchronization",
        "set Incoming Email to Server-Side Synchronization on the mailbox",
    ),
    Condition(
        "actdeliverymethod",
        1,
        "appointments, contacts and tasks are not set to server-side synchronization",
        "set Appointments, Contacts, and Tasks to Server-Side Synchronization on the mailbox",
    ),
    Condition(
        "emailrouteraccessapproval",
        1,
        "the email address is not approved",
        "choose Approve Email on the mailbox",
    ),
    Condition(
        "incomingemailstatus",
        1,
        "incoming email was not tested with success",
        "choose Test & Enable Mailbox, and look at the mailbox's alerts if it fails",
    ),
    Condition(
        "actstatus",
        1,
        "appointments, contacts and tasks were not tested with success",
        "choose Test & Enable Mailbox, and look at the mailbox's alerts if it fails",
    ),
    Condition(
        "enabledforincomingemail",
        True,
        "incoming email is not enabled",
        "choose Test & Enable Mailbox: errors have switched it off",
    ),
    Condition(
        "enabledforact",
        True,
        "appointments, contacts and tasks are not enabled",
        "choose Test & Enable Mailbox: errors have switched it off",
    ),
)


def unmet(row: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Return the conditions that a `mailbox` row does not meet; none means that it may sync."""
    return tuple(one for one in CONDITIONS if row[one.column] != one.wanted)
