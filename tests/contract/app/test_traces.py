"""One trace leads from the notification through the queue to the row."""

import asyncio
import json
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from functions.webhook import answering, receive_changes
from sandbox.tenant import make_tenant
from shared.bootstrap import App, make_app
from shared.changes import Change, decode, encode
from shared.config import read_settings
from shared.identifiers import Kind
from shared.sync.consuming import Consumer
from shared.tracing import current_trace
from tests.contract.app.graphs_posts import Graph, collection
from tests.contract.app.test_counters import SETTINGS, TENANT
from tests.contract.app.tracing import named, spans
from tests.unit.app.office import Office
from tests.unit.app.sides import Ground
from tests.unit.app.webserver import CREDENTIAL

PARENT = f"00-{'a' * 32}-{'b' * 16}-00"

taken = pytest.fixture(spans)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return asyncio.run(Ground.prepare(make_tenant(3)))


@pytest.fixture
async def office(ground: Ground) -> Office:
    return await Office(ground).open()


@pytest.fixture
def application(office: Office) -> App:
    made = make_app(read_settings(SETTINGS), CREDENTIAL)
    consumer = Consumer(Kind.MAIL, office.reconciler, office.bus, made.now)
    return replace(made, bus=office.bus, inbound=office.bus, consumers={Kind.MAIL: consumer})


def span_id(span: ReadableSpan) -> int:
    assert span.context
    return int(span.context.span_id)


async def notify(application: App, change: Change) -> None:
    graph = Graph(TENANT, change.mailbox, application.keys)
    body = collection(graph.change(resourceData={"id": change.item, "@odata.etag": change.etag}))
    with answering("graph/notifications", PARENT) as telling:
        assert telling(await receive_changes(application, body)).status_code == 202


async def consume(application: App, office: Office) -> None:
    messages = [(message.id, message.body) for message in office.bus.sent.pop("mail")]
    await application.consumers[Kind.MAIL].consume(messages)


async def test_a_trace_leads_from_the_notification_to_the_row(
    office: Office, application: App, taken: InMemorySpanExporter
) -> None:
    for number in (1, 2):
        await notify(application, office.mail(number))
    await consume(application, office)
    assert office.subjects() == {"Mail 1", "Mail 2"}

    posts = [s for s in taken.get_finished_spans() if s.name == "POST /api/graph/notifications"]
    assert [f"{post.parent.trace_id:032x}" for post in posts if post.parent] == ["a" * 32] * 2
    batch = named(taken, "process mail")
    assert {link.context.span_id for link in batch.links} == {span_id(post) for post in posts}
    for name in ("read", "look up", "mark", "write"):
        parent = named(taken, name).parent
        assert parent is not None
        assert parent.span_id == span_id(batch)
    assert (batch.attributes or {})["tether.settled"] == 2


async def test_a_change_that_comes_again_is_still_part_of_its_trace(
    office: Office, application: App, taken: InMemorySpanExporter
) -> None:
    office.fault("graph", "GET /users/{id}/messages/{id}", 503)
    await notify(application, office.mail(1))
    (first,) = decode(office.bus.sent["mail"][0].body)
    await consume(application, office)
    (again,) = decode(office.bus.sent["mail"][0].body)
    assert (again.attempt, again.trace) == (1, first.trace)
    assert again.trace
    assert len(named(taken, "process mail").links) == 1


@pytest.mark.parametrize("trace", ["", "nonsense", "0" * 5000, 7, f"00-{'0' * 32}-{'b' * 16}-01"])
def test_a_trace_that_is_none_holds_no_change_up(office: Office, trace: object) -> None:
    told = json.loads(encode([office.mail(1)]))
    assert "trace" not in told["changes"][0]
    told["changes"][0]["trace"] = trace
    (change,) = decode(json.dumps(told).encode())
    assert change.trace is None


def test_outside_of_a_span_there_is_no_trace() -> None:
    assert current_trace() is None
