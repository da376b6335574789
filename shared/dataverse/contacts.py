"""The `contact` row: what is read of one, and the operations that make and change one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.dataverse.activities import owned
from shared.dataverse.batch import Operation
from shared.dataverse.query import rows_where_in
from shared.identifiers import ActivityId

ADDRESS = "emailaddress1"
PARENT = "parentcustomerid_account@odata.bind"
"""Names a contact's company as if it were a column; null takes away whatever parent there is."""
MAX_ACCOUNT_NAME = 160
_PARENT_VALUE = "_parentcustomerid_value"
_KEPT = ("contactid", ADDRESS, "statecode", "createdon", "_ownerid_value", _PARENT_VALUE)
_ACTIVE = 0

type Columns = Mapping[str, str | None]
"""What a row says, by column; None is nothing."""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A `contact` row as it was read; `etag` guards a write to it.

    `parent` is the account or contact it belongs to, `said` what it says in the columns asked for.
    """

    id: ActivityId
    etag: str
    active: bool
    owner: str
    created: datetime
    address: str
    parent: str | None
    said: Columns


def select_of(columns: Collection[str]) -> str:
    """Return what is to be selected of a row to read `columns`."""
    return ",".join((*_KEPT, *sorted({*columns} - {*_KEPT, PARENT})))


def contacts_with(addresses: Collection[str], columns: Collection[str]) -> list[Operation]:
    """Ask for the rows that have one of `addresses` for their first."""
    return rows_where_in("contacts", [ADDRESS], addresses, select=select_of(columns))


def contacts_by_id(ids: Collection[ActivityId], columns: Collection[str]) -> list[Operation]:
    """Ask for rows by key."""
    return rows_where_in("contacts", ["contactid"], ids, select=select_of(columns))


def accounts_named(names: Collection[str]) -> list[Operation]:
    """Ask for the active accounts of some names; Dataverse compares without regard to case."""
    sought = {name for name in names if len(name) <= MAX_ACCOUNT_NAME}
    return rows_where_in(
        "accounts", ["name"], sought, select="accountid,name", and_filter="statecode eq 0"
    )


def contact_row(row: Mapping[str, Any], columns: Collection[str]) -> ContactRow:
    """Read a `contact` row, of which `columns` were asked for."""
    parent = row[_PARENT_VALUE]
    return ContactRow(
        id=ActivityId(row["contactid"]),
        etag=row["@odata.etag"],
        active=row["statecode"] == _ACTIVE,
        owner=row["_ownerid_value"] or "",
        created=datetime.fromisoformat(row["createdon"]),
        address=(row[ADDRESS] or "").lower(),
        parent=parent,
        said={
            **{column: row[column] or None for column in columns if column != PARENT},
            PARENT: account_path(parent) if parent else None,
        },
    )


def account_path(account: str) -> str:
    """Return how a row points to an account."""
    return f"accounts({account})"


def create_contact(contact: ActivityId, columns: Columns, owner: str) -> Operation:
    """Make the row, active; refused if there is one of that key."""
    said = {column: value for column, value in columns.items() if value is not None}
    return Operation("POST", "contacts", {"contactid": contact, **said, **owned(owner)})


def update_contact(row: ContactRow, columns: Columns) -> Operation:
    """Change columns of a row, unless it is no longer as it was read."""
    return Operation("PATCH", f"contacts({row.id})", dict(columns), if_match=row.etag)
