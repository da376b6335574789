"""What Dynamics should hold of mail: an activity for each tracked mail, a link for each copy."""

from collections.abc import Iterable
from typing import Any

from bench.inboxes import Inboxes
from bench.journal import Line
from bench.running import Run
from shared.dataverse.links import LinkState
from shared.graph.items import TRACKED_CATEGORY
from shared.identifiers import ItemId, Kind, MailboxId, link_id_of_item

_COMPLETED = 1
_SENT_OR_RECEIVED = {3, 4}


async def differences(run: Run) -> list[str]:
    """Return every difference between the mail of a run and Dynamics, in plain words."""
    lines = run.journal.of(Kind.MAIL)
    emails = await run.stack.rows(
        "emails?$select=activityid,messageid,statecode,statuscode,_regardingobjectid_value"
        "&$expand=email_activity_parties($select=participationtypemask)"
    )
    links = await run.stack.rows("tether_links?$filter=tether_kind eq 1")
    found = _email_differences(lines, emails)
    found += _link_differences(
        lines,
        {row["tether_linkid"]: row for row in links},
        {row["activityid"]: row for row in emails},
    )
    for message_id, target in run.regarding.items():
        rows = [row for row in emails if row["messageid"] == message_id]
        if [row["_regardingobjectid_value"] for row in rows] != [target]:
            found.append(f"{message_id} is not about {target} in Dynamics")
    for line in lines:
        categories = await Inboxes(run).categories(line)
        marked = categories is not None and TRACKED_CATEGORY in categories
        if marked != line.expected.startswith("tracked"):
            found.append(f"'{line.subject}' in {line.upn}: Outlook shows {categories}")
    return found


def _email_differences(lines: Iterable[Line], emails: list[dict[str, Any]]) -> list[str]:
    """One completed activity with a sender for each mail that is or was tracked, and no other."""
    wanted = {line.identity for line in lines if not line.expected.startswith("ignored")}
    held = sorted(row["messageid"] for row in emails)
    found = [f"Dynamics lacks {one}" for one in sorted(wanted - set(held))]
    found += [f"Dynamics should not hold {one}" for one in sorted(set(held) - wanted)]
    found += [f"Dynamics holds {one} twice" for one in set(held) if held.count(one) > 1]
    found += [
        f"{row['messageid']} is not completed as sent or received"
        for row in emails
        if row["statecode"] != _COMPLETED or row["statuscode"] not in _SENT_OR_RECEIVED
    ]
    return found


def _link_differences(
    lines: Iterable[Line], links: dict[str, dict[str, Any]], emails: dict[str, dict[str, Any]]
) -> list[str]:
    """A tracked link to the right activity for each tracked mail, a removed one for unlinked."""
    found = []
    expected = set()
    for line in lines:
        key = link_id_of_item(MailboxId(line.mailbox), ItemId(line.item))
        state = _expected_state(line)
        expected |= {key} if state else set()
        row = links.get(key)
        held = LinkState(row["tether_state"]) if row else None
        if held is not state:
            found.append(f"'{line.subject}' in {line.upn}: link is {held}, not {state}")
        elif row and emails[row["_tether_emailid_value"]]["messageid"] != line.identity:
            found.append(f"'{line.subject}' in {line.upn}: linked to another mail")
    found += [f"Dynamics holds a link too many: {key}" for key in links.keys() - expected]
    return found


def _expected_state(line: Line) -> LinkState | None:
    if line.expected.startswith("tracked"):
        return LinkState.TRACKED
    return LinkState.REMOVED if line.expected.startswith("unlinked") else None
