"""The views and charts of Tether's tables: what an administrator looks at in Dynamics."""

from shared.dataverse.schema.model import Chart, View

_MAILBOX = {
    "tether_name": 250, "tether_systemuserid": 200, "tether_state": 100,
    "tether_catchupneededsince": 150, "tether_lasterror": 300,
}  # fmt: skip
_LINK = {
    "tether_name": 250, "tether_kind": 100, "tether_mailboxid": 200, "tether_reason": 150,
    "tether_trackedby": 150, "tether_trackedon": 150,
}  # fmt: skip
_GONE = {**_LINK, "tether_removedon": 150, "tether_detail": 300}

VIEWS = (
    View("tether_mailbox", "All mailboxes", _MAILBOX, "tether_name", descending=False),
    View(
        "tether_mailbox",
        "Mailboxes with an error",
        _MAILBOX,
        "modifiedon",
        where=(("tether_lasterror", "not-null", None),),
    ),
    View(
        "tether_mailbox",
        "Mailboxes that need catch-up",
        _MAILBOX | {"tether_catchupreason": 300},
        "tether_catchupneededsince",
        descending=False,
        where=(("tether_catchupneededsince", "not-null", None),),
    ),
    View(
        "tether_mailbox",
        "Suspended mailboxes",
        _MAILBOX,
        "modifiedon",
        where=(("tether_state", "eq", 2),),
    ),
    View("tether_link", "All links", _LINK | {"tether_state": 100}, "modifiedon"),
    View("tether_link", "Tracked", _LINK, "tether_trackedon", where=(("tether_state", "eq", 1),)),
    View("tether_link", "Removed", _GONE, "tether_removedon", where=(("tether_state", "eq", 2),)),
    View("tether_link", "Failed", _GONE, "modifiedon", where=(("tether_state", "eq", 3),)),
)

CHARTS = (
    Chart("tether_link", "Links by state", "tether_state", "Column"),
    Chart("tether_link", "Links by reason", "tether_reason", "Bar"),
    Chart("tether_link", "Freshness: links by the day they changed", "modifiedon", "Line", "day"),
    Chart("tether_mailbox", "Mailboxes by state", "tether_state", "Column"),
    Chart(
        "tether_mailbox",
        "Freshness: mailboxes by the day they need catch-up since",
        "tether_catchupneededsince",
        "Column",
        "day",
    ),
)
