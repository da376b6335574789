"""The category on an item: put on before Dynamics is written to, taken off before a link goes.

That order is what makes the category tell the truth without a further row: a link without the
category always means that somebody took it off, whatever died in between. The item was read before
its link, though: another instance may have put both there since. So an item that is let go is
looked at once more, and must still be in the version that was read.

What Dynamics refuses although a rule, not a person, has asked for it says so in Outlook by a
category of its own (server-side-sync.md 1.3). That one goes as soon as the item is tried again.
"""

from collections.abc import Sequence
from dataclasses import replace

from shared.dataverse.links import Reason
from shared.graph.client import GraphRequest, GraphResponse
from shared.graph.items import TRACKED_CATEGORY, UNDELIVERABLE_CATEGORY, Item, without
from shared.sync.facts import Facts
from shared.sync.plan import Track, Unlink
from shared.sync.rules import Decision, Rules

_RULES = {Reason.REPLY, Reason.FILTER}


def markings[I: Item, F: Facts, C](
    decisions: Sequence[Decision[I, C]], rules: Rules[I, F, C]
) -> list[tuple[Decision[I, C], GraphRequest]]:
    """Return the decisions that need a word with Outlook first, each with its request."""
    return [
        (decision, request)
        for decision in decisions
        if (request := _request(decision, rules)) is not None
    ]


def unmarkings[I: Item, F: Facts, C](
    decisions: Sequence[Decision[I, C]], rules: Rules[I, F, C]
) -> list[GraphRequest]:
    """Return what makes the categories say that the items were refused."""
    return [
        rules.categorized(read.change.mailbox, read.change.item, item.etag, wanted)
        for decision in decisions
        if (item := (read := decision.read).item)
        if (wanted := _refused(decision, item)) is not None
    ]


def _refused[I: Item, C](decision: Decision[I, C], item: Item) -> tuple[str, ...] | None:
    if is_automatic(decision):
        rest = without(item.categories, TRACKED_CATEGORY, UNDELIVERABLE_CATEGORY)
        return (*rest, UNDELIVERABLE_CATEGORY)
    match decision.plan:
        case Track(mark=mark):
            changed = mark or item.is_undeliverable
        case Unlink(unmark=unmark, known=known):
            changed = unmark and known.removal is not None
        case _:
            changed = False
    return item.categories if changed else None


def is_automatic[I: Item, C](decision: Decision[I, C]) -> bool:
    """Tell whether a rule has an item tracked that nobody has asked for.

    At a further try it carries the category already, which the first one has put on.
    """
    plan, tried = decision.plan, decision.read.change.attempt > 0
    return isinstance(plan, Track) and plan.tracking.reason in _RULES and (plan.mark or tried)


def is_overtaken[I: Item, C](decision: Decision[I, C], response: GraphResponse) -> bool:
    """Tell whether an item that is to be let go has changed since it was read."""
    plan, item = decision.plan, decision.read.item
    if item is None or not isinstance(plan, Unlink) or plan.unmark:
        return False
    return response.body.get("@odata.etag") != item.etag


def at_new_version[I: Item, C](decision: Decision[I, C], response: GraphResponse) -> Decision[I, C]:
    """Return the decision with the item as the category left it, so that its echo is known."""
    item = decision.read.item
    if item is None:
        return decision
    etag = str(response.body.get("@odata.etag") or "")
    read = replace(decision.read, item=item.model_copy(update={"etag": etag}))
    return replace(decision, read=read)


def _request[I: Item, F: Facts, C](
    decision: Decision[I, C], rules: Rules[I, F, C]
) -> GraphRequest | None:
    plan, item = decision.plan, decision.read.item
    change = decision.read.change
    if item is None:
        return None
    if isinstance(plan, Unlink) and not plan.unmark:
        return rules.request(change.mailbox, change.item)
    if isinstance(plan, Track) and (plan.mark or item.is_undeliverable):
        rest = without(item.categories, TRACKED_CATEGORY, UNDELIVERABLE_CATEGORY)
        wanted = (*rest, TRACKED_CATEGORY)
    elif isinstance(plan, Unlink):
        wanted = without(item.categories, TRACKED_CATEGORY)
    else:
        return None
    return rules.categorized(change.mailbox, change.item, item.etag, wanted)
