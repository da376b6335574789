"""Delta queries: what has changed in a folder since a token was given (graph.md 5)."""

import base64
import binascii
import json
from collections.abc import Callable

from sandbox.graph import listing, views
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.folders import select as select_of_folder
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import READ, value_of
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.views import View
from sandbox.store import Document

_OPTIONS = ("$select", "$filter", "$top", "$expand", "$orderby", "changeType")
type Show = Callable[[Document], Document | None]


class Delta:
    """Answers delta queries. A token holds where the caller is and what it asked for at first."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        folders = "/users/{user}/mailFolders"
        return [
            Route("GET", f"{folders}/{{folder}}/messages/delta", self._messages, READ),
            Route("GET", f"{folders}/delta", self._folders, READ),
        ]

    async def _messages(self, call: Call) -> Answer:
        mailbox = self._mailboxes.mailbox(call.parameters["user"])
        folder = mailbox.folder(call.parameters["folder"])["id"]
        token = _Token.read(call)
        view = View(token.asked(call))
        found = listing.parsed_filter(token.options.get("$filter"))
        kind = token.options.get("changeType")
        _check(token.options)

        def show(row: Document) -> Document | None:
            if "folder" in row:
                gone = {"@odata.type": "#microsoft.graph.message", "id": view.id_of(row)}
                removed = {**gone, "@removed": {"reason": "deleted"}}
                return removed if kind in (None, "deleted") else None
            passed = found is None or listing.matches(found, row, value_of)
            new = row["entered"] > token.since
            if not passed or kind not in (None, "created" if new else "updated"):
                return None
            return {"@odata.type": "#microsoft.graph.message"} | view.message(mailbox, row)

        rows = _changes(mailbox, folder, token, immutable=view.immutable)
        answer = _page(call, token, rows, show, "Collection(message)")
        answer.headers |= view.applied
        return answer

    async def _folders(self, call: Call) -> Answer:
        mailbox = self._mailboxes.mailbox(call.parameters["user"])
        token = _Token.read(call)
        asked = token.asked(call)
        rows = [row for row in mailbox.folders.values() if row["sequence"] > token.at]
        return _page(
            call,
            token,
            sorted(rows, key=lambda row: int(row["sequence"])),
            lambda row: select_of_folder(asked, views.folder(mailbox, row)),
            "Collection(mailFolder)",
        )


class _Token:
    """Where this round began, how far it has come, and the options of its first request."""

    def __init__(self, since: int, at: int, options: dict[str, str]) -> None:
        self.since = since
        self.at = at
        self.options = options

    @classmethod
    def read(cls, call: Call) -> "_Token":
        text = call.query.get("$skiptoken") or call.query.get("$deltatoken")
        if text is None:
            return cls(0, 0, {n: call.query[n] for n in _OPTIONS if n in call.query})
        try:
            since, at, options = json.loads(base64.urlsafe_b64decode(text.encode()))
            return cls(int(since), int(at), {str(n): str(v) for n, v in options.items()})
        except (binascii.Error, ValueError, TypeError, AttributeError) as error:
            raise GraphError(
                410,
                "SyncStateNotFound",
                "The sync state generation is not found; continuing it is impossible.",
                headers={"Location": f"{call.base_url}/{call.path.lstrip('/')}?$deltatoken="},
            ) from error

    def write(self, since: int, at: int) -> str:
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


def _changes(mailbox: Mailbox, folder: str, token: _Token, *, immutable: bool) -> list[Document]:
    """Return what changed and what went since the token, in the order in which it happened."""
    removed = [
        row
        for row in mailbox.removed.values()
        if row["folder"] == folder and row["sequence"] > token.since
    ]
    removed = [] if token.since == 0 else removed
    left = {row["id"] for row in removed} if immutable else set()
    # Under immutable ids an item that left and came back is reported as removed only, until it is
    # touched again: the real service loses it, too (graph.md 5).
    rows = [
        row
        for row in mailbox.in_folder(folder)
        if not (row["id"] in left and row["sequence"] == row["entered"])
    ]
    return sorted(
        (row for row in (*rows, *removed) if row["sequence"] > token.at),
        key=lambda row: int(row["sequence"]),
    )


def _page(call: Call, token: _Token, rows: list[Document], show: Show, context: str) -> Answer:
    """Answer with a page of a round; a page whose rows are all filtered out is empty."""
    size = (
        listing.page_size(token.asked(call))
        if "$top" in token.options
        else (listing.page_size(call))
    )
    page, more = rows[:size], len(rows) > size
    at = int(page[-1]["sequence"]) if page else token.at
    body: Document = {"@odata.context": f"{call.base_url}/$metadata#{context}"}
    name, text = (
        ("$skiptoken", token.write(token.since, at))
        if more
        else ("$deltatoken", token.write(at, at))
    )
    address = f"{call.base_url}/{call.path.lstrip('/')}?{name}={text}"
    body["@odata.nextLink" if more else "@odata.deltaLink"] = address
    body["value"] = [shown for row in page if (shown := show(row)) is not None]
    return Answer(200, body)


def _check(options: dict[str, str]) -> None:
    order, condition = options.get("$orderby"), options.get("$filter")
    if order and order.lower() != "receiveddatetime desc":
        raise bad_request("Only $orderby=receivedDateTime desc is supported by delta.")
    if condition and not condition.lower().startswith(
        ("receiveddatetime ge", "receiveddatetime gt")
    ):
        raise bad_request("Only $filter=receivedDateTime ge or gt is supported by delta.")
    if options.get("changeType") not in (None, "created", "updated", "deleted"):
        raise bad_request("changeType must be created, updated or deleted.")
