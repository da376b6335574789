"""Where each change ends: back on the queue, parked, or with the broker's own failure."""

from datetime import timedelta

import pytest

from shared.bus import PARKED, parked_body
from shared.changes import decode
from shared.errors import Transient
from shared.identifiers import Kind
from shared.sync.outcome import LaterLook, Outcome
from shared.sync.settling import MAX_ATTEMPTS, settle, wait_before
from tests.unit.app.office import NOW, Office

READ = "GET /users/{id}/messages/{id}"


async def test_what_failed_comes_back_when_the_server_wishes_and_counts(office: Office) -> None:
    office.fault("graph", READ, 429, retry_after=42)
    outcome = await office.reconciler.reconcile([office.mail(1)])
    await settle(outcome, Kind.MAIL, office.bus, NOW)
    (message,) = office.bus.sent["mail"]
    assert message.due is not None
    assert 42 <= (message.due - NOW).total_seconds() <= 42 * 1.25
    assert [change.attempt for change in decode(message.body)] == [1]
    assert not office.bus.sent[PARKED]


async def test_the_tenth_failure_is_the_last_and_says_why(office: Office) -> None:
    tired = office.mail(1).model_copy(update={"attempt": MAX_ATTEMPTS - 1})
    office.fault("graph", READ, 503, message="not today")
    await settle(await office.reconciler.reconcile([tired]), Kind.MAIL, office.bus, NOW)
    assert not office.bus.sent["mail"]
    (parked,) = office.bus.sent[PARKED]
    assert parked.properties["reason"].startswith("failed 10 times: Graph 503")
    assert "not today" in parked.properties["reason"]


async def test_what_can_never_be_done_is_parked_at_once(office: Office) -> None:
    office.fault("dataverse", "POST emails", 400, code="0x80040203", message="wrong")
    await settle(await office.reconciler.reconcile([office.mail(1)]), Kind.MAIL, office.bus, NOW)
    (parked,) = office.bus.sent[PARKED]
    assert parked.properties["reason"] == "Dataverse 400 0x80040203: wrong"


async def test_a_later_look_is_sent_once_for_two_minutes_later(office: Office) -> None:
    change = office.mail(1)
    later = change.model_copy(update={"looked_before": True})
    outcome = Outcome(look_again=[LaterLook(later, depth=0)])
    await settle(outcome, Kind.MAIL, office.bus, NOW)
    (message,) = office.bus.sent["mail"]
    assert message.due == NOW + timedelta(minutes=2)
    assert decode(message.body)[0].looked_before


async def test_a_later_look_is_the_later_the_deeper_the_mail_lies_but_not_without_end(
    office: Office,
) -> None:
    looks = [
        LaterLook(office.mail(number).model_copy(update={"looked_before": True}), depth)
        for number, depth in enumerate([3, 0, 60, 1, 0, 500])
    ]
    await settle(Outcome(look_again=looks), Kind.MAIL, office.bus, NOW)
    due = {
        change.id: message.due and (message.due - NOW).total_seconds()
        for message in office.bus.sent["mail"]
        for change in decode(message.body)
    }
    assert due == {"0/0": 150, "0/1": 120, "0/2": 720, "0/3": 130, "0/4": 120, "0/5": 720}
    assert len(office.bus.sent["mail"]) == 4


async def test_when_the_broker_does_not_take_it_settling_raises(office: Office) -> None:
    office.fault("graph", READ, 429)
    outcome = await office.reconciler.reconcile([office.mail(1)])
    office.bus.down = True
    with pytest.raises(Transient, match="broker"):
        await settle(outcome, Kind.MAIL, office.bus, NOW)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (2, 4), (5, 32), (9, 300), (50, 300)])
def test_without_a_wish_the_wait_doubles_up_to_five_minutes(attempt: int, seconds: int) -> None:
    for _ in range(50):
        wait = wait_before(attempt, None).total_seconds()
        assert seconds <= wait <= 1.25 * seconds


@pytest.mark.parametrize(("attempt", "wish", "seconds"), [(1, 42, 42), (9, 1, 300), (1, 900, 900)])
def test_a_wish_is_granted_and_never_shortens_the_wait(
    attempt: int, wish: float, seconds: int
) -> None:
    for _ in range(50):
        assert seconds <= wait_before(attempt, wish).total_seconds() <= 1.25 * seconds


def test_a_body_nobody_can_read_is_kept_as_it_came() -> None:
    parked = parked_body("mail", b"\xff", "no envelope")
    assert parked.body == b"\xff"
    assert len(parked.id) <= 128
    assert parked.id == parked_body("mail", b"\xff", "no envelope").id
    assert parked.id != parked_body("mail", b"\xfe", "no envelope").id
    assert parked.properties == {"reason": "no envelope", "kind": "mail"}
