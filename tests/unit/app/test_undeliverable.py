"""What a rule wants tracked and Dynamics keeps refusing: five tries, then Outlook says so."""

import pytest

from shared.changes import Change
from shared.dataverse.links import LinkState, Reason
from shared.graph.items import TRACKED_CATEGORY, UNDELIVERABLE_CATEGORY
from shared.sync.giving_up import AUTOMATIC_TRIES
from tests.unit.app.office import Office, again

DEADLOCK = {"code": "0x80044151", "message": "the database was busy"}
FINAL = {"code": "0x80040265", "message": "the plug-in says no"}


def at(attempt: int, change: Change) -> Change:
    return again(change).model_copy(update={"attempt": attempt})


async def refused(office: Office, change: Change, tries: int) -> list[str]:
    """Let Dynamics refuse a mail some times; return how each try ended."""
    ends: list[str] = []
    for attempt in range(tries):
        office.fault("dataverse", "POST emails", 400, **DEADLOCK)
        outcome = await office.reconciler.reconcile([at(attempt, change)])
        ends += ["failed" for _ in outcome.failed] + ["impossible" for _ in outcome.impossible]
    return ends


async def test_after_five_refusals_it_says_undeliverable_and_is_let_be(office: Office) -> None:
    change = office.mail(1)
    ends = await refused(office, change, AUTOMATIC_TRIES)
    assert ends == ["failed"] * 4 + ["impossible"]
    assert office.categories(change) == [UNDELIVERABLE_CATEGORY]
    link = office.links()["Mail 1"]
    assert link["tether_state"] == LinkState.FAILED
    assert "refused 5 times" in link["tether_detail"]
    assert "the database was busy" in link["tether_detail"]
    outcome = await office.reconciler.reconcile([again(change)])
    assert [type(end.plan).__name__ for end in outcome.settled] == ["Ignore"]
    assert not office.subjects()


async def test_the_category_tries_again_and_the_other_one_goes(office: Office) -> None:
    change = office.mail(1)
    await refused(office, change, AUTOMATIC_TRIES)
    office.mark(change)
    outcome = await office.reconciler.reconcile([again(change)])
    assert not outcome.failed
    assert not outcome.impossible
    assert office.categories(change) == [TRACKED_CATEGORY]
    link = office.links()["Mail 1"]
    assert (link["tether_state"], link["tether_reason"]) == (LinkState.TRACKED, Reason.CATEGORY)
    assert link["tether_detail"] is None


async def test_what_a_person_asks_for_once_more_in_vain_keeps_both(office: Office) -> None:
    change = office.mail(1)
    await refused(office, change, AUTOMATIC_TRIES)
    office.mark(change)
    office.fault("dataverse", "POST emails", 400, **FINAL)
    outcome = await office.reconciler.reconcile([again(change)])
    assert len(outcome.impossible) == 1
    assert office.categories(change) == [UNDELIVERABLE_CATEGORY, TRACKED_CATEGORY]


async def test_what_a_person_has_asked_for_is_tried_on(office: Office) -> None:
    change = office.mail(1, folder="archive")
    office.mark(change)
    assert await refused(office, change, AUTOMATIC_TRIES + 1) == ["failed"] * 6
    assert office.categories(change) == [TRACKED_CATEGORY]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_service_is_no_refusal(office: Office, status: int) -> None:
    change = office.mail(1)
    for attempt in range(AUTOMATIC_TRIES + 1):
        office.fault("dataverse", "POST emails", status)
        outcome = await office.reconciler.reconcile([at(attempt, change)])
        assert len(outcome.failed) == 1
    assert UNDELIVERABLE_CATEGORY not in office.categories(change)


async def test_what_can_never_work_is_not_tried_five_times(office: Office) -> None:
    change = office.mail(1)
    office.fault("dataverse", "POST emails", 400, **FINAL)
    outcome = await office.reconciler.reconcile([change])
    assert len(outcome.impossible) == 1
    assert office.categories(change) == [UNDELIVERABLE_CATEGORY]


async def test_its_neighbour_in_another_mailbox_has_tries_of_its_own(office: Office) -> None:
    first, second = office.mail(1), office.mail(1, person=1)
    office.fault("dataverse", "POST emails", 400, **DEADLOCK)
    outcome = await office.reconciler.reconcile([at(AUTOMATIC_TRIES - 1, first), at(0, second)])
    assert [end.change.mailbox for end in outcome.impossible] == [first.mailbox]
    assert [failed.change.mailbox for failed in outcome.failed] == [second.mailbox]
