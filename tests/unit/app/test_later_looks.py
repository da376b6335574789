"""A thread told backwards ends as it would have, told in order."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from shared.bus import Message
from shared.changes import Change, decode
from shared.dataverse.links import LinkState
from shared.dataverse.mailboxes import FilteringMethod
from shared.identifiers import Kind
from shared.sync.settling import settle
from tests.unit.app.office import NOW, Office, message_id
from tests.unit.app.sides import Ground
from tests.unit.app.snapshots import index


def thread(office: Office) -> list[Change]:
    """Deliver a mail somebody marked, its reply, and the reply to that; none is told of yet."""
    first = office.mail(0, headers={"Thread-Index": index()})
    office.mark(first)
    return [
        first.model_copy(update={"etag": None}),
        *(
            office.mail(
                number,
                headers={
                    "Thread-Index": index(*range(1, number + 1)),
                    "In-Reply-To": message_id(number - 1),
                },
            )
            for number in (1, 2)
        ),
    ]


async def look(office: Office, changes: Sequence[Change]) -> None:
    outcome = await office.reconciler.reconcile(changes)
    assert not outcome.failed
    await settle(outcome, Kind.MAIL, office.bus, NOW)


def later_looks(office: Office) -> list[Message]:
    """Take the later looks by the time they are due, those told last first."""
    waiting = office.bus.sent.pop("mail", [])[::-1]
    return sorted(waiting, key=lambda message: message.due or NOW)


@pytest.mark.parametrize("method", [FilteringMethod.REPLIES, FilteringMethod.ALL])
@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("together", [False, True])
async def test_a_thread_told_in_any_order_is_tracked_with_each_reply_s_own_parent(
    ground: Ground, method: FilteringMethod, order: Sequence[int], *, together: bool
) -> None:
    office = await Office(ground).open(method)
    mails = thread(office)
    told = [mails[number] for number in order]
    for changes in [told] if together else [[change] for change in told]:
        await look(office, changes)
    for message in later_looks(office):
        await look(office, decode(message.body))
    assert not later_looks(office)
    assert office.parents() == {"Mail 0": None, "Mail 1": "Mail 0", "Mail 2": "Mail 1"}
    assert {link["tether_state"] for link in office.links().values()} == {LinkState.TRACKED}


async def test_told_backwards_every_reply_looks_later_and_the_deepest_last(ground: Ground) -> None:
    office = await Office(ground).open(FilteringMethod.REPLIES)
    for change in reversed(thread(office)):
        await look(office, [change])
    assert office.subjects() == {"Mail 0"}
    due = [[change.id for change in decode(message.body)] for message in later_looks(office)]
    assert due == [["0/1"], ["0/2"]]
