"""Documents that survive the process, for the services whose real counterpart would keep them."""

import json
import sqlite3
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Collection(MutableMapping[str, Document]):
    """JSON documents by key, in memory, written behind by its store.

    A document that was changed in place must be assigned again (`rows[key] = row`): that is what
    marks it for the next commit.
    """

    def __init__(self, documents: dict[str, Document]) -> None:
        self._documents = documents
        self.changed: set[str] = set()

    def __getitem__(self, key: str) -> Document:
        return self._documents[key]

    def __setitem__(self, key: str, document: Document) -> None:
        self._documents[key] = document
        self.changed.add(key)

    def __delitem__(self, key: str) -> None:
        del self._documents[key]
        self.changed.add(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)


class Store:
    """Named collections, kept in a SQLite file when one is given.

    What was assigned before `commit` returned is there after `kill -9`. A service commits before it
    answers, so nothing it acknowledged is lost.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._collections: dict[str, Collection] = {}
        self._database: sqlite3.Connection | None = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS document"
            " (collection TEXT, key TEXT, body TEXT, PRIMARY KEY (collection, key)) WITHOUT ROWID"
        )

    def collection(self, name: str) -> Collection:
        """Return the collection of that name, with what was kept of it."""
        if name not in self._collections:
            self._collections[name] = Collection(self._read(name))
        return self._collections[name]

    def commit(self) -> None:
        """Write what changed since the last commit, in one transaction."""
        changed = {name: c for name, c in self._collections.items() if c.changed}
        if self._database and changed:
            self._database.execute("BEGIN")
            for name, collection in changed.items():
                self._write(name, collection)
            self._database.execute("COMMIT")
        for collection in changed.values():
            collection.changed.clear()

    def close(self) -> None:
        """Commit and let the file go."""
        self.commit()
        if self._database:
            self._database.close()

    def _read(self, name: str) -> dict[str, Document]:
        if not self._database:
            return {}
        rows = self._database.execute("SELECT key, body FROM document WHERE collection=?", (name,))
        return {key: json.loads(body) for key, body in rows}

    def _write(self, name: str, collection: Collection) -> None:
        assert self._database  # noqa: S101 - commit has looked
        gone = [(name, key) for key in collection.changed if key not in collection]
        kept = [
            (name, key, json.dumps(collection[key]))
            for key in collection.changed
            if key in collection
        ]
        self._database.executemany("DELETE FROM document WHERE collection=? AND key=?", gone)
        self._database.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", kept)
