"""Rounds of a delta query: the token in which a caller keeps its place (graph.md 5)."""

import base64
import binascii
import json
from collections.abc import Iterable

from sandbox.graph.errors import GraphError
from sandbox.graph.protocol import Call


class Token:
    """Where this round began, how far it has come, and the options of its first request."""

    def __init__(self, since: int, at: int, options: dict[str, str]) -> None:
        self.since = since
        self.at = at
        self.options = options

    @classmethod
    def read(cls, call: Call, options: Iterable[str]) -> "Token":
        """Return the token of a call; without one, that of a first request with those options.

        Raises:
            GraphError: 410, nobody gave that token.
        """
        text = call.query.get("$skiptoken") or call.query.get("$deltatoken")
        if text is None:
            return cls(0, 0, {n: call.query[n] for n in options if n in call.query})
        try:
            since, at, kept = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(int(since), int(at), {str(n): str(v) for n, v in kept.items()})
        except (binascii.Error, ValueError, TypeError, AttributeError) as error:
            raise GraphError(
                410,
                "SyncStateNotFound",
                "The sync state generation is not found; continuing it is impossible.",
                headers={"Location": f"{call.base_url}/{call.path.lstrip('/')}?$deltatoken="},
            ) from error

    def write(self, since: int, at: int) -> str:
        """Return the token of a round that began at `since` and has come to `at`."""
        packed = json.dumps([since, at, self.options], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode()

    def asked(self, call: Call) -> Call:
        """Return the call with the options of the round's first request."""
        return Call(
            call.method,
            call.path,
            call.base_url,
            call.caller,
            query=self.options,
            headers=call.headers,
        )
