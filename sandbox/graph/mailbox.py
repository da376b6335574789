"""One mailbox: its folders and messages, and every way a message comes, changes, moves and goes."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from sandbox.clock import Clock
from sandbox.graph import ids, threads
from sandbox.graph.errors import GraphError, bad_request, item_not_found
from sandbox.graph.mail_properties import mail_properties
from sandbox.graph.mime import parse
from sandbox.graph.text import preview
from sandbox.store import Collection, Document, Store
from sandbox.tenant import Person

WELL_KNOWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "archive": "Archive",
    "outbox": "Outbox",
}
_ID = re.compile(r"[A-Za-z0-9_=-]{40,}")

type Kind = Literal["created", "updated", "deleted"]


class Change(NamedTuple):
    """Something that happened to an item: how it was (None: new) and how it is (None: gone)."""

    mailbox: str
    kind: Kind
    before: Document | None
    after: Document | None
    collection: str = "messages"


class Counter:
    """The tenant's sequence: numbers ids and versions, never twice the same."""

    def __init__(self, store: Store) -> None:
        self._state = store.collection("counters")

    def next(self) -> int:
        """Return the next number."""
        self._state["sequence"] = {"value": self.last + 1}
        return self.last

    @property
    def last(self) -> int:
        """The number given last."""
        return int(self._state.get("sequence", {"value": 0})["value"])


class Mailbox:
    """A person's mail. Documents are never changed in place: each version is a document of its own.

    A message's document holds the properties of the Graph resource, `id` being the immutable id,
    and beside them `regularId`, `sequence` (of its last change), `entered` (when it came to its
    folder), `extended` (single-value extended properties) and `meeting`. What is large or seldom
    asked for is in `contents`: `mime`, `headers`, `attachments`.
    """

    def __init__(
        self,
        person: Person,
        store: Store,
        counter: Counter,
        clock: Clock,
        observe: Callable[[Change], None],
    ) -> None:
        self.person = person
        self.id = person.id
        self._counter = counter
        self._clock = clock
        self._observe = observe
        self.folders = store.collection(f"folders {person.id}")
        self.messages = store.collection(f"messages {person.id}")
        self.removed = store.collection(f"removed {person.id}")
        self._contents: Collection = store.collection(f"contents {person.id}")
        self._by_folder: dict[str, dict[str, None]] = {}
        self._by_regular_id: dict[str, str] = {}
        self._by_message_id: dict[str, str] = {}
        if not self.folders:
            for name, shown in WELL_KNOWN.items():
                self.create_folder(shown, well_known=name)
        for message in self.messages.values():
            self._index(message)

    def folder(self, name_or_id: str) -> Document:
        """Return a folder by id or well-known name.

        Raises:
            GraphError: 404 no such folder, 400 no id at all.
        """
        wanted = name_or_id.lower()
        if wanted in WELL_KNOWN:
            return next(f for f in self.folders.values() if f["wellKnownName"] == wanted)
        if name_or_id in self.folders:
            return self.folders[name_or_id]
        raise not_found(name_or_id)

    def create_folder(
        self, name: str, *, parent: str | None = None, well_known: str | None = None
    ) -> Document:
        """Add a folder and return it.

        Raises:
            GraphError: 409, its parent has a folder of that name.
        """
        shown = name.lower()
        for other in self.folders.values():
            if other["parentFolderId"] == parent and other["displayName"].lower() == shown:
                message = "A folder with the specified name already exists."
                raise GraphError(409, "ErrorFolderExists", message)
        number = self._counter.next()
        folder: Document = {
            "id": ids.folder_id(self.id, number),
            "displayName": name,
            "parentFolderId": parent,
            "wellKnownName": well_known,
            "number": number,
            "sequence": number,
        }
        self.folders[folder["id"]] = folder
        return folder

    def message(self, item_id: str) -> Document:
        """Return a message by its immutable or its present regular id.

        Raises:
            GraphError: 404 no such message, 400 no id at all.
        """
        found = self.messages.get(self._by_regular_id.get(item_id, item_id))
        if found is None:
            raise not_found(item_id)
        return found

    def must_be_in(self, message: Document, folder: Document) -> None:
        """Refuse a message that is in another folder.

        Raises:
            GraphError: 404, it is.
        """
        if message["parentFolderId"] != folder["id"]:
            raise item_not_found()

    def now(self) -> datetime:
        """Return the present moment of the service."""
        return self._clock.now()

    def contents(self, message: Document) -> Document:
        """Return a message's MIME (as latin-1 text), headers and attachments."""
        return self._contents[message["id"]]

    def in_folder(self, folder_id: str) -> Iterator[Document]:
        """Return the messages in one folder."""
        return (self.messages[key] for key in self._by_folder.get(folder_id, ()))

    def by_message_id(self, message_id: str) -> Document | None:
        """Return the first message with that Message-ID."""
        found = self._by_message_id.get(message_id)
        return self.messages[found] if found else None

    def add(self, message: Document, contents: Document, folder_id: str) -> Document:
        """Put a new message in a folder and return it with ids, versions and creation time."""
        number = self._counter.next()
        now = graph_time(self._clock.now())
        message = {
            **message,
            "id": ids.immutable_id(self.id, number),
            "createdDateTime": now,
            "bodyPreview": preview(message["body"]),
            "hasAttachments": any(not a["isInline"] for a in contents["attachments"]),
        }
        message = self._stamped(message, number) | self._placed(folder_id, number)
        self._contents[message["id"]] = contents
        self._keep(message)
        self._observe(Change(self.id, "created", None, message))
        return message

    def update(
        self, message: Document, changes: Document, *, contents: Document | None = None
    ) -> Document:
        """Change properties of a message and return its new version."""
        changed = self._stamped({**message, **changes}, self._counter.next())
        if contents is not None:
            self._contents[message["id"]] = contents
            changed["hasAttachments"] = any(not a["isInline"] for a in contents["attachments"])
        if "body" in changes:
            changed["bodyPreview"] = preview(changed["body"])
        self._keep(changed)
        self._observe(Change(self.id, "updated", message, changed))
        return changed

    def replace_contents(self, message: Document, contents: Document) -> None:
        """Keep other contents for a message that is about to be changed."""
        self._contents[message["id"]] = contents

    def move(self, message: Document, folder_id: str, changes: Document | None = None) -> Document:
        """Put a message in another folder: the same immutable id, a new regular one.

        Nobody is told that it moved: it is deleted here and created there (graph.md 2.3).
        """
        self._take_out(message)
        number = self._counter.next()
        moved = self._stamped({**message, **(changes or {})}, number)
        moved |= self._placed(folder_id, number)
        self._keep(moved)
        self._observe(Change(self.id, "deleted", message, None))
        self._observe(Change(self.id, "created", None, moved))
        return moved

    def delete(self, message: Document) -> None:
        """Move a message to Deleted Items; from there, it is gone."""
        if self._is_below(message["parentFolderId"], self.folder("deleteditems")["id"]):
            self.purge(message)
        else:
            self.move(message, self.folder("deleteditems")["id"])

    def purge(self, message: Document) -> None:
        """Remove a message for good."""
        self._take_out(message)
        del self.messages[message["id"]]
        del self._contents[message["id"]]
        if self._by_message_id.get(message["internetMessageId"]) == message["id"]:
            del self._by_message_id[message["internetMessageId"]]
        self._observe(Change(self.id, "deleted", message, None))

    def deliver(
        self,
        raw: bytes,
        *,
        folder: str = "inbox",
        categories: list[str] | None = None,
        received: datetime | None = None,
    ) -> Document:
        """Put a raw message in a folder as if it had just come in, and return it.

        Raises:
            GraphError: no such folder. Nothing in the message itself is refused.
        """
        folder_id = self.folder(folder)["id"]
        parsed = parse(raw)
        if not parsed["messageId"]:
            message_id = self.new_message_id()
            raw = f"Message-ID: {message_id}\r\n".encode() + raw
            parsed["messageId"] = message_id
            parsed["headers"].insert(0, {"name": "Message-ID", "value": message_id})
        message = self._received(parsed, received or self._clock.now())
        message["categories"] = list(categories or [])
        contents = {
            "mime": raw.decode("latin-1"),
            "headers": parsed["headers"],
            "attachments": parsed["attachments"],
        }
        return self.add(message, contents, folder_id)

    def new_message_id(self) -> str:
        """Return a Message-ID as Exchange assigns one."""
        token = ids.change_key(self._counter.next())[-16:].replace("/", "A").replace("+", "B")
        return f"<{token.upper()}{self._counter.last:08X}@sandbox.prod.outlook.com>"

    def conversation(
        self, message_id: str, *, index: str = "", in_reply_to: str = "", references: str = ""
    ) -> Document:
        """Return conversationId and conversationIndex for a message with those headers."""
        stated = threads.from_thread_index(index) if index else None
        found = stated or self._continued(message_id, in_reply_to, references)
        return {
            "conversationId": ids.conversation_id(self.id, threads.thread_of(found)),
            "conversationIndex": found,
        }

    def _continued(self, message_id: str, in_reply_to: str, references: str) -> str:
        parents = threads.message_ids(in_reply_to)
        chain = threads.message_ids(references)
        for ancestor in [*parents, *reversed(chain)]:
            if ancestor != message_id and (known := self.by_message_id(ancestor)):
                return threads.reply(known["conversationIndex"], message_id)
        if first := next(iter([*chain, *parents]), None):
            return threads.reply(threads.root(first), message_id)
        return threads.root(message_id)

    def _received(self, parsed: Document, received: datetime) -> Document:
        references = {
            "String 0x1035": parsed["messageId"],
            "String 0x1042": parsed["inReplyTo"],
            "String 0x1039": parsed["references"],
        }
        copied = (
            "subject", "body", "from", "sender", "toRecipients", "ccRecipients", "bccRecipients",
            "replyTo", "importance", "isReadReceiptRequested", "isDeliveryReceiptRequested",
            "meeting",
        )  # fmt: skip
        return {
            **{name: parsed[name] for name in copied},
            "receivedDateTime": graph_time(received),
            "sentDateTime": graph_time(parsed["sent"] or received),
            "internetMessageId": parsed["messageId"],
            "isRead": False,
            "isDraft": False,
            "inferenceClassification": "focused",
            "flag": {"flagStatus": "notFlagged"},
            "extended": {
                **{name: value for name, value in references.items() if value},
                **mail_properties(parsed["headers"]),
            },
            **self.conversation(
                parsed["messageId"],
                index=parsed["threadIndex"],
                in_reply_to=parsed["inReplyTo"],
                references=parsed["references"],
            ),
        }

    def _stamped(self, message: Document, number: int) -> Document:
        message["changeKey"] = ids.change_key(number)
        message["sequence"] = number
        message["lastModifiedDateTime"] = graph_time(self._clock.now())
        return message

    def _placed(self, folder_id: str, number: int) -> Document:
        return {
            "parentFolderId": folder_id,
            "regularId": ids.regular_id(self.id, self.folders[folder_id]["number"], number),
            "entered": number,
        }

    def _keep(self, message: Document) -> None:
        self.messages[message["id"]] = message
        self._index(message)

    def _index(self, message: Document) -> None:
        self._by_folder.setdefault(message["parentFolderId"], {})[message["id"]] = None
        self._by_regular_id[message["regularId"]] = message["id"]
        self._by_message_id.setdefault(message["internetMessageId"], message["id"])

    def _take_out(self, message: Document) -> None:
        number = self._counter.next()
        self._by_folder[message["parentFolderId"]].pop(message["id"])
        self._by_regular_id.pop(message["regularId"])
        self.removed[str(number)] = {
            "folder": message["parentFolderId"],
            "id": message["id"],
            "regularId": message["regularId"],
            "sequence": number,
        }

    def _is_below(self, folder_id: str | None, ancestor: str) -> bool:
        while folder_id is not None and folder_id != ancestor:
            folder_id = self.folders[folder_id]["parentFolderId"]
        return folder_id == ancestor


def graph_time(moment: datetime) -> str:
    """Return a moment as Graph writes it, e.g. `2026-11-02T08:01:09Z`."""
    return f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}Z"


def not_found(item_id: str) -> GraphError:
    """Return the refusal of an id: 404, nothing has it; 400, it cannot be one."""
    if _ID.fullmatch(item_id):
        return item_not_found()
    return bad_request("Id is malformed.", "ErrorInvalidIdMalformed")
