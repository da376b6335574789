"""Two instances at work on one mail: whoever comes too late looks again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.changes import Hint
from shared.dataverse.batch import ChangeSet, Operation, Response
from shared.dataverse.client import Dataverse
from shared.dataverse.links import LinkState
from shared.sync.plan import Ignore, Unlink
from tests.unit.app.office import Office, again, message_id

SENT = 3  # statuscode


class Overtaken:
    """A Dataverse that is slow to take the first write: `meanwhile` happens before it does."""

    def __init__(self, dataverse: Dataverse, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._dataverse = dataverse
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile
        self.refused: list[int] = []

    async def batch(self, parts: Sequence[Operation | ChangeSet]) -> list[Response]:
        if self._meanwhile and any(isinstance(part, ChangeSet) for part in parts):
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        answers = await self._dataverse.batch(parts)
        self.refused += [answer.status for answer in answers if not answer.ok]
        return answers

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        return await self._dataverse.read_all(path)


@pytest.mark.parametrize(("seconds", "slow"), [(0.9, False), (1.1, True), (90, True)])
async def test_what_was_tracked_in_a_slow_round_is_looked_at_once_more(
    office: Office, seconds: float, *, slow: bool
) -> None:
    change = office.mail(1)

    async def time_passes() -> None:
        office.now += timedelta(seconds=seconds)

    reconciler = office.instance(dataverse=Overtaken(office.dataverse, time_passes))
    outcome = await reconciler.reconcile([change])
    assert [look.change.looked_before for look in outcome.look_again] == [True] * slow
    later = await reconciler.reconcile([look.change for look in outcome.look_again])
    assert not later.look_again


async def test_the_later_look_lets_go_of_a_mail_that_was_purged_before_its_link_was_there(
    office: Office,
) -> None:
    change = office.mail(1)

    async def purged_and_told() -> None:
        office.now += timedelta(seconds=2)
        office.purge(change)
        gone = again(change).model_copy(update={"hint": Hint.DELETED})
        (end,) = (await office.reconciler.reconcile([gone])).settled
        assert end.plan == Ignore("deleted in Outlook")

    reconciler = office.instance(dataverse=Overtaken(office.dataverse, purged_and_told))
    outcome = await reconciler.reconcile([change])
    assert office.links()["Mail 1"]["tether_state"] == LinkState.TRACKED
    (look,) = outcome.look_again
    (end,) = (await office.reconciler.reconcile([look.change])).settled
    assert isinstance(end.plan, Unlink)
    assert office.links()["Mail 1"]["tether_state"] == LinkState.REMOVED


async def test_two_amendments_never_mix_the_stale_one_looks_again(office: Office) -> None:
    """The sender's copy makes the activity a sent one while it is being given its parent."""
    ada = office.graph.mailboxes.all()[0].person
    reply = {"From": ada.upn, "In-Reply-To": message_id(1), "Subject": "Reply"}
    received = office.mail(2, person=1, headers=reply)
    await office.reconciler.reconcile([received])
    await office.reconciler.reconcile([office.mail(1, person=1)])
    assert office.parents() == {"Reply": None, "Mail 1": None}
    sent = office.mail(2, folder="sentitems", headers=reply)
    office.mark(sent)
    slow = Overtaken(office.dataverse, lambda: office.reconciler.reconcile([again(sent)]))
    outcome = await office.instance(dataverse=slow).reconcile([again(received)])
    assert slow.refused == [412]
    assert [end.change.id for end in outcome.settled] == ["1/2 again"]
    assert not outcome.failed
    assert office.parents() == {"Reply": "Mail 1", "Mail 1": None}
    row = next(row for row in office.dataverse.rows("email").values() if row["subject"] == "Reply")
    assert (row["directioncode"], row["statuscode"]) == (True, SENT)
    assert row["ownerid"]["id"] == ada.systemuserid
