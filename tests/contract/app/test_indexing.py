"""The app as the genuine worker indexes it: what is triggered by what, and when it refuses."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bench.stack import PROJECT
from sandbox.functionshost.errors import StartError
from sandbox.functionshost.launch import HostProcess
from shared.tracking.routes import ROUTES

SETTINGS = {
    "TENANT_ID": "11111111-1111-1111-1111-111111111111",
    "DATAVERSE_URL": "http://127.0.0.1:9",
    "GRAPH_ENDPOINT": "http://127.0.0.1:9",
    "WEBHOOK_BASE_URL": "http://127.0.0.1:9",
    "CLIENT_STATE_KEYS": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "ServiceBusConnection": (
        "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=k;SharedAccessKey=a2V5;"
        "UseDevelopmentEmulator=true;"
    ),
}


async def shown_by(host: HostProcess) -> list[dict[str, Any]]:
    """Return the functions as the host shows them."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            f"{host.url}/admin/functions", headers={"x-functions-key": host.admin_key}
        ) as answer,
    ):
        shown: list[dict[str, Any]] = await answer.json()
        return shown


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def functions() -> AsyncIterator[dict[str, dict[str, Any]]]:
    """Return each function with its trigger, as the host shows them."""
    host = await HostProcess.start(PROJECT, SETTINGS)
    try:
        yield {
            one["name"]: {
                **next(b for b in one["config"]["bindings"] if "rigger" in b["type"]),
                "url": one["invoke_url_template"],
            }
            for one in await shown_by(host)
        }
    finally:
        await host.kill()


@pytest.mark.asyncio(loop_scope="module")
async def test_every_function_has_its_trigger(functions: dict[str, dict[str, Any]]) -> None:
    assert {name: trigger["type"].lower() for name, trigger in functions.items()} == {
        "notifications": "httptrigger",
        "lifecycle_notifications": "httptrigger",
        "mail": "servicebustrigger",
        "calendar": "servicebustrigger",
        "contacts": "servicebustrigger",
        "tasks": "servicebustrigger",
        "tasks_polling": "timertrigger",
        "occurrences": "timertrigger",
        "lifecycle": "servicebustrigger",
        "subscriptions": "timertrigger",
        **dict.fromkeys((route.function for route in ROUTES), "httptrigger"),
    }


@pytest.mark.asyncio(loop_scope="module")
async def test_the_sellers_api_is_served_at_the_routes_it_tells_of(
    functions: dict[str, dict[str, Any]],
) -> None:
    for route in ROUTES:
        trigger = functions[route.function]
        assert trigger["url"] == f"/api/{route.path}"
        assert trigger["authLevel"].lower() == "anonymous"
        assert [method.upper() for method in trigger["methods"]] == [route.method]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_webhooks_are_open_to_graph_at_the_addresses_it_is_given(
    functions: dict[str, dict[str, Any]],
) -> None:
    for name, url in (
        ("notifications", "/api/graph/notifications"),
        ("lifecycle_notifications", "/api/graph/lifecycle"),
    ):
        trigger = functions[name]
        assert trigger["url"] == url
        assert trigger["authLevel"].lower() == "anonymous"
        assert [method.lower() for method in trigger["methods"]] == ["post"]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_queues_are_the_ones_infrastructure_makes(
    functions: dict[str, dict[str, Any]],
) -> None:
    declared = json.loads((PROJECT / "infra" / "queues.json").read_text())
    consumed = {
        trigger["queueName"]: trigger
        for trigger in functions.values()
        if trigger["type"].lower() == "servicebustrigger"
    }
    assert consumed.keys() == declared.keys() - {"parked"}
    for trigger in consumed.values():
        assert trigger["connection"] == "ServiceBusConnection"
        assert trigger["dataType"].lower() == "binary"
    for kind in ("mail", "calendar", "contacts", "tasks"):
        assert consumed[kind]["cardinality"].lower() == "many"
        assert declared[kind]["requiresDuplicateDetection"]


@pytest.mark.asyncio(loop_scope="module")
async def test_enrolment_is_looked_after_every_five_minutes(
    functions: dict[str, dict[str, Any]],
) -> None:
    assert functions["subscriptions"]["schedule"] == "0 */5 * * * *"


@pytest.mark.asyncio(loop_scope="module")
async def test_tasks_are_polled_every_minute(functions: dict[str, dict[str, Any]]) -> None:
    assert functions["tasks_polling"]["schedule"] == "0 * * * * *"


async def test_tasks_are_polled_as_the_setting_says() -> None:
    seldom = {"TASKS_POLLING_SCHEDULE": "30 */15 * * * *"}
    host = await HostProcess.start(PROJECT, {**SETTINGS, **seldom})
    try:
        (polling,) = [one for one in await shown_by(host) if one["name"] == "tasks_polling"]
    finally:
        await host.kill()
    (timer,) = polling["config"]["bindings"]
    assert timer["schedule"] == "30 */15 * * * *"


@pytest.mark.parametrize("missing", ["DATAVERSE_URL", "ServiceBusConnection", "everything"])
async def test_without_a_setting_the_host_refuses_and_names_it(missing: str) -> None:
    given = {name: value for name, value in SETTINGS.items() if missing not in (name, "everything")}
    with pytest.raises(StartError) as refused:
        await HostProcess.start(PROJECT, given)
    sentence = next(line for line in str(refused.value).splitlines() if "Tether" in line)
    assert sentence.startswith("Misconfigured: Tether cannot start, check these app settings: ")
    assert sentence.endswith(".")
    named = {name for name in SETTINGS if name in sentence}
    optional = {"GRAPH_ENDPOINT", "ServiceBusConnection"}  # a default; looked at after the others
    assert named == (SETTINGS.keys() - optional if missing == "everything" else {missing})


async def test_a_wrong_setting_is_refused_without_telling_secrets() -> None:
    secret = "c2hvcnQ="
    with pytest.raises(StartError, match="CLIENT_STATE_KEYS") as refused:
        await HostProcess.start(PROJECT, {**SETTINGS, "CLIENT_STATE_KEYS": f"k1:{secret}"})
    assert secret not in str(refused.value)
