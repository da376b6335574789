"""Attachments of single meetings follow the copy that counts; those of series never do."""

import asyncio
import base64

import pytest

from sandbox.tenant import make_tenant
from shared.sync.calendar.policy import CalendarPolicy
from tests.unit.app.diary import Diary, moment
from tests.unit.app.sides import Ground

ON = CalendarPolicy(attachments=True)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return asyncio.run(Ground.prepare(make_tenant(3)))


@pytest.fixture
async def diary(ground: Ground) -> Diary:
    diary = await Diary(ground, ON).open()
    diary.dataverse.choose(isappointmentattachmentsyncenabled=True)
    return diary


async def attach(diary: Diary, person: int, item: str, name: str) -> None:
    """Attach a file that says its own name."""
    await diary.graph.do(
        "POST",
        f"/users/{diary.person(person)}/events/{item}/attachments",
        {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": name,
            "contentBytes": base64.b64encode(name.encode()).decode(),
        },
    )


def attached(diary: Diary) -> list[str]:
    rows = diary.dataverse.rows("activitymimeattachment").values()
    assert {row["objecttypecode"] for row in rows} <= {"appointment"}
    return sorted(base64.b64decode(row["body"]).decode() for row in rows)


async def test_they_follow_a_meeting_and_what_comes_later_too(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    await attach(diary, 0, item, "agenda.txt")
    await diary.mark(0, item)
    await diary.tell()
    assert attached(diary) == ["agenda.txt"]
    await attach(diary, 0, item, "minutes.txt")
    await diary.tell()
    assert attached(diary) == ["agenda.txt", "minutes.txt"]
    (row,) = diary.rows()
    assert row["attachmentcount"] == 2
    (link,) = diary.links()
    assert not link["tether_attachmentspending"]
    assert link["tether_notes"] is None


async def test_an_attendee_s_copy_brings_none_while_the_organizer_s_counts(diary: Diary) -> None:
    item = await diary.invite(0, [1])
    await diary.mark(0, item)
    await diary.tell()
    theirs = await diary.copy(1, 0, item)
    await attach(diary, 1, theirs, "private notes.txt")
    await diary.mark(1, theirs)
    await diary.tell()
    assert attached(diary) == []


async def test_those_of_a_series_never_do(diary: Diary) -> None:
    pattern = {"type": "daily", "interval": 1}
    start = diary.now.date().isoformat()
    event = {"type": "numbered", "startDate": start, "numberOfOccurrences": 3}
    item = await diary.invite(
        0,
        start=moment(diary.now.replace(hour=9, minute=0)),
        end=moment(diary.now.replace(hour=10, minute=0)),
        recurrence={"pattern": pattern, "range": event},
    )
    await attach(diary, 0, item, "agenda.txt")
    await diary.mark(0, item)
    await diary.tell()
    assert diary.links()
    assert attached(diary) == []


async def test_those_of_a_private_meeting_stay_with_its_body(diary: Diary) -> None:
    item = await diary.invite(0, [1], sensitivity="private")
    await attach(diary, 0, item, "agenda.txt")
    await diary.mark(0, item)
    await diary.tell()
    assert attached(diary) == []


async def test_the_organisation_may_keep_those_of_meetings_out(diary: Diary) -> None:
    diary.dataverse.choose(isappointmentattachmentsyncenabled=False)
    item = await diary.invite(0, [1])
    await attach(diary, 0, item, "agenda.txt")
    await diary.mark(0, item)
    await diary.tell()
    assert attached(diary) == []
    (link,) = diary.links()
    assert "brings none of meetings" in link["tether_notes"]


async def test_by_default_they_stay_in_outlook(ground: Ground) -> None:
    diary = await Diary(ground).open()
    item = await diary.invite(0, [1])
    await attach(diary, 0, item, "agenda.txt")
    await diary.mark(0, item)
    await diary.tell()
    assert attached(diary) == []
