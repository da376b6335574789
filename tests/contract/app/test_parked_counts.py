"""Whatever is parked is counted, once, and nothing else is counted as parked."""

import asyncio
from dataclasses import replace

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from functions.lifecycle import react
from sandbox.tenant import make_tenant
from shared.bootstrap import App, make_app
from shared.bus import LIFECYCLE, PARKED
from shared.changes import encode
from shared.config import read_settings
from shared.errors import Transient
from shared.graph.client_state import Subject
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import Kind
from shared.sync.consuming import Consumer
from shared.sync.enrolment import Enrolment
from shared.sync.settling import MAX_ATTEMPTS
from shared.sync.subscribing import Subscriber
from tests.contract.app.counting import Counters
from tests.contract.app.test_counters import SETTINGS
from tests.unit.app.office import NOW, Office
from tests.unit.app.sides import Ground
from tests.unit.app.webserver import CREDENTIAL

READ = "GET /users/{id}/messages/{id}"
SETTLED, FAILED, SET_ASIDE = (f"tether.changes.{name}" for name in ("settled", "failed", "parked"))


@pytest.fixture(scope="module")
def ground() -> Ground:
    return asyncio.run(Ground.prepare(make_tenant(3)))


@pytest.fixture
async def office(ground: Ground) -> Office:
    return await Office(ground).open()


@pytest.fixture
def application(office: Office) -> App:
    made = make_app(read_settings(SETTINGS), CREDENTIAL)
    subscriber = Subscriber(
        office.graph,
        made.keys,
        kinds=[Kind.MAIL],
        webhook_base_url="https://tether.example",
        now=made.now,
    )
    return replace(
        made,
        bus=office.bus,
        inbound=office.bus,
        consumers={Kind.MAIL: Consumer(Kind.MAIL, office.reconciler, office.bus, made.now)},
        enrolment=Enrolment(office.graph, office.dataverse, subscriber, made.now),
    )


@pytest.fixture
def counters(reader: InMemoryMetricReader) -> Counters:
    return Counters(reader, "tether.changes.")


async def consume(application: App, messages: list[tuple[str, bytes]]) -> None:
    await application.consumers[Kind.MAIL].consume(messages)


def event(office: Office, attempt: int) -> bytes:
    change = office.mail(99)
    told = LifecycleEvent.model_validate(
        {
            "event": "missed",
            "subscription": "b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01",
            "subject": Subject(change.mailbox, change.kind),
            "noticed": NOW,
            "attempt": attempt,
        }
    )
    return told.model_dump_json().encode()


async def test_what_dynamics_refused_is_counted(
    office: Office, application: App, counters: Counters
) -> None:
    office.fault("dataverse", "POST emails", 400, code="0x80040265")
    await consume(application, [("m", encode([office.mail(1), office.mail(2)]))])
    assert counters.moved() == {SETTLED: 1, SET_ASIDE: 1}
    assert len(office.bus.sent[PARKED]) == 1


@pytest.mark.parametrize(
    ("attempt", "counted"),
    [(0, FAILED), (MAX_ATTEMPTS - 2, FAILED), (MAX_ATTEMPTS - 1, SET_ASIDE)],
)
async def test_what_failed_for_the_last_time_is_counted_as_parked_not_as_failed(
    office: Office, application: App, counters: Counters, attempt: int, counted: str
) -> None:
    tired = office.mail(1).model_copy(update={"attempt": attempt})
    office.fault("graph", READ, 503)
    await consume(application, [("m", encode([tired]))])
    assert counters.moved() == {counted: 1}
    assert len(office.bus.sent[PARKED]) == (counted == SET_ASIDE)


async def test_what_nobody_can_read_is_counted_and_holds_nobody_up(
    office: Office, application: App, counters: Counters
) -> None:
    good = encode([office.mail(1)])
    await consume(application, [("a", b"\xff"), ("b", good), ("c", b"{}")])
    assert counters.moved() == {SETTLED: 1, SET_ASIDE: 2}
    assert [message.body for message in office.bus.sent[PARKED]] == [b"\xff", b"{}"]
    assert office.subjects() == {"Mail 1"}


async def test_what_the_broker_did_not_take_is_not_counted(
    office: Office, application: App, counters: Counters
) -> None:
    office.bus.down = True
    office.fault("dataverse", "POST emails", 400)
    with pytest.raises(Transient):
        await consume(application, [("m", encode([office.mail(1)]))])
    with pytest.raises(Transient):
        await consume(application, [("m", b"\xff")])
    assert counters.moved() == {}


async def test_a_lifecycle_event_nobody_can_read_is_counted(
    office: Office, application: App, counters: Counters
) -> None:
    await react(application, "m", b"\xff")
    assert counters.moved() == {SET_ASIDE: 1}
    assert [message.properties["kind"] for message in office.bus.sent[PARKED]] == [LIFECYCLE]


@pytest.mark.parametrize("attempt", [0, MAX_ATTEMPTS - 2, MAX_ATTEMPTS - 1])
async def test_a_lifecycle_event_that_kept_failing_is_counted_at_last(
    office: Office, application: App, counters: Counters, attempt: int
) -> None:
    office.fault("dataverse", "POST $batch", 503)
    await react(application, "m", event(office, attempt))
    if attempt == MAX_ATTEMPTS - 1:
        assert counters.moved() == {SET_ASIDE: 1}
        assert len(office.bus.sent[PARKED]) == 1
        assert LIFECYCLE not in office.bus.sent
    else:
        assert counters.moved() == {}
        (retry,) = office.bus.sent[LIFECYCLE]
        assert LifecycleEvent.model_validate_json(retry.body).attempt == attempt + 1
