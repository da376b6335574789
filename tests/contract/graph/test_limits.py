import asyncio

import aiohttp
import pytest

from sandbox.graph.rules import Rules
from sandbox.identity.tokens import Principal
from tests.contract.graph.service import Service, mail


async def test_a_fifth_request_at_once_in_a_mailbox_is_refused() -> None:
    async with Service(rules=Rules(latency=0.05)) as service:
        path = f"/users/{service.ada.id}/messages"
        answers = await asyncio.gather(*(service.call("GET", path) for _ in range(5)))
        assert sorted(status for status, _ in answers) == [200] * 4 + [429]
        (refusal,) = [body for status, body in answers if status == 429]
        assert refusal["error"]["code"] == "ApplicationThrottled"
        assert "MailboxConcurrency" in refusal["error"]["message"]
        other = f"/users/{service.grace.id}/messages"
        both = [service.call("GET", one) for one in (path, other) for _ in range(4)]
        assert {status for status, _ in await asyncio.gather(*both)} == {200}


async def test_requests_that_are_delayed_keep_their_places(service: Service) -> None:
    fault = {"service": "graph", "operation": "GET /users/{id}/messages", "action": "hold",
             "times": None}  # fmt: skip
    await service.control("PUT", "/faults", [fault])
    path = f"/users/{service.ada.id}/messages"
    held = [asyncio.create_task(service.call("GET", path)) for _ in range(4)]
    async with asyncio.timeout(5):
        while service.surroundings.faults.faults[0].hits < 4:
            await asyncio.sleep(0)
    assert (await service.call("GET", path))[0] == 429
    await service.control("DELETE", "/faults")
    assert {status for status, _ in await asyncio.gather(*held)} == {200}


async def test_requests_in_ten_minutes_are_limited() -> None:
    async with Service(rules=Rules(requests_per_window=3)) as service:
        path = f"/users/{service.ada.id}/messages"
        assert [(await service.call("GET", path))[0] for _ in range(4)] == [200, 200, 200, 429]
        wait = int(service.headers["Retry-After"])
        assert 590 < wait <= 601
        await service.control("PUT", "/clock", {"advance_seconds": 601})
        assert (await service.call("GET", path))[0] == 200


async def test_uploads_in_five_minutes_are_limited() -> None:
    async with Service(rules=Rules(upload_bytes_per_window=1000)) as service:
        path = f"/users/{service.ada.id}/messages"
        big = {"subject": "x" * 600}
        assert [(await service.call("POST", path, big))[0] for _ in range(2)] == [201, 429]
        status, body = await service.call("GET", path)
        assert (status, len(body["value"])) == (200, 1)


@pytest.mark.parametrize("token", ["", "nonsense"])
async def test_without_a_token_nothing(service: Service, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.request(
        "GET", f"{service.graph.url}/v1.0/users", headers=headers
    ) as response:
        assert response.status == 401
        body = await response.json()
    assert body["error"]["code"] == "InvalidAuthenticationToken"
    assert body["error"]["innerError"]["request-id"] == response.headers["request-id"]


async def test_a_token_for_another_audience_is_refused(service: Service) -> None:
    for audience, expected in (("https://else.example", 401), (service.graph.url, 200)):
        token = service.graph.token(audience)
        status, _ = await service.call("GET", "/users", Authorization=f"Bearer {token}")
        assert status == expected


async def test_roles_decide(service: Service) -> None:
    reader = Principal(app_id="reader", object_id=service.principal.object_id,
                       roles=("Mail.Read",))  # fmt: skip
    token, _ = service.authority.issue(reader, "https://graph.microsoft.com")
    item = (await service.deliver(mail()))["id"]
    user = f"/users/{service.ada.id}"
    calls = {
        ("GET", f"{user}/messages/{item}"): 200,
        ("PATCH", f"{user}/messages/{item}"): 403,
        ("POST", f"{user}/sendMail"): 403,
        ("GET", "/users"): 403,
    }
    for (method, path), expected in calls.items():
        status, body = await service.call(method, path, {}, Authorization=f"Bearer {token}")
        assert status == expected
        assert status == 200 or body["error"]["code"] == "ErrorAccessDenied"


async def test_faults_by_operation(service: Service) -> None:
    operation = "GET /users/{id}/mailFolders/{id}/messages/delta"
    fault = {"service": "graph", "operation": operation, "action": "status", "status": 410}
    await service.control("PUT", "/faults", [fault])
    path = f"/Users('{service.ada.id}')/MAILFOLDERS('inbox')/messages/delta()"
    status, body = await service.call("GET", path)
    assert (status, body["error"]["code"]) == (410, "SyncStateNotFound")
    assert (await service.call("GET", path))[0] == 200
    stats = service.surroundings.stats.snapshot()["graph"]
    assert stats["operations"] == {operation: 2}


async def test_an_answer_lost_after_the_write(service: Service) -> None:
    fault = {"service": "graph", "operation": "PATCH *", "action": "drop-after"}
    await service.control("PUT", "/faults", [fault])
    path = f"/users/{service.ada.id}/messages/{(await service.deliver(mail()))['id']}"
    with pytest.raises(aiohttp.ClientError):
        await service.call("PATCH", path, {"isRead": True})
    assert (await service.call("GET", path))[1]["isRead"] is True


async def test_what_graph_does_not_serve(service: Service) -> None:
    for method, path, status in (
        ("GET", "/planets", 400), ("GET", "/me/messages", 400), ("PUT", "/users", 405),
        ("GET", "/users/nobody/messages", 404),
    ):  # fmt: skip
        answered, body = await service.call(method, path, client_request_id="mine")
        assert (answered, "message" in body["error"]) == (status, True)
        assert service.headers["client-request-id"] == "mine"
        assert body["error"]["innerError"]["client-request-id"] == "mine"
