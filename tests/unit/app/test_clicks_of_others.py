"""What sellers ask for at the same time, and of what others have saved."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.changes import decode
from shared.dataverse.batch import ChangeSet, Operation, Response
from shared.dataverse.client import Dataverse
from shared.sync.mail.rules import MailRules
from shared.sync.reconcile import Reconciler
from shared.tracking.contract import Asked, MailboxState, SaveRequest, Scope, State
from shared.tracking.problems import Refusal
from tests.unit.app.sellers import Sellers

type Parts = Sequence[Operation | ChangeSet]


class Meanwhile:
    """A Dataverse in which something else happens before the first batch that is `of` a sort."""

    def __init__(
        self, dataverse: Dataverse, of: Callable[[Operation], bool], act: Callable[[], Any]
    ) -> None:
        self._dataverse = dataverse
        self._of = of
        self._act: Callable[[], Any] | None = act

    async def batch(self, parts: Parts) -> list[Response]:
        if self._act and any(map(self._of, _operations(parts))):
            act, self._act = self._act, None
            done = act()
            if isinstance(done, Awaitable):
                await done
        return await self._dataverse.batch(parts)

    async def read_all(self, path: str) -> list[dict[str, Any]]:
        return await self._dataverse.read_all(path)


def _operations(parts: Parts) -> list[Operation]:
    return [
        one
        for part in parts
        for one in (part.operations if isinstance(part, ChangeSet) else (part,))
    ]


def app_on(sellers: Sellers, dataverse: Dataverse) -> Reconciler[Any, Any, Any]:
    return Reconciler(MailRules(), sellers.graph, dataverse, sellers.now)


async def work_off(sellers: Sellers, app: Reconciler[Any, Any, Any]) -> None:
    told = [change for message in sellers.queue.messages for change in decode(message.body)]
    sellers.queue.messages.clear()
    await app.reconcile(told)


async def test_a_row_is_not_deleted_under_who_has_just_saved_it(sellers: Sellers) -> None:
    await sellers.save_for(0)
    await sellers.remove(0, 0)
    removal = sellers.queue.messages
    sellers.queue.messages = []

    async def other_saves() -> None:
        await sellers.save(1, 0)
        await work_off(sellers, app_on(sellers, sellers.dataverse))

    slow = Meanwhile(sellers.dataverse, lambda one: one.method == "DELETE", other_saves)
    told = [change for message in removal for change in decode(message.body)]
    await app_on(sellers, slow).reconcile(told)
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3
    assert sellers.is_marked(1, 0)
    assert not sellers.is_marked(0, 0)


async def test_a_save_that_waits_is_nobody_elses_to_remove(sellers: Sellers) -> None:
    await sellers.save(0, 0)
    await sellers.remove(1, 0, scope=Scope.ALL)
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3


async def test_a_removal_for_all_that_is_overtaken_is_done_all_the_same(sellers: Sellers) -> None:
    await sellers.save_for(0)
    await sellers.save_for(1)

    def touch() -> None:
        key = sellers.links(0)[1]["tether_linkid"]
        sellers.dataverse.write("PATCH", f"tether_links({key})", {"tether_notes": "touched"})

    def asks(operation: Operation) -> bool:
        return bool((operation.body or {}).get("tether_request"))

    slow = Meanwhile(sellers.dataverse, asks, touch)
    sellers.items = replace(sellers.items, dataverse=slow)
    assert (await sellers.remove(0, 0, scope=Scope.ALL)).state is State.SAVING
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3


async def test_what_waits_in_a_mailbox_that_is_off_is_not_under_way_for_others(
    sellers: Sellers,
) -> None:
    await sellers.save_for(0, 1)
    sellers.suspend(1)
    await sellers.remove(0, 0, scope=Scope.ALL, administrator=True)
    await sellers.settle()
    first, second, third = await sellers.states()
    assert (first, third) == (State.REMOVED, State.REMOVED)
    assert second is State.SAVING


async def test_a_removal_in_a_mailbox_that_is_off_prompts_and_waits(sellers: Sellers) -> None:
    await sellers.save_for(0)
    sellers.suspend(0)
    sellers.readiness.state = MailboxState.NOT_ENABLED
    with pytest.raises(Refusal, match="mailbox-not-enabled"):
        await sellers.remove(0, 0)
    sellers.suspend(0, suspended=False)
    sellers.tell_of(0, 0)
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3


async def test_a_removal_that_dynamics_refuses_leaves_it_saved_and_says_why(
    sellers: Sellers,
) -> None:
    await sellers.save_for(0)
    sellers.fault("dataverse", "DELETE emails", 400, code="0x80040265")
    await sellers.remove(0, 0)
    await sellers.settle()
    told = await sellers.status(0, 0)
    assert told
    assert told.trouble
    assert (told.state, told.trouble.code) == (State.SAVED, "customization-aborted")
    assert sellers.is_marked(0, 0)


async def test_a_draft_that_was_removed_and_saved_again_is_saved_once_it_is_sent(
    sellers: Sellers,
) -> None:
    draft = Asked(id=await sellers.draft(0))
    caller, mailbox = sellers.caller(0), sellers.mailbox(0)
    await sellers.items.save(caller, mailbox, draft, SaveRequest())
    await sellers.settle()
    await sellers.items.remove(caller, mailbox, draft, None, Scope.MAILBOX)
    await sellers.settle()
    await sellers.items.save(caller, mailbox, draft, SaveRequest())
    await sellers.settle()
    sent = Asked(id=sellers.send_from_a_desktop(0, str(draft.id)))
    await sellers.settle()
    (told,) = await sellers.items.status(mailbox, [sent])
    assert told
    assert told.state is State.SAVED


async def test_looking_while_it_is_apart_tells_once(sellers: Sellers) -> None:
    sellers.mark(0, 0, marked=True)
    sellers.untold.clear()
    for _ in range(5):
        await sellers.status(0, 0)
    assert len({message.id for message in sellers.queue.messages}) == 1
