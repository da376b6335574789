"""Whatever sellers do, in whatever order it is heard of: what the API says is what there is."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dataverse.mailboxes import FilteringMethod
from shared.errors import Transient
from shared.tracking.contract import ItemStatus, Removal, Scope, State
from shared.tracking.problems import Refusal
from tests.unit.app.sellers import Sellers
from tests.unit.app.sides import Ground

PEOPLE, MAILS = 3, 2


class Do(StrEnum):
    """What can happen."""

    SAVE = "save"
    REMOVE = "remove"
    REMOVE_FOR_ALL = "remove for all"
    UNLINK = "unlink"
    MARK = "mark"
    UNMARK = "unmark"
    DELETE = "delete in Outlook"
    DROP = "delete in Dynamics"
    TELL_AGAIN = "tell again"
    CONSUME = "consume"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Step:
    """What one person does with one mail, or the app meanwhile."""

    do: Do
    person: int
    mail: int


steps = st.builds(Step, st.sampled_from(Do), st.integers(0, PEOPLE - 1), st.integers(0, MAILS - 1))
# What stands in one list happens at the same time.
lives = st.lists(st.lists(steps, min_size=1, max_size=3), max_size=12)


@pytest.mark.timeout(4 * 3600)  # the long profile takes its time, and so does shrinking
@settings(max_examples=settings().max_examples // 4)  # a life has many round trips
@given(
    life=lives,
    method=st.sampled_from([FilteringMethod.NONE, FilteringMethod.ALL]),
    chance=st.randoms(),
)
def test_the_state_is_what_outlook_and_dynamics_show_once_quiet(
    ground: Ground, life: list[list[Step]], method: FilteringMethod, chance: Random
) -> None:
    asyncio.run(_live(ground, life, method, chance))


async def _live(
    ground: Ground, life: list[list[Step]], method: FilteringMethod, chance: Random
) -> None:
    sellers = await Sellers(ground, MAILS).open(method)
    for at_once in life:
        await asyncio.gather(*(_do(sellers, step, chance) for step in at_once))
    await sellers.quiet(chance)
    assert not sellers.queue.parked
    for mail in range(MAILS):
        await _check(sellers, mail)
    await _check_that_asking_helps(sellers, chance)


async def _do(sellers: Sellers, step: Step, chance: Random) -> None:
    person, mail = step.person, step.mail
    match step.do:
        case Do.SAVE:
            await _asked(sellers.save(person, mail))
        case Do.REMOVE | Do.UNLINK | Do.REMOVE_FOR_ALL:
            removal = Removal.UNLINK if step.do is Do.UNLINK else None
            scope = Scope.ALL if step.do is Do.REMOVE_FOR_ALL else Scope.MAILBOX
            await _asked(sellers.remove(person, mail, removal, scope, administrator=True))
        case Do.MARK | Do.UNMARK:
            sellers.mark(person, mail, marked=step.do is Do.MARK)
        case Do.DELETE:
            sellers.delete(person, mail)
        case Do.DROP:
            sellers.drop(mail)
        case Do.TELL_AGAIN:
            sellers.tell_again(chance)
        case Do.CONSUME:
            await sellers.consume(chance)
        case Do.LOOK:
            await _look(sellers, person, mail)


async def _asked(asking: Awaitable[ItemStatus]) -> None:
    """Ask; what is refused, or overtaken too often, changes nothing."""
    try:
        await asking
    except (Refusal, Transient):
        return


async def _look(sellers: Sellers, person: int, mail: int) -> None:
    """What was asked for and is not done yet is under way, whatever else is so."""
    before = sellers.links(mail).get(person)
    status = await sellers.status(person, mail)
    after = sellers.links(mail).get(person)
    # Others may have written in between: what was there all the time counts.
    if status and before and before == after and before["tether_request"]:
        assert status.state is State.SAVING


async def _check(sellers: Sellers, mail: int) -> None:
    links, rows = sellers.links(mail), sellers.rows(mail)
    statuses = [await sellers.status(person, mail) for person in range(PEOPLE)]
    there = [one for one in statuses if one]
    assert len({one.state for one in there}) <= 1, "not the same for everybody"
    tracked = {person for person, link in links.items() if link["tether_state"] == 1}
    assert not any(link["tether_request"] for link in links.values())
    assert tracked == {person for person in range(PEOPLE) if sellers.is_marked(person, mail)}
    for person in tracked:
        assert links[person]["tether_emailid"]["id"] in rows
    for person, one in enumerate(statuses):
        if one is None:
            continue
        assert one.participants == len(tracked - {person})
        assert (one.state is State.SAVED) == bool(tracked)
        assert one.state is not State.SAVING
        assert (str(one.activity.id) if one.activity else None) == next(
            (links[person]["tether_emailid"]["id"] for person in tracked), None
        )


async def _check_that_asking_helps(sellers: Sellers, chance: Random) -> None:
    """One mail is removed for all, then saved: that is what becomes of it."""
    person = chance.randrange(PEOPLE)
    if await sellers.status(person, 0) is None:
        return
    await sellers.remove(person, 0, scope=Scope.ALL, administrator=True)
    await sellers.quiet(chance)
    await _check(sellers, 0)
    status = await sellers.status(person, 0)
    assert status
    assert status.state is not State.SAVED
    if sellers.message(person, 0):
        await sellers.save(person, 0)
        await sellers.quiet(chance)
        await _check(sellers, 0)
        status = await sellers.status(person, 0)
        assert status
        assert status.state is State.SAVED
