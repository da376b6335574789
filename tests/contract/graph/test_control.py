import time

import pytest

from sandbox.control import Control
from sandbox.store import Document
from tests.contract.graph.service import Service, mail


async def test_a_thousand_mails_are_delivered_in_well_under_five_seconds(service: Service) -> None:
    began = time.perf_counter()
    for number in range(1000):
        await service.deliver(mail(f"m{number}"))
    assert time.perf_counter() - began < 5
    _, shown = await service.control("GET", "/mailboxes")
    assert shown["value"][0]["messages"] == shown["value"][0]["folders"]["inbox"] == 1000


async def test_where_how_and_when_a_mail_arrives(service: Service) -> None:
    delivered = await service.deliver(
        mail(), "?folder=archive&categories=Red,%20Blue&received=2026-11-02T09:00:00%2B01:00"
    )
    assert delivered["internetMessageId"] == "<Offer@customer.example>"
    path = f"/users/{service.ada.id}/mailFolders/archive/messages/{delivered['id']}"
    _, message = await service.call("GET", path)
    assert message["categories"] == ["Red", "Blue"]
    assert message["receivedDateTime"] == "2026-11-02T08:00:00Z"


async def test_the_clock_and_the_counters(service: Service) -> None:
    _, before = await service.control("GET", "/clock")
    _, after = await service.control("PUT", "/clock", {"advance_seconds": 3600})
    assert after["now"] > before["now"]
    await service.call("GET", "/users")
    _, stats = await service.control("GET", "/stats")
    assert stats["graph"]["operations"] == {"GET /users": 1}
    assert (await service.control("DELETE", "/stats"))[0] == 204
    assert (await service.control("GET", "/stats"))[1] == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PUT", "/clock", {"advance_seconds": -1}, 400, "advance_seconds"),
        ("PUT", "/clock", {"advance": 1}, 400, "advance_seconds"),
        ("PUT", "/faults", [{"service": "graph", "action": "explode"}], 400, "action"),
        ("PUT", "/faults", [{"service": "moon", "action": "drop"}], 400, "service"),
        ("PUT", "/faults", {"service": "graph"}, 400, "body"),
        ("POST", "/mailboxes/ada@contoso.example/lifecycle", {"event": "party"}, 400, "event"),
        ("POST", "/mailboxes/nobody/lifecycle", {"event": "missed"}, 404, "upn"),
        ("POST", "/mailboxes/ada@contoso.example/deliver?folder=attic", {}, 400, "folder"),
        ("POST", "/mailboxes/ada@contoso.example/deliver?received=soon", {}, 400, "received"),
        ("GET", "/nothing", None, 404, "path"),
    ],
)
async def test_bad_input_is_explained(
    service: Service, method: str, path: str, body: object, status: int, field: str
) -> None:
    answered, explained = await service.control(method, path, body)
    problem = explained["error"]["problems"][0]
    assert (answered, problem["field"]) == (status, field)
    assert problem["remedy"]


class BrokerFaults:
    def __init__(self) -> None:
        self.faults: list[Document] = []

    def replace(self, faults: list[Document]) -> None:
        if any("queue" not in one for one in faults):
            raise ValueError("queue is missing")
        self.faults = faults

    def current(self) -> list[Document]:
        return self.faults


async def test_faults_of_a_service_with_its_own_plan() -> None:
    service, broker = Service(controlled=False), BrokerFaults()
    Control(service.graph, service.surroundings, fault_parts={"servicebus": broker})
    async with service:
        planned = [
            {"service": "servicebus", "queue": "mail"},
            {"service": "graph", "action": "drop"},
        ]
        status, shown = await service.control("PUT", "/faults", planned)
        assert (status, len(shown["value"])) == (200, 2)
        assert broker.faults == planned[:1]
        assert (await service.control("PUT", "/faults", [{"service": "servicebus"}]))[0] == 400
        assert (await service.control("DELETE", "/faults"))[0] == 204
        assert (await service.control("GET", "/faults"))[1] == {"value": []}
