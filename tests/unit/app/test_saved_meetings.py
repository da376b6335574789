"""Meetings that sellers save and remove by the API."""

from uuid import UUID

import pytest

from shared.identifiers import Kind
from shared.tracking.contract import Removal, Scope, State
from shared.tracking.problems import Refusal
from tests.unit.app.diary import DAY, Diary
from tests.unit.app.front_desk import FrontDesk
from tests.unit.app.sides import Ground

ACCOUNT = "00000000-0000-4000-8000-00000000ac01"
ABOUT = {"regarding": {"table": "account", "id": UUID(ACCOUNT)}}
COMPLETED = {"statecode": 1, "statuscode": 3}


@pytest.fixture
async def diary(ground: Ground) -> Diary:
    made = await Diary(ground).open()
    made.dataverse.write("POST", "accounts", {"accountid": ACCOUNT, "name": "Contoso"})
    return made


@pytest.fixture
def desk(diary: Diary) -> FrontDesk:
    return FrontDesk(Kind.CALENDAR, diary.graph, diary.dataverse, diary.reconciler)


async def series(diary: Diary) -> str:
    """Have four days running at the same time in Ada's calendar; return the series."""
    start = (diary.now + DAY).date().isoformat()
    recurrence = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "numberOfOccurrences": 4, "startDate": start},
    }
    return await diary.invite(0, recurrence=recurrence)


async def settle(diary: Diary, desk: FrontDesk) -> None:
    diary.untold += desk.queued()
    await diary.tell()


async def state(desk: FrontDesk, person: int, item: str) -> State | None:
    status = await desk.status(person, item)
    return status.state if status else None


async def test_a_meeting_is_saved_for_every_participant(diary: Diary, desk: FrontDesk) -> None:
    item = await diary.invite(0, [1])
    copy = await diary.copy(1, 0, item)
    assert await state(desk, 1, copy) is State.NOT_SAVED
    assert (await desk.save(0, item, **ABOUT)).state is State.SAVING
    await settle(diary, desk)
    assert await state(desk, 1, copy) is State.SAVED
    (row,) = diary.rows()
    assert row["regardingobjectid"]["id"] == ACCOUNT
    assert "Tracked To Dynamics 365" in (await diary.event(0, item))["categories"]
    status = await desk.status(1, copy)
    assert status
    assert status.activity
    assert str(status.activity.id) == row["activityid"]


async def test_what_a_meeting_is_about_changes_with_a_later_save(
    diary: Diary, desk: FrontDesk
) -> None:
    item = await diary.invite(0)
    await desk.save(0, item)
    await settle(diary, desk)
    (row,) = diary.rows()
    diary.dataverse.write("PATCH", f"appointments({row['activityid']})", COMPLETED)
    await desk.save(0, item, **ABOUT)
    await settle(diary, desk)
    (row,) = diary.rows(open_only=False)
    assert row["regardingobjectid"]["id"] == ACCOUNT
    await desk.save(0, item, regarding=None)
    await settle(diary, desk)
    (row,) = diary.rows(open_only=False)
    assert row["regardingobjectid"] is None


async def test_an_occurrence_saves_the_series_as_a_whole(diary: Diary, desk: FrontDesk) -> None:
    item = await series(diary)
    third = (await diary.occurrences(0, item))[2]["id"]
    assert (await desk.save(0, third, **ABOUT)).id == item
    await settle(diary, desk)
    assert len(diary.rows()) == 4
    assert {row["regardingobjectid"]["id"] for row in diary.rows()} == {ACCOUNT}
    status = await desk.status(0, third)
    assert status
    assert status.activity
    assert (status.id, status.state) == (item, State.SAVED)
    assert str(status.activity.id) == diary.rows()[0]["activityid"]


async def test_a_series_is_saved_without_attachments(diary: Diary, desk: FrontDesk) -> None:
    item = await series(diary)
    with pytest.raises(Refusal, match="attachments-not-possible"):
        await desk.save(0, item, attachments=True)


async def test_a_removal_takes_all_rows_out(diary: Diary, desk: FrontDesk) -> None:
    item = await series(diary)
    await desk.save(0, item)
    await settle(diary, desk)
    await desk.remove(0, item)
    await settle(diary, desk)
    assert not diary.rows(open_only=False)
    assert await state(desk, 0, item) is State.REMOVED


async def test_rows_stay_while_another_participant_has_them(diary: Diary, desk: FrontDesk) -> None:
    item = await diary.invite(0, [1])
    copy = await diary.copy(1, 0, item)
    await desk.save(0, item)
    await desk.save(1, copy)
    await settle(diary, desk)
    await desk.remove(0, item)
    await settle(diary, desk)
    assert len(diary.rows()) == 1
    assert await state(desk, 0, item) is State.SAVED
    await desk.remove(1, copy, Removal.UNLINK)
    await settle(diary, desk)
    assert len(diary.rows()) == 1
    assert await state(desk, 0, item) is State.REMOVED


async def test_a_removal_for_all_takes_everybodys(diary: Diary, desk: FrontDesk) -> None:
    item = await diary.invite(0, [1])
    copy = await diary.copy(1, 0, item)
    await desk.save(0, item)
    await desk.save(1, copy)
    await settle(diary, desk)
    await desk.remove(0, item, scope=Scope.ALL)
    await settle(diary, desk)
    assert not diary.rows(open_only=False)
    assert await state(desk, 1, copy) is State.REMOVED


async def test_a_canceled_meeting_that_is_saved_says_that_it_cannot_be(
    diary: Diary, desk: FrontDesk
) -> None:
    item = await diary.invite(0, [1])
    copy = await diary.copy(1, 0, item)
    await diary.graph.do("POST", f"/users/{diary.person(0)}/events/{item}/cancel", {})
    await desk.save(1, copy)
    await settle(diary, desk)
    status = await desk.status(1, copy)
    assert status
    assert (status.state, status.why) == (State.FAILED, "the meeting was canceled")


async def test_a_save_thought_better_of_deletes_no_row_that_others_have_left(
    diary: Diary, desk: FrontDesk
) -> None:
    item = await diary.invite(0, [1])
    copy = await diary.copy(1, 0, item)
    await desk.save(0, item)
    await settle(diary, desk)
    await desk.remove(0, item, Removal.UNLINK)
    await settle(diary, desk)
    await desk.save(1, copy)
    await desk.remove(1, copy)
    await settle(diary, desk)
    assert len(diary.rows()) == 1
