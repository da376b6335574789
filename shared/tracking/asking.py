"""What may be asked for an item, by whom, and what its link says of it: pure."""

from collections.abc import Mapping
from datetime import datetime

from shared.dataverse.links import Link, Reason
from shared.dataverse.requests import About, Action, Request
from shared.dataverse.tracking import Attendance, Thread, Tracking
from shared.graph.contacts import Contact
from shared.graph.events import Event
from shared.graph.messages import Message
from shared.graph.tasks import TodoTask
from shared.identifiers import Kind, SystemUserId
from shared.sync.contacts.mapping import name_of
from shared.sync.plan import Ignore, Keep
from shared.tracking.callers import Caller
from shared.tracking.contract import Removal, SaveRequest, Scope
from shared.tracking.finding import AnyLook
from shared.tracking.problems import Refusal
from shared.tracking.states import Sides


def check_save(look: AnyLook, wish: SaveRequest) -> None:
    """Refuse what can never be saved, or not with what is wished.

    Raises:
        Refusal: it cannot; says why.
    """
    if look.is_gone:
        raise Refusal("item-not-found", 404)
    if isinstance(look.plan, Ignore) and look.plan.excluded:
        raise Refusal("kept-out-by-rule", 409, f"Kept out of Dynamics because {look.plan.why}.")
    if look.change.kind is Kind.CONTACTS and "regarding" in wish.model_fields_set:
        raise Refusal("regarding-not-possible", 422, "A contact is about nothing else.")
    is_series = isinstance(look.item, Event) and look.item.is_series
    if wish.attachments and (look.change.kind in {Kind.CONTACTS, Kind.TASKS} or is_series):
        raise Refusal("attachments-not-possible", 422)


def check_removal(
    sides: Sides, caller: Caller, user: SystemUserId | None, owners: Mapping[str, str], scope: Scope
) -> None:
    """Refuse a removal by who has neither saved the item first nor owns its activity.

    `user` is the caller in Dynamics, `owners` whose the activities are. The own copy is anybody's
    to remove; what others have saved is each looked at by itself, for a mail between users is two
    activities.

    Raises:
        Refusal: they may not.
    """
    if caller.is_administrator:
        return
    if scope is Scope.MAILBOX:
        if sides.saved and sides.own not in going_of(sides, scope):
            raise Refusal("not-allowed-to-remove", 403, "It was saved from another mailbox.")
        return
    for link in sides.saved:
        savers = _first_savers(sides, link)
        if link is not sides.own and (user is None or user not in {*savers, owners.get(link.id)}):
            raise Refusal("not-allowed-to-remove", 403, "Somebody else saved it, and it is theirs.")


def _first_savers(sides: Sides, link: Link) -> set[SystemUserId | None]:
    """Return who saved first what a link is tied to; several, if that was within one second."""
    same = [one for one in sides.saved if one.activity == link.activity]
    first = min((one.tracked_on for one in same if one.tracked_on), default=None)
    return {one.tracked_by for one in same if one.tracked_on == first}


def going_of(sides: Sides, scope: Scope) -> list[Link]:
    """Return the links that a removal is about; a save that others wait for is theirs alone."""
    own = [link for link in sides.links if link is sides.own and (link.is_tracked or link.save)]
    others = [link for link in sides.others if link.is_tracked and not link.removal]
    return [*own, *others] if scope is Scope.ALL else own


def is_needed(sides: Sides, request: Request, present: About) -> bool:
    """Tell whether a save changes anything; `present` is what the activity is about now."""
    if not isinstance(sides.look.plan, Keep) or (sides.own and sides.own.request):
        return True
    return request.attachments is True or request.about not in {None, present}


def removal(by: SystemUserId, on: datetime, kind: Kind, wanted: Removal) -> Request:
    """Return the removal of an item; a contact is a row of its own, and is never deleted."""
    deletes = wanted is Removal.DELETE and kind is not Kind.CONTACTS
    return Request(action=Action.REMOVE, by=by, on=on, deletes=deletes)


def first_tracking(look: AnyLook, by: SystemUserId) -> Tracking:
    """Return what the link of an item says that is to be saved for the first time."""
    subject, place = _described(look)
    change = look.change
    return Tracking(
        change.kind, change.mailbox, change.item, subject, Reason.SELLER, by, place=place
    )


def _described(look: AnyLook) -> tuple[str, Thread | Attendance | None]:
    match look.item:
        case Message() as mail:
            place = Thread(
                mail.internet_message_id, mail.conversation_root, mail.place_in_conversation
            )
            return mail.subject, place
        case Event() as event:
            global_id = event.ical_uid.upper()
            return event.subject, Attendance(
                global_id, event.is_organizer, event.is_series, event.response, appointments=0
            )
        case Contact() as contact:
            return name_of(contact), None
        case TodoTask(title=title):
            return title, None
        case _:
            raise Refusal("item-not-found", 404)
