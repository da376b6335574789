"""Reads items from Graph, whatever their kind."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from shared.changes import Change
from shared.graph.client import Graph, GraphResponse
from shared.graph.items import Item
from shared.sync.facts import Facts
from shared.sync.outcome import Failed, Impossible, Outcome
from shared.sync.rules import Read, Rules
from shared.telemetry import Parked

_DENIED = {401, 403, 404}
_GONE = "ErrorItemNotFound"  # any other 404 speaks of the mailbox, not of the item (graph.md 1.7)


async def read_items[I: Item, F: Facts, C](
    rules: Rules[I, F, C], graph: Graph, work: Sequence[Change], outcome: Outcome, now: datetime
) -> list[Read[I]]:
    """Read the items; what a first answer leaves out is asked for until nothing is missing.

    What became of those that cannot be read is told in `outcome`.
    """
    reads: list[Read[I]] = []
    asked = [(change, rules.request(change.mailbox, change.item)) for change in work]
    begun: dict[str, I] = {}
    while asked:
        responses = await graph.batch([request for _, request in asked])
        answered, asked = zip(asked, responses, strict=True), []
        for (change, _), response in answered:
            if response.status == 404 and response.code == _GONE:
                reads.append(Read(change, None))
                continue
            if not response.ok:
                refused_by_graph(change, response, outcome)
                continue
            try:
                known = begun.get(change.id)
                item = rules.completed(known, response.body) if known else rules.item(response.body)
            except ValidationError as error:
                outcome.impossible.append(_unreadable(change, rules.noun, error))
                continue
            if rest := rules.rest(change.mailbox, item, now):
                begun[change.id] = item
                asked.append((change, rest))
            else:
                reads.append(Read(change, item))
    return reads


def refused_by_graph(change: Change, response: GraphResponse, outcome: Outcome) -> None:
    """Tell in `outcome` what it means for a change that Graph refused its request."""
    if response.status == 400:
        outcome.impossible.append(Impossible(change, response.problem))
    else:
        denied = response.status in _DENIED
        outcome.failed.append(Failed(change, response.problem, response.retry_after, denied))


def _unreadable(change: Change, noun: str, error: ValidationError) -> Impossible:
    fields = sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]})
    reason = f"Graph shows the {noun} in a shape nobody knows: {', '.join(fields)}"
    return Impossible(change, reason, Parked.UNREADABLE)
