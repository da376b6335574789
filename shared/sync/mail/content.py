"""What a mail's activity and its link say. Pure."""

from datetime import UTC, datetime

from shared.dataverse.activities import Priority, Reference
from shared.dataverse.emails import Content, Email
from shared.dataverse.links import Reason
from shared.dataverse.tracking import Thread, Tracking
from shared.graph.messages import Folder, Message
from shared.identifiers import Kind, SystemUserId
from shared.sync.mail.correlation import parent_of
from shared.sync.mail.parties import owner_of, parties_of
from shared.sync.mail.snapshot import Snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tracking_of(snapshot: Snapshot, message: Message, reason: Reason) -> Tracking:
    """Return what the link of a tracked mail says."""
    return Tracking(
        kind=Kind.MAIL,
        mailbox=snapshot.mailbox.id,
        item=snapshot.item,
        subject=message.subject,
        reason=reason,
        tracked_by=_who(snapshot),
        place=Thread(
            message_id=message.internet_message_id,
            conversation_root=message.conversation_root,
            conversation_index=message.place_in_conversation,
        ),
    )


def content_of(snapshot: Snapshot, message: Message, email: Email | None) -> Content:
    """Return what the activity says; once outgoing, always outgoing: the sender's copy knows."""
    outgoing = snapshot.folder is Folder.SENT
    parent = parent_of(snapshot, message)
    parties = parties_of(message, snapshot.records or {}, snapshot.mailbox.systemuser)
    sent = message.sent or message.received or _EPOCH
    return Content(
        message_id=message.internet_message_id,
        subject=message.subject,
        body=message.body,
        outgoing=outgoing,
        sent=sent,
        received=message.received or sent,
        priority=Priority.of(message.importance),
        parties=parties,
        owner=owner_of(
            parties,
            outgoing=outgoing,
            correlated_owner=parent.owner if parent else "",
            otherwise=snapshot.mailbox.systemuser,
        ),
        parent=parent.id if parent else None,
        regarding=_regarding(snapshot, email, parent),
    )


def _regarding(snapshot: Snapshot, email: Email | None, parent: Email | None) -> Reference | None:
    """Return what a new activity is about: what was asked for, else what the answered mail is."""
    save = snapshot.save
    if save and save.about is not None:
        return save.about.of("email")
    return parent.regarding if parent and not (email and email.regarding) else None


def _who(snapshot: Snapshot) -> SystemUserId:
    save = snapshot.save
    return save.by if save else snapshot.mailbox.systemuser


def brings_files(snapshot: Snapshot, message: Message, email: Email | None) -> bool:
    """Tell whether a mail's attachments follow it; those of a row somebody else made are theirs."""
    ours = email is None or email.id == snapshot.activity
    save = snapshot.save
    wished = save.attachments if save else None
    wanted = snapshot.policy.attachments if wished is None else wished
    return ours and wanted and message.has_attachments
