"""What all of Tether is for, as one check: Dynamics says what Outlook says."""

from collections import Counter
from collections.abc import Collection, Mapping

from bench.calendars import copies_in
from bench.checking.meetings import dynamics_of, meeting_differences
from tests.system.company import TRACKED, Company, Row

_ROLES = {1: "from", 2: "toRecipients", 3: "ccRecipients", 4: "bccRecipients"}
_TRACKED_STATE = 1
_LINKS = (
    "tether_links?$select=tether_itemid,tether_state,tether_internetmessageid,"
    "_tether_mailboxid_value,_tether_emailid_value&$filter=tether_kind eq 1"
)
_EMAILS = "emails?$select=messageid,directioncode,statecode,subject"
_PARTIES = "activityparties?$select=addressused,participationtypemask,_activityid_value"


async def assert_agreement(company: Company, *, people: Collection[str] = ()) -> int:
    """Assert that Dynamics equals what the Outlook of `people` (all, when empty) says.

    Every mail with the category that is not deleted has exactly one tracked link to one completed
    activity, whose parties are its addresses; no other mail has one; no two activities are of one
    mail in one direction, and no activity is there without a link. Calendars are compared by
    `bench.checking`.
    Returns the number of tracked mails.
    """
    rows = await company.rows(_LINKS)
    emails = {row["activityid"]: row for row in await company.rows(_EMAILS)}
    parties = _parties_by_activity(await company.rows(_PARTIES))
    tracked = [row for row in rows if row["tether_state"] == _TRACKED_STATE]
    linked = Counter((row["_tether_mailboxid_value"], row["tether_itemid"]) for row in tracked)
    assert not [key for key, number in linked.items() if number > 1], "an item has two links"
    # Between users one is of what was sent, the other of what was received.
    ours = [(row["messageid"], row["directioncode"]) for row in emails.values()]
    assert len(ours) == len(set(ours)), "a mail has two activities"
    ever_linked = {row["_tether_emailid_value"] for row in rows}
    assert emails.keys() <= ever_linked, "an activity is there without a link"
    activity_of = {
        (row["_tether_mailboxid_value"], row["tether_itemid"]): row["_tether_emailid_value"]
        for row in tracked
    }
    wanted: set[tuple[str, str]] = set()
    for name in people or company.people:
        mailbox = company.people[name]["id"]
        for message in await _mails_with_the_category(company, name):
            key = (mailbox, message["id"])
            wanted.add(key)
            assert key in activity_of, f"not tracked: {message['subject']!r} of {name}"
            activity = activity_of[key]
            assert activity in emails, f"the link points nowhere: {message['subject']!r}"
            _assert_says(emails[activity], parties.get(activity, set()), message)
    ids = {company.people[name]["id"] for name in people or company.people}
    tied = {key for key in activity_of if key[0] in ids}
    assert tied == wanted, f"tracked in Dynamics alone: {tied - wanted}"
    await _assert_calendars_agree(company, ids)
    return len(wanted)


async def _assert_calendars_agree(company: Company, mailboxes: Collection[str]) -> None:
    copies = [copy for one in mailboxes for copy in await copies_in(company.as_shown, one)]
    dynamics = await dynamics_of(company.rows)
    differences = meeting_differences(copies, dynamics, mailboxes)
    assert not differences, "\n".join(differences)


async def _mails_with_the_category(company: Company, name: str) -> list[Row]:
    deleted = await company.folder(name, "deleteditems")
    return [
        message
        for message in await company.messages(name)
        if TRACKED in message["categories"]
        if message["parentFolderId"] != deleted and not message["isDraft"]
    ]


def _assert_says(email: Row, parties: set[tuple[str, str]], message: Row) -> None:
    assert email["messageid"] == message["internetMessageId"]
    assert email["statecode"] == 1, f"not completed: {message['subject']!r}"
    # A copy that came as Bcc shows fewer recipients than the sender's own.
    assert _addresses(message) <= parties, f"parties differ: {message['subject']!r}"
    assert {one for one in parties if one[0] != "bccRecipients"} <= _addresses(message)


def _addresses(message: Row) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for role in _ROLES.values():
        named = message.get(role) or []
        for one in [named] if isinstance(named, Mapping) else named:
            if address := (one["emailAddress"].get("address") or "").lower():
                found.add((role, address))
    return found


def _parties_by_activity(rows: Collection[Row]) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        role = _ROLES.get(row["participationtypemask"])
        if role and row["addressused"]:
            entry = (role, row["addressused"].lower())
            found.setdefault(row["_activityid_value"], set()).add(entry)
    return found
