"""Telemetry goes where a setting says; without one nothing is loaded for it."""

import json
import subprocess
import sys

import aiohttp
import pytest

from bench.stack import PROJECT
from sandbox.functionshost.launch import HostProcess
from tests.contract.app.collector import collecting
from tests.contract.app.test_indexing import SETTINGS

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
SDK, INSIGHTS = "opentelemetry.sdk", "azure.monitor.opentelemetry.exporter"
OTLP = "opentelemetry.exporter.otlp.proto.http"
CONNECTION_STRING = (
    "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://127.0.0.1:9/"
)
# The process ends at once: there is nobody to send the rest to.
LOADED = """
import json, os, sys
import function_app
print(json.dumps(sorted(sys.modules)), flush=True)
os._exit(0)
"""


def loaded_with(**settings: str) -> set[str]:
    """Return which of the exporting packages the app loads with these settings."""
    ran = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=PROJECT,
        env={**SETTINGS, "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true", **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return {SDK, INSIGHTS, OTLP} & set(json.loads(ran.stdout))


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        ({}, set()),
        ({"TELEMETRY": "console"}, {SDK}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, {SDK, OTLP}),
        ({"APPLICATIONINSIGHTS_CONNECTION_STRING": CONNECTION_STRING}, {SDK, INSIGHTS}),
    ],
    ids=["nothing", "console", "collector", "insights"],
)
def test_only_what_a_setting_asks_for_is_loaded(settings: dict[str, str], loaded: set[str]) -> None:
    assert loaded_with(**settings) == loaded


async def test_a_collector_gets_spans_and_metrics() -> None:
    async with collecting() as collector:
        host = await HostProcess.start(PROJECT, {**SETTINGS, **collector.settings})
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.post(
                    f"{host.url}/api/graph/notifications",
                    params={"validationToken": "are you there"},
                    headers={"traceparent": PARENT},
                ) as answer,
            ):
                assert answer.status == 200
            await collector.saw(lambda: bool(collector.spans and collector.metrics))
        finally:
            await host.kill()
    (span,) = collector.spans
    assert (span.service, span.name) == ("tether", "POST /api/graph/notifications")
    assert span.trace == "a" * 32
    assert "tether.webhook.duration" in collector.metrics
