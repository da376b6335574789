"""What sellers do by the API, and what Outlook and Dynamics show of it."""

from random import Random
from uuid import UUID

import pytest

from sandbox.faults import Fault
from shared.dataverse.links import LinkState, Reason
from shared.tracking.contract import (
    Asked,
    MailboxState,
    Removal,
    SaveRequest,
    Scope,
    State,
)
from shared.tracking.problems import Refusal
from tests.unit.app.sellers import ACCOUNT, Sellers
from tests.unit.app.sides import Ground

ABOUT = {"regarding": {"table": "account", "id": UUID(ACCOUNT)}}


@pytest.fixture
async def sellers(ground: Ground) -> Sellers:
    return await Sellers(ground, mails=2).open()


async def settled(sellers: Sellers) -> None:
    await sellers.quiet(Random(1))


async def states(sellers: Sellers, mail: int = 0) -> list[State]:
    found = [await sellers.status(person, mail) for person in range(3)]
    return [one.state for one in found if one]


async def saved(sellers: Sellers, *people: int, mail: int = 0) -> None:
    for person in people:
        await sellers.save(person, mail)
    await settled(sellers)


async def test_a_save_is_under_way_at_once_and_saved_for_everybody(sellers: Sellers) -> None:
    assert await states(sellers) == [State.NOT_SAVED] * 3
    assert (await sellers.save(0, 0)).state is State.SAVING
    assert await states(sellers) == [State.SAVING] * 3
    await settled(sellers)
    assert await states(sellers) == [State.SAVED] * 3
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
    await saved(sellers, 0, 1)
    assert len(sellers.rows(0)) == 1
    assert {row["tether_state"] for row in sellers.links(0).values()} == {LinkState.TRACKED}
    status = await sellers.status(0, 0)
    assert status
    assert status.participants == 1


async def test_a_save_again_is_the_same_save(sellers: Sellers) -> None:
    await saved(sellers, 0)
    assert (await sellers.save(0, 0)).state is State.SAVED
    assert not sellers.queue.messages


async def test_what_it_is_about_is_set_with_the_save_later_changed_and_cleared(
    sellers: Sellers,
) -> None:
    await sellers.save(0, 0, **ABOUT)
    await settled(sellers)
    status = await sellers.status(2, 0)
    assert status
    assert status.activity
    assert status.activity.regarding
    assert status.activity.regarding.name == "Contoso"
    assert (await sellers.save(0, 0, **ABOUT)).state is State.SAVED
    assert (await sellers.save(0, 0, regarding=None)).state is State.SAVING
    await settled(sellers)
    (row,) = sellers.rows(0).values()
    assert row["regardingobjectid"] is None
    await sellers.save(0, 0, **ABOUT)
    await settled(sellers)
    (row,) = sellers.rows(0).values()
    assert row["regardingobjectid"]["id"] == ACCOUNT
    assert (row["statecode"], row["statuscode"]) == (1, 4)


async def test_two_wishes_that_follow_at_once_are_both_heeded(sellers: Sellers) -> None:
    await sellers.save(0, 0, **ABOUT)
    await sellers.save(0, 0)
    await settled(sellers)
    (row,) = sellers.rows(0).values()
    assert row["regardingobjectid"]["id"] == ACCOUNT


@pytest.mark.parametrize(
    ("table", "key", "code"),
    [
        ("account", "00000000-0000-4000-8000-00000000dead", "regarding-not-found"),
        ("no_such", ACCOUNT, "regarding-not-possible"),
    ],
)
async def test_a_record_that_is_not_there_is_refused(
    sellers: Sellers, table: str, key: str, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await sellers.save(0, 0, regarding={"table": table, "id": UUID(key)})
    assert (refused.value.code, refused.value.status) == (code, 422)
    assert await states(sellers) == [State.NOT_SAVED] * 3


async def test_a_removal_takes_the_row_out_and_the_category_off(sellers: Sellers) -> None:
    await saved(sellers, 0)
    assert (await sellers.remove(0, 0)).state is State.SAVING
    await settled(sellers)
    assert await states(sellers) == [State.REMOVED] * 3
    assert not sellers.rows(0)
    assert not sellers.is_marked(0, 0)


async def test_a_removal_that_unlinks_leaves_the_row(sellers: Sellers) -> None:
    await saved(sellers, 0)
    await sellers.remove(0, 0, Removal.UNLINK)
    await settled(sellers)
    assert await states(sellers) == [State.REMOVED] * 3
    assert len(sellers.rows(0)) == 1


async def test_a_row_stays_while_another_participant_has_it(sellers: Sellers) -> None:
    await saved(sellers, 0, 1)
    await sellers.remove(0, 0)
    await settled(sellers)
    assert await states(sellers) == [State.SAVED] * 3
    assert len(sellers.rows(0)) == 1
    await sellers.remove(1, 0)
    await settled(sellers)
    assert await states(sellers) == [State.REMOVED] * 3
    assert not sellers.rows(0)


async def test_a_removal_for_all_unlinks_everybody(sellers: Sellers) -> None:
    await saved(sellers, 0, 1)
    await sellers.remove(0, 0, scope=Scope.ALL)
    await settled(sellers)
    assert await states(sellers) == [State.REMOVED] * 3
    assert not sellers.rows(0)
    assert not sellers.is_marked(1, 0)


async def test_only_who_saved_it_first_or_an_administrator_removes_it_for_all(
    sellers: Sellers,
) -> None:
    await saved(sellers, 1)
    await saved(sellers, 2)
    with pytest.raises(Refusal, match="not-allowed-to-remove"):
        await sellers.remove(2, 0, scope=Scope.ALL)
    with pytest.raises(Refusal, match="not-allowed-to-remove"):
        await sellers.remove(0, 0)
    await sellers.remove(2, 0, scope=Scope.ALL, administrator=True)
    await settled(sellers)
    assert await states(sellers) == [State.REMOVED] * 3


async def test_what_was_removed_can_be_saved_again(sellers: Sellers) -> None:
    await saved(sellers, 0)
    await sellers.remove(0, 0)
    await saved(sellers, 0)
    assert await states(sellers) == [State.SAVED] * 3
    assert sellers.is_marked(0, 0)


async def test_a_save_wins_over_a_category_taken_off_before(sellers: Sellers) -> None:
    await saved(sellers, 0)
    sellers.mark(0, 0, marked=False)
    await sellers.save(0, 0)
    await settled(sellers)
    assert await states(sellers) == [State.SAVED] * 3


async def test_a_mail_deleted_in_outlook_is_saved_no_more_and_stays_in_dynamics(
    sellers: Sellers,
) -> None:
    await sellers.save(0, 0)
    sellers.delete(0, 0)
    await settled(sellers)
    assert await states(sellers) == [State.REMOVED] * 3
    assert not sellers.rows(0)


async def test_a_lost_notification_is_made_up_for_by_a_look(sellers: Sellers) -> None:
    sellers.mark(0, 0, marked=True)
    sellers.untold.clear()
    assert (await states(sellers))[0] is State.SAVING
    await settled(sellers)
    assert await states(sellers) == [State.SAVED] * 3


async def test_an_item_is_found_by_its_message_id(sellers: Sellers) -> None:
    await saved(sellers, 0)
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


@pytest.mark.parametrize(
    ("service", "operation", "status", "code", "trouble"),
    [
        ("dataverse", "POST emails", 400, "0x80040265", "customization-aborted"),
        (
            "graph",
            "PATCH /users/{id}/messages/{id}",
            403,
            "ErrorAccessDenied",
            "graph-access-denied",
        ),
    ],
)
async def test_what_cannot_be_saved_says_why_and_can_be_asked_for_again(
    sellers: Sellers, service: str, operation: str, status: int, code: str, trouble: str
) -> None:
    sellers.fault(service, operation, status, code=code)
    await sellers.save(0, 0)
    await settled(sellers)
    assert await states(sellers) == [State.FAILED] * 3
    assert len(sellers.queue.parked) == 1
    told = await sellers.status(1, 0)
    assert told
    assert told.trouble
    assert told.trouble.code == trouble
    sellers.fault(service, "nothing", 500)
    await saved(sellers, 0)
    assert await states(sellers) == [State.SAVED] * 3


async def test_a_regarding_that_cannot_be_leaves_the_item_saved_and_says_why(
    sellers: Sellers,
) -> None:
    await saved(sellers, 0)
    sellers.fault("dataverse", "PATCH emails", 400, code="0x80040265")
    await sellers.save(0, 0, **ABOUT)
    await settled(sellers)
    told = await sellers.status(0, 0)
    assert told
    assert told.trouble
    assert (told.state, told.trouble.code) == (State.SAVED, "customization-aborted")


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
    assert await states(sellers) == [State.SAVING] * 3
    sellers.suspend(0)
    await settled(sellers)
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
    await settled(sellers)
    assert not sellers.rows(0)
    sellers.suspend(0, suspended=False)
    sellers.tell_of(0, 0)
    await settled(sellers)
    assert await states(sellers) == [State.SAVED] * 3


async def test_a_draft_is_saved_once_it_is_sent(sellers: Sellers) -> None:
    draft = await sellers.draft(0)
    asked = Asked(id=draft)
    status = await sellers.items.save(sellers.caller(0), sellers.mailbox(0), asked, SaveRequest())
    assert status.state is State.SAVING
    await settled(sellers)
    assert not sellers.dataverse.rows("email")
    (told,) = await sellers.items.status(sellers.mailbox(0), [asked])
    assert told
    assert (told.state, told.why) == (State.SAVING, "a draft is saved once it is sent")
    await sellers.send(0, draft)
    await settled(sellers)
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
    await settled(sellers)
    (told,) = await sellers.items.status(sellers.mailbox(0), [asked])
    assert told
    assert told.state is State.REMOVED


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
