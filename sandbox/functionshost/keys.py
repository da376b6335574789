"""The keys callers authenticate with (functions.md 3)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.functionshost.functions import AuthLevel


@dataclass(frozen=True, slots=True)
class Keys:
    """The master key, which opens everything, and the host key, which opens the functions."""

    master: str
    host: str

    def admit(self, level: AuthLevel, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        """Tell whether `x-functions-key`, or in its absence `code`, is good for the level."""
        if level == "ANONYMOUS":
            return True
        given = headers.get("x-functions-key") or query.get("code") or ""
        good = (self.master,) if level == "ADMIN" else (self.master, self.host)
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in good)
