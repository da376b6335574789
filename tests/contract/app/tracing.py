"""The spans of the process, kept in memory."""

from collections.abc import Iterator
from functools import cache

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from shared.tracing import trace_by


@cache
def exporter() -> InMemorySpanExporter:
    """Return what takes every span from now on."""
    taking = InMemorySpanExporter()
    provider = TracerProvider(TraceIdRatioBased(1.0))
    provider.add_span_processor(SimpleSpanProcessor(taking))
    trace_by(provider)
    return taking


def spans() -> Iterator[InMemorySpanExporter]:
    """Take the spans of one test."""
    exporter().clear()
    yield exporter()


def named(taken: InMemorySpanExporter, name: str) -> ReadableSpan:
    """Return the one span of this name."""
    (found,) = [span for span in taken.get_finished_spans() if span.name == name]
    return found
