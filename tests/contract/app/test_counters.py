"""What the webhook counts, for whoever watches it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from functions.webhook import receive_changes, receive_lifecycle_events
from sandbox.credential import SandboxCredential
from sandbox.identity.tokens import Principal, TokenAuthority
from shared.bootstrap import App, make_app
from shared.bus import Message
from shared.config import read_settings
from shared.errors import Transient
from shared.graph.client_state import ClientStateKeys
from shared.telemetry import REASON
from tests.contract.app.counting import Counters
from tests.contract.app.graphs_posts import Graph, collection

TENANT = "11111111-1111-1111-1111-111111111111"
ADA = "00000000-0000-0000-0000-00000000ada0"
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SETTINGS = {
    "TENANT_ID": TENANT,
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    "WEBHOOK_BASE_URL": "https://tether.example",
    "CLIENT_STATE_KEYS": f"k1:{KEY}",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}


class MemoryBus:
    """A bus that keeps what it is sent, or is out of order."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Message]] = {}
        self.broken = False

    async def send(self, queue: str, messages: Sequence[Message]) -> None:
        if self.broken:
            raise Transient("the broker is away")
        self.sent.setdefault(queue, []).extend(messages)


def notifications(reader: InMemoryMetricReader) -> Counters:
    """Count notifications: `accepted`, or the reason of a rejection."""
    return Counters(reader, "tether.notifications.", by=REASON, otherwise="accepted")


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def application(bus: MemoryBus) -> App:
    authority = TokenAuthority(TENANT)
    credential = SandboxCredential(authority, Principal(app_id="a", object_id="o"))
    made = make_app(read_settings(SETTINGS), credential)
    return replace(made, bus=bus, inbound=bus)


@pytest.fixture
def graph() -> Graph:
    settings = read_settings(SETTINGS)
    return Graph(TENANT, ADA, ClientStateKeys(settings.tenant, settings.client_state_keys))


async def test_each_entry_is_counted_by_what_became_of_it(
    reader: InMemoryMetricReader, application: App, bus: MemoryBus, graph: Graph
) -> None:
    counters = notifications(reader)
    body = collection(
        *(graph.change() for _ in range(3)),
        graph.change(clientState=graph.forged_state()),
        *(graph.change(tenantId="another") for _ in range(2)),
        "nonsense",
    )
    assert (await receive_changes(application, body)).status_code == 202
    assert counters.moved() == {"accepted": 3, "forged": 1, "foreign": 2, "malformed": 1}
    assert [len(messages) for messages in bus.sent.values() if messages] == [1]


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "malformed"), (b"{}", "malformed"), (b" " * (1024 * 1024 + 1), "oversized")],
)
async def test_a_body_that_is_refused_as_a_whole_is_counted_once(
    reader: InMemoryMetricReader, application: App, bus: MemoryBus, body: bytes, reason: str
) -> None:
    counters = notifications(reader)
    for receive in (receive_changes, receive_lifecycle_events):
        assert (await receive(application, body)).status_code in {400, 413}
    assert counters.moved() == {reason: 2}
    assert not any(bus.sent.values())


async def test_lifecycle_events_are_counted_alike(
    reader: InMemoryMetricReader, application: App, bus: MemoryBus, graph: Graph
) -> None:
    counters = notifications(reader)
    body = collection(
        graph.lifecycle("missed"),
        graph.lifecycle("missed", clientState=graph.forged_state()),
        graph.lifecycle("elapsed"),
    )
    assert (await receive_lifecycle_events(application, body)).status_code == 202
    assert counters.moved() == {"accepted": 1, "forged": 1, "malformed": 1}
    assert len(bus.sent["lifecycle"]) == 1


async def test_what_the_broker_did_not_take_is_not_counted_as_accepted(
    reader: InMemoryMetricReader, application: App, bus: MemoryBus, graph: Graph
) -> None:
    counters = notifications(reader)
    bus.broken = True
    assert (await receive_changes(application, collection(graph.change()))).status_code == 503
    assert counters.moved() == {}
