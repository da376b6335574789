"""An .ics file read component by component: what is wrong with one leaves the others be."""

import re

import icalendar
from icalendar import Calendar, Component

from sandbox.graph.text import clean
from sandbox.store import Document

_BLOCK = re.compile(
    r"^BEGIN:(VEVENT|VTIMEZONE|VTODO|VJOURNAL)[ \t]*\r?\n(?:(?!BEGIN:\1).*\r?\n)*?END:\1[ \t]*\r?$",
    re.MULTILINE | re.IGNORECASE,
)
_OTHERS = ("VTODO", "VJOURNAL")
_BEGIN = re.compile(r"^BEGIN:(VEVENT|VTODO|VJOURNAL)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


def read(raw: bytes) -> tuple[list[Component], list[Document]]:
    """Return the events of a file, and what else there is with the reason why it is none.

    Raises:
        ValueError: it is no calendar.
    """
    text = clean(_decoded(raw)).lstrip("\ufeff").strip()
    if not re.match(r"BEGIN:(VCALENDAR|VEVENT|VTODO|VJOURNAL)\b", text, re.IGNORECASE):
        raise ValueError("the body is no iCalendar file: it does not begin with BEGIN:VCALENDAR")
    # Zones of an earlier file must not be taken for this one's.
    icalendar.use_zoneinfo()
    roots = _parsed(text)
    if roots is None:
        whole = [found[0] for found in _BLOCK.finditer(text)]
        roots = _parsed("\n".join(["BEGIN:VCALENDAR", *whole, "END:VCALENDAR"])) or []
    components = [one for root in roots for one in root.walk()]
    events = [one for one in components if one.name == "VEVENT"]
    skipped = [entry(one, f"{one.name} is no event") for one in components if one.name in _OTHERS]
    lost = len(_BEGIN.findall(text)) - len(events) - len(skipped)
    skipped += [{"reason": "its lines are not those of a component"} for _ in range(lost)]
    if not events and not skipped:
        skipped.append({"reason": "the calendar holds no event"})
    return events, skipped


def entry(component: Component, reason: str) -> Document:
    """Return what is said of a component that was left out."""
    uid = text_of(component, "UID")
    return {**({"uid": uid} if uid else {}), "reason": reason}


def first(component: Component, name: str) -> object:
    """Return a property, the first of several; None when there is none or it is unreadable."""
    value = component.get(name)
    value = value[0] if isinstance(value, list) and value else value
    return None if isinstance(value, icalendar.prop.vBroken) else value


def every(component: Component, name: str) -> list[object]:
    """Return all properties of that name that are readable."""
    value = component.get(name, [])
    values = value if isinstance(value, list) else [value]
    return [one for one in values if not isinstance(one, icalendar.prop.vBroken)]


def text_of(component: Component, name: str) -> str:
    """Return a property's text, empty when there is none."""
    value = first(component, name)
    return "" if value is None else clean(str(value)).strip()


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _parsed(text: str) -> list[Component] | None:
    """Return the file's outermost components, None when it is not well-formed as a whole."""
    try:
        found = Calendar.from_ical(f"{text}\n", multiple=True)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):
        return None
    return list(found) or None
