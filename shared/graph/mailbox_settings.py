"""The settings of a mailbox that matter: its time zone."""

from shared.graph.client import GraphRequest, GraphResponse
from shared.identifiers import MailboxId


def read_time_zone(mailbox: MailboxId) -> GraphRequest:
    """Ask for the time zone of a mailbox."""
    return GraphRequest("GET", f"/users/{mailbox}/mailboxSettings/timeZone", mailbox)


def time_zone_of(response: GraphResponse) -> str:
    """Return the name Graph gives the zone, e.g. `W. Europe Standard Time`; empty if none."""
    return str(response.body.get("value") or "")
