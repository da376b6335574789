"""Items of one kind in the folders of one mailbox: how they come, change and go."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID, uuid5

from sandbox.clock import Clock
from sandbox.graph import ids
from sandbox.graph.errors import GraphError, item_not_found
from sandbox.graph.mailbox import Change, Counter, graph_time, not_found
from sandbox.graph.rounds import Token
from sandbox.store import Document, Store


class Kind(NamedTuple):
    """What the items are called, their default folder, and its name in a path."""

    collection: str
    default: str
    alias: str = ""


CONTACTS = Kind("contacts", "Contacts", "contacts")
TASKS = Kind("tasks", "Tasks")


class Items:
    """A mailbox's contacts, or its tasks. Documents are never changed in place.

    An item's document holds the properties of the Graph resource, `id` being the immutable id, and
    beside them `regularId`, `entered` and `sequence` (of its last change). There is always a
    default folder.
    """

    def __init__(
        self,
        mailbox: str,
        kind: Kind,
        store: Store,
        counter: Counter,
        clock: Clock,
        observe: Callable[[Change], None],
    ) -> None:
        self.mailbox = mailbox
        self.collection = collection = kind.collection
        self._counter = counter
        self._clock = clock
        self._observe = observe
        self._alias = kind.alias
        self.folders = store.collection(f"{collection} folders {mailbox}")
        self._rows = store.collection(f"{collection} {mailbox}")
        self._removed = store.collection(f"{collection} removed {mailbox}")
        if not self.folders:
            self._new_folder(kind.default, None, default=True)
        self.default: str = next(key for key, one in self.folders.items() if one["isDefault"])
        self._by_regular_id = {row["regularId"]: row["id"] for row in self._rows.values()}

    def folder(self, name_or_id: str) -> Document:
        """Return a folder by id, or the default one by its alias.

        Raises:
            GraphError: 404 no such folder, 400 no id at all.
        """
        wanted = self.default if name_or_id.lower() == self._alias else name_or_id
        if wanted not in self.folders:
            raise not_found(name_or_id)
        return self.folders[wanted]

    def create_folder(self, name: str, *, parent: str | None = None) -> Document:
        """Add a folder and return it.

        Raises:
            GraphError: 409, its parent has a folder of that name.
        """
        self._check_name(name, parent, None)
        return self._new_folder(name, parent)

    def rename_folder(self, folder: Document, name: str) -> Document:
        """Give a folder another name and return its new version.

        Raises:
            GraphError: 409, another has it.
        """
        self._check_name(name, folder["parentFolderId"], folder["id"])
        number = self._counter.next()
        renamed = {
            **folder,
            "displayName": name,
            "sequence": number,
            "changeKey": ids.change_key(number),
        }
        self.folders[folder["id"]] = renamed
        return renamed

    def delete_folder(self, folder: Document) -> None:
        """Remove a folder for good, with the folders and items in it.

        Raises:
            GraphError: 400, it is the default folder.
        """
        if folder["id"] == self.default:
            raise GraphError(
                400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."
            )
        for below in self.children(folder["id"]):
            self.delete_folder(below)
        for item in self.in_folder(folder["id"]):
            self.delete(item)
        del self.folders[folder["id"]]
        self._remember(folder, None)

    def item(self, item_id: str, folder: str | None = None) -> Document:
        """Return an item by its immutable or its regular id, out of one folder or of any.

        Raises:
            GraphError: 404 no such item or not there, 400 no id at all.
        """
        found = self._rows.get(self._by_regular_id.get(item_id, item_id))
        if found is None:
            raise not_found(item_id)
        if folder is not None and found["parentFolderId"] != folder:
            raise item_not_found()
        return found

    def children(self, folder_id: str | None) -> list[Document]:
        """Return the folders in one (None: those in none), the oldest first."""
        inside = (one for one in self.folders.values() if one["parentFolderId"] == folder_id)
        return sorted(inside, key=lambda one: int(one["number"]))

    def in_folder(self, folder_id: str) -> list[Document]:
        """Return the items in one folder, the oldest first."""
        inside = (row for row in self._rows.values() if row["parentFolderId"] == folder_id)
        return sorted(inside, key=lambda row: int(row["entered"]))

    def add(self, item: Document, folder_id: str) -> Document:
        """Put a new item in a folder and return it with ids, version and times."""
        number = self._counter.next()
        item = self._stamped(item, number) | {
            "id": ids.immutable_id(self.mailbox, number),
            "regularId": ids.regular_id(self.mailbox, self.folders[folder_id]["number"], number),
            "entered": number,
            "createdDateTime": graph_time(self._clock.now()),
            "parentFolderId": folder_id,
        }
        self._by_regular_id[item["regularId"]] = item["id"]
        self._rows[item["id"]] = item
        self._observe(Change(self.mailbox, "created", None, item, self.collection))
        return item

    def update(self, item: Document, changes: Document) -> Document:
        """Change properties of an item and return its new version."""
        changed = self._stamped({**item, **changes}, self._counter.next())
        self._rows[item["id"]] = changed
        self._observe(Change(self.mailbox, "updated", item, changed, self.collection))
        return changed

    def delete(self, item: Document) -> None:
        """Remove an item for good."""
        del self._rows[item["id"]]
        del self._by_regular_id[item["regularId"]]
        self._remember(item, item["parentFolderId"])
        self._observe(Change(self.mailbox, "deleted", item, None, self.collection))

    def now(self) -> str:
        """Return the present moment as Graph writes it."""
        return graph_time(self._clock.now())

    def new_guid(self) -> str:
        """Return an id for a part of an item."""
        return str(uuid5(UUID(self.mailbox), f"{self.collection} {self._counter.next()}"))

    def since(self, token: Token, folder_id: str | None) -> list[Document]:
        """Return what changed in a folder since a token (None: the folders), in order.

        What has gone has `removedFrom`; a round from the start tells only what there is.
        """
        rows = self.folders.values() if folder_id is None else self.in_folder(folder_id)
        gone = [
            row
            for row in self._removed.values()
            if row["removedFrom"] == folder_id and row["sequence"] > token.since > 0
        ]
        return sorted(
            (row for row in (*rows, *gone) if row["sequence"] > token.at),
            key=lambda row: int(row["sequence"]),
        )

    def _new_folder(self, name: str, parent: str | None, *, default: bool = False) -> Document:
        number = self._counter.next()
        folder: Document = {
            "id": ids.folder_id(self.mailbox, number),
            "displayName": name,
            "parentFolderId": parent,
            "isDefault": default,
            "number": number,
            "sequence": number,
            "changeKey": ids.change_key(number),
        }
        self.folders[folder["id"]] = folder
        return folder

    def _check_name(self, name: str, parent: str | None, own_id: str | None) -> None:
        for other in self.folders.values():
            beside = other["parentFolderId"] == parent and other["id"] != own_id
            if beside and other["displayName"].lower() == name.lower():
                message = "A folder with the specified name already exists."
                raise GraphError(409, "ErrorFolderExists", message)

    def _remember(self, gone: Document, folder_id: str | None) -> None:
        number = self._counter.next()
        self._removed[str(number)] = {
            "removedFrom": folder_id,
            "id": gone["id"],
            "regularId": gone.get("regularId", gone["id"]),
            "sequence": number,
        }

    def _stamped(self, item: Document, number: int) -> Document:
        return {
            **item,
            "changeKey": ids.change_key(number),
            "sequence": number,
            "lastModifiedDateTime": graph_time(self._clock.now()),
        }
