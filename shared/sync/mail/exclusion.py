"""Mail that a rule keeps out: what nobody but its readers is to see (server-side-sync.md 6.3, 6.5).

S/MIME is not supported, by the product either: without the readers' keys there is nothing to save.
Pure.
"""

from shared.graph.messages import Message
from shared.sync.mail.policy import PrivateMail
from shared.sync.mail.snapshot import Snapshot


def kept_out(snapshot: Snapshot, message: Message) -> str:
    """Return why a mail never comes in, whoever saves it; empty if nothing keeps it out."""
    if message.is_encrypted:
        return "it is encrypted (S/MIME), so that Dynamics could not show it to anybody"
    if message.is_rights_managed and snapshot.organization.keeps_out_rights_managed:
        return "its rights are managed (IRM), and the organisation keeps such mail out of Dynamics"
    if message.is_private and snapshot.policy.private is PrivateMail.NEVER:
        return "it is private, and the organisation keeps private mail out of Dynamics"
    return ""


def is_for_hands_only(snapshot: Snapshot, message: Message) -> bool:
    """Tell whether no rule tracks it by itself, though somebody may."""
    return message.is_private and snapshot.policy.private is PrivateMail.MANUAL
