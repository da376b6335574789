"""A round of delta: how far the caller has come, and the next page of changes (graph.md 5)."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sandbox.graph import listing
from sandbox.graph.errors import GraphError
from sandbox.graph.protocol import Answer, Call
from sandbox.store import Document

type Show = Callable[[Document], Document | None]


@dataclass(frozen=True, slots=True)
class Token:
    """Where this round began, how far it has come, and the options of its first request."""

    since: int
    at: int
    options: dict[str, str]

    @classmethod
    def read(cls, call: Call, options: Iterable[str]) -> "Token":
        """Return the token a call carries, or the one of a new round with those of its options.

        Raises:
            GraphError: 410, nobody gave that token.
        """
        text = call.query.get("$skiptoken") or call.query.get("$deltatoken")
        if text is None:
            return cls(0, 0, {name: call.query[name] for name in options if name in call.query})
        try:
            since, at, asked = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(int(since), int(at), {str(n): str(v) for n, v in asked.items()})
        except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise GraphError(
                410,
                "SyncStateNotFound",
                "The sync state generation is not found; continuing it is impossible.",
                headers={"Location": f"{call.base_url}/{call.path.lstrip('/')}?$deltatoken="},
            ) from error

    def write(self, since: int, at: int) -> str:
        """Return the token of this round, or of the next, as it goes into a link."""
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


def page(call: Call, token: Token, rows: list[Document], show: Show, context: str) -> Answer:
    """Answer with a page of a round; a page whose rows are all filtered out is empty.

    `rows` are what comes after the token, ordered by `sequence`.
    """
    size = listing.page_size(token.asked(call) if "$top" in token.options else call)
    shown, more = rows[:size], len(rows) > size
    at = int(shown[-1]["sequence"]) if shown else token.at
    body: Document = {"@odata.context": f"{call.base_url}/$metadata#{context}"}
    name, text = (
        ("$skiptoken", token.write(token.since, at))
        if more
        else ("$deltatoken", token.write(at, at))
    )
    address = f"{call.base_url}/{call.path.lstrip('/')}?{name}={text}"
    body["@odata.nextLink" if more else "@odata.deltaLink"] = address
    body["value"] = [one for row in shown if (one := show(row)) is not None]
    return Answer(200, body)
