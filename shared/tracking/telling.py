"""Puts into words how an item stands: the answer a seller, an add-in or an operator gets. Pure."""

from shared.catalogue import explain
from shared.dataverse.links import Link
from shared.dataverse.shown import ShownActivity
from shared.tracking.contract import (
    Activity,
    ItemStatus,
    NamedRegarding,
    Person,
    State,
    Trouble,
)
from shared.tracking.knowing import Knowledge
from shared.tracking.states import Sides, state_of
from shared.tracking.troubles import trouble_of

_REFUSED = "refused-by-dynamics"


def status_of(sides: Sides, known: Knowledge, address: str) -> ItemStatus:
    """Return how an item stands; `address` is where Dynamics is, without a trailing slash."""
    state, why = state_of(sides)
    saved = sides.saved
    first = saved[0] if saved else None
    shown = known.activity(sides) if state in {State.SAVED, State.SAVING} else None
    return ItemStatus(
        id=sides.look.change.item,
        kind=sides.look.change.kind,
        state=state,
        why=why,
        reason=first.reason.name.lower() if first and first.reason else None,
        saved_by=_who(first, known) if first else None,
        saved_on=first.tracked_on if first else None,
        activity=_activity(shown, address) if shown else None,
        participants=sum(link is not sides.own for link in saved),
        notes=tuple(dict.fromkeys(note for link in saved for note in link.notes)),
        trouble=_trouble(sides, state, why),
    )


def _who(link: Link, known: Knowledge) -> Person | None:
    if link.tracked_by is None:
        return None
    return Person.model_validate(
        {"id": link.tracked_by, "name": known.names.get(link.tracked_by, "")}
    )


def _activity(shown: ShownActivity, address: str) -> Activity:
    regarding = shown.regarding
    return Activity.model_validate(
        {
            "table": shown.table,
            "id": shown.id,
            "url": f"{address}/main.aspx?pagetype=entityrecord&etn={shown.table}&id={shown.id}",
            "regarding": NamedRegarding.model_validate(
                {"table": regarding.table, "id": regarding.id, "name": shown.regarding_name}
            )
            if regarding
            else None,
        }
    )


def _trouble(sides: Sides, state: State, why: str) -> Trouble | None:
    """Return what went wrong with the item itself, or with what was last asked for it."""
    if state is State.IGNORED:
        return trouble_of("kept-out-by-rule")
    if state is State.FAILED:
        found = explain(why)
        return trouble_of(found.code if found else _REFUSED)
    if state is State.SAVED and sides.own and sides.own.detail:
        found = explain(sides.own.detail)
        return trouble_of(found.code) if found else None
    return None
