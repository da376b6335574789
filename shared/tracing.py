"""One trace from the notification to the row: spans, and the context that travels on the bus.

Application properties do not reach a batch in order (functions.md 4.3), so the context is part of
what a change says. Spans carry ids and counts, never what people wrote.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_MOST_LINKS = 128  # what a span keeps, unless told otherwise
_propagator = TraceContextTextMapPropagator()
# Not the process's own: what libraries trace by themselves quotes addresses and error texts.
_tracer: trace.Tracer = trace.NoOpTracer()

Attributes = Mapping[str, str | int]


def trace_by(provider: trace.TracerProvider) -> None:
    """Have `provider` record the spans from now on; until then there are none."""
    global _tracer  # noqa: PLW0603 - one for a process
    _tracer = provider.get_tracer("tether")


def traceparent_or_none(value: object) -> str | None:
    """Return a well-formed traceparent; anything else is none, for no change may fail by it."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def current_trace() -> str | None:
    """Return the traceparent of the span this runs in, if there is one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    *,
    parent: str | None = None,
    links: Iterable[str | None] = (),
) -> Iterator[Span]:
    """Run what is inside in a span under `parent`, or under the present one without it.

    What is raised marks the span with its type alone: a message may quote what people wrote.
    """
    known = traceparent_or_none(parent)
    context = _propagator.extract({"traceparent": known}) if known else None
    with _tracer.start_as_current_span(
        name,
        context,
        kind,
        dict(attributes or {}),
        _links(links),
        record_exception=False,
        set_status_on_exception=False,
    ) as begun:
        try:
            yield begun
        except BaseException as problem:
            begun.set_attribute("error.type", type(problem).__name__)
            begun.set_status(Status(StatusCode.ERROR))
            raise


def _links(traceparents: Iterable[str | None]) -> list[Link]:
    known = [one for one in dict.fromkeys(traceparents) if one][:_MOST_LINKS]
    return [Link(context) for context in map(_context_of, known) if context.is_valid]


def _context_of(traceparent: str) -> SpanContext:
    context = _propagator.extract({"traceparent": traceparent})
    return trace.get_current_span(context).get_span_context()
