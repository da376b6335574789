"""However task changes are told, both sides end as if each had been told as it happened."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.tasks import COLUMNS
from shared.identifiers import link_id_of_item
from tests.unit.app.desk import Desk
from tests.unit.app.sides import Ground
from tests.unit.app.todo_life import (
    Life,
    World,
    outlook_worlds,
    shared_worlds,
    tell_anyhow,
    tell_in_order,
)

type State = dict[tuple[str, int], Any]


@pytest.mark.timeout(4 * 3600)  # the long profile takes its time, and so does shrinking
@given(world=outlook_worlds() | shared_worlds(), chance=st.randoms())
def test_any_telling_ends_as_telling_at_once(ground: Ground, world: World, chance: Random) -> None:
    at_once = asyncio.run(_live(ground, world, None))
    anyhow = asyncio.run(_live(ground, world, chance))
    assert anyhow == at_once


async def _live(ground: Ground, world: World, chance: Random | None) -> list[State]:
    """Live a world; return what both sides look like at the end of each epoch."""
    desk = await Desk(ground).open()
    life = Life(desk)
    await life.begin()
    instances = [desk.instance() for _ in range(2)]
    states: list[State] = []
    for epoch in world:
        for action in epoch:
            await life.act(action)
            if chance is None:
                await tell_in_order(life, instances[0])
        if chance is None:
            await tell_in_order(life, instances[0])
        else:
            await tell_anyhow(life, instances, chance)
        states.append(_state(life))
    return states


def _state(life: Life) -> State:
    """Return what there is; of a row that is not tracked any more, only that it is there.

    Whether it was written once more before it was let go depends on when it was looked at.
    """
    links = life.desk.dataverse.rows("tether_link")
    there = life.there()
    state: State = {}
    for number, item in enumerate(life.items):
        link = links.get(link_id_of_item(life.desk.mailbox(), item))
        row = life.desk.row(item)
        is_tracked = link is not None and link["tether_state"] == 1
        state["categories", number] = there.get(item)
        state["link", number] = link and link["tether_state"]
        state["row", number] = row and (_said(row) if is_tracked else True)
        if link and row and is_tracked:
            assert link["tether_taskid"]["id"] == row["activityid"]
            state["told", number] = link["tether_status"]
    return state


def _said(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in (*COLUMNS, "statecode", "statuscode"))
