"""Delta queries: what has changed in a folder since a token was given (graph.md 5)."""

from collections.abc import Callable

from sandbox.graph import listing, views
from sandbox.graph.errors import bad_request
from sandbox.graph.folders import select as select_of_folder
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import READ, value_of
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.rounds import Token
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
        token = Token.read(call, _OPTIONS)
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
        token = Token.read(call, _OPTIONS)
        asked = token.asked(call)
        rows = [row for row in mailbox.folders.values() if row["sequence"] > token.at]
        return _page(
            call,
            token,
            sorted(rows, key=lambda row: int(row["sequence"])),
            lambda row: select_of_folder(asked, views.folder(mailbox, row)),
            "Collection(mailFolder)",
        )


def _changes(mailbox: Mailbox, folder: str, token: Token, *, immutable: bool) -> list[Document]:
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


def _page(call: Call, token: Token, rows: list[Document], show: Show, context: str) -> Answer:
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
