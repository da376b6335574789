"""Contacts: list, read, create, change, delete, and what has changed (graph.md 2.5, 5, 8.4)."""

from sandbox.graph import listing, rounds
from sandbox.graph.contact_fields import CONTACT, changes_of, new_contact
from sandbox.graph.errors import bad_request
from sandbox.graph.items import Items
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.messages import check_version
from sandbox.graph.protocol import Answer, Call, Handler, Route
from sandbox.graph.rounds import Token
from sandbox.graph.shapes import ShapedView
from sandbox.store import Document

READ = frozenset({"Contacts.Read", "Contacts.ReadWrite"})
WRITE = frozenset({"Contacts.ReadWrite"})


class Contacts:
    """Answers what is asked about contacts, in the default folder or in another."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        below: list[tuple[str, str, Handler, frozenset[str]]] = [
            ("GET", "", self._list, READ),
            ("POST", "", self._create, WRITE),
            ("GET", "/delta", self._delta, READ),
            ("GET", "/{contact}", self._get, READ),
            ("PATCH", "/{contact}", self._update, WRITE),
            ("DELETE", "/{contact}", self._delete, WRITE),
        ]
        return [
            Route(method, base + path, handler, roles)
            for base in ("/users/{user}/contacts", "/users/{user}/contactFolders/{folder}/contacts")
            for method, path, handler, roles in below
        ]

    async def _list(self, call: Call) -> Answer:
        contacts, folder = self._folder(call)
        view = ShapedView(call, CONTACT)
        answer = listing.page(
            call,
            contacts.in_folder(folder),
            value_of=CONTACT.value_of,
            show=view.show,
            context=_path(contacts),
        )
        answer.headers |= view.applied
        return answer

    async def _get(self, call: Call) -> Answer:
        contacts, contact = self._find(call)
        return ShapedView(call, CONTACT).entity(call, contact, _path(contacts))

    async def _create(self, call: Call) -> Answer:
        contacts, folder = self._folder(call)
        view = ShapedView(call, CONTACT)
        contact = contacts.add(new_contact(call.json()), folder)
        return view.entity(call, contact, _path(contacts), status=201)

    async def _update(self, call: Call) -> Answer:
        contacts, contact = self._find(call)
        check_version(call, contact)
        view = ShapedView(call, CONTACT)
        changed = contacts.update(contact, changes_of(contact, call.json()))
        return view.entity(call, changed, _path(contacts))

    async def _delete(self, call: Call) -> Answer:
        contacts, contact = self._find(call)
        check_version(call, contact)
        contacts.delete(contact)
        return Answer(204)

    async def _delta(self, call: Call) -> Answer:
        contacts, folder = self._folder(call)
        token = Token.read(call, ("$select",))
        check_options(call, ("$select",))
        view = ShapedView(token.asked(call), CONTACT)
        rows = contacts.since(token, folder)
        answer = rounds.page(call, token, rows, view.in_delta, "Collection(contact)")
        answer.headers |= view.applied
        return answer

    def _folder(self, call: Call) -> tuple[Items, str]:
        contacts = self._mailboxes.contacts(call.parameters["user"])
        wanted = call.parameters.get("folder", contacts.default)
        return contacts, str(contacts.folder(wanted)["id"])

    def _find(self, call: Call) -> tuple[Items, Document]:
        contacts, folder = self._folder(call)
        inside = folder if "folder" in call.parameters else None
        return contacts, contacts.item(call.parameters["contact"], inside)


def check_options(call: Call, options: tuple[str, ...]) -> None:
    """Refuse the first request of a round with an option its delta does not know.

    Raises:
        GraphError: 400, there is one.
    """
    known = (*options, "$skiptoken", "$deltatoken")
    if unknown := [name for name in call.query if name.startswith("$") and name not in known]:
        raise bad_request(f"The query option {unknown[0]} is not supported by delta.")


def _path(contacts: Items) -> str:
    return f"users('{contacts.mailbox}')/contacts"
