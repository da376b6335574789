"""When what Dynamics refuses is tried no more. Pure.

What can never work is given up on at once. What may work yet is tried again: ten times if somebody
has asked for it, five times if only a rule wants it tracked (server-side-sync.md 1.3, 6.3).
"""

from shared.dataverse.batch import Response
from shared.graph.items import Item
from shared.sync.marking import is_automatic
from shared.sync.rules import Decision

AUTOMATIC_TRIES = 5


def given_up[I: Item, C](decision: Decision[I, C], response: Response) -> str:
    """Return why an item whose write was refused is let be; empty if it is to be tried again."""
    if response.is_final:
        return response.problem
    tries = decision.read.change.attempt + 1
    if response.speaks_of_the_item and tries >= AUTOMATIC_TRIES and is_automatic(decision):
        return f"refused {tries} times: {response.problem}"
    return ""
