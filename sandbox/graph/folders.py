"""Mail folders."""

from sandbox.graph import listing, views
from sandbox.graph.errors import bad_request
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import READ, WRITE
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.store import Document


class Folders:
    """Answers what is asked about mail folders."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        folder = "/users/{user}/mailFolders"
        return [
            Route("GET", folder, self._list, READ),
            Route("POST", folder, self._create, WRITE),
            Route("GET", f"{folder}/{{folder}}", self._get, READ),
            Route("GET", f"{folder}/{{folder}}/childFolders", self._list, READ),
            Route("POST", f"{folder}/{{folder}}/childFolders", self._create, WRITE),
        ]

    async def _list(self, call: Call) -> Answer:
        mailbox, parent = self._place(call)
        inside = [f for f in mailbox.folders.values() if f["parentFolderId"] == parent]
        return listing.page(
            call,
            [views.folder(mailbox, folder) for folder in inside],
            value_of=listing.property_of,
            show=lambda shown: select(call, shown),
            context=f"users('{mailbox.id}')/mailFolders",
            default_order="displayName",
        )

    async def _get(self, call: Call) -> Answer:
        mailbox, folder_id = self._place(call)
        shown = views.folder(mailbox, mailbox.folder(str(folder_id)))
        return Answer(200, _entity(call, mailbox, select(call, shown)))

    async def _create(self, call: Call) -> Answer:
        mailbox, parent = self._place(call)
        name = call.json().get("displayName")
        if not isinstance(name, str) or not name.strip():
            raise bad_request("displayName is required.", "ErrorInvalidRequest")
        folder = mailbox.create_folder(name, parent=parent)
        return Answer(201, _entity(call, mailbox, views.folder(mailbox, folder)))

    def _place(self, call: Call) -> tuple[Mailbox, str | None]:
        mailbox = self._mailboxes.mailbox(call.parameters["user"])
        wanted = call.parameters.get("folder")
        return mailbox, mailbox.folder(wanted)["id"] if wanted else None


def select(call: Call, folder: Document) -> Document:
    """Return the properties of a folder that `$select` asks for.

    Raises:
        GraphError: 400, one is not a folder's.
    """
    names = [name.strip() for name in call.query.get("$select", "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in folder]:
        raise bad_request(
            f"Could not find a property named '{unknown[0]}' on type 'microsoft.graph.mailFolder'.",
            "RequestBroker--ParseUri",
        )
    return {name: folder[name] for name in dict.fromkeys(["id", *names])} if names else folder


def _entity(call: Call, mailbox: Mailbox, folder: Document) -> Document:
    context = f"{call.base_url}/$metadata#users('{mailbox.id}')/mailFolders/$entity"
    return {"@odata.context": context, **folder}
