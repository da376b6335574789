import asyncio
from datetime import timedelta
from pathlib import Path

from sandbox.faults import Fault
from sandbox.graph.rules import Rules
from tests.contract.graph.service import IMMUTABLE, Service, mail
from tests.contract.graph.webhook import Webhook


async def test_an_entry_says_what_graph_says(service: Service, webhook: Webhook) -> None:
    created = await service.subscribe(webhook.url)
    delivered = await service.deliver(mail())
    (entry,) = await webhook.received(1)
    path = f"Users/{service.ada.id}/Messages/{delivered['id']}"
    assert entry["subscriptionExpirationDateTime"].endswith(".0000000-08:00")
    assert entry["resourceData"].pop("@odata.etag").startswith('W/"CQAAABYAAA')
    del entry["subscriptionExpirationDateTime"]
    assert entry == {
        "subscriptionId": created["id"],
        "changeType": "created",
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "id": delivered["id"],
        },
        "clientState": "secret",
        "tenantId": service.tenant.tenant_id,
    }


async def test_a_move_is_deleted_and_created_under_one_id(
    service: Service, webhook: Webhook
) -> None:
    item = (await service.deliver(mail()))["id"]
    await service.subscribe(webhook.url)
    path = f"/users/{service.ada.id}/messages/{item}"
    assert (await service.call("POST", f"{path}/move", {"destinationId": "archive"}))[0] == 201
    await webhook.received(2)
    assert (await service.call("DELETE", path))[0] == 204  # to Deleted Items: a move as well
    await webhook.received(4)
    assert (await service.call("DELETE", path))[0] == 204  # from there: gone
    await webhook.received(5)
    assert [kind for kind, _ in webhook.kinds()] == [
        "deleted", "created", "deleted", "created", "deleted",
    ]  # fmt: skip
    assert {found for _, found in webhook.kinds()} == {item}


async def test_a_subscription_made_without_the_preference_gets_regular_ids(
    service: Service, webhook: Webhook
) -> None:
    body = service.subscription(webhook.url)
    assert (await service.call("POST", "/subscriptions", body))[0] == 201
    item = (await service.deliver(mail()))["id"]
    path = f"/users/{service.ada.id}/messages/{item}"
    _, before = await service.call("GET", path)
    _, after = await service.call("POST", f"{path}/move", {"destinationId": "archive"})
    await webhook.received(3)
    assert webhook.kinds() == [
        ("created", before["id"]), ("deleted", before["id"]), ("created", after["id"]),
    ]  # fmt: skip
    assert before["id"] != after["id"]


async def test_a_folder_subscription_sees_its_folder_only(
    service: Service, webhook: Webhook
) -> None:
    resource = f"users('{service.ada.upn}')/mailFolders('inbox')/messages"
    await service.subscribe(webhook.url, resource=resource)
    item = (await service.deliver(mail("first")))["id"]
    path = f"/users/{service.ada.id}/messages/{item}"
    await service.call("POST", f"{path}/move", {"destinationId": "archive"})
    await service.call("PATCH", path, {"isRead": True})
    await service.deliver(mail("second"))
    await webhook.received(3)
    assert [kind for kind, _ in webhook.kinds()] == ["created", "deleted", "created"]


async def test_a_filter_makes_it_a_matter_of_membership(service: Service, webhook: Webhook) -> None:
    resource = f"users/{service.ada.id}/messages?$filter=isDraft eq false"
    await service.subscribe(webhook.url, resource=resource)
    messages = f"/users/{service.ada.id}/messages"
    draft = {"subject": "d", "toRecipients": [{"emailAddress": {"address": service.grace.upn}}]}
    _, created = await service.call("POST", messages, draft, **IMMUTABLE)
    await service.call("PATCH", f"{messages}/{created['id']}", {"subject": "e"})
    assert (await service.call("POST", f"{messages}/{created['id']}/send"))[0] == 202
    await webhook.received(1)
    assert webhook.kinds() == [("created", created["id"])]


async def test_only_the_asked_change_types_come(service: Service, webhook: Webhook) -> None:
    await service.subscribe(webhook.url, changeType="updated")
    item = (await service.deliver(mail()))["id"]
    await service.call("PATCH", f"/users/{service.ada.id}/messages/{item}", {"categories": ["x"]})
    await webhook.received(1)
    assert webhook.kinds() == [("updated", item)]


async def test_a_burst_comes_in_posts_of_at_most_a_hundred_in_order(
    service: Service, webhook: Webhook
) -> None:
    await service.subscribe(webhook.url)
    sent = [(await service.deliver(mail(f"m{n}")))["id"] for n in range(150)]
    await webhook.received(150)
    assert [item for _, item in webhook.kinds()] == sent
    assert max(len(post) for post in webhook.posts) <= 100
    assert len(webhook.posts) < 150


async def test_what_is_refused_is_tried_again(service: Service, webhook: Webhook) -> None:
    await service.subscribe(webhook.url)
    webhook.statuses = [503, 404]
    await service.deliver(mail())
    for tried in (1, 2):
        await webhook.until(lambda tried=tried: len(webhook.posts) == tried)  # type: ignore[misc] # mypy cannot infer a lambda with a default
        assert (await service.control("GET", "/notifications"))[1]["pending"] == 1
        await service.control("PUT", "/clock", {"advance_seconds": 10})
    await webhook.received(1)
    await _settled(service)


async def test_after_four_hours_it_is_given_up_and_said_to_be_missed(webhook: Webhook) -> None:
    async with Service() as service, Webhook() as lifecycle:
        await service.subscribe(webhook.url, lifecycleNotificationUrl=lifecycle.url)
        webhook.statuses = [503] * 50
        await service.deliver(mail())
        await webhook.until(lambda: len(webhook.posts) == 1)
        await service.control("PUT", "/clock", {"advance_seconds": 4 * 3600})
        (event,) = await lifecycle.received(1)
        assert event["lifecycleEvent"] == "missed"
        assert (await service.control("GET", "/notifications"))[1]["failed"] == 1


async def test_a_slow_webhook_does_not_slow_delivering(service: Service, webhook: Webhook) -> None:
    await service.subscribe(webhook.url)
    webhook.gate.clear()
    for number in range(20):
        await service.deliver(mail(f"m{number}"))
    assert webhook.entries == []
    webhook.gate.set()
    await webhook.received(20)


async def test_a_slow_endpoint_waits_ten_minutes_for_what_is_new(webhook: Webhook) -> None:
    rules = Rules(slow_after=0.0, judged_after=1)
    async with Service(rules=rules) as service:
        await service.subscribe(webhook.url)
        await service.deliver(mail("one"))
        await webhook.received(1)
        await service.deliver(mail("two"))
        await service.control("PUT", "/clock", {"advance_seconds": 540})
        assert (await service.control("GET", "/notifications"))[1]["pending"] == 1
        assert len(webhook.entries) == 1
        await service.control("PUT", "/clock", {"advance_seconds": 61})
        await webhook.received(2)


async def test_a_dropping_endpoint_loses_what_is_new_and_hears_that_it_missed_some(
    webhook: Webhook,
) -> None:
    rules = Rules(slow_after=0.0, drop_after=0.0, judged_after=1)
    async with Service(rules=rules) as service, Webhook() as lifecycle:
        await service.subscribe(webhook.url, lifecycleNotificationUrl=lifecycle.url)
        await service.deliver(mail("one"))
        await webhook.received(1)
        await _settled(service)
        await service.deliver(mail("two"))
        await service.deliver(mail("three"))
        (event,) = await lifecycle.received(1)
        assert event["lifecycleEvent"] == "missed"
        assert (await service.control("GET", "/notifications"))[1]["failed"] == 2
        assert len(webhook.entries) == 1


async def test_lost_duplicated_reordered_and_delayed_on_purpose(
    service: Service, webhook: Webhook
) -> None:
    await service.subscribe(webhook.url)
    actions = ("lose", "duplicate", "reorder", "delay")
    faults = [
        Fault(service="graph", operation="notify", action=action, skip=skip, seconds=60)
        for skip, action in enumerate(actions)
    ]
    status, _ = await service.control("PUT", "/faults", [f.model_dump() for f in faults])
    assert status == 200
    ids = [(await service.deliver(mail(f"m{n}")))["id"] for n in range(10)]
    await webhook.until(lambda: len(webhook.entries) == 9)
    got = [item for _, item in webhook.kinds()]
    assert (got.count(ids[0]), len(set(got))) == (0, 8)
    (twice,) = [item for item in ids if got.count(item) == 2]
    missing = set(ids[1:]) - set(got)
    assert len(missing) == 1
    once = [item for item in got if item != twice]
    assert once != sorted(once, key=ids.index)
    await service.control("PUT", "/clock", {"advance_seconds": 60})
    await webhook.received(10)
    assert webhook.kinds()[-1][1] in missing


async def test_held_until_the_fault_is_cleared(service: Service, webhook: Webhook) -> None:
    await service.subscribe(webhook.url)
    fault = {"service": "graph", "operation": "notify", "action": "hold"}
    await service.control("PUT", "/faults", [fault])
    first = (await service.deliver(mail("held")))["id"]
    second = (await service.deliver(mail("free")))["id"]
    await webhook.received(1)
    assert [item for _, item in webhook.kinds()] == [second]
    await service.control("DELETE", "/faults")
    await webhook.received(2)
    assert webhook.kinds()[1][1] == first


async def test_a_restart_loses_nothing(tmp_path: Path, webhook: Webhook) -> None:
    state = tmp_path / "graph.db"
    webhook.gate.clear()
    async with Service(state=state) as service:
        created = await service.subscribe(webhook.url)
        item = (await service.deliver(mail(), "?categories=Blue,Red"))["id"]
    webhook.gate.set()
    async with Service(state=state) as again:
        await webhook.until(lambda: ("created", item) in webhook.kinds())
        path = f"/users/{again.ada.id}/messages/{item}"
        _, message = await again.call("GET", path)
        assert message["categories"] == ["Blue", "Red"]
        assert (await again.call("GET", f"/subscriptions/{created['id']}"))[0] == 200
        _, updated = await again.call("PATCH", path, {"isRead": True})
        assert updated["changeKey"] > message["changeKey"]
        await webhook.until(lambda: ("updated", item) in webhook.kinds())


async def test_a_subscription_that_ended_while_the_service_was_down_is_gone(
    tmp_path: Path, webhook: Webhook
) -> None:
    state = tmp_path / "graph.db"
    async with Service(state=state) as service:
        created = await service.subscribe(webhook.url)
    later = Service(state=state)
    later.surroundings.clock.advance(timedelta(days=4))
    async with later:
        async with asyncio.timeout(5):
            while (await later.call("GET", f"/subscriptions/{created['id']}"))[0] != 404:
                await asyncio.sleep(0)


async def _settled(service: Service) -> None:
    async with asyncio.timeout(5):
        while (await service.control("GET", "/notifications"))[1]["pending"]:
            await asyncio.sleep(0)
