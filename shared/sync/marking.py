"""The category on a mail: put on before Dynamics is written to, taken off before a link goes.

That order is what makes the category tell the truth without a further row: a link without the
category always means that somebody took it off, whatever died in between.
"""

from collections.abc import Sequence
from dataclasses import replace

from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.messages import TRACKED_CATEGORY, set_categories
from shared.sync.plan import Track, Unlink
from shared.sync.writes import Decision


def markings(decisions: Sequence[Decision]) -> list[tuple[Decision, GraphRequest]]:
    """Return the decisions that change a mail's categories, each with the request that does."""
    return [
        (decision, request) for decision in decisions if (request := _request(decision)) is not None
    ]


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
    if message is None:
        return None
    if isinstance(plan, Track) and plan.mark:
        wanted = (*message.categories, TRACKED_CATEGORY)
    elif isinstance(plan, Unlink) and plan.unmark:
        ours = TRACKED_CATEGORY.casefold()
        wanted = tuple(name for name in message.categories if name.casefold() != ours)
    else:
        return None
    change = decision.read.change
    return set_categories(change.mailbox, change.item, message.etag, wanted)
