"""What the process's meters hold: every point of the app's own, with its attributes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)


@dataclass(frozen=True, slots=True)
class Point:
    """One point; `value` is a histogram's sum."""

    metric: str
    attributes: Mapping[str, object]
    value: float


def points(reader: InMemoryMetricReader) -> list[Point]:
    """Return all points there are now."""
    return list(_points(reader))


def values(reader: InMemoryMetricReader, metric: str, *by: str) -> dict[tuple[str, ...], float]:
    """Return a metric's values by the values of these attributes."""
    return {
        tuple(str(point.attributes[name]) for name in by): point.value
        for point in points(reader)
        if point.metric == metric
    }


def _points(reader: InMemoryMetricReader) -> Iterator[Point]:
    collected = reader.get_metrics_data()
    for resource in collected.resource_metrics if collected else ():
        for scope in resource.scope_metrics:
            if scope.scope.name != "tether":
                continue
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    attributes = dict(point.attributes or {})
                    if isinstance(point, HistogramDataPoint):
                        yield Point(metric.name, attributes, point.sum)
                    elif isinstance(point, NumberDataPoint):
                        yield Point(metric.name, attributes, point.value)
