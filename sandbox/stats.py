"""How many requests each service got, so that a run can say what it cost."""

from collections import Counter


class Stats:
    """Request counters by service and operation.

    A request is what crosses the wire. The parts of a JSON or multipart batch are counted apart, as
    `batched`: Graph meters each of them, but they cost no round trip of their own.
    """

    def __init__(self) -> None:
        self._requests: dict[str, Counter[str]] = {}
        self._batched: dict[str, Counter[str]] = {}

    def request(self, service: str, operation: str) -> None:
        """Count one request, e.g. `request("graph", "POST /$batch")`."""
        self._requests.setdefault(service, Counter())[operation] += 1

    def batched(self, service: str, operation: str) -> None:
        """Count one part of a batch."""
        self._batched.setdefault(service, Counter())[operation] += 1

    def snapshot(self) -> dict[str, dict[str, int | dict[str, int]]]:
        """Return `{service: {"requests": n, "operations": {…}, "batched": {…}}}`."""
        services = sorted(self._requests.keys() | self._batched.keys())
        return {
            service: {
                "requests": self._requests.get(service, Counter()).total(),
                "operations": dict(self._requests.get(service, Counter())),
                "batched": dict(self._batched.get(service, Counter())),
            }
            for service in services
        }

    def reset(self) -> None:
        """Start again from zero."""
        self._requests.clear()
        self._batched.clear()
