"""The security roles: the app's own, the administrator's, and the seller's."""

from shared.dataverse.schema.model import Right, Role

ACTIVITY = "email"
"""Stands for all activities: Dynamics gives them one set of privileges (dataverse.md 8.2)."""
_ALL: tuple[Right, ...] = ("Create", "Read", "Write", "Delete", "Append", "AppendTo")

# Each right is one that the app makes use of; tests/system/test_privileges.py holds it to that.
SERVICE = Role(
    "Tether service",
    "What the function app does in Dynamics, and nothing else.",
    {
        "tether_mailbox": ("Create", "Read", "Write", "Append", "AppendTo"),
        "tether_link": ("Create", "Read", "Write", "Append"),
        ACTIVITY: ("Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign"),
        "contact": ("Create", "Read", "Write", "Append", "AppendTo", "Assign"),
        "account": ("Read", "AppendTo"),
        "lead": ("Read", "AppendTo"),
        "opportunity": ("Read", "AppendTo"),
        "queue": ("Read", "AppendTo"),
        "systemuser": ("Read", "AppendTo"),
        "usersettings": ("Read",),
        "mailbox": ("Read", "Write", "Append"),
        "emailserverprofile": ("AppendTo",),
        "organization": ("Read",),
    },
)
ADMINISTRATOR = Role(
    "Tether administrator",
    "Looks after Tether: its own tables, and the mailboxes they are about.",
    {
        "tether_mailbox": _ALL,
        "tether_link": _ALL,
        ACTIVITY: ("Read", "AppendTo"),
        "contact": ("Read", "AppendTo"),
        "systemuser": ("Read", "AppendTo"),
        "usersettings": ("Read",),
        "mailbox": ("Read", "Write", "Append"),
        "emailserverprofile": ("Read", "AppendTo"),
        "organization": ("Read",),
    },
)
SELLER = Role(
    "Tether seller",
    "Sees what is tracked, and why something is not; given beside the role a seller has.",
    {"tether_mailbox": ("Read",), "tether_link": ("Read",)},
)
ROLES = (SERVICE, ADMINISTRATOR, SELLER)
