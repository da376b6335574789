"""What makes a mail tracked, and what ends it: pure, no I/O, no clock, no chance.

The rules are those of server-side-sync.md 1 to 3, looked at as states, not as events: whatever the
order in which changes are heard of, the same two sides give the same plan.
"""

from shared.dataverse.emails import delete_email
from shared.dataverse.links import Link, LinkState, Reason
from shared.dataverse.mailboxes import FilteringMethod
from shared.dataverse.records import Table
from shared.graph.messages import Folder, Message
from shared.identifiers import link_id_of_item
from shared.sync.mail.content import brings_files, content_of, tracking_of
from shared.sync.mail.correlation import correlated, may_be_correlated_later
from shared.sync.mail.exclusion import is_for_hands_only, kept_out
from shared.sync.mail.parties import recipients_of, senders_of
from shared.sync.mail.snapshot import Snapshot
from shared.sync.mail.telling import Telling
from shared.sync.plan import REMOVED, Ignore, Keep, Plan, Refuse, Track, Unlink

_NEVER_BY_ITSELF = {Folder.DRAFTS, Folder.OUTBOX, Folder.JUNK, Folder.DELETED}
_KNOWN_SENDERS = {Table.CONTACT, Table.ACCOUNT, Table.LEAD}


def decide(snapshot: Snapshot) -> Plan[Telling]:
    """Return what makes the two sides of one mail agree."""
    message, link = snapshot.message, snapshot.link
    if link and link.removal:
        return _removed(snapshot, link)
    if message is None:
        return _gone(snapshot)
    if snapshot.folder is Folder.DELETED:
        return _left(link, "moved to Deleted Items")
    if message.is_draft:
        return Ignore("a draft is saved once it is sent")
    if link and link.is_tracked and not _is_saved_anew(link, message):
        return _tracked(snapshot, link, message)
    return _untracked(snapshot, message)


def _never(snapshot: Snapshot, why: str) -> Plan[Telling]:
    """Leave a mail out for good; if it was to be saved, say that this cannot be."""
    link = snapshot.link
    return Refuse(link, why) if link and link.save else Ignore(why, excluded=True)


def _gone(snapshot: Snapshot) -> Plan[Telling]:
    """Let go what is gone; a draft to be saved may have been sent as another item (graph.md 5)."""
    link = snapshot.link
    is_draft = link and link.save and not link.is_tracked
    if is_draft and not snapshot.looked_before:
        return Ignore("it was sent, or thrown away", look_again=True)
    return _left(link, "deleted in Outlook")


def _left(link: Link | None, why: str) -> Plan[Telling]:
    return Unlink(link, why) if link and (link.is_tracked or link.request) else Ignore(why)


def _removed(snapshot: Snapshot, link: Link) -> Plan[Telling]:
    """Carry out a removal; the activity stays while it is another mailbox's, too."""
    deletes = link.removal and link.removal.deletes and not snapshot.is_shared
    return Unlink(
        link,
        REMOVED,
        unmark=bool(snapshot.message and snapshot.message.is_marked),
        also=(delete_email(link.activity, snapshot.tied),) if deletes and link.activity else (),
    )


def _is_saved_anew(link: Link, message: Message) -> bool:
    """Tell whether a save is to bring back what is just being let go."""
    return bool(link.save) and (link.activity is None or not message.is_marked)


def _tracked(snapshot: Snapshot, link: Link, message: Message) -> Plan[Telling]:
    if link.activity is None:
        return Unlink(link, "the activity was deleted in Dynamics", unmark=message.is_marked)
    if not message.is_marked:
        return Unlink(link, "the category was taken off in Outlook")
    email = next((one for one in snapshot.emails if one.id == link.activity), None)
    asked_anew = snapshot.replayed or bool(link.save and link.save.attachments)
    files_follow = brings_files(snapshot, message, email)
    return Keep(
        known=link,
        activity=link.activity,
        tied=link.activity,
        telling=Telling(content_of(snapshot, message, email), email, link.save),
        amended=tracking_of(snapshot, message, Reason.SELLER) if link.save else None,
        look_again=may_be_correlated_later(snapshot, message),
        attachments=link.attachments_pending or (asked_anew and files_follow),
    )


def _untracked(snapshot: Snapshot, message: Message) -> Plan[Telling]:
    save = snapshot.save
    if why := kept_out(snapshot, message):
        return _never(snapshot, why)
    automatic = _automatic_reason(snapshot, message) if _is_open(snapshot) else None
    reason = Reason.SELLER if save else automatic
    reason = reason or (Reason.CATEGORY if message.is_marked else None)
    if reason is None:
        look_again = snapshot.link is None and may_be_correlated_later(snapshot, message)
        return Ignore(_why_not(snapshot, message), look_again)
    adopted = snapshot.emails[0] if snapshot.emails else None
    activity = adopted.id if adopted else snapshot.activity
    return Track(
        link=link_id_of_item(snapshot.mailbox.id, snapshot.item),
        known=snapshot.link,
        tracking=tracking_of(snapshot, message, reason),
        activity=activity,
        tied=activity,
        telling=Telling(content_of(snapshot, message, adopted), adopted, save),
        mark=not message.is_marked,
        look_again=may_be_correlated_later(snapshot, message),
        attachments=brings_files(snapshot, message, adopted),
    )


def _is_open(snapshot: Snapshot) -> bool:
    """Tell whether the rules may track a mail by themselves.

    What somebody took out of Dynamics comes back only if somebody marks it again; what Dynamics
    refused, also if an operator replays it.
    """
    link = snapshot.link
    return link is None or (link.state is LinkState.FAILED and snapshot.replayed)


def _automatic_reason(snapshot: Snapshot, message: Message) -> Reason | None:
    """Return the rule that tracks a mail by itself (server-side-sync.md 1.2, 2.1).

    Filtering comes first, correlation second: what the filter says does not depend on what else is
    known yet.
    """
    folder, filtering = snapshot.folder, snapshot.mailbox.filtering
    if filtering is FilteringMethod.NONE or _is_left_to_people(snapshot):
        return None
    if message.is_meeting_message or is_for_hands_only(snapshot, message):
        return None
    evaluated = folder in {Folder.INBOX, Folder.SENT} and not _is_older(snapshot, message)
    if evaluated and _passes(filtering, snapshot, message):
        return Reason.FILTER
    return Reason.REPLY if correlated(snapshot, message) else None


def _is_left_to_people(snapshot: Snapshot) -> bool:
    """Tell whether mail in that folder is only ever tracked by hand."""
    if snapshot.folder is Folder.SENT:
        return not snapshot.organization.tracks_sent
    return snapshot.folder in _NEVER_BY_ITSELF


def _passes(filtering: FilteringMethod, snapshot: Snapshot, message: Message) -> bool:
    """Tell whether the personal option lets a mail in: by its sender, or by whom it is sent to."""
    sent = snapshot.folder is Folder.SENT
    addresses = recipients_of(message) if sent else senders_of(message)
    known = snapshot.records or {}
    rows = [row for address in addresses for row in known.get(address, ())]
    match filtering:
        case FilteringMethod.ALL:
            return True
        case FilteringMethod.KNOWN_SENDERS:
            return any(row.table in _KNOWN_SENDERS for row in rows)
        case FilteringMethod.ANY_RECORD:
            return bool(rows)
        case _:
            return False


def _is_older(snapshot: Snapshot, message: Message) -> bool:
    """Tell whether a mail arrived before its mailbox first synced (server-side-sync.md 1.2)."""
    since, received = snapshot.mailbox.sync_from, message.received
    return since is not None and received is not None and received < since


def _why_not(snapshot: Snapshot, message: Message) -> str:
    if snapshot.link and snapshot.link.state is LinkState.FAILED:
        return "Dynamics refused it; its link says why, and the category tries again"
    if snapshot.link:
        return "it was taken out of Dynamics and has not been marked again"
    if message.is_meeting_message:
        return "a meeting message is not mail; the meeting is tracked in the calendar"
    if is_for_hands_only(snapshot, message):
        return "it is private, and has no category"
    if _is_left_to_people(snapshot):
        return f"mail in {snapshot.folder} is tracked only by the category"
    return _why_not_let_in(snapshot, message)


def _why_not_let_in(snapshot: Snapshot, message: Message) -> str:
    if snapshot.mailbox.filtering is FilteringMethod.NONE:
        return "the personal option is 'No email messages', and it has no category"
    if snapshot.folder not in {Folder.INBOX, Folder.SENT}:
        return "it is not in the Inbox, answers no tracked mail and has no category"
    if _is_older(snapshot, message):
        return "it arrived before the mailbox was enrolled, and has no category"
    who = "no recipient is a known" if snapshot.folder is Folder.SENT else "the sender is no"
    return {
        FilteringMethod.KNOWN_SENDERS: f"{who} lead, contact or account",
        FilteringMethod.ANY_RECORD: f"{who} email-enabled record",
    }.get(snapshot.mailbox.filtering, "it answers no tracked mail and has no category")
