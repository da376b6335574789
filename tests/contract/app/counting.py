"""How far the app's counters have moved."""

from collections.abc import Iterator

from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint


class Counters:
    """How far the counters named `prefix…` have moved since this was made.

    Each is told by its attribute `by`, or by `otherwise` where it has none.
    """

    def __init__(
        self, reader: InMemoryMetricReader, prefix: str, *, by: str = "", otherwise: str = ""
    ) -> None:
        self._reader = reader
        self._prefix = prefix
        self._by = by
        self._otherwise = otherwise
        self._before = self._read()

    def moved(self) -> dict[str, int]:
        """Return what has grown, and by how much."""
        now = self._read()
        grown = {name: now[name] - self._before.get(name, 0) for name in now}
        return {name: number for name, number in grown.items() if number}

    def _read(self) -> dict[str, int]:
        seen: dict[str, int] = {}
        for name, point in _points(self._reader):
            if name.startswith(self._prefix):
                told = (point.attributes or {}).get(self._by, self._otherwise or name)
                seen[str(told)] = seen.get(str(told), 0) + int(point.value)
        return seen


def _points(reader: InMemoryMetricReader) -> Iterator[tuple[str, NumberDataPoint]]:
    collected = reader.get_metrics_data()
    for resource in collected.resource_metrics if collected else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    if isinstance(point, NumberDataPoint):
                        yield metric.name, point
