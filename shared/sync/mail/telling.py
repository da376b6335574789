"""What one mailbox's copy of a mail makes of its activity, and what all of them do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.dataverse.activities import regard
from shared.dataverse.batch import Operation
from shared.dataverse.emails import (
    Content,
    Email,
    correlate_email,
    create_email,
    rewrite_email,
    touch_email,
)
from shared.dataverse.requests import About, Request
from shared.identifiers import activity_id_of_message, activity_id_of_sent
from shared.sync.plan import Keep, Track


@dataclass(frozen=True, slots=True)
class Telling:
    """What the activity would say if made from this copy, and the activity that is there.

    `save` is what was asked for of this copy and is not done yet.
    """

    content: Content
    existing: Email | None
    save: Request | None = None


def email_writes(
    plans: Sequence[Track[Telling] | Keep[Telling]], entity_sets: Mapping[str, str]
) -> Sequence[Operation]:
    """Return what makes an activity from the copies of its mail, or amends the one there is."""
    # The sender's copy knows most; else any copy will do.
    teller = max(plans, key=lambda plan: plan.telling.content.outgoing)
    existing = next((plan.telling.existing for plan in plans if plan.telling.existing), None)
    saves = [plan.telling.save for plan in plans if plan.telling.save]
    about = max(
        (save for save in saves if save.about is not None), key=lambda save: save.on, default=None
    )
    if existing:
        amendment = _amendment(existing, teller.telling.content, entity_sets)
        if not amendment and any(isinstance(plan, Track) for plan in plans):
            amendment = _touched(existing, teller.telling.content)
        wanted = about.about if about else None
        return (*amendment, *_regarded(existing, wanted, entity_sets, amended=bool(amendment)))
    if any(isinstance(plan, Track) for plan in plans):
        return create_email(teller.activity, teller.telling.content, entity_sets)
    return ()


def _touched(email: Email, content: Content) -> Sequence[Operation]:
    """Return what makes whoever is about to delete an activity look again: it is tied to by now.

    What another application has written is left as it is.
    """
    return (touch_email(email),) if _is_ours(email, content) else ()


def _is_ours(email: Email, content: Content) -> bool:
    """Tell whether Tether made an activity: then its key is derived from the Message-ID."""
    message_id = content.message_id
    return email.id in {activity_id_of_message(message_id), activity_id_of_sent(message_id)}


def _regarded(
    email: Email, about: About | None, entity_sets: Mapping[str, str], *, amended: bool
) -> Sequence[Operation]:
    """Return what makes an activity be about what was asked for, whoever made it."""
    if about is None:
        return ()
    guard = "*" if amended else email.etag
    return regard("emails", email.id, guard, email.regarding, about.of("email"), entity_sets)


def _amendment(
    email: Email, content: Content, entity_sets: Mapping[str, str]
) -> Sequence[Operation]:
    """Return what makes an activity say what it would say had it been made last.

    Only of our own making: what another application has written is adopted as it is.
    """
    if not _is_ours(email, content):
        return ()
    if content.outgoing and not email.outgoing:
        return rewrite_email(email, content, entity_sets)
    if content.parent and content.parent != email.parent:
        return correlate_email(email, content, entity_sets)
    return ()
