"""Whose an address is in Dynamics (server-side-sync.md 2.5). Pure."""

from collections.abc import Mapping, Sequence

from shared.dataverse.records import Record, Table
from shared.graph.items import Address

_MOST_MATCHES = 100  # an address more rows than this carry is nobody in particular
_ORDER = {table: place for place, table in enumerate(Table)}

Records = Mapping[str, Sequence[Record]]
"""Rows by address in lower case."""


def the_record(address: Address, records: Records, mailbox_owner: str) -> Record | None:
    """Return the one row an address is: the owner's own first, then by table and age."""
    rows = records.get(address.address.lower(), ())
    if len(rows) > _MOST_MATCHES:
        return None
    if len(rows) == 1:
        return rows[0]
    active = [row for row in rows if row.active]
    return min(
        active,
        key=lambda row: (row.owner != mailbox_owner, _ORDER[row.table], row.created, row.id),
        default=None,
    )
