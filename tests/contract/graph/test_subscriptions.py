from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from sandbox.graph.rules import Rules
from tests.contract.graph.service import Service, mail
from tests.contract.graph.webhook import Webhook


async def test_each_url_proves_itself_once_even_if_they_are_the_same(
    service: Service, webhook: Webhook
) -> None:
    created = await service.subscribe(
        f"{webhook.url}?code=a%2Fb", lifecycleNotificationUrl=f"{webhook.url}?code=a%2Fb"
    )
    assert len(webhook.validations) == 2
    first = webhook.validations[0]
    assert first.query["code"] == "a/b"
    assert first.query["validationToken"].startswith("Validation: Testing client application")
    assert first.content_type == "text/plain"
    assert service.headers["Location"].endswith(f"/v1.0/subscriptions('{created['id']}')")


@pytest.mark.parametrize(
    "answer",
    [
        lambda token: web.Response(text=token, status=202),
        lambda token: web.Response(text=token, content_type="application/json"),
        lambda token: web.Response(text=token + " "),
        lambda _: web.Response(status=403),
    ],
)
async def test_a_webhook_that_does_not_echo_exactly_is_refused(
    service: Service, webhook: Webhook, answer: Callable[[str], web.Response]
) -> None:
    webhook.echo = answer
    status, body = await service.call("POST", "/subscriptions", service.subscription(webhook.url))
    assert (status, body["error"]["code"]) == (400, "ValidationError")
    assert "must respond with 200 OK" in body["error"]["message"]
    assert (await service.call("GET", "/subscriptions"))[1]["value"] == []


async def test_a_webhook_that_is_too_slow_is_refused(webhook: Webhook) -> None:
    async with Service(rules=Rules(validation_timeout=0.05)) as service:
        webhook.gate.clear()
        webhook.stall_validation = True
        body = service.subscription(webhook.url)
        status, answer = await service.call("POST", "/subscriptions", body)
    assert (status, answer["error"]["message"]) == (
        400,
        "Subscription validation request timed out.",
    )


@pytest.mark.parametrize(
    ("stated", "status", "code", "message"),
    [
        ({"expirationDateTime": "2036-01-01T00:00:00Z"}, 400, "ExtensionError", "10070 minutes"),
        ({"expirationDateTime": "2016-01-01T00:00:00Z"}, 400, "InvalidRequest", "future"),
        ({"expirationDateTime": "soon"}, 400, "InvalidRequest", "expirationDateTime"),
        ({"clientState": "x" * 129}, 400, "InvalidRequest", "128"),
        ({"changeType": "created,renamed"}, 400, "InvalidRequest", "changeType"),
        ({"notificationUrl": "http://192.0.2.1/"}, 400, "InvalidRequest", "HTTPS"),
        ({"resource": "users/nobody/messages"}, 404, "ErrorInvalidUser", "nobody"),
        ({"resource": "me/messages"}, 400, "InvalidRequest", "not supported"),
        ({"includeResourceData": True}, 400, "InvalidRequest", "includeResourceData"),
        ({"surprise": 1}, 400, "InvalidRequest", "surprise"),
    ],
)
async def test_what_graph_refuses_at_creation(
    service: Service,
    webhook: Webhook,
    stated: dict[str, Any],
    status: int,
    code: str,
    message: str,
) -> None:
    body = service.subscription(webhook.url, **stated)
    answered, error = await service.call("POST", "/subscriptions", body)
    assert (answered, error["error"]["code"]) == (status, code)
    assert message in error["error"]["message"]
    assert not webhook.validations


async def test_a_second_like_the_first_is_refused_with_its_id(
    service: Service, webhook: Webhook
) -> None:
    created = await service.subscribe(webhook.url)
    status, error = await service.call("POST", "/subscriptions", service.subscription(webhook.url))
    assert status == 409
    assert created["id"] in error["error"]["message"]
    await service.subscribe(webhook.url, changeType="created")


async def test_the_quota_of_a_mailbox(webhook: Webhook) -> None:
    async with Service(rules=Rules(subscriptions_per_mailbox=1)) as service:
        await service.subscribe(webhook.url)
        body = service.subscription(webhook.url, changeType="created")
        status, error = await service.call("POST", "/subscriptions", body)
        assert (status, "limit of 1" in error["error"]["message"]) == (403, True)


async def test_a_short_life_is_made_45_minutes(service: Service, webhook: Webhook) -> None:
    now = service.surroundings.clock.now()
    soon = (now + timedelta(minutes=1)).isoformat()
    created = await service.subscribe(webhook.url, expirationDateTime=soon)
    lives = datetime.fromisoformat(created["expirationDateTime"]) - now
    assert timedelta(minutes=44, seconds=58) < lives < timedelta(minutes=45, seconds=30)


async def test_renewing_keeps_it_alive_and_expiry_ends_it(
    service: Service, webhook: Webhook
) -> None:
    created = await service.subscribe(webhook.url)
    path = f"/subscriptions/{created['id']}"
    later = (service.surroundings.clock.now() + timedelta(days=6)).isoformat()
    status, renewed = await service.call("PATCH", path, {"expirationDateTime": later})
    assert (status, renewed["id"]) == (200, created["id"])
    await service.control("PUT", "/clock", {"advance_seconds": 4 * 86400})
    assert (await service.call("GET", path))[0] == 200
    await service.control("PUT", "/clock", {"advance_seconds": 3 * 86400})
    status, error = await service.call("GET", path)
    assert (status, error["error"]["code"]) == (404, "ResourceNotFound")
    await service.deliver(mail())
    assert (await service.control("GET", "/notifications"))[1]["pending"] == 0


async def test_patch_needs_something_to_change(service: Service, webhook: Webhook) -> None:
    created = await service.subscribe(webhook.url)
    status, error = await service.call(
        "PATCH", f"/subscriptions/{created['id']}", {"clientState": "x"}
    )
    assert status == 400
    assert "either expirationDateTime or notificationUrl" in error["error"]["message"]


async def test_a_changed_url_proves_itself(service: Service, webhook: Webhook) -> None:
    created = await service.subscribe(webhook.url)
    path = f"/subscriptions/{created['id']}"
    webhook.echo = lambda _: web.Response(status=500)
    changed = {"notificationUrl": f"{webhook.url}/new"}
    assert (await service.call("PATCH", path, changed))[0] == 400
    assert (await service.call("GET", path))[1]["notificationUrl"] == webhook.url


async def test_reauthorize_and_delete(service: Service, webhook: Webhook) -> None:
    created = await service.subscribe(webhook.url)
    path = f"/subscriptions/{created['id']}"
    assert await service.call("POST", f"{path}/reauthorize") == (204, b"")
    assert await service.call("DELETE", path) == (204, b"")
    assert (await service.call("DELETE", path))[0] == 404
    assert (await service.call("POST", f"{path}/reauthorize"))[0] == 404


async def test_a_role_to_read_mail_is_needed(webhook: Webhook) -> None:
    async with Service(roles=("Mail.Send",)) as service:
        status, _ = await service.call("POST", "/subscriptions", service.subscription(webhook.url))
        assert status == 403


async def test_reminders_come_at_half_life_and_then_more_often(
    service: Service, webhook: Webhook
) -> None:
    await service.subscribe(webhook.url, lifecycleNotificationUrl=webhook.url)
    await service.control("PUT", "/clock", {"advance_seconds": 1.6 * 86400})
    await webhook.received(1)
    await service.control("PUT", "/clock", {"advance_seconds": 0.8 * 86400})
    events = await webhook.received(2)
    assert [one["lifecycleEvent"] for one in events[:2]] == ["reauthorizationRequired"] * 2
    assert "changeType" not in events[0]
    assert events[0]["clientState"] == "secret"


async def test_lifecycle_events_on_demand(service: Service, webhook: Webhook) -> None:
    created = await service.subscribe(webhook.url, lifecycleNotificationUrl=webhook.url)
    path = f"/mailboxes/{service.ada.upn}/lifecycle"
    for event in ("missed", "subscriptionRemoved"):
        status, told = await service.control("POST", path, {"event": event})
        assert (status, told) == (202, {"subscriptions": [created["id"]]})
    events = await webhook.received(2)
    assert [one["lifecycleEvent"] for one in events] == ["missed", "subscriptionRemoved"]
    assert (await service.call("GET", f"/subscriptions/{created['id']}"))[0] == 404
