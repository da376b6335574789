"""What becomes of changes when one side or the other does not play along."""

import asyncio

import pytest

from sandbox.graph import ids
from shared.dataverse.links import LinkState, Reason
from shared.graph.items import TRACKED_CATEGORY, UNDELIVERABLE_CATEGORY
from shared.sync.outcome import Failed, Impossible, Outcome, Settled
from shared.sync.plan import Ignore, Track
from tests.unit.app.office import Office
from tests.unit.app.sides import Overtaken

READ = "GET /users/{id}/messages/{id}"
MARK = "PATCH /users/{id}/messages/{id}"


def failures(outcome: Outcome) -> dict[str, float | None]:
    return {failed.change.id: failed.retry_after for failed in outcome.failed}


def ended(outcome: Outcome) -> list[str]:
    everything: list[Settled | Failed | Impossible]
    everything = [*outcome.settled, *outcome.failed, *outcome.impossible]
    return sorted(end.change.id for end in everything)


async def test_a_batch_is_tracked_marked_and_settled(office: Office) -> None:
    changes = [office.mail(1), office.mail(2, person=1)]
    outcome = await office.reconciler.reconcile(changes)
    assert [type(end.plan) for end in outcome.settled] == [Track, Track]
    assert office.subjects() == {"Mail 1", "Mail 2"}
    assert office.categories(changes[0]) == [TRACKED_CATEGORY]


async def test_its_own_category_s_echo_costs_nothing(office: Office) -> None:
    change = office.mail(1)
    await office.reconciler.reconcile([change])
    now = office.graph.mailboxes.mailbox(change.mailbox).message(change.item)
    echo = change.model_copy(update={"id": "echo", "etag": ids.etag(now["changeKey"])})
    office.fault("graph", "*", 500, times=None)
    outcome = await office.reconciler.reconcile([echo])
    assert [(end.change.id, end.plan) for end in outcome.settled] == [("echo", None)]


async def test_one_throttled_mail_waits_as_long_as_graph_says_the_others_do_not(
    office: Office,
) -> None:
    changes = [office.mail(number) for number in range(1, 4)]
    office.fault("graph", READ, 429, skip=1, retry_after=42)
    outcome = await office.reconciler.reconcile(changes)
    assert failures(outcome) == {"0/2": 42.0}
    assert office.subjects() == {"Mail 1", "Mail 3"}
    assert ended(outcome) == ["0/1", "0/2", "0/3"]


async def test_a_round_trip_that_failed_fails_all_of_it_with_its_wait(office: Office) -> None:
    changes = [office.mail(1), office.mail(2)]
    office.fault("graph", "POST /$batch", 503, retry_after=7)
    assert failures(await office.reconciler.reconcile(changes)) == {"0/1": 7.0, "0/2": 7.0}
    assert not office.subjects()
    again = await office.reconciler.reconcile(changes)
    assert not again.failed
    assert office.subjects() == {"Mail 1", "Mail 2"}


async def test_a_mail_that_cannot_be_marked_is_not_written(office: Office) -> None:
    change = office.mail(1)
    office.fault("graph", MARK, 429, retry_after=3)
    assert failures(await office.reconciler.reconcile([change])) == {"0/1": 3.0}
    assert not office.subjects()


async def test_a_mail_that_changed_while_it_was_marked_is_looked_at_again_at_once(
    office: Office,
) -> None:
    change = office.mail(1)
    office.fault("graph", MARK, 412)
    outcome = await office.reconciler.reconcile([change])
    assert ended(outcome) == ["0/1"]
    assert not outcome.failed
    assert office.categories(change) == [TRACKED_CATEGORY]


async def test_a_mail_nobody_may_read_any_more_is_impossible_only_when_graph_says_400(
    office: Office,
) -> None:
    change = office.mail(1)
    office.fault("graph", READ, 403)
    assert failures(await office.reconciler.reconcile([change])) == {"0/1": None}
    office.fault("graph", READ, 400)
    (end,) = (await office.reconciler.reconcile([change])).impossible
    assert end.reason.startswith("Graph 400")


async def test_a_404_of_the_mailbox_is_not_taken_for_a_deleted_mail(office: Office) -> None:
    change = office.mail(1)
    await office.reconciler.reconcile([change])
    later = change.model_copy(update={"etag": None})
    office.fault("graph", READ, 404, code="MailboxNotEnabledForRESTAPI")
    assert failures(await office.reconciler.reconcile([later])) == {"0/1": None}
    (link,) = office.dataverse.rows("tether_link").values()
    assert link["tether_state"] == 1


async def test_a_throttled_change_set_waits_the_others_are_written(office: Office) -> None:
    changes = [office.mail(1), office.mail(2)]
    office.fault("dataverse", "POST emails", 429, retry_after=11)
    outcome = await office.reconciler.reconcile(changes)
    assert failures(outcome) == {"0/1": 11.0}
    assert office.subjects() == {"Mail 2"}
    assert len(office.dataverse.rows("tether_link")) == 1


async def test_a_change_set_is_written_whole_or_not_at_all(office: Office) -> None:
    office.fault("dataverse", "PATCH tether_links", 503)
    outcome = await office.reconciler.reconcile([office.mail(1)])
    assert failures(outcome) == {"0/1": None}
    assert not office.subjects()


@pytest.mark.parametrize("status", [404, 412])
async def test_what_another_writer_got_to_first_is_looked_at_again_at_once(
    office: Office, status: int
) -> None:
    office.fault("dataverse", "POST emails", status, times=3)
    outcome = await office.reconciler.reconcile([office.mail(1)])
    assert ended(outcome) == ["0/1"]
    assert not outcome.failed
    assert office.subjects() == {"Mail 1"}


async def test_what_keeps_moving_on_goes_back_to_the_queue_after_four_looks(office: Office) -> None:
    office.fault("dataverse", "POST emails", 412, times=4)
    outcome = await office.reconciler.reconcile([office.mail(1)])
    assert failures(outcome) == {"0/1": 5.0}
    assert ended(outcome) == ["0/1"]


async def test_two_instances_at_once_make_one_activity_and_lose_no_change(office: Office) -> None:
    one, other = office.mail(1), office.mail(1, person=1)
    second = office.instance()
    outcomes = await asyncio.gather(
        office.reconciler.reconcile([one]), second.reconcile([other, one])
    )
    assert [ended(outcome) for outcome in outcomes] == [["0/1"], ["0/1", "1/1"]]
    assert not any(outcome.failed or outcome.impossible for outcome in outcomes)
    assert len(office.dataverse.rows("email")) == 1
    assert len(office.dataverse.rows("tether_link")) == 2


async def test_a_mail_read_before_another_instance_tracked_it_is_not_let_go(office: Office) -> None:
    change = office.mail(1)
    slow = Overtaken(office.graph, lambda: office.reconciler.reconcile([change]))
    outcome = await office.instance(graph=slow).reconcile([change])
    assert not outcome.failed
    (link,) = office.dataverse.rows("tether_link").values()
    assert (link["tether_state"], link["tether_reason"]) == (LinkState.TRACKED, Reason.FILTER)
    assert office.categories(change) == [TRACKED_CATEGORY]


@pytest.mark.parametrize(
    ("status", "code", "passes"),
    [
        (400, "0x80040203", False),
        (409, "", False),
        (413, "", False),
        (400, "0x80044150", True),
        (401, "", True),
        (403, "0x80040220", True),
        (500, "0x80040216", True),
        (502, "", True),
    ],
)
async def test_what_dataverse_calls_wrong_is_impossible_what_passes_is_not(
    office: Office, status: int, code: str, *, passes: bool
) -> None:
    office.fault("dataverse", "POST emails", status, code=code)
    outcome = await office.reconciler.reconcile([office.mail(1), office.mail(2)])
    assert [failed.change.id for failed in outcome.failed] == (["0/1"] if passes else [])
    assert [end.change.id for end in outcome.impossible] == ([] if passes else ["0/1"])
    assert office.subjects() == {"Mail 2"}


async def test_what_dynamics_refuses_says_so_in_its_link_and_by_its_category(
    office: Office,
) -> None:
    change = office.mail(1)
    office.fault("dataverse", "POST emails", 400, code="0x80040203", message="wrong")
    await office.reconciler.reconcile([change])
    (link,) = office.dataverse.rows("tether_link").values()
    assert link["tether_state"] == LinkState.FAILED
    assert "wrong" in link["tether_detail"]
    assert office.categories(change) == [UNDELIVERABLE_CATEGORY]


@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_a_lost_round_trip_to_dataverse_fails_all_that_was_at_stake(
    office: Office, skip: int
) -> None:
    changes = [office.mail(1), office.mail(2)]
    office.fault("dataverse", "POST $batch", 503, skip=skip, retry_after=9)
    outcome = await office.reconciler.reconcile(changes)
    assert failures(outcome) == {"0/1": 9.0, "0/2": 9.0}
    assert not (await office.reconciler.reconcile(changes)).failed
    assert office.subjects() == {"Mail 1", "Mail 2"}


async def test_a_table_only_sales_has_is_done_without(office: Office) -> None:
    office.fault("dataverse", "GET leads", 404)
    assert not (await office.reconciler.reconcile([office.mail(1)])).failed
    assert office.subjects() == {"Mail 1"}


async def test_any_other_question_unanswered_fails_the_look(office: Office) -> None:
    office.fault("dataverse", "GET contacts", 404)
    assert failures(await office.reconciler.reconcile([office.mail(1)])) == {"0/1": None}


async def test_a_mailbox_nobody_enrolled_is_waited_for(office: Office) -> None:
    change = office.mail(1)
    office.dataverse.organization.rows.drop("tether_mailbox")
    (failed,) = (await office.reconciler.reconcile([change])).failed
    assert "not enrolled" in failed.problem


async def test_a_mail_that_was_never_there_is_nothing_to_do(office: Office) -> None:
    change = office.mail(1)
    mailbox = office.graph.mailboxes.mailbox(change.mailbox)
    mailbox.purge(mailbox.message(change.item))
    (end,) = (await office.reconciler.reconcile([change])).settled
    assert end.plan == Ignore("deleted in Outlook")
