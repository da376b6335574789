"""The rows an address can stand for: how they are found, and what the rules need of each."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.dataverse.batch import Operation
from shared.dataverse.query import rows_where_in

MAX_COLUMN_ADDRESS = 100  # a longer address cannot stand in any of the columns (dataverse.md 2.2)


class Table(StrEnum):
    """The tables an address is looked up in, first found first (server-side-sync.md 2.5)."""

    SYSTEMUSER = "systemuser"
    CONTACT = "contact"
    ACCOUNT = "account"
    LEAD = "lead"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class _Source:
    entity_set: str
    columns: tuple[str, ...]
    state_column: str = "statecode"

    def key(self, table: Table) -> str:
        return f"{table}id"


_THREE = ("emailaddress1", "emailaddress2", "emailaddress3")
_SOURCES = {
    Table.SYSTEMUSER: _Source("systemusers", ("internalemailaddress",), "isdisabled"),
    Table.CONTACT: _Source("contacts", _THREE),
    Table.ACCOUNT: _Source("accounts", _THREE),
    Table.LEAD: _Source("leads", _THREE),
    Table.QUEUE: _Source("queues", ("emailaddress",)),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A row with an address: which, whose, whether active, since when."""

    table: Table
    id: str
    owner: str
    active: bool
    created: datetime

    @property
    def path(self) -> str:
        """How other rows point to it."""
        return f"{_SOURCES[self.table].entity_set}({self.id})"


def records_with(addresses: Collection[str]) -> dict[Table, list[Operation]]:
    """Ask every table for the rows that carry one of `addresses`."""
    sought = {address for address in addresses if len(address) <= MAX_COLUMN_ADDRESS}
    return {table: _queries(table, source, sought) for table, source in _SOURCES.items()}


def records_by_address(
    table: Table, rows: Iterable[Mapping[str, Any]]
) -> Iterable[tuple[str, Record]]:
    """Yield each row under each of its addresses, in lower case; disabled users never count."""
    source = _SOURCES[table]
    for row in rows:
        if table is Table.SYSTEMUSER and row["isdisabled"]:
            continue
        record = Record(
            table=table,
            id=row[source.key(table)],
            owner=row.get("_ownerid_value") or row[source.key(table)],
            active=table is Table.SYSTEMUSER or row["statecode"] == 0,
            created=datetime.fromisoformat(row["createdon"]),
        )
        for address in {(row[column] or "").lower() for column in source.columns} - {""}:
            yield address, record


def _queries(table: Table, source: _Source, addresses: Collection[str]) -> list[Operation]:
    owner = [] if table is Table.SYSTEMUSER else ["_ownerid_value"]
    columns = [source.key(table), *source.columns, "createdon", source.state_column, *owner]
    return rows_where_in(source.entity_set, source.columns, addresses, select=",".join(columns))
