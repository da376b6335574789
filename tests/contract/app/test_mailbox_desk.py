"""A seller turns on their own mailbox, and what stands in the way has a code and a remedy."""

from collections.abc import AsyncIterator

import pytest

from shared.dataverse.batch import Operation
from shared.dataverse.enabling import Approval
from shared.identifiers import MailboxId
from shared.tracking.callers import Caller
from shared.tracking.contract import MailboxState
from shared.tracking.problems import Refusal
from tests.contract.app.desks import Desk, codes, desk_of_bare

ENABLED, WAITING, NOT_ENABLED = (
    MailboxState.ENABLED, MailboxState.WAITING, MailboxState.NOT_ENABLED,
)  # fmt: skip
METHODS = [
    "incoming-not-synchronized", "outgoing-not-synchronized", "appointments-not-synchronized",
]  # fmt: skip


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_of_bare() as running:
        yield running


def approve(desk: Desk) -> None:
    """Let an administrator have approved Ada's address."""
    desk.office.set_mailbox(desk.ada, emailrouteraccessapproval=Approval.APPROVED)


async def test_a_new_mailbox_lacks_everything_but_no_mere_consequence(desk: Desk) -> None:
    status = await desk.status()
    assert (status.state, status.may_enable) == (NOT_ENABLED, True)
    assert status.address == "ada@contoso.example"
    assert codes(status) == ["no-server-profile", *METHODS, "address-not-approved"]
    assert all(one.remedy and one.seller for one in status.lacking)


async def test_where_no_approval_is_needed_a_seller_does_it_alone(desk: Desk) -> None:
    desk.organization(requireapprovalforuseremail=False)
    status = await desk.enable()
    assert (status.state, codes(status)) == (WAITING, ["test-under-way"])
    assert not status.may_enable
    assert desk.mailbox()["emailserverprofile"] is not None
    desk.tested()
    status = await desk.status()
    assert (status.state, status.lacking) == (ENABLED, ())
    assert desk.office.subscriptions(desk.ada)


async def test_approval_is_asked_for_and_then_it_goes_on_by_itself(desk: Desk) -> None:
    status = await desk.enable()
    assert status.state is WAITING
    assert "approval-needed" in codes(status)
    assert desk.mailbox()["emailrouteraccessapproval"] == Approval.PENDING
    desk.tested()
    await desk.keep_up()
    assert (await desk.status()).state is WAITING
    approve(desk)
    await desk.keep_up()
    assert codes(await desk.status()) == ["test-under-way"]
    desk.tested()
    await desk.keep_up()
    assert (await desk.status()).state is ENABLED


async def test_the_app_may_not_approve_for_an_administrator_but_turns_it_on(desk: Desk) -> None:
    status = await desk.enable(administrator=True)
    assert "approval-needed" in codes(status)
    assert desk.mailbox()["emailrouteraccessapproval"] == Approval.PENDING
    assert desk.mailbox()["incomingemaildeliverymethod"] == 2


async def test_turning_on_twice_is_once(desk: Desk) -> None:
    approve(desk)
    await desk.enable()
    before = desk.mailbox()
    await desk.enable()
    assert desk.mailbox() == before
    desk.tested()
    assert (await desk.enable()).state is ENABLED
    enabled = desk.mailbox()
    assert (await desk.enable()).state is ENABLED
    assert desk.mailbox() == enabled


async def test_a_test_that_fails_is_told_and_can_be_tried_again(desk: Desk) -> None:
    approve(desk)
    desk.office.fault("dataverse", "test mailbox", 400, message="8005E274", times=1)
    await desk.enable()
    desk.tested()
    await desk.keep_up()
    status = await desk.status()
    assert (status.state, status.may_enable) == (NOT_ENABLED, True)
    assert codes(status) == [
        "incoming-not-tested", "outgoing-not-tested", "appointments-not-tested",
        "mailbox-error-open",
    ]  # fmt: skip
    assert not desk.mailbox()["testemailconfigurationscheduled"]
    await desk.enable()
    desk.tested()
    assert (await desk.status()).state is ENABLED


async def test_who_may_turn_on_what(desk: Desk) -> None:
    grace = Caller(MailboxId(desk.office.people[1]), is_administrator=False, name="")
    for asked in (desk.desk.status, desk.desk.enable):
        with pytest.raises(Refusal, match="not-your-mailbox"):
            await asked(grace, desk.ada)
    desk.sellers_may_enable = False
    assert not (await desk.status()).may_enable
    with pytest.raises(Refusal, match="enabling-not-allowed"):
        await desk.enable()
    assert (await desk.status(administrator=True)).may_enable
    assert (await desk.enable(administrator=True)).state is WAITING


async def test_what_turning_on_cannot_mend_is_refused_with_its_code(desk: Desk) -> None:
    desk.office.set_mailbox(desk.ada, statecode=1)
    status = await desk.status()
    assert (codes(status)[0], status.may_enable) == ("mailbox-inactive", False)
    with pytest.raises(Refusal, match="mailbox-inactive"):
        await desk.enable()
    desk.office.set_user(desk.ada, isdisabled=True)
    status = await desk.status()
    assert (codes(status), status.may_enable) == (["user-not-in-dynamics"], False)
    with pytest.raises(Refusal, match="user-not-in-dynamics"):
        await desk.enable()


async def test_dynamics_refuses_to_change_the_mailbox(desk: Desk) -> None:
    desk.office.fault("dataverse", "PATCH mailboxes", 403, message="prvWriteMailbox is missing")
    with pytest.raises(Refusal, match="prvWriteMailbox is missing") as refused:
        await desk.enable()
    assert refused.value.code == "enabling-refused"
    assert "approval-needed" not in codes(await desk.status())


async def test_a_ready_mailbox_waits_for_its_enrolment(desk: Desk) -> None:
    grace = Caller(MailboxId(desk.office.people[1]), is_administrator=False, name="")
    status = await desk.desk.status(grace, grace.mailbox)
    assert (status.state, codes(status)) == (WAITING, ["enrolment-under-way"])
    status = await desk.desk.enable(grace, grace.mailbox)
    assert (status.state, status.lacking) == (ENABLED, ())


async def test_an_open_error_is_told_but_stops_nothing(desk: Desk) -> None:
    grace = Caller(MailboxId(desk.office.people[1]), is_administrator=False, name="")
    await desk.desk.enable(grace, grace.mailbox)
    values = {"lastsyncerrorcode": 7, "lastsyncerroroccurredon": "2026-11-02T10:00:00Z"}
    desk.office.set_mailbox(grace.mailbox, **values)
    assert codes(await desk.desk.status(grace, grace.mailbox)) == ["mailbox-error-open"]
    await desk.keep_up()
    assert (await desk.desk.status(grace, grace.mailbox)).state is ENABLED
    desk.office.set_mailbox(grace.mailbox, lastsuccessfulsynccompletedon="2026-11-02T11:00:00Z")
    assert (await desk.desk.status(grace, grace.mailbox)).lacking == ()


async def test_what_was_saved_meanwhile_follows_once_the_mailbox_is_enrolled(desk: Desk) -> None:
    await desk.enable()
    link = "5b0d0a4e-2f31-5c8e-9d55-0a6c1f2e7b90"
    saved = await desk.office.dataverse.send(
        Operation(
            "PATCH",
            f"tether_links({link})",
            {
                "tether_kind": 1, "tether_itemid": "AAA=", "tether_request": "{}",
                "tether_MailboxId@odata.bind": f"tether_mailboxes({desk.ada})",
            },
        )
    )  # fmt: skip
    assert saved.ok, saved.problem
    assert (await desk.status()).pending == 1
    await desk.keep_up()
    assert desk.bus.sent == []
    approve(desk)
    await desk.keep_up()
    desk.tested()
    assert (await desk.status()).state is ENABLED
    ((queue, change),) = desk.bus.sent
    assert (queue, change.mailbox, change.item) == ("mail", desk.ada, "AAA=")
