"""Tether instead of Dynamics' own synchronization: the same conditions, kept on its own row."""

from collections.abc import AsyncIterator

import pytest

from shared.dataverse.enabling import Approval
from shared.dataverse.readiness import NativeSync
from shared.dataverse.standing import read_standings
from shared.tracking.contract import MailboxState
from tests.contract.app.desks import Desk, codes, desk_of_bare

NONE = {
    "incomingemaildeliverymethod": 0, "outgoingemaildeliverymethod": 0, "actdeliverymethod": 2,
}  # fmt: skip

FOLDERS = "GET *mailFolders*"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_of_bare(NativeSync.INSTEAD) as running:
        yield running


async def test_nobody_is_enrolled_whom_nobody_turned_on(desk: Desk) -> None:
    await desk.keep_up()
    assert await desk.office.enrolled() == {}
    status = await desk.status()
    assert (status.state, codes(status)) == (MailboxState.NOT_ENABLED, ["sync-not-turned-on"])


async def test_where_no_approval_is_needed_it_works_at_once(desk: Desk) -> None:
    desk.organization(requireapprovalforuseremail=False)
    status = await desk.enable()
    assert (status.state, status.lacking) == (MailboxState.ENABLED, ())
    assert {name: desk.mailbox()[name] for name in NONE} == NONE
    assert not desk.mailbox()["testemailconfigurationscheduled"]
    await desk.keep_up()
    assert (await desk.status()).state is MailboxState.ENABLED


async def test_an_administrator_approves_on_tethers_own_row(desk: Desk) -> None:
    status = await desk.enable()
    assert (status.state, codes(status)) == (MailboxState.WAITING, ["approval-needed"])
    desk.office.set_row(desk.ada, tether_approval=Approval.APPROVED)
    await desk.keep_up()
    assert (await desk.status()).state is MailboxState.ENABLED


async def test_an_administrator_who_turns_it_on_approves_it(desk: Desk) -> None:
    assert (await desk.enable(administrator=True)).state is MailboxState.ENABLED


async def test_tether_tests_whether_it_can_read_the_mailbox(desk: Desk) -> None:
    desk.office.fault("graph", FOLDERS, 403, times=None)
    status = await desk.enable(administrator=True)
    assert codes(status) == ["mailbox-not-reachable"]
    assert (status.state, status.may_enable) == (MailboxState.NOT_ENABLED, True)
    assert "ErrorAccessDenied" in (await desk.office.row(desk.ada))["tether_lasterror"]
    desk.office.services.surroundings.faults.replace([])
    assert (await desk.enable(administrator=True)).state is MailboxState.ENABLED
    assert (await desk.office.row(desk.ada))["tether_lasterror"] is None


async def test_a_trouble_that_passes_is_no_failed_test(desk: Desk) -> None:
    desk.organization(requireapprovalforuseremail=False)
    desk.office.fault("graph", FOLDERS, 503, times=None)
    await desk.enable()
    assert (await desk.office.row(desk.ada))["tether_teststatus"] is None
    desk.office.services.surroundings.faults.replace([])
    await desk.keep_up()
    assert (await desk.status()).state is MailboxState.ENABLED


async def test_where_both_would_write_is_told_and_nothing_is_lost(desk: Desk) -> None:
    await desk.enable(administrator=True)
    desk.office.set_mailbox(desk.ada, incomingemaildeliverymethod=2)
    await desk.keep_up()
    status = await desk.status()
    assert (status.state, codes(status)) == (MailboxState.ENABLED, ["native-sync-conflict"])
    (standing,) = await read_standings(desk.office.dataverse, NativeSync.INSTEAD)
    assert standing.ready
    assert [one.code for one in standing.noted] == ["native-sync-conflict"]
    assert desk.office.subscriptions(desk.ada)
    assert (await desk.enable()).lacking == ()


async def test_turning_it_off_suspends_it(desk: Desk) -> None:
    await desk.enable(administrator=True)
    desk.office.set_row(desk.ada, tether_turnedon=False)
    await desk.keep_up()
    assert codes(await desk.status()) == ["sync-not-turned-on"]
    assert not desk.office.subscriptions(desk.ada)
