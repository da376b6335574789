"""The rows of all tables: versions, indexes, and transactions that can be undone."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.store import Store

Row = dict[str, Any]
"""A row by column name; a lookup is `{"table": …, "id": …}`. Never changed in place."""

COUNTERS = "$counters"
DELETED = "$deleted"


def fold(value: object) -> object:
    """Return the value as the database compares it: text and ids without regard to case."""
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, dict):
        return value["id"]
    return value


class Rows:
    """Rows by table and id, in a store.

    Everything between the outermost `transaction` and its end is kept together or not at all.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._journal: list[tuple[str, str, Row | None]] = []
        self._depth = 0
        self._indexes: dict[str, dict[str, dict[object, dict[str, None]]]] = {}

    def get(self, table: str, row_id: str) -> Row | None:
        """Return a row, or None."""
        return self._store.collection(table).get(row_id)

    def all(self, table: str) -> Iterable[tuple[str, Row]]:
        """Return the table's rows with their ids, in no particular order."""
        return self._store.collection(table).items()

    def count(self, table: str) -> int:
        """Return the number of rows."""
        return len(self._store.collection(table))

    def find(self, table: str, column: str, value: object) -> list[str]:
        """Return the ids of the rows with that value, text without regard to case."""
        return list(self._index(table, column).get(fold(value), ()))

    def put(self, table: str, row_id: str, row: Row) -> None:
        """Write a row."""
        self._note(table, row_id)
        self._write(table, row_id, row)

    def remove(self, table: str, row_id: str) -> None:
        """Delete a row."""
        self._note(table, row_id)
        self._write(table, row_id, None)

    def next_version(self) -> int:
        """Return a version number above all others of the organisation (dataverse.md 12.2)."""
        counters = self._store.collection(COUNTERS)
        version = int(counters.get("version", {"value": 1_000_000})["value"]) + 1
        counters["version"] = {"value": version}
        return version

    def last_version(self) -> int:
        """Return the version number given out last."""
        return int(self._store.collection(COUNTERS).get("version", {"value": 1_000_000})["value"])

    def bury(self, table: str, row_id: str) -> None:
        """Remember a deletion for change tracking."""
        version = self.next_version()
        self.put(DELETED, f"{table}/{row_id}", {"version": version, "table": table, "id": row_id})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo what was written inside when it ends with an exception; may be nested."""
        savepoint = len(self._journal)
        self._depth += 1
        try:
            yield
        except BaseException:
            while len(self._journal) > savepoint:
                table, row_id, row = self._journal.pop()
                self._write(table, row_id, row)
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._journal.clear()

    def commit(self) -> None:
        """Make what was written survive the process."""
        self._store.commit()

    def drop(self, table: str) -> None:
        """Delete all rows of a table."""
        for row_id in list(self._store.collection(table)):
            self.remove(table, row_id)

    def _note(self, table: str, row_id: str) -> None:
        if self._depth:
            self._journal.append((table, row_id, self.get(table, row_id)))

    def _write(self, table: str, row_id: str, row: Row | None) -> None:
        collection = self._store.collection(table)
        old = collection.get(row_id)
        for column, index in self._indexes.get(table, {}).items():
            before, after = _indexed(old, column), _indexed(row, column)
            if old is not None and (row is None or before != after):
                index[before].pop(row_id, None)
            if row is not None and (old is None or before != after):
                index.setdefault(after, {})[row_id] = None
        if row is not None:
            collection[row_id] = row
        elif old is not None:
            del collection[row_id]

    def _index(self, table: str, column: str) -> dict[object, dict[str, None]]:
        indexes = self._indexes.setdefault(table, {})
        if column not in indexes:
            index: dict[object, dict[str, None]] = {}
            for row_id, row in self.all(table):
                index.setdefault(_indexed(row, column), {})[row_id] = None
            indexes[column] = index
        return indexes[column]


def _indexed(row: Row | None, column: str) -> object:
    return None if row is None else fold(row.get(column))
