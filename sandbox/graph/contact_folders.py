"""Contact folders: those in the default one, which is not listed itself, and those below."""

from sandbox.graph import ids, listing, rounds
from sandbox.graph.contacts import READ, WRITE, check_options
from sandbox.graph.items import Items
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.graph.rounds import Token
from sandbox.graph.views import selected
from sandbox.graph.wire import Camel, checked, stated
from sandbox.store import Document

_NAMES = ("id", "parentFolderId", "displayName")


class Folder(Camel):
    """What a caller says of a folder."""

    display_name: str


class ContactFolders:
    """Answers what is asked about contact folders."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        folders = "/users/{user}/contactFolders"
        return [
            Route("GET", folders, self._list, READ),
            Route("POST", folders, self._create, WRITE),
            Route("GET", f"{folders}/delta", self._delta, READ),
            Route("GET", f"{folders}/{{folder}}", self._get, READ),
            Route("PATCH", f"{folders}/{{folder}}", self._rename, WRITE),
            Route("DELETE", f"{folders}/{{folder}}", self._delete, WRITE),
            Route("GET", f"{folders}/{{folder}}/childFolders", self._list, READ),
            Route("POST", f"{folders}/{{folder}}/childFolders", self._create, WRITE),
        ]

    async def _list(self, call: Call) -> Answer:
        contacts, parent = self._find(call)
        return listing.page(
            call,
            [_folder(contacts, one) for one in contacts.children(parent["id"])],
            value_of=listing.property_of,
            show=lambda shown: _chosen(call, shown),
            context=_path(contacts),
        )

    async def _create(self, call: Call) -> Answer:
        contacts, parent = self._find(call)
        name = stated(checked(Folder, call.json(), "contactFolder"))["displayName"]
        folder = contacts.create_folder(name, parent=parent["id"])
        return _entity(call, contacts, folder, status=201)

    async def _get(self, call: Call) -> Answer:
        return _entity(call, *self._find(call))

    async def _rename(self, call: Call) -> Answer:
        contacts, folder = self._find(call)
        name = stated(checked(Folder, call.json(), "contactFolder"))["displayName"]
        return _entity(call, contacts, contacts.rename_folder(folder, name))

    async def _delete(self, call: Call) -> Answer:
        contacts, folder = self._find(call)
        contacts.delete_folder(folder)
        return Answer(204)

    async def _delta(self, call: Call) -> Answer:
        contacts = self._mailboxes.contacts(call.parameters["user"])
        token = Token.read(call, ("$select",))
        check_options(call, ("$select",))
        asked = token.asked(call)

        def show(row: Document) -> Document:
            if "removedFrom" in row:
                return {"id": row["id"], "@removed": {"reason": "deleted"}}
            return _chosen(asked, _folder(contacts, row))

        rows = contacts.since(token, None)
        return rounds.page(call, token, rows, show, "Collection(contactFolder)")

    def _find(self, call: Call) -> tuple[Items, Document]:
        contacts = self._mailboxes.contacts(call.parameters["user"])
        return contacts, contacts.folder(call.parameters.get("folder", contacts.default))


def _folder(contacts: Items, folder: Document) -> Document:
    parent = folder["parentFolderId"] or ids.folder_id(contacts.mailbox, 0)
    return {"id": folder["id"], "parentFolderId": parent, "displayName": folder["displayName"]}


def _chosen(call: Call, shown: Document) -> Document:
    names = selected(call.query.get("$select"), _NAMES, "contactFolder")
    return {name: shown[name] for name in dict.fromkeys(["id", *(names or _NAMES)])}


def _entity(call: Call, contacts: Items, folder: Document, *, status: int = 200) -> Answer:
    context = f"{call.base_url}/$metadata#{_path(contacts)}/$entity"
    shown = _chosen(call, _folder(contacts, folder))
    return Answer(status, {"@odata.context": context, **shown})


def _path(contacts: Items) -> str:
    return f"users('{contacts.mailbox}')/contactFolders"
