"""What the row of a contact says. Pure."""

from collections.abc import Iterable
from datetime import datetime, time, tzinfo

from shared.dataverse.contacts import Columns
from shared.dataverse.text import clean, fit
from shared.graph.contacts import Contact
from shared.sync.contacts.fields import ContactField, Transform

# Dataverse's dates begin in 1753; Outlook writes 1604 for a birthday without a year.
_YEARS = range(1753, 9999)
_EXCHANGE_DAY = time(11, 59)  # the time Exchange gives to what is only a day
_LINES = {
    Transform.LINE_1: slice(0, 1),
    Transform.LINE_2: slice(1, 2),
    Transform.LINE_3: slice(2, None),
}

type Said = str | tuple[str, ...] | datetime


def columns_of(contact: Contact, fields: Iterable[ContactField], where: tzinfo) -> Columns:
    """Return what a contact says in the column of each field; `where` is its mailbox's time zone.

    A name of its own there must be: a contact without one is called what Outlook calls it.
    """
    said: dict[str, Said] = contact.said
    if not (_text(contact, "givenName") or _text(contact, "surname")):
        said["surname"] = _text(contact, "displayName")
    return {
        field.column: _value(field, said.get(field.outlook, ""), where)
        for field in fields
        if field.direction.writes_dynamics
    }


def first_address(contact: Contact) -> str:
    """Return the address a person is known by, in lower case; empty for none."""
    first = contact.emails[0].address if contact.emails else ""
    return (_email(first, 100) or "").lower()


def company_of(contact: Contact) -> str:
    """Return the name of the company as it stands in Outlook."""
    return _text(contact, "companyName")


def name_of(contact: Contact) -> str:
    """Return what a contact is called."""
    return _text(contact, "displayName") or first_address(contact) or "(no name)"


def _text(contact: Contact, name: str) -> str:
    return clean(contact.texts.get(name, "")).strip()


def _value(field: ContactField, said: Said, where: tzinfo) -> str | None:
    match field.transform, said:
        case Transform.DAY, datetime():
            return _day(said, where)
        case Transform.JOINED, tuple():
            listed = ", ".join(filter(None, (one.strip() for one in said)))
            return _fitting(listed, field.length)
        case Transform.EMAIL, str():
            return _email(said, field.length)
        case (Transform.LINE_1 | Transform.LINE_2 | Transform.LINE_3) as line, str():
            lines = [one.strip() for one in said.strip().splitlines() if one.strip()]
            return _fitting(", ".join(lines[_LINES[line]]), field.length)
        case Transform.TEXT, str():
            return _fitting(said, field.length)
        case _:
            return None


def _fitting(text: str, length: int) -> str | None:
    return fit(clean(text).strip(), length).strip() or None


def _email(text: str, length: int) -> str | None:
    """Return an address, or nothing: half an address would be somebody else's.

    Contacts of colleagues may have an Exchange-internal name there, which has no `@`.
    """
    address = clean(text).strip()
    return address if "@" in address and fit(address, length) == address else None


def _day(moment: datetime, where: tzinfo) -> str | None:
    """Return the day a birthday is: kept as a time of no zone, or as midnight in the mailbox's."""
    if moment.year not in _YEARS:
        return None
    day = moment if moment.time() == _EXCHANGE_DAY else moment.astimezone(where)
    return day.date().isoformat()
