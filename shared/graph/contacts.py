"""Contacts in a mailbox: how they are asked for, and what they say by Graph's names (8.4)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from pydantic import AwareDatetime, Field, model_validator

from shared.graph.client import GraphRequest
from shared.graph.items import Address, Item
from shared.identifiers import ItemId, MailboxId

_TEXTS = (
    "displayName", "fileAs", "givenName", "middleName", "surname", "initials", "nickName", "title",
    "generation", "yomiGivenName", "yomiSurname", "yomiCompanyName", "jobTitle", "companyName",
    "department", "officeLocation", "profession", "manager", "assistantName", "spouseName",
    "mobilePhone", "businessHomePage", "personalNotes",
)  # fmt: skip
_LISTS = {"businessPhones": 2, "homePhones": 2, "imAddresses": 3, "children": 10}
_POSTAL = ("businessAddress", "homeAddress", "otherAddress")
_LINES = ("street", "city", "state", "postalCode", "countryOrRegion")
_EMAILS = 3
_PARTS = ("address", "name")
_ALWAYS = (
    "id", "lastModifiedDateTime", "parentFolderId", "displayName", "givenName", "surname",
    "companyName", "emailAddresses",
)  # fmt: skip


class Form(StrEnum):
    """What stands at a path of a contact."""

    TEXT = "text"
    LIST = "list"
    DAY = "day"


PATHS: Mapping[str, Form] = {
    **dict.fromkeys(_TEXTS, Form.TEXT),
    **dict.fromkeys(_LISTS, Form.LIST),
    **{f"{name}[{n}]": Form.TEXT for name, most in _LISTS.items() for n in range(most)},
    **{f"{name}.{line}": Form.TEXT for name in _POSTAL for line in _LINES},
    **{f"emailAddresses[{n}].{part}": Form.TEXT for n in range(_EMAILS) for part in _PARTS},
    "birthday": Form.DAY,
}
"""All that can be read of a contact, each under the path it is named by."""


class Contact(Item):
    """A contact as Graph shows it now; `modified` is when it last changed (UTC)."""

    id: ItemId
    modified: AwareDatetime = Field(alias="lastModifiedDateTime")
    folder: str = Field(default="", alias="parentFolderId")
    birthday: AwareDatetime | None = None
    emails: tuple[Address, ...] = Field(default=(), alias="emailAddresses")
    texts: Mapping[str, str] = {}
    lists: Mapping[str, tuple[str, ...]] = {}
    postal: Mapping[str, Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _by_form(cls, body: object) -> object:
        if not isinstance(body, dict):
            return body
        return {
            **body,
            "texts": _present(body, _TEXTS),
            "lists": _present(body, _LISTS),
            "postal": {
                name: _present(one, _LINES) if isinstance(one, dict) else one
                for name, one in _present(body, _POSTAL).items()
            },
        }

    @property
    def said(self) -> dict[str, str | tuple[str, ...] | datetime]:
        """All it says, by path (`PATHS`); what it does not say is left out."""
        said: dict[str, str | tuple[str, ...] | datetime] = {**self.texts, **self.lists}
        for name, items in self.lists.items():
            said |= {f"{name}[{n}]": item for n, item in enumerate(items)}
        for name, lines in self.postal.items():
            said |= {f"{name}.{line}": text for line, text in lines.items()}
        for n, email in enumerate(self.emails):
            said[f"emailAddresses[{n}].address"] = email.address
            said[f"emailAddresses[{n}].name"] = email.name
        if self.birthday:
            said["birthday"] = self.birthday
        return said


def read_contact(mailbox: MailboxId, item: ItemId, paths: Iterable[str]) -> GraphRequest:
    """Ask for a contact with what stands at `paths`, and what the rules need of it."""
    # A property is asked for as a whole: Graph does not select a line of an address.
    properties = {path.partition(".")[0].partition("[")[0] for path in paths}
    select = ",".join((*_ALWAYS, *sorted(properties - {*_ALWAYS})))
    path = f"/users/{mailbox}/contacts/{quote(item, safe='')}"
    return GraphRequest("GET", f"{path}?$select={select}", mailbox)


def _present(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: body[name] for name in names if body.get(name) is not None}
