"""What sellers do by the API, and what Outlook and Dynamics show of it."""

from random import Random
from uuid import UUID

import pytest

from sandbox.faults import Fault
from shared.dataverse.links import LinkState, Reason
from shared.tracking.contract import (
    Asked,
    Removal,
    SaveRequest,
    Scope,
    State,
)
from shared.tracking.problems import Refusal
from tests.unit.app.sellers import ACCOUNT, Sellers
from tests.unit.app.sides import Ground

ABOUT = {"regarding": {"table": "account", "id": UUID(ACCOUNT)}}


async def test_a_save_is_under_way_at_once_and_saved_for_everybody(sellers: Sellers) -> None:
    assert await sellers.states() == [State.NOT_SAVED] * 3
    assert (await sellers.save(0, 0)).state is State.SAVING
    assert await sellers.states() == [State.SAVING] * 3
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3
    status = await sellers.status(1, 0)
    assert status
    assert status.activity
    assert [str(status.activity.id)] == list(sellers.rows(0))
    assert (status.reason, status.participants) == ("seller", 1)
    assert status.saved_by
    assert status.saved_by.name
    assert sellers.is_marked(0, 0)
    assert not sellers.is_marked(1, 0)
    assert sellers.links(0)[0]["tether_reason"] == Reason.SELLER


async def test_a_second_participants_save_links_and_makes_no_second_activity(
    sellers: Sellers,
) -> None:
    await sellers.save_for(0, 1)
    assert len(sellers.rows(0)) == 1
    assert {row["tether_state"] for row in sellers.links(0).values()} == {LinkState.TRACKED}
    status = await sellers.status(0, 0)
    assert status
    assert status.participants == 1


async def test_a_save_again_is_the_same_save(sellers: Sellers) -> None:
    await sellers.save_for(0)
    assert (await sellers.save(0, 0)).state is State.SAVED
    assert not sellers.queue.messages


async def test_what_it_is_about_is_set_with_the_save_later_changed_and_cleared(
    sellers: Sellers,
) -> None:
    await sellers.save(0, 0, **ABOUT)
    await sellers.settle()
    status = await sellers.status(2, 0)
    assert status
    assert status.activity
    assert status.activity.regarding
    assert status.activity.regarding.name == "Contoso"
    assert (await sellers.save(0, 0, **ABOUT)).state is State.SAVED
    assert (await sellers.save(0, 0, regarding=None)).state is State.SAVING
    await sellers.settle()
    (row,) = sellers.rows(0).values()
    assert row["regardingobjectid"] is None
    await sellers.save(0, 0, **ABOUT)
    await sellers.settle()
    (row,) = sellers.rows(0).values()
    assert row["regardingobjectid"]["id"] == ACCOUNT
    assert (row["statecode"], row["statuscode"]) == (1, 4)


async def test_two_wishes_that_follow_at_once_are_both_heeded(sellers: Sellers) -> None:
    await sellers.save(0, 0, **ABOUT)
    await sellers.save(0, 0)
    await sellers.settle()
    (row,) = sellers.rows(0).values()
    assert row["regardingobjectid"]["id"] == ACCOUNT


async def test_a_removal_takes_the_row_out_and_the_category_off(sellers: Sellers) -> None:
    await sellers.save_for(0)
    assert (await sellers.remove(0, 0)).state is State.SAVING
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3
    assert not sellers.rows(0)
    assert not sellers.is_marked(0, 0)


async def test_a_removal_that_unlinks_leaves_the_row(sellers: Sellers) -> None:
    await sellers.save_for(0)
    await sellers.remove(0, 0, Removal.UNLINK)
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3
    assert len(sellers.rows(0)) == 1


async def test_a_row_stays_while_another_participant_has_it(sellers: Sellers) -> None:
    await sellers.save_for(0, 1)
    await sellers.remove(0, 0)
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3
    assert len(sellers.rows(0)) == 1
    await sellers.remove(1, 0)
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3
    assert not sellers.rows(0)


async def test_a_removal_for_all_unlinks_everybody(sellers: Sellers) -> None:
    await sellers.save_for(0, 1)
    await sellers.remove(0, 0, scope=Scope.ALL)
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3
    assert not sellers.rows(0)
    assert not sellers.is_marked(1, 0)


async def test_only_who_saved_it_first_or_an_administrator_removes_it_for_all(
    sellers: Sellers,
) -> None:
    await sellers.save_for(1)
    await sellers.save_for(2)
    with pytest.raises(Refusal, match="not-allowed-to-remove"):
        await sellers.remove(2, 0, scope=Scope.ALL)
    with pytest.raises(Refusal, match="not-allowed-to-remove"):
        await sellers.remove(0, 0)
    await sellers.remove(2, 0, scope=Scope.ALL, administrator=True)
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3


async def test_what_was_removed_can_be_saved_again(sellers: Sellers) -> None:
    await sellers.save_for(0)
    await sellers.remove(0, 0)
    await sellers.save_for(0)
    assert await sellers.states() == [State.SAVED] * 3
    assert sellers.is_marked(0, 0)


async def test_a_save_wins_over_a_category_taken_off_before(sellers: Sellers) -> None:
    await sellers.save_for(0)
    sellers.mark(0, 0, marked=False)
    await sellers.save(0, 0)
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3


async def test_a_mail_deleted_in_outlook_is_saved_no_more_and_stays_in_dynamics(
    sellers: Sellers,
) -> None:
    await sellers.save(0, 0)
    sellers.delete(0, 0)
    await sellers.settle()
    assert await sellers.states() == [State.REMOVED] * 3
    assert not sellers.rows(0)


async def test_a_lost_notification_is_made_up_for_by_a_look(sellers: Sellers) -> None:
    sellers.mark(0, 0, marked=True)
    sellers.untold.clear()
    assert (await sellers.states())[0] is State.SAVING
    await sellers.settle()
    assert await sellers.states() == [State.SAVED] * 3


async def test_an_item_is_found_by_its_message_id(sellers: Sellers) -> None:
    await sellers.save_for(0)
    asked = [
        Asked(internet_message_id="<0@customer.example>"),
        Asked(internet_message_id="<no@where>"),
    ]
    found, missing = await sellers.items.status(sellers.mailbox(1), asked)
    assert found
    assert found.state is State.SAVED
    assert missing is None


async def test_an_id_of_nothing_is_not_found(sellers: Sellers) -> None:
    nothing = Asked(id=sellers.asked(1, 0).id)
    (status,) = await sellers.items.status(sellers.mailbox(0), [nothing])
    assert status is None
    with pytest.raises(Refusal, match="item-not-found"):
        await sellers.items.save(sellers.caller(0), sellers.mailbox(0), nothing, SaveRequest())


async def test_what_dynamics_refuses_has_failed_though_it_keeps_the_category(
    ground: Ground, sellers: Sellers
) -> None:
    refusal = {"service": "dataverse", "operation": "POST emails", "action": "status"}
    code = "0x80040265"
    ground.surroundings.faults.replace(
        [Fault.model_validate({**refusal, "status": 400, "code": code, "times": None})]
    )
    sellers.mark(0, 0, marked=True)
    await sellers.quiet(Random(1))
    status = await sellers.status(0, 0)
    assert status
    assert status.state is State.FAILED
    assert status.trouble
    assert status.trouble.code == "customization-aborted"
    assert not sellers.queue.messages
