"""Messages: list, read, change, move, copy, delete."""

import base64
from collections.abc import Iterable

from sandbox.graph import ids, listing
from sandbox.graph.compose import mime_of
from sandbox.graph.drafts import changes_of, new_draft
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.protocol import Answer, Call, Handler, Route
from sandbox.graph.views import View, attachment
from sandbox.store import Document

READ = frozenset({"Mail.Read", "Mail.ReadWrite"})
WRITE = frozenset({"Mail.ReadWrite"})
_IN_MAILBOX = "/users/{user}/messages"
_IN_FOLDER = "/users/{user}/mailFolders/{folder}/messages"


class Messages:
    """Answers what is asked about messages, in a mailbox or in one of its folders."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        below: list[tuple[str, str, Handler, frozenset[str]]] = [
            ("GET", "", self._list, READ),
            ("POST", "", self._create, WRITE),
            ("GET", "/{message}", self._get, READ),
            ("PATCH", "/{message}", self._update, WRITE),
            ("DELETE", "/{message}", self._delete, WRITE),
            ("POST", "/{message}/permanentDelete", self._purge, WRITE),
            ("POST", "/{message}/move", self._move, WRITE),
            ("POST", "/{message}/copy", self._copy, WRITE),
            ("GET", "/{message}/$value", self._mime, READ),
            ("GET", "/{message}/attachments", self._attachments, READ),
            ("GET", "/{message}/attachments/{attachment}", self._attachment, READ),
            ("GET", "/{message}/attachments/{attachment}/$value", self._attached, READ),
        ]
        return [
            Route(method, base + path, handler, roles)
            for base in (_IN_MAILBOX, _IN_FOLDER)
            for method, path, handler, roles in below
        ]

    async def _list(self, call: Call) -> Answer:
        mailbox, view = self._mailbox(call), View(call)
        rows: Iterable[Document] = mailbox.messages.values()
        if "folder" in call.parameters:
            rows = mailbox.in_folder(mailbox.folder(call.parameters["folder"])["id"])
        answer = listing.page(
            call,
            rows,
            value_of=value_of,
            show=lambda message: view.message(mailbox, message),
            context=f"users('{mailbox.id}')/messages",
            default_order="receivedDateTime desc",
        )
        answer.headers |= view.applied
        return answer

    async def _get(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        return entity(call, mailbox, message)

    async def _create(self, call: Call) -> Answer:
        mailbox = self._mailbox(call)
        folder = mailbox.folder(call.parameters.get("folder", "drafts"))
        message, contents = new_draft(mailbox, call.json())
        return entity(call, mailbox, mailbox.add(message, contents, folder["id"]), status=201)

    async def _update(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        check_version(call, message)
        changes = changes_of(message, call.json())
        contents = None
        if message["isDraft"]:
            contents = dict(mailbox.contents(message))
            contents["mime"] = mime_of({**message, **changes}, contents)
        return entity(call, mailbox, mailbox.update(message, changes, contents=contents))

    async def _delete(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        check_version(call, message)
        mailbox.delete(message)
        return Answer(204)

    async def _purge(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        check_version(call, message)
        mailbox.purge(message)
        return Answer(204)

    async def _move(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        check_version(call, message)
        moved = mailbox.move(message, _destination(call, mailbox)["id"])
        return entity(call, mailbox, moved, status=201)

    async def _copy(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        folder = _destination(call, mailbox)
        copied = mailbox.add(dict(message), mailbox.contents(message), folder["id"])
        return entity(call, mailbox, copied, status=201)

    async def _mime(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        raw = mailbox.contents(message)["mime"].encode("latin-1")
        return Answer(200, raw, {"Content-Type": "text/plain"})

    async def _attachments(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        shown = shown_attachments(mailbox, message)
        names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
        kept = ["@odata.type", "id", *names]
        return listing.page(
            call,
            shown,
            value_of=listing.property_of,
            show=lambda one: {k: v for k, v in one.items() if k in kept} if names else one,
            context=f"users('{mailbox.id}')/messages('{call.parameters['message']}')/attachments",
        )

    async def _attachment(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        number = _attachment_number(call, mailbox, message)
        return Answer(200, shown_attachments(mailbox, message)[number])

    async def _attached(self, call: Call) -> Answer:
        mailbox, message = self.find(call)
        stored = mailbox.contents(message)["attachments"][
            _attachment_number(call, mailbox, message)
        ]
        return Answer(200, attached_bytes(stored), {"Content-Type": stored["contentType"]})

    def find(self, call: Call) -> tuple[Mailbox, Document]:
        """Return the mailbox and message a call is about.

        Raises:
            GraphError: 404, no such mailbox, folder or message, or it is in another folder.
        """
        mailbox = self._mailbox(call)
        message = mailbox.message(call.parameters["message"])
        if wanted := call.parameters.get("folder"):
            mailbox.must_be_in(message, mailbox.folder(wanted))
        return mailbox, message

    def _mailbox(self, call: Call) -> Mailbox:
        return self._mailboxes.mailbox(call.parameters["user"])


def entity(call: Call, mailbox: Mailbox, message: Document, *, status: int = 200) -> Answer:
    """Answer with one message as the call wants it."""
    view = View(call)
    context = f"{call.base_url}/$metadata#users('{mailbox.id}')/messages"
    chosen = f"({','.join(view.select)})" if view.select else ""
    body = {"@odata.context": f"{context}{chosen}/$entity", **view.message(mailbox, message)}
    headers = {"ETag": ids.etag(message["changeKey"]), **view.applied}
    if status == 201:
        own = f"{call.base_url}/users('{mailbox.id}')/messages('{view.id_of(message)}')"
        headers["Location"] = own
    return Answer(status, body, headers)


def check_version(call: Call, message: Document) -> None:
    """Refuse a call whose If-Match names another version.

    Raises:
        GraphError: 412, the message has changed since.
    """
    wanted = call.headers.get("if-match", "*")
    if wanted == "*":
        return
    versions = {one.strip().removeprefix("W/").strip('"') for one in wanted.split(",")}
    if message["changeKey"] not in versions:
        raise GraphError(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in "
            "the request does not match the current change key for the item.",
        )


def value_of(message: Document, path: str) -> object:
    """Return what a filter or an order reads of a message.

    Raises:
        GraphError: 400, messages have no such property.
    """
    if path == "singleValueExtendedProperties":
        return [{"id": key, "value": value} for key, value in message["extended"].items()]
    name = path.partition("/")[0]
    if name not in message or name in ("extended", "meeting"):
        raise bad_request(
            f"Could not find a property named '{path}' on type 'microsoft.graph.message'.",
            "RequestBroker--ParseUri",
        )
    return listing.property_of(message, path)


def shown_attachments(mailbox: Mailbox, message: Document) -> list[Document]:
    """Return a message's attachments as Graph shows them."""
    stored = mailbox.contents(message)["attachments"]
    return [attachment(message, number, one) for number, one in enumerate(stored)]


def attached_bytes(stored: Document) -> bytes:
    """Return what is attached."""
    if "mime" in stored:
        return str(stored["mime"]).encode("latin-1")
    return base64.b64decode(stored["contentBytes"])


def _attachment_number(call: Call, mailbox: Mailbox, message: Document) -> int:
    shown = [one["id"] for one in shown_attachments(mailbox, message)]
    wanted = call.parameters["attachment"]
    if wanted not in shown:
        raise GraphError(404, "ErrorItemNotFound", "The specified attachment was not found.")
    return shown.index(wanted)


def _destination(call: Call, mailbox: Mailbox) -> Document:
    body = {name.lower(): value for name, value in call.json().items()}
    wanted = body.get("destinationid")
    if not isinstance(wanted, str) or not wanted:
        raise bad_request("DestinationId is required.", "ErrorInvalidRequest")
    return mailbox.folder(wanted)
