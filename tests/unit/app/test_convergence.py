"""However changes are told, both sides end as if each had been told once, in order, alone."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.links import Reason
from shared.dataverse.mailboxes import FilteringMethod
from shared.identifiers import ItemId, MailboxId, link_id_of_item
from shared.sync.mail.rules import MailRules
from shared.sync.reconcile import Reconciler
from tests.unit.app.sides import Ground, enrol
from tests.unit.app.telling import BEGIN, Life, tell_anyhow, tell_in_order
from tests.unit.app.world import OUTSIDERS, Action, Do, Mail, World, worlds

_OWNER = "9"  # participationtypemask of the party Dynamics keeps for the owner

type State = dict[tuple[Any, ...], Any]
"""What there is, by what it is."""

_EMAIL = (
    "messageid", "subject", "directioncode", "statecode", "statuscode", "ownerid",
    "regardingobjectid", "parentactivityid", "correlatedactivityid",
)  # fmt: skip


@pytest.mark.timeout(4 * 3600)  # the long profile takes its time, and so does shrinking
@given(world=worlds(), chance=st.randoms())
def test_any_telling_ends_as_telling_in_order(ground: Ground, world: World, chance: Random) -> None:
    in_order = asyncio.run(_live(ground, world, None))
    anyhow = asyncio.run(_live(ground, world, chance))
    assert _differences(anyhow, in_order) == []


THREAD = World(
    methods=(FilteringMethod.REPLIES,),
    mails=tuple(
        Mail(
            number=number,
            sender=OUTSIDERS[0],
            to=(0,),
            outside=(),
            parent=number - 1 if number else None,
            names_parent=True,
            threaded=True,
            foreign=False,
        )
        for number in range(6)
    ),
    epochs=((Action(Do.MARK, mail=0, person=0),),),
)


@pytest.mark.parametrize("seed", range(30))
def test_a_long_thread_does_so_however_it_is_told(ground: Ground, seed: int) -> None:
    in_order = asyncio.run(_live(ground, THREAD, None))
    anyhow = asyncio.run(_live(ground, THREAD, Random(seed)))
    assert _differences(anyhow, in_order) == []


async def _live(ground: Ground, world: World, chance: Random | None) -> list[State]:
    """Live a world; return what both sides look like at the end of each epoch."""
    graph, dataverse = ground.fresh()
    await enrol(graph, dataverse, world.methods)
    dataverse.decide(two_activities=world.two_activities, sent_too=world.sent_too)
    life = Life(graph, dataverse, world.mails)
    life.begin()
    instances = [Reconciler(MailRules(), graph, dataverse, lambda: BEGIN) for _ in range(2)]
    states: list[State] = []
    for epoch in world.epochs:
        for action in epoch:
            life.act(action)
        if chance is None:
            await tell_in_order(life, instances[0])
        else:
            await tell_anyhow(life, instances, chance)
        states.append(_state(life))
    return states


def _state(life: Life) -> State:
    keys = {key: row["messageid"] for key, row in life.dataverse.rows("email").items()}
    state: State = {}
    for key, row in life.dataverse.rows("email").items():
        # Between users there may be two: what one has sent, and what the others received.
        name = ("email", row["messageid"], row["directioncode"])
        assert name not in state, f"two activities: {name}"
        state[name] = {column: _named(row.get(column), keys) for column in _EMAIL}
        state[name]["parties"] = _parties(life, key)
    _forget_what_is_handed_down(state)
    return state | _links(life, keys) | _categories(life)


def _forget_what_is_handed_down(state: State) -> None:
    """Leave out who owns a reply to a reply, and what it is regarding.

    Both are taken from its parent when it is written. If the parent learns only then of its own
    parent, and of another owner by it, that is not handed down a second time: by then somebody may
    have assigned the reply to whom it belongs.
    """
    parents = {email["messageid"]: email["parentactivityid"] for email in state.values()}
    for email in state.values():
        if parents.get(email["parentactivityid"]):
            email |= {"ownerid": None, "regardingobjectid": None}
            email["parties"] = [party for party in email["parties"] if party[0] != _OWNER]


def _differences(anyhow: list[State], in_order: list[State]) -> list[str]:
    return [
        f"epoch {epoch}, {name}: {here.get(name)}, in order {there.get(name)}"
        for epoch, (here, there) in enumerate(zip(anyhow, in_order, strict=True))
        for name in sorted(here.keys() | there.keys(), key=str)
        if here.get(name) != there.get(name)
    ]


def _named(value: object, keys: dict[str, str]) -> object:
    """Return a lookup's value; an activity another application made has a key of chance."""
    return keys.get(value["id"], value["id"]) if isinstance(value, dict) else value


def _parties(life: Life, email: str) -> list[tuple[Any, ...]]:
    columns = ("participationtypemask", "addressused", "unresolvedpartyname")
    return sorted(
        (*(str(row.get(name)) for name in columns), str((row["partyid"] or {}).get("table")))
        for row in life.dataverse.rows("activityparty").values()
        if (row["activityid"] or {}).get("id") == email
    )


def _links(life: Life, keys: dict[str, str]) -> State:
    labels = {item: label for label, item in life.items.items()}
    links: State = {}
    for key, row in life.dataverse.rows("tether_link").items():
        mailbox, item = row["tether_mailboxid"]["id"], row["tether_itemid"]
        assert key == link_id_of_item(MailboxId(mailbox), ItemId(item))
        links["link", labels[item]] = {
            "mailbox": mailbox,
            "state": row["tether_state"],
            "activity": _named(row["tether_emailid"], keys),
            "reason": _reason(row["tether_reason"], marked=labels[item] in life.marked),
            "detail": row["tether_detail"],
        }
    return links


def _reason(reason: int, *, marked: bool) -> int:
    """Return why a mail is tracked; of one that was marked and is a reply, either may be said.

    Both are true, and which one is written depends on whether its parent was known by then.
    """
    return Reason.CATEGORY if marked and reason == Reason.REPLY else reason


def _categories(life: Life) -> State:
    return {
        ("categories", label): message["categories"]
        for label, item in life.items.items()
        if (message := life.graph.mailboxes.all()[label[0]].messages.get(item))
    }
