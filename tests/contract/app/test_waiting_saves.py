"""What was asked for is sent again if it waits: nothing that a seller saved is forgotten."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from shared.dataverse.batch import Operation
from shared.dataverse.links import TARGETS
from shared.errors import Transient
from shared.identifiers import Kind, MailboxId
from shared.sync.waiting_saves import PATIENCE
from tests.contract.app.desks import Desk
from tests.contract.app.enrolling import enrolling


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with enrolling(2) as office:
        running = Desk(office)
        await running.enrolment.enrol_and_renew()
        yield running


async def ask(desk: Desk, number: int, kind: Kind, *, asked: str | None = "{}") -> None:
    """Write a link of Ada's with a request on it."""
    answer = await desk.office.dataverse.send(
        Operation(
            "PATCH",
            f"tether_links({UUID(int=number)})",
            {
                "tether_kind": TARGETS[kind].code,
                "tether_itemid": f"item {number}",
                "tether_request": asked,
                "tether_MailboxId@odata.bind": f"tether_mailboxes({desk.ada})",
            },
        )
    )
    assert answer.ok, answer.problem


def sent(desk: Desk) -> set[tuple[str, str]]:
    return {(queue, change.item) for queue, change in desk.bus.sent}


async def test_a_request_that_has_waited_long_is_told_again_of_every_kind(desk: Desk) -> None:
    for number, kind in enumerate(Kind):
        await ask(desk, number, kind)
    await ask(desk, 9, Kind.MAIL, asked=None)
    assert await desk.waiting.send() == 0
    desk.office.advance(PATIENCE)
    assert await desk.waiting.send() == 4
    assert sent(desk) == {(kind.value, f"item {n}") for n, kind in enumerate(Kind)}
    desk.office.advance(timedelta(minutes=5))
    assert await desk.waiting.send() == 4
    assert len({change.id for _, change in desk.bus.sent}) == 8


async def test_what_is_under_way_is_left_but_not_of_a_mailbox_just_enrolled(desk: Desk) -> None:
    await ask(desk, 1, Kind.MAIL)
    assert await desk.waiting.send(enrolled=[MailboxId(desk.office.people[1])]) == 0
    assert await desk.waiting.send(enrolled=[desk.ada]) == 1
    assert await desk.waiting.send(desk.ada) == 1
    assert await desk.waiting.send(MailboxId(desk.office.people[1])) == 0


async def test_nothing_is_sent_of_a_mailbox_that_does_not_sync(desk: Desk) -> None:
    await ask(desk, 1, Kind.MAIL)
    desk.office.set_row(desk.ada, tether_state=2)
    desk.office.advance(PATIENCE)
    assert await desk.waiting.send() == 0
    assert await desk.waiting.send(desk.ada) == 0


async def test_a_row_that_is_bent_stops_no_other(desk: Desk) -> None:
    await ask(desk, 1, Kind.MAIL)
    await ask(desk, 2, Kind.MAIL)
    rows = desk.office.services.dataverse.organization.rows
    bent = str(UUID(int=1))
    rows.put("tether_link", bent, {**(rows.get("tether_link", bent) or {}), "tether_kind": None})
    desk.office.advance(PATIENCE)
    assert await desk.waiting.send() == 1


async def test_without_an_answer_the_next_time_does_it(desk: Desk) -> None:
    await ask(desk, 1, Kind.MAIL)
    desk.office.advance(PATIENCE)
    desk.office.fault("dataverse", "GET tether_links", 503)
    with pytest.raises(Transient):
        await desk.waiting.send()
    assert await desk.waiting.send() == 1
