from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from sandbox.clock import Clock
from sandbox.graph import event_input
from sandbox.graph.calendar import Calendar
from sandbox.graph.calendars import Calendars
from sandbox.graph.errors import GraphError
from sandbox.graph.icalendar_import import imported
from sandbox.graph.mailboxes import Mailboxes
from sandbox.store import Store
from sandbox.tenant import make_tenant


def calendar() -> Calendar:
    store, clock, tenant = Store(), Clock(), make_tenant(1)
    return Calendars(Mailboxes(tenant, store, clock), store, clock).calendar(tenant.people[0].upn)


zones = st.sampled_from(["", ";TZID=Europe/Berlin", ";TZID=Mars", ";VALUE=DATE", ";VALUE=PERIOD"])
times = st.sampled_from(
    ["20261020T080000", "20261020T080000Z", "20261020", "20261020T080000Z/PT1H", "x", "99991231"]
)
frequencies = st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "FORTNIGHTLY"])
parts = st.sampled_from(
    ["", ";COUNT=3", ";UNTIL=20261101", ";UNTIL=20261101T080000Z", ";BYDAY=MO", ";BYDAY=1MO,-1FR",
     ";BYMONTHDAY=31", ";BYSETPOS=2", ";INTERVAL=0", ";WKST=TU", ";BYMONTH=2;BYMONTHDAY=-1",
     ";BYDAY=XX", ";COUNT=x", ";BYEASTER=1", ";RSCALE=GREGORIAN"]
)  # fmt: skip
lines = st.one_of(
    st.builds("{}{}:{}".format, st.sampled_from(
        ["DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID"]), zones, times),
    st.builds("RRULE:FREQ={}{}{}".format, frequencies, parts, parts),
    st.sampled_from(["DURATION:PT1H", "DURATION:-P9W", "UID:a", "ORGANIZER:", "ATTENDEE:mailto:x",
                     "STATUS:CANCELLED", "BEGIN:VALARM", "END:VEVENT", "BEGIN:VEVENT", ";;"]),
    st.text(max_size=20),
)  # fmt: skip


@given(st.lists(lines, max_size=8), st.booleans())
def test_whatever_a_file_holds_it_is_accounted_for(inside: list[str], starts: bool) -> None:
    begin = ["DTSTART:20261020T080000Z"] if starts else []
    whole = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", *begin, *inside, "END:VEVENT", "END:VCALENDAR", ""]
    answer = imported(calendar(), "\n".join(whole).encode(), [])
    assert answer["imported"] or answer["skipped"]
    assert all(one["reason"] for one in answer["skipped"])


@given(st.binary(max_size=60))
def test_octets_are_no_calendar(octets: bytes) -> None:
    with suppress(ValueError):
        imported(calendar(), octets, [])


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(
        ["2026-10-20T10:00:00", "2026-10-20", "9999-12-31T23:59:59", "UTC", "weekly", "monday",
         "noEnd", "numbered", "endDate", "daily", "Asia/Tokyo"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["dateTime", "timeZone", "pattern", "range", "type", "interval",
                         "daysOfWeek", "startDate", "endDate", "emailAddress", "address"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
names = st.sampled_from(
    ["subject", "body", "start", "end", "isAllDay", "recurrence", "attendees", "location",
     "locations", "categories", "isOnlineMeeting"]
)  # fmt: skip
bodies = st.dictionaries(names, json, max_size=5)


@given(bodies, bodies)
def test_whatever_is_posted_is_taken_or_refused(
    body: dict[str, object], more: dict[str, object]
) -> None:
    owner = calendar()
    usual = {
        "start": {"dateTime": "2026-10-20T10:00:00"},
        "end": {"dateTime": "2026-10-20T11:00:00"},
    }
    with suppress(GraphError):
        event = owner.add(event_input.new_event(owner, {**usual, **body}))
        owner.change(event, event_input.changes_of(owner, event, more))
