"""Neither logs nor spans nor metrics hold a word of what people wrote, whatever goes wrong.

All kinds of items go through the app's own clients against the sandbox's services. What the items
say has a marker in it, and so has what the services say of their failures.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from functions.lifecycle import react
from shared.bootstrap import make_app
from shared.bus import PARKED
from shared.changes import encode
from shared.config import read_settings
from shared.graph.client_state import Subject
from shared.graph.notifications import LifecycleEvent
from shared.identifiers import Kind, MailboxId
from shared.sync.mail.facts import MailFacts
from shared.sync.mail.rules import MailRules
from shared.sync.settling import MAX_ATTEMPTS
from tests.contract.app.enrolling import enrolling
from tests.contract.app.marked import MARKER, RULES, SAID, Marked
from tests.contract.app.test_counters import SETTINGS
from tests.contract.app.tracing import named, spans
from tests.unit.app.webserver import CREDENTIAL

READS = {
    Kind.MAIL: "GET /users/{id}/messages/{id}",
    Kind.CALENDAR: "GET /users/{id}/events/{id}",
    Kind.CONTACTS: "GET /users/{id}/contacts/{id}",
    Kind.TASKS: "GET /users/{id}/todo/lists/{id}/tasks/{id}",
}

taken = pytest.fixture(spans)


@pytest.fixture
async def marked() -> AsyncIterator[Marked]:
    async with enrolling(1) as office:
        await office.enrolment.enrol_and_renew()
        yield Marked(office)


class Told:
    """All that has left the process: log records of the app and its libraries, spans, metrics."""

    def __init__(
        self,
        records: Sequence[logging.LogRecord],
        taken: InMemorySpanExporter,
        reader: InMemoryMetricReader,
    ) -> None:
        format_of = logging.Formatter("%(name)s %(message)s %(args)s").format
        # The services run in this process, too; what they log is not the app's.
        self.logs = [format_of(one) for one in records if not one.name.startswith("aiohttp.")]
        self.spans = [span.to_json() for span in taken.get_finished_spans()]
        self.metrics = str(reader.get_metrics_data())

    def with_marker(self) -> list[str]:
        """Return whatever has the marker in it."""
        everything = [*self.logs, *self.spans, self.metrics]
        return [one for one in everything if MARKER.lower() in one.lower()]


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize("kind", RULES)
async def test_when_all_goes_well(
    marked: Marked,
    kind: Kind,
    logs: pytest.LogCaptureFixture,
    taken: InMemorySpanExporter,
    reader: InMemoryMetricReader,
) -> None:
    change = await marked.add(kind)
    taken.clear()
    await marked.consume(kind, [encode([change])])
    told = Told(logs.records, taken, reader)
    (settled,) = [line for line in told.logs if "settled plan=track" in line]
    assert change.item in settled
    assert told.with_marker() == []
    batch = named(taken, f"process {kind}").context
    assert batch
    calls = [span for span in taken.get_finished_spans() if span.name == "POST $batch"]
    assert {(call.attributes or {})["peer.service"] for call in calls} == {"graph", "dataverse"}
    assert {call.context and call.context.trace_id for call in calls} == {batch.trace_id}


@pytest.mark.parametrize(
    ("service", "operation", "status"),
    [
        ("graph", "read", 503),
        ("graph", "read", 400),
        ("graph", "POST /$batch", 429),
        ("graph", "POST /$batch", 400),
        ("dataverse", "POST $batch", 503),
        ("dataverse", "POST $batch", 400),
        ("dataverse", "POST [!$]*", 400),
        ("dataverse", "PATCH *", 400),
        ("dataverse", "GET *", 500),
    ],
)
@pytest.mark.parametrize("kind", RULES)
async def test_when_a_service_fails(  # noqa: PLR0917 - fixtures
    marked: Marked,
    kind: Kind,
    service: str,
    operation: str,
    status: int,
    logs: pytest.LogCaptureFixture,
    taken: InMemorySpanExporter,
    reader: InMemoryMetricReader,
) -> None:
    change = await marked.add(kind)
    last = change.model_copy(update={"attempt": MAX_ATTEMPTS - 1})
    struck = READS[kind] if operation == "read" else operation
    marked.office.fault(service, struck, status, message=SAID, code="Failure", times=None)
    unreadable = [SAID.encode(), f'{{"version": "{MARKER}"}}'.encode()]
    await marked.consume(kind, [encode([change]), *unreadable])
    await marked.consume(kind, [encode([last])])
    told = Told(logs.records, taken, reader)
    assert told.with_marker() == []
    assert [line for line in told.logs if change.item in line]
    assert len([line for line in told.logs if "cause=unreadable" in line]) == 2
    assert len(marked.bus.sent[PARKED]) >= 2


async def test_when_an_item_breaks_its_round(
    marked: Marked,
    logs: pytest.LogCaptureFixture,
    taken: InMemorySpanExporter,
    reader: InMemoryMetricReader,
) -> None:
    class Broken(MailRules):
        def facts(self) -> MailFacts:
            raise RuntimeError(SAID)

    change = await marked.add(Kind.MAIL)
    await marked.consume(Kind.MAIL, [encode([change])], Broken())
    told = Told(logs.records, taken, reader)
    assert told.with_marker() == []
    assert [line for line in told.logs if "cannot be reconciled: RuntimeError at" in line]
    assert [line for line in told.logs if "cause=defect" in line]
    (parked,) = marked.bus.sent[PARKED]
    assert SAID in parked.properties["reason"]


@pytest.mark.parametrize(
    ("service", "operation", "status"),
    [
        ("graph", "POST /subscriptions", 403),
        ("graph", "POST /$batch", 503),
        ("graph", "GET /users/{id}/mailFolders/{id}", 403),
        ("dataverse", "PATCH tether_mailboxes", 403),
    ],
)
async def test_when_a_mailbox_cannot_be_enrolled(
    service: str,
    operation: str,
    status: int,
    logs: pytest.LogCaptureFixture,
    taken: InMemorySpanExporter,
    reader: InMemoryMetricReader,
) -> None:
    async with enrolling(1) as office:
        office.fault(service, operation, status, message=SAID, code="Failure", times=None)
        await office.enrolment.enrol_and_renew()
    told = Told(logs.records, taken, reader)
    assert told.with_marker() == []
    assert [line for line in told.logs if office.people[0] in line]


@pytest.mark.parametrize(
    ("service", "operation", "status"),
    [
        ("graph", "GET /users/{id}/todo/lists/delta", 403),
        ("graph", "GET /users/{id}/todo/lists/{id}/tasks/delta", 403),
        ("graph", "POST /subscriptions", 403),
        ("dataverse", "PATCH tether_mailboxes", 403),
    ],
)
async def test_when_a_mailbox_cannot_be_polled(  # noqa: PLR0917 - fixtures
    marked: Marked,
    service: str,
    operation: str,
    status: int,
    logs: pytest.LogCaptureFixture,
    taken: InMemorySpanExporter,
    reader: InMemoryMetricReader,
) -> None:
    await marked.add(Kind.TASKS)
    marked.office.fault(service, operation, status, message=SAID, code="Failure", times=None)
    await marked.poll()
    told = Told(logs.records, taken, reader)
    assert told.with_marker() == []
    assert [line for line in told.logs if f"problem={service.title()} {status} Failure" in line]


async def test_when_a_lifecycle_event_keeps_failing(
    marked: Marked,
    logs: pytest.LogCaptureFixture,
    taken: InMemorySpanExporter,
    reader: InMemoryMetricReader,
) -> None:
    application = replace(
        make_app(read_settings(SETTINGS), CREDENTIAL),
        bus=marked.bus,
        enrolment=marked.office.enrolment,
    )
    subject = Subject(MailboxId(marked.office.people[0]), Kind.MAIL)
    event = LifecycleEvent(
        event="missed",
        subscription="b2c4f2c0-6f2e-4f1e-8f4b-6d9f6f1a7c01",
        subject=subject,
        noticed=marked.office.services.surroundings.clock.now(),
    )
    marked.office.fault("dataverse", "*", 503, message=SAID, code="Failure", times=None)
    for attempt in (0, MAX_ATTEMPTS - 1):
        again = event.model_copy(update={"attempt": attempt})
        await react(application, "m", again.model_dump_json().encode())
    await react(application, "m", SAID.encode())
    told = Told(logs.records, taken, reader)
    assert told.with_marker() == []
    assert [line for line in told.logs if "cause=kept failing" in line]
    assert [line for line in told.logs if "cause=unreadable" in line]
    assert len(marked.bus.sent[PARKED]) == 2
