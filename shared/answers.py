"""What Graph and Dataverse answers have in common: a status, and an error said the OData way."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer to one request; `retry_after` is its own wish in seconds."""

    service: ClassVar[str]

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The service's error code, e.g. `ErrorItemNotFound` or `0x80040217`; empty if none."""
        return str(self._error.get("code") or "")

    @property
    def problem(self) -> str:
        """What the service says went wrong, for people."""
        message = self._error.get("message") or "no message"
        return f"{self.service} {self.status} {self.code}: {message}"

    @property
    def _error(self) -> dict[str, Any]:
        error = self.body.get("error")
        return error if isinstance(error, dict) else {}
