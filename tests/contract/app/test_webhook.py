"""The webhook over HTTP, as Graph and as others call it (graph.md 1.5, 2, peers.md C2 5 to 9)."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from bench.stack import TetherStack
from shared.config import read_settings
from shared.graph.client_state import ClientStateKeys
from tests.contract.app.graphs_posts import Graph, collection
from tests.system.company import Company, Row
from tests.system.stacks import running_company, tenant_of
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGES, LIFECYCLE = "notifications", "lifecycle"
OTHER_TENANT = "00000000-0000-0000-0000-00000000feed"


@dataclass
class Webhook:
    """The running webhook, what Graph would post to it, and what reaches the bus."""

    stack: TetherStack
    company: Company
    graph: Graph

    async def post(self, body: bytes, route: str = CHANGES) -> tuple[int, Row]:
        """Post a body; return the status and the problem document, if there is one."""
        address = f"{self.company.functions_url}/api/graph/{route}"
        headers = {"Content-Type": "application/json"}
        async with self.company.http.post(address, data=BytesIO(body), headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json"
            return answer.status, json.loads(text) if text else {}

    async def handshake(self, query: str, route: str = CHANGES) -> tuple[int, str, dict[str, str]]:
        """Call the webhook as Graph validates it; `query` goes over the wire as it is."""
        address = URL(f"{self.company.functions_url}/api/graph/{route}?{query}", encoded=True)
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        async with self.company.http.post(address, data=b"", headers=headers) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    def sent(self, what: str = "messages_sent") -> int:
        """Return how many messages the broker was sent so far, or another of its counters."""
        return self.stack.services.servicebus.operations()[what]


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="running")
async def _running() -> AsyncIterator[Webhook]:
    async with running_company(tenant_of(2), warm=False) as (stack, company):
        settings = read_settings(stack.settings())
        keys = ClientStateKeys(settings.tenant, settings.client_state_keys)
        yield Webhook(stack, company, Graph(settings.tenant, company.people["ada"]["id"], keys))


@pytest_asyncio.fixture(loop_scope="module")
async def webhook(running: Webhook) -> AsyncIterator[Webhook]:
    yield running
    await running.company.faults()
    await running.company.quiet()


@pytest.mark.parametrize("route", [CHANGES, LIFECYCLE])
@pytest.mark.parametrize(
    ("written", "token"),
    [
        (
            "Validation%3a+Testing+subscription+Request-Id%3a+522a8e7e-096a-494c-aaf1",
            "Validation: Testing subscription Request-Id: 522a8e7e-096a-494c-aaf1",
        ),
        ("a%2Bb+c%20d%26e%3D%25", "a+b c d&e=%"),
        ("%22quoted%22+and+%27quoted%27", "\"quoted\" and 'quoted'"),
        ("gr%C3%BC%C3%9Fe", "grüße"),
    ],
)
async def test_the_handshake_echoes_the_token_as_plain_text(
    webhook: Webhook, route: str, written: str, token: str
) -> None:
    status, text, headers = await webhook.handshake(f"validationToken={written}", route)
    assert (status, text) == (200, token)
    assert headers["Content-Type"].partition(";")[0] == "text/plain"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", ["%3Cscript%3Ealert(1)%3C/script%3E", "a%3Eb", "x" * 5000])
async def test_a_token_that_is_none_of_graphs_is_refused(webhook: Webhook, token: str) -> None:
    status, text, headers = await webhook.handshake(f"validationToken={token}")
    assert status == 400
    assert json.loads(text)["code"] == "malformed"
    assert headers["Content-Type"].startswith("application/problem+json")
    assert "script" not in text


async def test_only_posts_are_taken(webhook: Webhook) -> None:
    for method in ("GET", "PUT", "DELETE"):
        address = f"{webhook.company.functions_url}/api/graph/{CHANGES}"
        async with webhook.company.http.request(method, address) as answer:
            assert answer.status in {404, 405}


async def test_a_genuine_notification_is_accepted_and_put_on_the_bus(webhook: Webhook) -> None:
    before = webhook.sent()
    assert await webhook.post(collection(webhook.graph.change())) == (202, {})
    assert webhook.sent() == before + 1


type Write = Callable[[Graph], bytes]
ELSEWHERE = "Users/00000000-0000-0000-0000-000000000001/Messages/AAA"
DEEP = b'{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
UNACCEPTABLE: dict[str, tuple[Write, int, str]] = {
    "forged": (lambda g: collection(g.change(clientState=g.forged_state())), 403, "forged"),
    "no state": (lambda g: collection(g.change(clientState="")), 403, "forged"),
    "another mailbox": (lambda g: collection(g.change(resource=ELSEWHERE)), 403, "forged"),
    "foreign": (lambda g: collection(g.change(tenantId=OTHER_TENANT)), 403, "foreign"),
    "no entry's shape": (lambda _: collection({"tenantId": 1}, 7, None, []), 400, "malformed"),
    "no item": (lambda g: collection(g.change(resourceData={})), 400, "malformed"),
    "unknown change": (lambda g: collection(g.change(changeType="moved")), 400, "malformed"),
    "empty": (lambda _: b"", 400, "malformed"),
    "empty collection": (lambda _: collection(), 400, "malformed"),
    "no JSON": (lambda _: b"\xff\x00{", 400, "malformed"),
    "no object": (lambda _: b"[1]", 400, "malformed"),
    "no list": (lambda _: b'{"value": {}}', 400, "malformed"),
    "deep": (lambda _: DEEP, 400, "malformed"),
    "oversized": (lambda g: collection(g.change(padding="x" * 1024 * 1024)), 413, "oversized"),
}


@pytest.mark.parametrize(
    ("write", "status", "code"), UNACCEPTABLE.values(), ids=UNACCEPTABLE.keys()
)
@pytest.mark.parametrize("route", [CHANGES, LIFECYCLE])
async def test_what_is_not_genuine_is_refused_with_its_reason_and_nothing_is_queued(
    webhook: Webhook, write: Write, status: int, code: str, route: str
) -> None:
    body = write(webhook.graph)
    if route == LIFECYCLE and code in {"forged", "foreign"}:
        body = body.replace(b'"changeType": "updated"', b'"lifecycleEvent": "missed"')
    before = webhook.sent()
    refused, problem = await webhook.post(body, route)
    assert (refused, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"]
    assert webhook.sent() == before


async def test_one_bad_entry_keeps_no_good_one_back(webhook: Webhook) -> None:
    graph, before = webhook.graph, webhook.sent("messages_delivered")
    good = [graph.change(), graph.change()]
    bad: list[Any] = [
        graph.change(clientState=graph.forged_state()),
        graph.change(tenantId=OTHER_TENANT),
        {"value": "nonsense"},
    ]
    assert await webhook.post(collection(good[0], *bad, good[1])) == (202, {})
    assert webhook.stack.host
    for entry in good:
        item = entry["resourceData"]["id"]
        await webhook.stack.host.logged(f"settled plan=ignore .*item={item}")
    assert not [line for line in webhook.stack.host.log if bad[0]["resourceData"]["id"] in line]
    await webhook.company.quiet()
    assert webhook.sent("messages_delivered") == before + 1


async def test_a_hundred_entries_are_one_send(webhook: Webhook) -> None:
    sends, messages = webhook.sent("sends"), webhook.sent()
    body = collection(*(webhook.graph.change() for _ in range(100)))
    assert await webhook.post(body) == (202, {})
    assert webhook.sent("sends") == sends + 1
    assert webhook.sent() == messages + 5


async def test_the_same_post_again_is_one_message(webhook: Webhook) -> None:
    delivered = webhook.sent("messages_delivered")
    dropped = webhook.sent("duplicates_dropped")
    body = collection(webhook.graph.change(), webhook.graph.change())
    for _ in range(3):
        assert await webhook.post(body) == (202, {})
    await webhook.company.quiet()
    assert webhook.sent("messages_delivered") == delivered + 1
    assert webhook.sent("duplicates_dropped") == dropped + 2


async def test_while_the_broker_refuses_graph_is_told_to_come_again(webhook: Webhook) -> None:
    company, body = webhook.company, collection(webhook.graph.change())
    delivered = webhook.sent("messages_delivered")
    await company.faults(
        {"service": "servicebus", "point": "send", "entity": "mail", "times": None}
    )
    status, problem = await webhook.post(body)
    assert (status, problem["code"]) == (503, "not-queued")
    await company.faults()
    assert await webhook.post(body) == (202, {})
    await company.quiet()
    assert webhook.sent("messages_delivered") == delivered + 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("missed", "Graph reported missed notifications"),
        ("subscriptionRemoved", "Graph removed the subscription"),
    ],
)
async def test_a_lifecycle_event_is_acted_on(webhook: Webhook, event: str, reason: str) -> None:
    company, person = webhook.company, "ada" if event == "missed" else "grace"
    one = company.people[person]
    before = (await company.rows(f"tether_mailboxes?$filter=tether_mailboxid eq {one['id']}"))[0]
    assert before["tether_catchupreason"] is None
    path = f"/mailboxes/{one['upn']}/lifecycle"
    await company.control("POST", path, {"event": event})

    async def reacted() -> Row:
        (row,) = await company.rows(f"tether_mailboxes?$filter=tether_mailboxid eq {one['id']}")
        changed = row["tether_mailsubscriptionid"] != before["tether_mailsubscriptionid"]
        return row if row["tether_catchupreason"] and changed == (event != "missed") else {}

    row = await eventually(reacted)
    assert reason in row["tether_catchupreason"]
    assert row["tether_state"] == 1
