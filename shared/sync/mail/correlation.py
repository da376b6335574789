"""Which tracked mail a mail answers or follows (server-side-sync.md 2.1). Pure."""

from shared.dataverse.emails import Email
from shared.graph.messages import Message
from shared.sync.mail.snapshot import Snapshot


def correlated(snapshot: Snapshot, message: Message) -> Email | None:
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


def parent_of(snapshot: Snapshot, message: Message) -> Email | None:
    """Return the correlated mail if it comes before this one, so that no two are each other's.

    From it alone come owner and regarding: what comes after may or may not be tracked by now.
    """
    found = correlated(snapshot, message)
    if found is None or found is snapshot.answered:
        return found
    place = message.place_in_conversation
    before = (one.email for one in snapshot.companions if len(one.place) < len(place))
    return next((email for email in before if email.id == found.id), None)


def _descends(place: str, ancestor: str) -> bool:
    return bool(ancestor) and len(ancestor) < len(place) and place.startswith(ancestor)


def may_be_correlated_later(snapshot: Snapshot, message: Message) -> bool:
    """Tell whether the mail it answers may still be on its way into Dynamics (2.1)."""
    return message.is_reply and snapshot.answered is None and not snapshot.looked_before
