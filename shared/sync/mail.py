"""What makes a mail tracked, and what ends it: pure, no I/O, no clock, no chance.

The rules are those of server-side-sync.md 1 to 3, looked at as states, not as events: whatever the
order in which changes are heard of, the same two sides give the same plan.
"""

from datetime import UTC, datetime

from shared.dataverse.emails import Content, Email, Priority
from shared.dataverse.links import LinkState, Reason, Tracking
from shared.dataverse.mailboxes import FilteringMethod, MailboxState
from shared.dataverse.records import Table
from shared.graph.messages import Folder, Message
from shared.identifiers import link_id_of_item
from shared.sync.parties import owner_of, parties_of
from shared.sync.plan import Ignore, Keep, Plan, Track, Unlink
from shared.sync.snapshot import Snapshot

_NEVER_BY_ITSELF = {Folder.SENT, Folder.DRAFTS, Folder.OUTBOX, Folder.JUNK, Folder.DELETED}
_KNOWN_SENDERS = {Table.CONTACT, Table.ACCOUNT, Table.LEAD}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decide(snapshot: Snapshot) -> Plan:
    """Return what makes the two sides of one mail agree."""
    message, link = snapshot.message, snapshot.link
    if snapshot.mailbox.state is MailboxState.SUSPENDED:
        return Ignore("the mailbox is not ready for server-side synchronization")
    if message is None:
        return _left(snapshot, "deleted in Outlook")
    if _folder(snapshot, message) is Folder.DELETED:
        return _left(snapshot, "moved to Deleted Items")
    if message.is_draft:
        return Ignore("a draft is saved once it is sent")
    if link and link.state is LinkState.TRACKED:
        return _tracked(snapshot, message)
    return _untracked(snapshot, message)


def _left(snapshot: Snapshot, why: str) -> Plan:
    if snapshot.link and snapshot.link.state is LinkState.TRACKED:
        return Unlink(snapshot.link, why)
    return Ignore(why)


def _tracked(snapshot: Snapshot, message: Message) -> Plan:
    link = snapshot.link
    assert link is not None  # noqa: S101 - the caller has looked
    if link.activity is None:
        return Unlink(link, "the activity was deleted in Dynamics", unmark=message.is_marked)
    if not message.is_marked:
        return Unlink(link, "the category was taken off in Outlook")
    email = next((one for one in snapshot.emails if one.id == link.activity), None)
    content = _content(snapshot, message, email)
    return Keep(link.activity, email, content, _look_again(snapshot, message))


def _untracked(snapshot: Snapshot, message: Message) -> Plan:
    # What somebody took out of Dynamics comes back only if somebody marks it again.
    automatic = None if snapshot.link else _automatic_reason(snapshot, message)
    reason = automatic or (Reason.CATEGORY if message.is_marked else None)
    if reason is None:
        look_again = snapshot.link is None and _look_again(snapshot, message)
        return Ignore(_why_not(snapshot, message), look_again)
    adopted = snapshot.emails[0] if snapshot.emails else None
    return Track(
        link=link_id_of_item(snapshot.mailbox.id, snapshot.item),
        known=snapshot.link,
        tracking=_tracking(snapshot, message, reason),
        activity=adopted.id if adopted else snapshot.activity,
        content=_content(snapshot, message, adopted),
        adopted=adopted,
        mark=not message.is_marked,
        look_again=_look_again(snapshot, message),
    )


def _automatic_reason(snapshot: Snapshot, message: Message) -> Reason | None:
    """Return the rule that tracks a mail by itself (server-side-sync.md 1.2, 2.1).

    Filtering comes first, correlation second: what the filter says does not depend on what else is
    known yet.
    """
    folder, filtering = _folder(snapshot, message), snapshot.mailbox.filtering
    if filtering is FilteringMethod.NONE or folder in _NEVER_BY_ITSELF:
        return None
    if message.is_meeting_message:
        return None
    arrived = folder is Folder.INBOX and not _is_older(snapshot, message)
    if arrived and _passes(filtering, snapshot, message):
        return Reason.FILTER
    return Reason.REPLY if _correlated(snapshot, message) else None


def _passes(filtering: FilteringMethod, snapshot: Snapshot, message: Message) -> bool:
    sender = message.from_address.address.lower() if message.from_address else ""
    rows = (snapshot.records or {}).get(sender, ())
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
    folder = _folder(snapshot, message)
    if folder in _NEVER_BY_ITSELF:
        return f"mail in {folder} is tracked only by the category"
    return _why_not_let_in(snapshot, message)


def _why_not_let_in(snapshot: Snapshot, message: Message) -> str:
    if snapshot.mailbox.filtering is FilteringMethod.NONE:
        return "the personal option is 'No email messages', and it has no category"
    if _folder(snapshot, message) is not Folder.INBOX:
        return "it is not in the Inbox, answers no tracked mail and has no category"
    if _is_older(snapshot, message):
        return "it arrived before the mailbox was enrolled, and has no category"
    return {
        FilteringMethod.KNOWN_SENDERS: "the sender is no lead, contact or account",
        FilteringMethod.ANY_RECORD: "the sender is no email-enabled record",
    }.get(snapshot.mailbox.filtering, "it answers no tracked mail and has no category")


def _correlated(snapshot: Snapshot, message: Message) -> Email | None:
    """Return the tracked mail this one answers, or follows in its conversation (2.1).

    By In-Reply-To first. Then by conversation index: the nearest mail it descends from, else the
    first of the conversation, which is the shortest index.
    """
    if not message.is_reply:
        return None
    if snapshot.answered:
        return snapshot.answered
    place = message.place_in_conversation
    ancestors = [one for one in snapshot.companions if _descends(place, one.place)]
    if ancestors:
        return max(ancestors, key=lambda one: (len(one.place), one.email.id)).email
    others = [one for one in snapshot.companions if one.place]
    first = min(others, key=lambda one: (len(one.place), one.place, one.email.id), default=None)
    return first.email if first else None


def _parent(snapshot: Snapshot, message: Message) -> Email | None:
    """Return the correlated mail if it comes before this one, so that no two are each other's.

    From it alone come owner and regarding: what comes after may or may not be tracked by now.
    """
    correlated = _correlated(snapshot, message)
    if correlated is None or correlated is snapshot.answered:
        return correlated
    place = message.place_in_conversation
    before = (one.email for one in snapshot.companions if len(one.place) < len(place))
    return next((email for email in before if email.id == correlated.id), None)


def _descends(place: str, ancestor: str) -> bool:
    return bool(ancestor) and len(ancestor) < len(place) and place.startswith(ancestor)


def _look_again(snapshot: Snapshot, message: Message) -> bool:
    """Tell whether the mail it answers may still be on its way into Dynamics (2.1)."""
    return message.is_reply and snapshot.answered is None and not snapshot.looked_before


def _tracking(snapshot: Snapshot, message: Message, reason: Reason) -> Tracking:
    return Tracking(
        mailbox=snapshot.mailbox.id,
        item=snapshot.item,
        subject=message.subject,
        message_id=message.internet_message_id,
        conversation_root=message.conversation_root,
        conversation_index=message.place_in_conversation,
        reason=reason,
        tracked_by=snapshot.mailbox.systemuser,
    )


def _content(snapshot: Snapshot, message: Message, email: Email | None) -> Content:
    """Return what the activity says; once outgoing, always outgoing: the sender's copy knows."""
    outgoing = _folder(snapshot, message) is Folder.SENT
    parent = _parent(snapshot, message)
    parties = parties_of(message, snapshot.records or {}, snapshot.mailbox.systemuser)
    sent = message.sent or message.received or _EPOCH
    return Content(
        message_id=message.internet_message_id,
        subject=message.subject,
        body=message.body,
        outgoing=outgoing,
        sent=sent,
        received=message.received or sent,
        priority=Priority[message.importance.upper()]
        if message.importance.upper() in Priority.__members__
        else Priority.NORMAL,
        parties=parties,
        owner=owner_of(
            parties,
            outgoing=outgoing,
            correlated_owner=parent.owner if parent else "",
            otherwise=snapshot.mailbox.systemuser,
        ),
        parent=parent.id if parent else None,
        regarding=parent.regarding if parent and not (email and email.regarding) else None,
    )


def _folder(snapshot: Snapshot, message: Message) -> Folder | None:
    return snapshot.mailbox.folders.get(message.folder)
