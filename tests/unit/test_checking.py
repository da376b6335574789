"""The comparison of calendars with Dynamics, on which `make run` and the system tests rely."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest

from bench.calendars import Copy, Row
from bench.checking.meetings import Dynamics, meeting_differences

ADA, ALAN = "ada@contoso.example", "alan@contoso.example"
CASEY = "casey@fabrikam.example"
BEGIN = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)
type Tampering = Callable[[Dynamics], object]


def event(owner: str, begin: datetime = BEGIN, **other: object) -> Row:
    """Return a meeting of Ada's with Alan and a customer as its owner's calendar shows it."""
    at = [{"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}"} for when in (begin, begin + timedelta(hours=1))]
    return {
        "id": owner,
        "iCalUId": "0400ab",
        "subject": "Offer",
        "start": at[0],
        "end": at[1],
        "isAllDay": False,
        "location": {"displayName": "Room 1"},
        "organizer": {"emailAddress": {"address": ADA}},
        "attendees": [
            {"type": "required", "emailAddress": {"address": ALAN}},
            {"type": "optional", "emailAddress": {"address": CASEY.upper()}},
            {"type": "required", "emailAddress": {"address": ADA}},
        ],
        "isOrganizer": owner == ADA,
        "isCancelled": False,
        "isDraft": False,
        "responseStatus": {"response": "organizer" if owner == ADA else "none"},
        "showAs": "busy" if owner == ADA else "tentative",
        "sensitivity": "normal",
        "categories": ["Tracked To Dynamics 365"],
        "type": "singleInstance",
        **other,
    }


def copy(owner: str, *begins: datetime, **other: object) -> Copy:
    whole = event(owner, BEGIN, type="seriesMaster" if begins else "singleInstance", **other)
    instances = [event(owner, begin) for begin in begins] if begins else [whole]
    return Copy(owner, UTC, whole, instances)


def dynamics(*copies: Copy) -> Dynamics:
    """Return what Dynamics should hold of copies, the first one counting."""
    rows = [
        {
            "activityid": f"row {number}",
            "globalobjectid": "0400AB",
            "subject": "Offer",
            "location": "Room 1",
            "scheduledstart": f"{one['start']['dateTime']}Z",
            "scheduledend": f"{one['end']['dateTime']}Z",
            "isalldayevent": False,
            "statecode": 3,
            "statuscode": 5,
            "appointment_activity_parties": [
                {"participationtypemask": role, "addressused": address}
                for role, address in ((7, ADA), (5, ALAN), (6, CASEY))
            ],
        }
        for number, one in enumerate(copies[0].instances)
    ]
    links = [
        {
            "tether_linkid": f"link {one.mailbox}",
            "tether_itemid": one.mailbox,
            "tether_state": 1,
            "tether_globalid": "0400ab",
            "tether_isorganizer": one.event["isOrganizer"],
            "tether_isseries": one.is_series,
            "tether_response": one.event["responseStatus"]["response"],
            "tether_trackedon": "2026-01-01T00:00:00Z",
            "_tether_mailboxid_value": one.mailbox,
            "_tether_appointmentid_value": None if one.is_series else "row 0",
        }
        for one in copies
    ]
    return Dynamics(rows, links, {ADA, ALAN})


def test_two_copies_and_the_row_that_the_organizers_counts_for_agree() -> None:
    copies = [copy(ADA), copy(ALAN)]
    assert meeting_differences(copies, dynamics(*copies), {ADA, ALAN}) == []


def test_a_series_agrees_with_a_row_for_each_occurrence() -> None:
    series = copy(ADA, BEGIN, BEGIN + timedelta(days=7))
    assert meeting_differences([series], dynamics(series), {ADA}) == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda held: held.appointments.clear(),
        lambda held: held.appointments.append(held.appointments[0]),
        lambda held: held.appointments[0].update(subject="Another"),
        lambda held: held.appointments[0].update(location=None),
        lambda held: held.appointments[0].update(statuscode=2),
        lambda held: held.appointments[0].update(scheduledstart="2026-01-01T00:00:00Z"),
        lambda held: held.appointments[0].update(statecode=2),
        lambda held: held.appointments[0]["appointment_activity_parties"].pop(),
        lambda held: held.appointments[0]["appointment_activity_parties"].append(
            {"participationtypemask": 6, "addressused": ALAN}
        ),
        lambda held: held.links.pop(),
        lambda held: held.links.append(held.links[0]),
        lambda held: held.links[1].update(tether_state=2),
        lambda held: held.links[1].update(tether_response="accepted"),
        lambda held: held.links[1].update(tether_itemid="another"),
        lambda held: held.links[0].update(tether_isorganizer=False),
        lambda held: held.links[0].update(_tether_appointmentid_value="another"),
        lambda held: [link.update(tether_globalid=None) for link in held.links],
    ],
)
def test_every_difference_is_noticed(tamper: Tampering) -> None:
    copies = [copy(ADA), copy(ALAN)]
    held = deepcopy(dynamics(*copies))
    tamper(held)
    assert meeting_differences(copies, held, {ADA, ALAN})


@pytest.mark.parametrize("other", [{"categories": []}, {"isCancelled": True}, {"isDraft": True}])
def test_a_link_to_what_should_not_be_tracked_is_noticed(other: Row) -> None:
    series = copy(ADA)
    assert meeting_differences([copy(ADA, **other)], dynamics(series), {ADA})


def test_an_occurrence_that_dynamics_lacks_is_noticed() -> None:
    series = copy(ADA, BEGIN, BEGIN + timedelta(days=7))
    held = dynamics(series)
    (found,) = meeting_differences(
        [series], Dynamics(held.appointments[:1], held.links, held.users), {ADA}
    )
    assert "lacks" in found
