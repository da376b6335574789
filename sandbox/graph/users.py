"""The directory: who there is, and ids translated from one form to another."""

import re
from collections.abc import Callable

from sandbox.graph import listing
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.mailboxes import Mailboxes
from sandbox.graph.protocol import Answer, Call, Route
from sandbox.store import Document
from sandbox.tenant import Person

READ = frozenset(
    {"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All", "Directory.Read.All"}
)
_DEFAULT = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone",
    "officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
_ON_REQUEST = ("accountEnabled", "mailNickname", "proxyAddresses", "userType")
_ID_TYPES = ("restId", "restImmutableEntryId", "ewsId")


class Users:
    """Answers what is asked about people."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def routes(self) -> list[Route]:
        """Return the operations served here."""
        return [
            Route("GET", "/users", self._list, READ, metered=False),
            Route("GET", "/users/{user}", self._get, READ, metered=False),
            Route("POST", "/users/{user}/translateExchangeIds", self._translate, READ),
        ]

    async def _list(self, call: Call) -> Answer:
        people = [user(mailbox.person) for mailbox in self._mailboxes.all()]
        return listing.page(
            call,
            people,
            value_of=listing.property_of,
            show=selecting(call),
            context="users",
        )

    async def _get(self, call: Call) -> Answer:
        person = user(self._mailboxes.person(call.parameters["user"]))
        context = f"{call.base_url}/$metadata#users/$entity"
        return Answer(200, {"@odata.context": context, **selecting(call)(person)})

    async def _translate(self, call: Call) -> Answer:
        mailbox = self._mailboxes.mailbox(call.parameters["user"])
        body = call.json()
        inputs, source, target = (
            body.get(name) for name in ("inputIds", "sourceIdType", "targetIdType")
        )
        if not isinstance(inputs, list) or not all(isinstance(one, str) for one in inputs):
            raise bad_request("inputIds must be an array of ids.")
        if len(inputs) > 1000:
            raise bad_request("At most 1,000 ids can be translated at once.")
        if source not in _ID_TYPES or target not in _ID_TYPES:
            raise bad_request(
                f"sourceIdType and targetIdType must be among {', '.join(_ID_TYPES)}."
            )
        results = []
        for given in inputs:
            result: Document = {"sourceId": given}
            try:
                wanted = given.translate(_FROM_EWS) if source == "ewsId" else given
                message = mailbox.message(wanted)
            except GraphError as error:
                result |= {"errorDetails": {"code": error.code, "message": error.message}}
            else:
                result["targetId"] = _form(message, str(target))
            results.append(result)
        context = f"{call.base_url}/$metadata#Collection(microsoft.graph.convertIdResult)"
        return Answer(200, {"@odata.context": context, "value": results})


_FROM_EWS = str.maketrans("/+", "-_")
_TO_EWS = str.maketrans("-_", "/+")


def _form(message: Document, target: str) -> str:
    if target == "restImmutableEntryId":
        return str(message["id"])
    regular = str(message["regularId"])
    return regular.translate(_TO_EWS) if target == "ewsId" else regular


def user(person: Person) -> Document:
    """Return a person as Graph shows them, with all there is to select."""
    given, _, surname = person.display_name.partition(" ")
    return {
        "id": person.id,
        "businessPhones": [],
        "displayName": person.display_name,
        "givenName": given,
        "jobTitle": None,
        "mail": person.upn,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": surname,
        "userPrincipalName": person.upn,
        "accountEnabled": True,
        "mailNickname": person.upn.partition("@")[0],
        "proxyAddresses": [f"SMTP:{person.upn}"],
        "userType": "Member",
    }


def selecting(call: Call) -> Callable[[Document], Document]:
    """Return what shows of a user what the call selects.

    Raises:
        GraphError: 400, it selects what a user does not have.
    """
    names = _selected(call)
    return lambda row: {name: row[name] for name in names}


def _selected(call: Call) -> list[str]:
    wanted = [name for name in re.split(r"\s*,\s*", call.query.get("$select", "")) if name]
    known = {name.lower(): name for name in (*_DEFAULT, *_ON_REQUEST)}
    for name in wanted:
        if name.lower() not in known:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.user'."
            raise bad_request(message, "Request_BadRequest")
    return [known[name.lower()] for name in wanted] or list(_DEFAULT)
