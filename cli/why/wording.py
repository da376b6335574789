"""Puts an answer into words: what is under way, and what to do where nothing is wrong. Pure."""

from collections.abc import Iterator

from cli.why.answering import Answer
from shared.dataverse.requests import Action
from shared.graph.items import TRACKED_CATEGORY
from shared.graph.messages import Message
from shared.identifiers import Kind
from shared.sync.outcome import Failed, Impossible
from shared.sync.plan import Track, Unlink
from shared.tracking.contract import State

_STATES = {
    State.SAVED: "it is in Dynamics",
    State.NOT_SAVED: "it is not in Dynamics",
    State.SAVING: "it is under way",
    State.REMOVED: "it is not in Dynamics any more",
    State.FAILED: "it could not be saved",
    State.IGNORED: "it is kept out of Dynamics",
}
_ASKED = {Action.SAVE: "to be saved", Action.REMOVE: "to be removed"}
_NEXT = "the next change to it does that, or a look at it through the API"
_REMEDIES = {
    State.NOT_SAVED: f"save it, or give it the category '{TRACKED_CATEGORY}' in Outlook",
    State.REMOVED: f"save it again, or give it the category '{TRACKED_CATEGORY}' in Outlook",
}


def headline(answer: Answer) -> str:
    """Return the answer in one sentence."""
    if answer.status is None:
        trouble = answer.refusal
        return trouble.administrator if trouble else "Neither Outlook nor Dynamics knows this item."
    subject = answer.item.subject or answer.item.item
    return f"{subject}: {_STATES[answer.status.state]}: {answer.status.why}"


def remedy(answer: Answer) -> str:
    """Return what to do about an item that nothing is wrong with; empty where nothing is to do."""
    if answer.status is None or answer.trouble or answer.lacking:
        return ""
    sides = answer.sides
    if sides and sides.look.is_gone:
        return ""
    if sides and isinstance(sides.look.item, Message) and sides.look.item.is_draft:
        return "send it first"
    if answer.status.kind is Kind.CONTACTS:
        return "save it in Outlook" if answer.status.state in _REMEDIES else ""
    return _REMEDIES.get(answer.status.state, "")


def under_way(answer: Answer) -> Iterator[str]:
    """Give what is under way, and what keeps it there."""
    for link in answer.links:
        if request := link.request:
            who = answer.mailboxes.get(link.mailbox) if link.mailbox else ""
            day = f"{request.on:%Y-%m-%d %H:%M}"
            yield f"{who or link.mailbox}: it is {_ASKED[request.action]}, asked for {day}"
    if answer.sides:
        yield from _apart(answer)
    for one in answer.waiting.queued:
        tries = max((change.attempt for change in one.changes or ()), default=0)
        again = f", tried {tries} times, next {one.due:%Y-%m-%d %H:%M:%S}" if one.due else ""
        yield f"a change to it is on the queue{again}"


def _apart(answer: Answer) -> Iterator[str]:
    sides = answer.sides
    if sides is None:
        return
    if sides.is_apart:
        match sides.look.plan:
            case Track():
                yield f"it is to be saved: {_NEXT}"
            case Unlink(why=why):
                yield f"it is to be taken out of Dynamics, because {why}: {_NEXT}"
    match sides.look.end:
        case Failed(problem=problem):
            yield f"it cannot be brought in step now: {problem}"
        case Impossible(reason=reason):
            yield f"it can never be brought in step: {reason}"
