"""An OpenTelemetry collector that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sandbox.web import Listener


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it came; `links` are the traces it links to."""

    service: str
    name: str
    trace: str
    links: frozenset[str]


class Collector:
    """Spans, names of metrics, and everything as text."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Span] = []
        self.metrics: set[str] = set()
        self.text: list[str] = []
        self._grown = asyncio.Condition()

    @property
    def settings(self) -> dict[str, str]:
        """What has an app export here, and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    async def saw(self, enough: Callable[[], bool], *, seconds: float = 20) -> None:
        """Wait until it is enough.

        Raises:
            TimeoutError: it was not enough in time.
        """
        async with self._grown, asyncio.timeout(seconds):
            await self._grown.wait_for(enough)

    async def take_spans(self, request: web.Request) -> web.Response:
        """Take what the app exports to `/v1/traces`."""
        told = ExportTraceServiceRequest.FromString(await request.read())
        for resource in told.resource_spans:
            (service,) = [
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            ]
            self.spans += [
                Span(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    frozenset(link.trace_id.hex() for link in span.links),
                )
                for scope in resource.scope_spans
                for span in scope.spans
            ]
        return await self._took(str(told))

    async def take_metrics(self, request: web.Request) -> web.Response:
        """Take what the app exports to `/v1/metrics`."""
        told = ExportMetricsServiceRequest.FromString(await request.read())
        self.metrics |= {
            metric.name
            for resource in told.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        return await self._took(str(told))

    async def _took(self, text: str) -> web.Response:
        async with self._grown:
            self.text.append(text)
            self._grown.notify_all()
        return web.Response()


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector."""
    collector = Collector()
    app = web.Application(client_max_size=1024**3)
    app.router.add_post("/v1/traces", collector.take_spans)
    app.router.add_post("/v1/metrics", collector.take_metrics)
    listener = Listener(app)
    await listener.start()
    collector.url = listener.url
    try:
        yield collector
    finally:
        await listener.stop()
