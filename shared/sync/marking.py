"""The category on a mail: put on before Dynamics is written to, taken off before a link goes.

That order is what makes the category tell the truth without a further row: a link without the
category always means that somebody took it off, whatever died in between. The mail was read before
its link, though: another instance may have put both there since. So a mail that is let go is looked
at once more, and must still be in the version that was read.
"""

from collections.abc import Sequence
from dataclasses import replace

from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.messages import TRACKED_CATEGORY, read_message, set_categories
from shared.sync.plan import Track, Unlink
from shared.sync.writes import Decision


def markings(decisions: Sequence[Decision]) -> list[tuple[Decision, GraphRequest]]:
    """Return the decisions that need a word with Outlook first, each with its request."""
    return [
        (decision, request) for decision in decisions if (request := _request(decision)) is not None
    ]


def unmarkings(decisions: Sequence[Decision]) -> list[GraphRequest]:
    """Return what takes the category off again where it was put on for nothing."""
    return [
        set_categories(read.change.mailbox, read.change.item, message.etag, message.categories)
        for decision in decisions
        if isinstance(decision.plan, Track) and decision.plan.mark
        if (message := (read := decision.read).message)
    ]


def is_overtaken(decision: Decision, response: GraphResponse) -> bool:
    """Tell whether a mail that is to be let go has changed since it was read."""
    plan, message = decision.plan, decision.read.message
    if message is None or not isinstance(plan, Unlink) or plan.unmark:
        return False
    return response.body.get("@odata.etag") != message.etag


def at_new_version(decision: Decision, response: GraphResponse) -> Decision:
    """Return the decision with the mail as the category left it, so that its echo is known."""
    message = decision.read.message
    if message is None:
        return decision
    etag = str(response.body.get("@odata.etag") or "")
    read = replace(decision.read, message=message.model_copy(update={"etag": etag}))
    return replace(decision, read=read)


def _request(decision: Decision) -> GraphRequest | None:
    plan, message = decision.plan, decision.read.message
    change = decision.read.change
    if message is None:
        return None
    if isinstance(plan, Unlink) and not plan.unmark:
        return read_message(change.mailbox, change.item)
    if isinstance(plan, Track) and plan.mark:
        wanted = (*message.categories, TRACKED_CATEGORY)
    elif isinstance(plan, Unlink):
        ours = TRACKED_CATEGORY.casefold()
        wanted = tuple(name for name in message.categories if name.casefold() != ours)
    else:
        return None
    return set_categories(change.mailbox, change.item, message.etag, wanted)
