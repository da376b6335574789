import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.graph.meetings import meeting_of


def calendar(method: str, *lines: str) -> str:
    head = ("BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT")
    return "\r\n".join((*head, *lines, "END:VEVENT", "END:VCALENDAR", ""))


@pytest.mark.parametrize(
    ("method", "attendee", "kind", "response"),
    [
        ("REQUEST", "NEEDS-ACTION", "meetingRequest", None),
        ("CANCEL", "NEEDS-ACTION", "meetingCancelled", None),
        ("REPLY", "ACCEPTED", "meetingAccepted", "accepted"),
        ("REPLY", "DECLINED", "meetingDeclined", "declined"),
        ("REPLY", "TENTATIVE", "meetingTenativelyAccepted", "tentativelyAccepted"),
    ],
)
def test_what_a_meeting_mail_is(
    method: str, attendee: str, kind: str, response: str | None
) -> None:
    found = meeting_of(calendar(method, f"ATTENDEE;PARTSTAT={attendee}:mailto:a@b"))
    assert found is not None
    assert (found["meetingMessageType"], found.get("responseType")) == (kind, response)


def test_a_published_calendar_is_no_meeting_mail() -> None:
    assert meeting_of(calendar("PUBLISH")) is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("DTSTART;TZID=Europe/Berlin:20261102T090000", ("2026-11-02T08:00:00.0000000", "UTC")),
        ("DTSTART;TZID=Mars/Base:20261102T090000", ("2026-11-02T09:00:00.0000000", "Mars/Base")),
        ("DTSTART;TZID=Europe:20261102T090000", ("2026-11-02T09:00:00.0000000", "Europe")),
        ("DTSTART;VALUE=DATE:20261102", ("2026-11-02T00:00:00.0000000", "UTC")),
        ("DTSTART;TZID=Asia/Tokyo:00010101T000000", None),
        ("DTSTART:later", None),
    ],
)
def test_when_it_begins(line: str, found: tuple[str, str] | None) -> None:
    meeting = meeting_of(calendar("REQUEST", line))
    assert meeting is not None
    start = meeting["startDateTime"]
    assert (start and (start["dateTime"], start["timeZone"])) == found
    assert meeting["isAllDay"] == ("VALUE=DATE" in line)


@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=20))
def test_garbage_is_read_too(lines: list[str], zone: str) -> None:
    meeting_of(calendar("REQUEST", *lines, f'DTSTART;TZID="{zone}":20261102T090000'))
