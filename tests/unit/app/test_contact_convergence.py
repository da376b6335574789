"""Sellers who share a person share one row, however their changes are told."""

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.changes import Change
from shared.dataverse.links import LinkState
from tests.unit.app.addressbook import CASEY, AddressBook
from tests.unit.app.sides import Ground

_MOST_BATCHES = 200
_COLUMNS = {"jobTitle": "jobtitle", "department": "department", "nickName": "nickname"}


@dataclass(frozen=True, slots=True)
class Edit:
    """A seller says something in a field of the own contact, or takes it away."""

    person: int
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class World:
    """Who has the person saved, and what they then do; each epoch is told before the next."""

    people: int
    adopted: bool
    epochs: tuple[tuple[Edit, ...], ...]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    people = draw(st.sampled_from((2, 2, 3)))
    edit = st.builds(
        Edit,
        st.sampled_from(range(people)),
        st.sampled_from(tuple(_COLUMNS)),
        st.sampled_from((None, "a", "b", "c", "d")),
    )
    epochs = st.lists(st.lists(edit, max_size=5).map(tuple), min_size=1, max_size=3).map(tuple)
    return World(people, draw(st.booleans()), draw(epochs))


@dataclass(slots=True)
class Life:
    """A world being lived; `said` is what each seller's contact says by now."""

    book: AddressBook
    chance: Random
    contacts: list[Change] = field(default_factory=list)
    untold: list[Change] = field(default_factory=list)
    said: dict[tuple[int, str], str | None] = field(default_factory=dict)

    async def save(self, person: int) -> None:
        address = self.chance.choice((CASEY, CASEY.upper()))
        change = await self.book.saved(person, emailAddresses=[{"address": address}])
        self.contacts.append(change)
        self.untold.append(change)

    async def edit(self, edit: Edit) -> None:
        contact = self.contacts[edit.person]
        changed = await self.book.edit(contact, **{edit.name: edit.value})
        self.said[edit.person, edit.name] = edit.value
        self.untold += [changed] * self.chance.choice((1, 1, 2))

    async def tell(self, edits: list[Edit]) -> None:
        """Tell all there is in any order, on two instances at once, while sellers go on."""
        instances = [self.book.reconciler, self.book.instance()]
        for _ in range(_MOST_BATCHES):
            if not (edits or self.untold):
                return
            work = [
                instance.reconcile(self._some())
                for instance in instances
                if self.chance.random() < 0.7
            ]
            doing = [self.edit(edits.pop(0))] if edits and self.chance.random() < 0.5 else []
            outcomes, _ = await asyncio.gather(asyncio.gather(*work), asyncio.gather(*doing))
            for outcome in outcomes:
                assert not outcome.impossible
                self.untold += [failed.change for failed in outcome.failed]
                self.untold += [look.change for look in outcome.look_again]
        raise AssertionError("it never ends")

    def _some(self) -> list[Change]:
        self.chance.shuffle(self.untold)
        count = self.chance.randint(0, 3)
        some, self.untold = self.untold[:count], self.untold[count:]
        return some

    def row(self) -> dict[str, str | None]:
        """Return what the one row says; everybody's link is tied to it."""
        (row,) = self.book.dataverse.rows("contact").values()
        for contact in self.contacts:
            link = self.book.link(contact)
            assert link["tether_state"] == LinkState.TRACKED
            assert link["tether_contactid"]["id"] == row["contactid"]
        return {name: row.get(column) for name, column in _COLUMNS.items()}


@pytest.mark.timeout(3600)  # the long profile takes its time, and so does shrinking
@given(world=worlds(), seed=st.integers(0, 2**32))
def test_one_row_says_what_was_said_last(ground: Ground, world: World, seed: int) -> None:
    asyncio.run(_live(ground, world, Random(seed)))


async def _live(ground: Ground, world: World, chance: Random) -> None:
    book = await AddressBook(ground).open()
    if world.adopted:
        book.known(emailaddress1=CASEY, jobtitle="before")
    life = Life(book, chance)
    for person in range(world.people):
        await life.save(person)
    await life.tell([])
    for epoch in world.epochs:
        before, said_before = life.row(), dict(life.said)
        await life.tell(list(epoch))
        _check(epoch, life, before, said_before)
        versions = book.versions()
        await book.tell(*(book.again(contact) for contact in life.contacts))
        assert book.versions() == versions


def _check(
    epoch: tuple[Edit, ...],
    life: Life,
    before: dict[str, str | None],
    said_before: dict[tuple[int, str], str | None],
) -> None:
    row = life.row()
    for name in _COLUMNS:
        edits = [edit for edit in epoch if edit.name == name]
        editors = {edit.person for edit in edits}
        if len(editors) == 1:
            (editor,) = editors
            said = life.said[editor, name]
            is_news = said != said_before.get((editor, name))
            assert row[name] in ({said} if is_news else {said, before[name]})
        else:
            assert row[name] in {before[name], *(edit.value for edit in edits)}
