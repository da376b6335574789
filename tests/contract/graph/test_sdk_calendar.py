"""The official SDK, as published, gets on with the calendar."""

from typing import Any

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.attendee import Attendee
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.day_of_week import DayOfWeek
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.models.event_type import EventType
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.mailbox_settings import MailboxSettings
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.models.response_type import ResponseType
from msgraph.generated.users.item.events.item.accept.accept_post_request_body import (
    AcceptPostRequestBody,
)
from msgraph.graph_service_client import GraphServiceClient

from tests.contract.graph.service import Service
from tests.contract.graph.test_sdk import IMMUTABLE, asking

# The SDK's generated modules use its own deprecated names.
pytestmark = [
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated"),
    pytest.mark.filterwarnings("ignore:This class is deprecated. Please use the generic"),
]
WINDOW = {"start_date_time": "2026-10-01T00:00:00Z", "end_date_time": "2026-12-01T00:00:00Z"}


def hour(day: str) -> dict[str, DateTimeTimeZone]:
    zone = "W. Europe Standard Time"
    return {
        "start": DateTimeTimeZone(date_time=f"{day}T10:00:00", time_zone=zone),
        "end": DateTimeTimeZone(date_time=f"{day}T11:00:00", time_zone=zone),
    }


def query(builder: object, **options: object) -> RequestConfiguration[Any]:
    """Return a request configuration with the query parameters of that builder's own class."""
    kind = getattr(builder, f"{type(builder).__name__}GetQueryParameters")
    return RequestConfiguration(query_parameters=kind(**options))


async def test_an_event_and_its_invitation(client: GraphServiceClient, service: Service) -> None:
    ada, grace = (client.users.by_user_id(one.id) for one in (service.ada, service.grace))
    made = await ada.events.post(
        Event(
            subject="Visit",
            attendees=[Attendee(email_address=EmailAddress(address=service.grace.upn))],
            is_online_meeting=True,
            transaction_id="t",
            **hour("2026-10-20"),
        ),
        asking(**IMMUTABLE),
    )
    assert (made.type, made.start.date_time) == (
        EventType.SingleInstance, "2026-10-20T08:00:00.0000000",
    )  # fmt: skip
    assert made.online_meeting.join_url
    assert made.created_date_time.tzinfo is not None
    (copy,) = (await grace.events.get()).value
    assert (copy.i_cal_u_id, copy.is_organizer) == (made.i_cal_u_id, False)
    invited = grace.events.by_event_id(copy.id)
    await invited.accept.post(AcceptPostRequestBody(comment="Fine", send_response=True))
    read = await ada.events.by_event_id(made.id).get(asking(**IMMUTABLE))
    assert read.attendees[0].status.response == ResponseType.Accepted
    changed = await ada.events.by_event_id(made.id).patch(Event(show_as=FreeBusyStatus.Oof))
    assert changed.show_as == FreeBusyStatus.Oof
    await ada.events.by_event_id(made.id).delete()
    assert (await invited.get()).is_cancelled
    with pytest.raises(ODataError) as refused:
        await ada.events.by_event_id(made.id).get()
    assert refused.value.error.code == "ErrorItemNotFound"


async def test_a_series(client: GraphServiceClient, service: Service) -> None:
    ada = client.users.by_user_id(service.ada.id)
    recurrence = PatternedRecurrence(
        pattern=RecurrencePattern(
            type=RecurrencePatternType.Weekly, interval=1, days_of_week=[DayOfWeek.Tuesday]
        ),
        range=RecurrenceRange(type=RecurrenceRangeType.Numbered, number_of_occurrences=3),
    )
    event = Event(subject="Weekly", recurrence=recurrence, **hour("2026-10-20"))
    made = await ada.events.post(event)
    assert made.type == EventType.SeriesMaster
    assert str(made.recurrence.range.start_date) == "2026-10-20"
    series = ada.events.by_event_id(made.id)
    first, second, _ = (await series.instances.get(query(series.instances, **WINDOW))).value
    assert (first.type, first.series_master_id) == (EventType.Occurrence, made.id)
    moved = await ada.events.by_event_id(second.id).patch(Event(subject="Moved"))
    assert moved.type == EventType.Exception
    assert moved.original_start.isoformat() == "2026-10-27T09:00:00+00:00"
    await ada.events.by_event_id(first.id).delete()
    whole = await series.get(
        query(series, select=["subject", "cancelledOccurrences"], expand=["exceptionOccurrences"])
    )
    assert whole.cancelled_occurrences == [f"OID.{made.id}.2026-10-20"]
    assert [one.subject for one in whole.exception_occurrences] == ["Moved"]
    view = await ada.calendar_view.get(query(ada.calendar_view, **WINDOW))
    assert [one.subject for one in view.value] == ["Moved", "Weekly"]
    page = await ada.calendar_view.delta.get(query(ada.calendar_view.delta, **WINDOW))
    assert [one.type for one in page.value] == [
        EventType.SeriesMaster, EventType.Occurrence, EventType.Exception,
    ]  # fmt: skip
    await series.delete()
    page = await ada.calendar_view.delta.with_url(page.odata_delta_link).get()
    assert "@removed" in page.value[0].additional_data


async def test_calendars_and_settings(client: GraphServiceClient, service: Service) -> None:
    ada = client.users.by_user_id(service.ada.id)
    (calendar,) = (await ada.calendars.get()).value
    assert (await ada.calendar.get()).id == calendar.id
    changed = await ada.mailbox_settings.patch(MailboxSettings(time_zone="Europe/Berlin"))
    assert changed.time_zone == "Europe/Berlin"
    assert (await ada.mailbox_settings.get()).working_hours.time_zone.name == "Europe/Berlin"
