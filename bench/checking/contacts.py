"""What Dynamics should hold of contacts: one row of a person, saying what Outlook says."""

from typing import Any
from urllib.parse import quote

from bench.journal import Line
from bench.running import Run
from shared.identifiers import Kind

_TRACKED = 1
_FIELDS = {
    "givenName": "firstname",
    "surname": "lastname",
    "jobTitle": "jobtitle",
    "mobilePhone": "mobilephone",
    "department": "department",
}
_LINKS = "tether_links?$filter=tether_kind eq 3"


async def differences(run: Run) -> list[str]:
    """Return every difference between the contacts of a run and Dynamics, in plain words."""
    lines = run.journal.of(Kind.CONTACTS)
    rows = await run.stack.rows(f"contacts?$select=emailaddress1,{','.join(_FIELDS.values())}")
    links = {
        (row["_tether_mailboxid_value"], row["tether_itemid"]): row
        for row in await run.stack.rows(_LINKS)
        if row["tether_state"] == _TRACKED
    }
    found: list[str] = []
    for line in lines:
        link = links.pop((line.mailbox, line.item), None)
        if (link is not None) != line.expected.startswith("tracked"):
            found.append(f"'{line.subject}' in {line.upn}: the link is {link}")
        if link:
            found += await _row_differences(run, line, link, rows)
    return [*found, *(f"Dynamics holds a link too many: {key}" for key in links)]


async def _row_differences(
    run: Run, line: Line, link: dict[str, Any], rows: list[dict[str, Any]]
) -> list[str]:
    shown = await run.read(f"/users/{line.upn}/contacts/{quote(line.item, safe='')}")
    held = [row for row in rows if (row["emailaddress1"] or "").lower() == line.identity.lower()]
    if [row["contactid"] for row in held] != [link["_tether_contactid_value"]]:
        return [f"'{line.subject}' in {line.upn}: the rows of that address are {held}"]
    return [
        f"'{line.subject}' in {line.upn}: {column} is {held[0][column]}, not {shown.get(name)}"
        for name, column in _FIELDS.items()
        if (shown.get(name) or None) != held[0][column]
    ]
