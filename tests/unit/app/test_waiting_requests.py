"""What is asked for too early: it waits, and is done when it can be."""

from uuid import UUID

import pytest

from shared.tracking.contract import (
    Asked,
    MailboxState,
    SaveRequest,
    State,
)
from shared.tracking.problems import Refusal
from tests.unit.app.sellers import ACCOUNT, Sellers

ABOUT = {"regarding": {"table": "account", "id": UUID(ACCOUNT)}}


@pytest.mark.parametrize("known", [True, False], ids=["suspended", "never enrolled"])
async def test_a_save_in_a_mailbox_not_turned_on_prompts_and_waits(
    sellers: Sellers, *, known: bool
) -> None:
    if known:
        sellers.suspend(0)
    else:
        sellers.forget(0)
    sellers.readiness.state = MailboxState.NOT_ENABLED
    with pytest.raises(Refusal, match="address-not-approved") as refused:
        await sellers.save(0, 0)
    assert (refused.value.code, refused.value.status) == ("mailbox-not-enabled", 409)
    assert await sellers.states() == [State.SAVING, State.NOT_SAVED, State.NOT_SAVED]
    sellers.suspend(0)
    await sellers.settle()
    status = await sellers.status(0, 0)
    assert status
    assert (status.state, status.why) == (
        State.SAVING,
        "the mailbox is not ready for server-side synchronization",
    )


async def test_a_save_in_a_mailbox_that_waits_for_its_test_is_under_way(sellers: Sellers) -> None:
    sellers.suspend(0)
    sellers.readiness.state = MailboxState.WAITING
    assert (await sellers.save(0, 0)).state is State.SAVING
    await sellers.settle()
    assert not sellers.rows(0)
    sellers.suspend(0, suspended=False)
    sellers.tell_of(0, 0)
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3


async def test_a_draft_is_saved_once_it_is_sent(sellers: Sellers) -> None:
    draft = await sellers.draft(0)
    asked = Asked(id=draft)
    status = await sellers.items.save(sellers.caller(0), sellers.mailbox(0), asked, SaveRequest())
    assert status.state is State.SAVING
    await sellers.settle()
    assert not sellers.dataverse.rows("email")
    (told,) = await sellers.items.status(sellers.mailbox(0), [asked])
    assert told
    assert (told.state, told.why) == (State.SAVING, "a draft is saved once it is sent")
    await sellers.send(0, draft)
    await sellers.settle()
    (told,) = await sellers.items.status(sellers.mailbox(0), [asked])
    assert told
    assert (told.state, told.reason) == (State.SAVED, "seller")
    (row,) = sellers.dataverse.rows("email").values()
    assert row["directioncode"]


@pytest.mark.parametrize("told_first", ["draft", "sent"])
async def test_a_draft_that_is_sent_as_another_item_is_saved_as_that(
    sellers: Sellers, told_first: str
) -> None:
    draft = await sellers.draft(0)
    await sellers.items.save(
        sellers.caller(0), sellers.mailbox(0), Asked(id=draft), SaveRequest.model_validate(ABOUT)
    )
    sellers.queue.messages.clear()
    sellers.untold.clear()
    sent = sellers.send_from_a_desktop(0, draft)
    sellers.untold.sort(key=lambda change: (change.item == draft) is (told_first == "sent"))
    for _ in range(2):
        first, *sellers.untold = sellers.untold
        await sellers.instances[0].reconcile([first])
    (told,) = await sellers.items.status(sellers.mailbox(0), [Asked(id=sent)])
    assert told
    assert (told.state, told.reason) == (State.SAVED, "seller")
    (row,) = sellers.dataverse.rows("email").values()
    assert row["regardingobjectid"]["id"] == ACCOUNT


async def test_a_draft_that_is_thrown_away_is_saved_no_more(sellers: Sellers) -> None:
    draft = await sellers.draft(0)
    asked = Asked(id=draft)
    await sellers.items.save(sellers.caller(0), sellers.mailbox(0), asked, SaveRequest())
    mailbox = sellers.graph.mailboxes.all()[0]
    mailbox.purge(mailbox.messages[draft])
    await sellers.settle()
    (told,) = await sellers.items.status(sellers.mailbox(0), [asked])
    assert told
    assert told.state is State.REMOVED


async def test_what_is_nowhere_is_not_found_in_a_mailbox_never_enrolled_either(
    sellers: Sellers,
) -> None:
    nothing = sellers.asked(1, 0)
    sellers.forget(0)
    assert await sellers.items.status(sellers.mailbox(0), [nothing]) == [None]
    with pytest.raises(Refusal, match="item-not-found"):
        await sellers.items.save(sellers.caller(0), sellers.mailbox(0), nothing, SaveRequest())
