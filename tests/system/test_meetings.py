"""Meetings over the whole stack: several copies, one row; series; how they end."""

from datetime import datetime, time, timedelta

import pytest

from tests.system.company import TRACKED, Company
from tests.system.meetings import BERLIN, Meeting, before_the_clocks_change, next_week, weekly, when

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINKED, REMOVED = 1, 2  # tether_state
CANCELED, SCHEDULED = 2, 3  # statecode
BUSY, TENTATIVE = 5, 2  # statuscode


async def test_a_meeting_tracked_by_two_of_three_is_one_row_with_everybody_in_it(
    company: Company,
) -> None:
    room = {"displayName": "Room 1"}
    meeting = await Meeting.of(company, "ada", "grace", "alan", subject="Offer", location=room)
    await meeting.track("ada", "alan")
    await company.quiet()
    (row,) = await meeting.rows()
    assert (row["subject"], row["location"]) == ("Offer", "Room 1")
    assert (row["statecode"], row["statuscode"]) == (SCHEDULED, BUSY)
    begins = datetime.combine(next_week(), time(9), BERLIN)
    assert datetime.fromisoformat(row["scheduledstart"]) == begins
    assert row["_ownerid_value"] == company.people["ada"]["systemuserid"]
    parties = await company.rows(
        "activityparties?$select=participationtypemask,addressused"
        f"&$filter=_activityid_value eq {row['activityid']} and participationtypemask le 7"
    )
    assert sorted((one["participationtypemask"], one["addressused"]) for one in parties) == [
        (5, "alan@contoso.example"),
        (5, "grace@contoso.example"),
        (7, "ada@contoso.example"),
    ]
    links = {name: await meeting.link(name) for name in ("ada", "grace", "alan")}
    assert links.pop("grace") is None
    for name, link in links.items():
        assert link
        assert (link["tether_state"], link["tether_isorganizer"]) == (LINKED, name == "ada")
        assert link["_tether_appointmentid_value"] == row["activityid"]


async def test_the_row_follows_the_organizer_once_she_tracks_it(company: Company) -> None:
    meeting = await Meeting.of(company, "ada", "grace", "alan")
    await meeting.track("alan")
    await company.quiet()
    (row,) = await meeting.rows()
    assert row["statuscode"] == TENTATIVE  # as Alan's calendar shows what he has not answered
    await meeting.track("ada")
    await company.quiet()
    await meeting.change("alan", showAs="oof")
    later = next_week() + timedelta(days=1)
    await meeting.change("ada", subject="Later", **when(later))
    await company.quiet()
    (after,) = await meeting.rows()
    assert after["activityid"] == row["activityid"]
    assert (after["subject"], after["statuscode"]) == ("Later", BUSY)
    begins = datetime.combine(later, time(9), BERLIN)
    assert datetime.fromisoformat(after["scheduledstart"]) == begins


async def test_an_answer_is_told_by_the_link_of_whoever_gave_it(company: Company) -> None:
    meeting = await Meeting.of(company, "ada", "grace")
    await meeting.track("ada", "grace")
    await company.quiet()
    path = f"/users/{{grace}}/events/{meeting.items['grace']}/accept"
    await company.graph("POST", path, {"sendResponse": True})
    await company.quiet()
    link = await meeting.link("grace")
    assert link
    assert link["tether_response"] == "accepted"


async def test_a_series_has_a_row_for_each_occurrence_moved_and_without_the_cancelled(
    company: Company,
) -> None:
    first = before_the_clocks_change()
    series = await Meeting.of(
        company,
        "ada",
        "grace",
        **when(first),
        recurrence=weekly(first, 6),
        categories=[TRACKED],
    )
    await company.quiet()
    days = [first + timedelta(weeks=week) for week in range(6)]
    rows = await series.rows()
    begins = [datetime.combine(day, time(9), BERLIN) for day in days]
    assert [datetime.fromisoformat(row["scheduledstart"]) for row in rows] == begins
    assert len({row["scheduledstart"][11:] for row in rows}) == 2  # summer and winter time

    occurrences = await series.occurrences()
    moved = days[1] + timedelta(days=1)
    path = "/users/{ada}/events/"
    await company.graph("PATCH", path + occurrences[1]["id"], when(moved, time(14), time(16)))
    await company.graph("POST", f"{path}{occurrences[4]['id']}/cancel", {"comment": "Not now."})
    await company.quiet()
    after = await series.rows()
    begins[1] = datetime.combine(moved, time(14), BERLIN)
    del begins[4]
    assert [datetime.fromisoformat(row["scheduledstart"]) for row in after] == begins
    assert after[1]["activityid"] == rows[1]["activityid"]


async def test_the_organizer_calls_a_meeting_off_and_its_row_goes(company: Company) -> None:
    meeting = await Meeting.of(company, "ada", "grace")
    await meeting.track("ada", "grace")
    await company.quiet()
    await meeting.delete("ada")
    await company.quiet()
    assert await meeting.rows() == []
    for name, why in (("ada", "deleted in Outlook"), ("grace", "the meeting was canceled")):
        link = await meeting.link(name)
        assert link
        assert (link["tether_state"], link["tether_detail"]) == (REMOVED, why)


async def test_a_meeting_called_off_that_only_an_attendee_tracked_is_a_canceled_row(
    company: Company,
) -> None:
    meeting = await Meeting.of(company, "ada", "grace")
    await meeting.track("grace")
    await company.quiet()
    await meeting.delete("ada")
    await company.quiet()
    (row,) = await meeting.rows()
    assert row["statecode"] == CANCELED


async def test_an_attendee_who_deletes_her_copy_leaves_the_row_to_the_others(
    company: Company,
) -> None:
    meeting = await Meeting.of(company, "ada", "grace", "alan")
    await meeting.track("grace", "alan")
    await company.quiet()
    await meeting.delete("grace")
    await company.quiet()
    link = await meeting.link("grace")
    assert link
    assert link["tether_state"] == REMOVED
    await meeting.change("ada", subject="Goes on")
    await company.quiet()
    (row,) = await meeting.rows()
    assert (row["statecode"] != CANCELED, row["subject"]) == (True, "Goes on")


@pytest.mark.parametrize("who", ["ada", "grace"])
async def test_taking_the_category_off_leaves_the_row_and_the_other_link(
    company: Company, who: str
) -> None:
    meeting = await Meeting.of(company, "ada", "grace")
    await meeting.track("ada", "grace")
    await company.quiet()
    await meeting.change(who, categories=[])
    await company.quiet()
    states = {name: await meeting.link(name) for name in ("ada", "grace")}
    assert {name: link and link["tether_state"] for name, link in states.items()} == {
        name: REMOVED if name == who else LINKED for name in states
    }
    # Whose copy counts from now on is looked at a little later.
    await company.control("PUT", "/clock", {"advance_seconds": 150})
    await company.quiet()
    (row,) = await meeting.rows()
    assert row["statuscode"] == (TENTATIVE if who == "ada" else BUSY)


async def test_an_appointment_deleted_in_dynamics_takes_the_category_off(company: Company) -> None:
    meeting = await Meeting.of(company, "ada")
    await meeting.track("ada")
    await company.quiet()
    (row,) = await meeting.rows()
    await company.write("DELETE", f"appointments({row['activityid']})")
    await meeting.change("ada", subject="Looked at again")
    await company.quiet()
    path = f"/users/{{ada}}/events/{meeting.items['ada']}?$select=categories"
    assert (await company.graph("GET", path))["categories"] == []
    assert await meeting.rows() == []
