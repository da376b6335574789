"""What a caller may write into a contact, checked and made into what is stored (graph.md 8.4)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from sandbox.graph.drafts import EmailAddress, Property, Wrapped
from sandbox.graph.errors import bad_request
from sandbox.graph.shapes import Shape
from sandbox.graph.views import property_key
from sandbox.graph.wire import Camel, checked, stated
from sandbox.store import Document

_TEXTS = (
    "birthday", "fileAs", "displayName", "givenName", "initials", "middleName", "nickName",
    "surname", "title", "yomiGivenName", "yomiSurname", "yomiCompanyName", "generation",
    "jobTitle", "companyName", "department", "officeLocation", "profession", "businessHomePage",
    "assistantName", "manager", "mobilePhone", "spouseName", "personalNotes",
)  # fmt: skip
_LISTS = (
    "categories", "emailAddresses", "imAddresses", "homePhones", "businessPhones", "children",
)  # fmt: skip
_ADDRESSES = ("homeAddress", "businessAddress", "otherAddress")
_NAMES = ("givenName", "middleName", "surname", "generation")

CONTACT = Shape(
    "contact",
    {
        **dict.fromkeys(
            ("createdDateTime", "lastModifiedDateTime", "changeKey", "parentFolderId", *_TEXTS)
        ),
        **{name: [] for name in _LISTS},
        **{name: {} for name in _ADDRESSES},
    },
    expandable=("singleValueExtendedProperties",),
)


type Category = Annotated[str, Field(min_length=1, max_length=255)]


def _day(text: str) -> str:
    """Return a birthday as Exchange keeps it: the day, a minute before noon in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        day = moment.astimezone(UTC).date() if moment.tzinfo else None
    except (ValueError, OverflowError):
        day = None
    if day is None:
        raise ValueError("Cannot convert a literal to the expected type 'Edm.DateTimeOffset'.")
    return f"{day.isoformat()}T11:59:00Z"


class Address(Camel):
    """A physical address."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country_or_region: str | None = None


class Contact(Camel):
    """The writable properties of a contact; what is missing stays as it is."""

    birthday: Annotated[str, AfterValidator(_day)] | None = None
    file_as: str | None = None
    display_name: str | None = None
    given_name: str | None = None
    initials: str | None = None
    middle_name: str | None = None
    nick_name: str | None = None
    surname: str | None = None
    title: str | None = None
    yomi_given_name: str | None = None
    yomi_surname: str | None = None
    yomi_company_name: str | None = None
    generation: str | None = None
    job_title: str | None = None
    company_name: str | None = None
    department: str | None = None
    office_location: str | None = None
    profession: str | None = None
    business_home_page: str | None = None
    assistant_name: str | None = None
    manager: str | None = None
    mobile_phone: str | None = None
    spouse_name: str | None = None
    personal_notes: str | None = None
    categories: list[Category] = Field(default_factory=list)
    email_addresses: list[Wrapped[EmailAddress]] = Field(default_factory=list, max_length=3)
    im_addresses: list[str] = Field(default_factory=list, max_length=3)
    home_phones: list[str] = Field(default_factory=list, max_length=2)
    business_phones: list[str] = Field(default_factory=list, max_length=2)
    children: list[str] = Field(default_factory=list)
    home_address: Wrapped[Address] | None = None
    business_address: Wrapped[Address] | None = None
    other_address: Wrapped[Address] | None = None
    single_value_extended_properties: list[Wrapped[Property]] = Field(default_factory=list)


def new_contact(body: Document) -> Document:
    """Return a contact ready to be put in a folder.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    changes = _changes({}, body)
    return {"extended": {}, **_composed(changes), **changes}


def changes_of(contact: Document, body: Document) -> Document:
    """Return the properties a PATCH changes.

    Raises:
        GraphError: 400, a property is unknown, read-only or of a wrong type.
    """
    changes = _changes(contact, body)
    if not any(name in changes for name in _NAMES):
        return changes
    return {**_composed({**contact, **changes}), **changes}


def _changes(contact: Document, body: Document) -> Document:
    changes = stated(checked(Contact, body, "contact"))
    extended = changes.pop("singleValueExtendedProperties", [])
    if extended:
        added = {property_key(one["id"]): one["value"] for one in extended}
        changes["extended"] = contact.get("extended", {}) | added
    if "categories" in changes:
        changes["categories"] = list(dict.fromkeys(changes["categories"]))
    for one in changes.get("emailAddresses", ()):
        if not one.get("address"):
            raise bad_request("emailAddresses: address is required.", "ErrorInvalidArgument")
        one["name"] = one.get("name") or one["address"]
    for name in _ADDRESSES:
        if name in changes:
            changes[name] = _merged(contact.get(name, {}), changes[name])
    return changes


def _merged(before: Document, change: dict[str, Any] | None) -> Document:
    """Return an address of which a part was changed; null takes a line, or all of it, away."""
    lines = {} if change is None else {**before, **change}
    return {name: line for name, line in lines.items() if line is not None}


def _composed(contact: Document) -> Document:
    """Return the names Exchange makes up of a contact's others, for those that are not stated."""
    given, middle, surname, generation = (contact.get(name) or "" for name in _NAMES)
    first = " ".join(part for part in (given, middle) if part)
    addresses = contact.get("emailAddresses") or [{}]
    otherwise = contact.get("companyName") or addresses[0].get("address")
    whole = " ".join(part for part in (first, surname, generation) if part)
    filed = ", ".join(part for part in (surname, first) if part)
    letters = "".join(f"{part[0]}." for part in (given, middle, surname) if part)
    return {
        "displayName": whole or otherwise,
        "fileAs": filed or otherwise,
        "initials": letters or None,
    }
