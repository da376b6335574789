"""Ids in addresses: a task is read through its list, and its two ids stand in one segment.

Inside, the two are joined by `/`. In an address an encoded slash is decoded by some hosts and left
by others; `~` needs no encoding and is in no id of Exchange.
"""

from shared.identifiers import Kind
from shared.tracking.contract import Asked, ItemStatus
from shared.tracking.problems import FieldProblem, Refusal

_INSIDE, _OUTSIDE = "/", "~"


def inside(asked: Asked) -> Asked:
    """Return what is asked for with its id as the rest of the app writes it.

    Raises:
        Refusal: the id is of another shape than the kind's.
    """
    if asked.id is None:
        return asked
    item = asked.id.replace(_OUTSIDE, _INSIDE)
    if asked.kind is not Kind.TASKS and _INSIDE in item:
        raise _refused("an id of this kind has no ~ or /", "Give the REST id: convertToRestId().")
    if asked.kind is Kind.TASKS and not all((*item.partition(_INSIDE), item.count(_INSIDE) == 1)):
        raise _refused("a task is named by its list, too", "Write <list id>~<task id>.")
    return asked.model_copy(update={"id": item})


def outside(status: ItemStatus) -> ItemStatus:
    """Return a status with its id as callers write it."""
    return status.model_copy(update={"id": status.id.replace(_INSIDE, _OUTSIDE)})


def _refused(problem: str, remedy: str) -> Refusal:
    return Refusal("invalid-request", 400, errors=[FieldProblem(
        field="id", problem=problem, remedy=remedy
    )])  # fmt: skip
