"""A store in one SQLite file, in write-ahead mode.

Changes wait in memory and go out in one transaction per commit. With `synchronous=NORMAL` what was
committed survives `kill -9` (service-bus.md 8). Locks are not kept: after a restart everything
locked is available again, with its old delivery count.
"""

import sqlite3
from pathlib import Path

from sandbox.servicebus.amqp.sections import Sections
from sandbox.servicebus.broker.message import Message, State
from sandbox.servicebus.store.base import Kept

_TABLES = """
CREATE TABLE IF NOT EXISTS message (
    queue TEXT, sequence INTEGER, enqueue_sequence INTEGER, message_id TEXT, session_id TEXT,
    enqueued REAL, expires REAL, scheduled REAL, state INTEGER, delivery_count INTEGER,
    source TEXT, size INTEGER, raw BLOB, PRIMARY KEY (queue, sequence)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (
    queue TEXT, id TEXT, state BLOB, at REAL, PRIMARY KEY (queue, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS duplicate (
    queue TEXT, id TEXT, expires REAL, PRIMARY KEY (queue, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (
    queue TEXT PRIMARY KEY, sequence INTEGER) WITHOUT ROWID;
"""


class SqliteStore:
    """Keeps queues in the file at `path`, which is made when missing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_TABLES)
        self._messages: dict[tuple[str, int], Message | None] = {}
        self._sessions: dict[tuple[str, str], tuple[bytes, float] | None] = {}
        self._duplicates: dict[tuple[str, str], float | None] = {}
        self._counters: dict[str, int] = {}

    def restore(self, queue: str) -> Kept:
        """Return what an earlier run left of a queue, messages by sequence number."""
        query = self._database.execute
        last = query("SELECT sequence FROM counter WHERE queue=?", (queue,)).fetchone()
        rows = query("SELECT * FROM message WHERE queue=? ORDER BY sequence", (queue,))
        sessions = query("SELECT id, state, at FROM session WHERE queue=?", (queue,))
        duplicates = query(
            "SELECT id, expires FROM duplicate WHERE queue=? ORDER BY expires", (queue,)
        )
        return Kept(
            last[0] if last else 0,
            [_message(row) for row in rows],
            {session_id: (state, at) for session_id, state, at in sessions},
            {row["id"]: row["expires"] for row in duplicates},
        )

    def keep(self, queue: str, message: Message) -> None:
        """Add or replace a message; it is read at commit."""
        self._messages[queue, message.sequence] = message
        if message.sequence > self._counters.get(queue, 0):
            self._counters[queue] = message.sequence

    def drop(self, queue: str, sequence: int) -> None:
        """Remove a message."""
        self._messages[queue, sequence] = None

    def keep_session(self, queue: str, session_id: str, state: bytes | None, at: float) -> None:
        """Set or, with None, remove a session's state."""
        self._sessions[queue, session_id] = None if state is None else (state, at)

    def keep_duplicate(self, queue: str, message_id: str, expires: float | None) -> None:
        """Set or, with None, remove a message id of the duplicate window."""
        self._duplicates[queue, message_id] = expires

    def commit(self) -> None:
        """Write everything since the last commit in one transaction."""
        if not (self._messages or self._sessions or self._duplicates):
            return
        self._database.execute("BEGIN")
        self._write_messages()
        self._write(
            "session",
            {key: None if kept is None else (*key, *kept) for key, kept in self._sessions.items()},
        )
        self._write(
            "duplicate",
            {key: None if at is None else (*key, at) for key, at in self._duplicates.items()},
        )
        self._database.executemany(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT (queue) DO UPDATE"
            " SET sequence = max(sequence, excluded.sequence)",
            self._counters.items(),
        )
        self._database.execute("COMMIT")
        for waiting in (self._messages, self._sessions, self._duplicates, self._counters):
            waiting.clear()

    def close(self) -> None:
        """Commit and let the file go."""
        self.commit()
        self._database.close()

    def _write_messages(self) -> None:
        gone = [key for key, message in self._messages.items() if message is None]
        kept = [_row(queue, message) for (queue, _), message in self._messages.items() if message]
        self._database.executemany("DELETE FROM message WHERE queue=? AND sequence=?", gone)
        self._database.executemany(
            f"INSERT OR REPLACE INTO message VALUES ({','.join('?' * 13)})",  # noqa: S608 - marks
            kept,
        )

    def _write(self, table: str, rows: dict[tuple[str, str], tuple[object, ...] | None]) -> None:
        gone = [key for key, row in rows.items() if row is None]
        kept = [row for row in rows.values() if row is not None]
        if gone:
            self._database.executemany(f"DELETE FROM {table} WHERE queue=? AND id=?", gone)  # noqa: S608 - our own table names
        if kept:
            marks = ",".join("?" * len(kept[0]))
            self._database.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", kept)  # noqa: S608 - as above


def _row(queue: str, message: Message) -> tuple[object, ...]:
    return (
        queue,
        message.sequence,
        message.enqueue_sequence,
        message.message_id,
        message.session_id,
        message.enqueued,
        message.expires,
        message.scheduled,
        int(message.state),
        message.delivery_count,
        message.source,
        message.size,
        message.stored(),
    )


def _message(row: sqlite3.Row) -> Message:
    return Message(
        Sections.read(row["raw"]),
        row["message_id"],
        row["session_id"],
        row["size"],
        row["sequence"],
        row["enqueue_sequence"],
        row["enqueued"],
        row["expires"],
        row["scheduled"],
        State(row["state"]),
        row["delivery_count"],
        row["source"],
    )
