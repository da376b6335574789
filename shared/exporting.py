"""Where metrics and traces go: Application Insights, a collector, the terminal, or nowhere.

Each exporter is imported only when its setting is there: without one, a start costs no more. Logs
are not exported from here, for the Functions host takes them to the same Application Insights.
"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from azure.identity import ManagedIdentityCredential
from opentelemetry import metrics

from shared.config import Settings
from shared.tracing import trace_by

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter


def start_exporting(settings: Settings) -> bool:
    """Export from now on if there is somewhere to export to; return whether there is."""
    if not settings.is_watched:
        return False
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased  # noqa: PLC0415

    resource = Resource.create({"service.name": "tether"})
    # Not the parent's decision: the host's own is often "not recorded", and a stranger's may be.
    tracing = TracerProvider(TraceIdRatioBased(settings.traces_sampled), resource)
    readers = []
    for spans, measures in _exporters(settings):
        tracing.add_span_processor(BatchSpanProcessor(spans))
        readers.append(PeriodicExportingMetricReader(measures))
    trace_by(tracing)
    metrics.set_meter_provider(MeterProvider(readers, resource))
    return True


def _exporters(settings: Settings) -> "Iterator[tuple[SpanExporter, MetricExporter]]":
    if settings.insights:
        yield _insights(settings.insights, settings.managed_identity_client_id)
    if settings.otlp_endpoint:
        yield _collector(settings.otlp_endpoint)
    if settings.telemetry == "console":
        yield _terminal()


def _insights(
    connection_string: str, client_id: str | None
) -> "tuple[SpanExporter, MetricExporter]":
    """Return what exports as the app's identity: Application Insights takes nothing else."""
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    # Not the credential of the clients: exporters work in threads.
    credential = ManagedIdentityCredential(client_id=client_id)
    return (
        AzureMonitorTraceExporter(
            connection_string=connection_string, credential=credential, disable_offline_storage=True
        ),
        AzureMonitorMetricExporter(
            connection_string=connection_string, credential=credential, disable_offline_storage=True
        ),
    )


def _collector(endpoint: str) -> "tuple[SpanExporter, MetricExporter]":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(f"{endpoint}/v1/traces"), OTLPMetricExporter(f"{endpoint}/v1/metrics")


def _terminal() -> "tuple[SpanExporter, MetricExporter]":
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

    return ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr)
