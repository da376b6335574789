"""Telemetry goes where a setting says; without one nothing is loaded for it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.stack import PROJECT
from sandbox.functionshost.launch import HostProcess
from sandbox.web import Listener
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


@dataclass
class Collector:
    """An OpenTelemetry collector that keeps what it gets: (service, span, trace id), and names."""

    url: str = ""
    spans: set[tuple[str, str, str]] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    got: dict[str, asyncio.Event] = field(
        default_factory=lambda: {"spans": asyncio.Event(), "metrics": asyncio.Event()}
    )

    async def take_spans(self, request: web.Request) -> web.Response:
        told = ExportTraceServiceRequest.FromString(await request.read())
        for resource in told.resource_spans:
            (service,) = [
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            ]
            self.spans |= {
                (service, span.name, span.trace_id.hex())
                for scope in resource.scope_spans
                for span in scope.spans
            }
        self.got["spans"].set()
        return web.Response()

    async def take_metrics(self, request: web.Request) -> web.Response:
        told = ExportMetricsServiceRequest.FromString(await request.read())
        self.metrics |= {
            metric.name
            for resource in told.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        self.got["metrics"].set()
        return web.Response()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take_spans)
    app.router.add_post("/v1/metrics", made.take_metrics)
    listener = Listener(app)
    await listener.start()
    made.url = listener.url
    yield made
    await listener.stop()


async def test_a_collector_gets_spans_and_metrics(collector: Collector) -> None:
    settings = {
        **SETTINGS,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
    }
    host = await HostProcess.start(PROJECT, settings)
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
        async with asyncio.timeout(20):
            for told in collector.got.values():
                await told.wait()
    finally:
        await host.kill()
    assert collector.spans == {("tether", "POST /api/graph/notifications", "a" * 32)}
    assert "tether.webhook.duration" in collector.metrics
