"""What is measured is in the one table of metrics, and counts as the services count."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from opentelemetry.metrics import CallbackOptions
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from functions.webhook import answering, receive_changes
from shared.bootstrap import App, make_app
from shared.changes import encode
from shared.config import read_settings
from shared.dataverse.batch import ChangeSet, Operation
from shared.dataverse.subscriptions import KINDS
from shared.graph.client import GraphRequest
from shared.graph.client_state import ClientStateKeys
from shared.identifiers import Kind, MailboxId
from shared.sync.census import Census
from shared.telemetry import METRICS, OPERATION, SERVICE, STATUS, Finding
from tests.contract.app.counting import Counters
from tests.contract.app.enrolling import Enrolling, enrolling
from tests.contract.app.graphs_posts import Graph, collection
from tests.contract.app.marked import Marked
from tests.contract.app.measures import points, values
from tests.contract.app.test_counters import SETTINGS, TENANT, MemoryBus
from tests.unit.app.webserver import CREDENTIAL


@pytest.fixture
async def office() -> AsyncIterator[Enrolling]:
    async with enrolling(1) as running:
        await running.enrolment.enrol_and_renew()
        yield running


@pytest.fixture
def application() -> App:
    return replace(make_app(read_settings(SETTINGS), CREDENTIAL), inbound=MemoryBus())


async def post(application: App, mailbox: str) -> None:
    """Have Graph post a genuine notification and a malformed one."""
    settings = read_settings(SETTINGS)
    graph = Graph(
        TENANT, MailboxId(mailbox), ClientStateKeys(settings.tenant, settings.client_state_keys)
    )
    with answering("graph/notifications", None) as telling:
        telling(await receive_changes(application, collection(graph.change(), "nonsense")))


async def test_every_metric_is_in_the_table_with_the_attributes_it_has(
    office: Enrolling, application: App, reader: InMemoryMetricReader
) -> None:
    await post(application, office.people[0])
    marked = Marked(office)
    change = await marked.add(Kind.MAIL)
    office.fault("graph", "GET /users/{id}/messages/{id}", 429)
    await marked.consume(Kind.MAIL, [encode([change]), b"{}"])
    await marked.consume(Kind.MAIL, [encode([change])])
    office.advance(timedelta(days=8))
    await office.enrolment.enrol_and_renew()
    await Census(office.dataverse, KINDS, office.services.surroundings.clock.now).take()
    measured: dict[str, set[str]] = {}
    for point in points(reader):
        measured.setdefault(point.metric, set()).update(point.attributes)
    assert measured == {name: set(attributes) for name, attributes in METRICS.items()}


async def test_each_part_of_a_batch_counts_as_the_service_counts_it(
    office: Enrolling, reader: InMemoryMetricReader
) -> None:
    requests = Counters(reader, "tether.requests", by=SERVICE)
    mailbox = office.people[0]
    await office.graph.batch([GraphRequest("GET", f"/users/{mailbox}/messages")] * 25)
    assert requests.moved() == {"graph": 25}
    requests = Counters(reader, "tether.requests", by=SERVICE)
    read = Operation("GET", "tether_links")
    await office.dataverse.batch([read, ChangeSet((_made("A"), _made("B")))])
    assert requests.moved() == {"dataverse": 3}


async def test_requests_are_told_apart_by_their_answers(
    office: Enrolling, reader: InMemoryMetricReader
) -> None:
    answers = Counters(reader, "tether.requests", by=STATUS, otherwise="throttled")
    office.fault("graph", "GET /users/{id}/messages", 429, skip=1)
    mailbox = office.people[0]
    await office.graph.batch([GraphRequest("GET", f"/users/{mailbox}/messages")] * 3)
    assert answers.moved() == {"2xx": 2, "4xx": 1, "throttled": 1}
    office.fault("graph", "POST /$batch", 503)
    answers = Counters(reader, "tether.requests", by=STATUS, otherwise="throttled")
    await office.graph.batch([GraphRequest("GET", f"/users/{mailbox}/messages")] * 3)
    assert answers.moved() == {"5xx": 3}


async def test_a_round_trip_is_timed_once(office: Enrolling, reader: InMemoryMetricReader) -> None:
    told = (SERVICE, OPERATION, STATUS)
    before = values(reader, "tether.request.duration", *told)
    await office.dataverse.read_all("tether_links")
    after = values(reader, "tether.request.duration", *told)
    assert {key for key, value in after.items() if value != before.get(key)} == {
        ("dataverse", "query", "2xx")
    }


def test_a_finding_is_withheld_once_it_is_old() -> None:
    moment = [0.0]
    finding = Finding("tether.tested", "s", "", clock=lambda: moment[0])
    assert finding.observe(CallbackOptions()) == []
    finding.tell([({"kind": "mail"}, 7.0)])
    (seen,) = finding.observe(CallbackOptions())
    assert (seen.value, seen.attributes) == (7.0, {"kind": "mail"})
    moment[0] = 601.0
    assert finding.observe(CallbackOptions()) == []


def _made(name: str) -> Operation:
    return Operation("POST", "contacts", {"lastname": name})
