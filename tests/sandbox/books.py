"""The books of our PSPs: JSON documents in one SQLite file, which survive a kill -9 and a restart."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, due REAL, body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS document_due ON document (kind, due) WHERE due IS NOT NULL;
"""


class Books:
    """Documents by kind and id, in the order of their first entry.

    `due` (Unix seconds): when something must happen to one.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction, alone with the books; nested turns belong to the outermost."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._db.execute("BEGIN IMMEDIATE")
                yield
            except BaseException:
                if self._depth == 1:
                    self._db.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._db.execute("COMMIT")
            finally:
                self._depth -= 1

    def put(self, kind: str, id: str, body: Document, *, due: float | None = None) -> None:
        with self.turn():
            self._db.execute(
                "INSERT INTO document (kind, id, due, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET due = excluded.due, body = excluded.body",
                (kind, id, due, json.dumps(body)),
            )

    def get(self, kind: str, id: str) -> Document | None:
        with self._lock:
            row = self._db.execute("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str) -> list[Document]:
        """Every document of a kind, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT body FROM document WHERE kind = ? ORDER BY n", (kind,)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def where(self, kind: str, **fields: str) -> list[Document]:
        """The documents of a kind whose fields (of the top level) have these values, oldest first."""
        tests = "".join(f" AND json_extract(body, '$.{name}') = ?" for name in fields)
        with self._lock:
            rows = self._db.execute(
                f"SELECT body FROM document WHERE kind = ?{tests} ORDER BY n",  # noqa: S608 (names of our own)
                (kind, *fields.values()),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def latest(self, kind: str, count: int) -> list[Document]:
        """The `count` newest documents of a kind, newest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM document WHERE kind = ? ORDER BY n DESC LIMIT ?", (kind, count)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def due(self, kind: str, now: float | None = None) -> list[Document]:
        """The documents whose time has come."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM document WHERE kind = ? AND due <= ? ORDER BY due, n",
                (kind, time.time() if now is None else now),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def next_due(self, kind: str) -> float | None:
        with self._lock:
            row = self._db.execute("SELECT min(due) FROM document WHERE kind = ?", (kind,)).fetchone()
        return None if row[0] is None else float(row[0])

    def make_due(self, kind: str, at: float) -> None:
        """Bring everything of a kind that is due one day to this time."""
        with self.turn():
            self._db.execute("UPDATE document SET due = ? WHERE kind = ? AND due IS NOT NULL", (at, kind))

    def forget(self, kind: str, id: str) -> None:
        with self.turn():
            self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, id))

    def clear(self, kinds: Iterable[str]) -> None:
        with self.turn():
            self._db.executemany("DELETE FROM document WHERE kind = ?", [(kind,) for kind in kinds])

    def close(self) -> None:
        with self._lock:
            self._db.close()
