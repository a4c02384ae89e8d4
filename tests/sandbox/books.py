"""The books of our PSPs: JSON documents in one SQLite file, which survive a kill -9 and a restart."""

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]
STEP = 100  # documents that a walk reads at a time

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, due REAL, body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS document_order ON document (kind, n);
CREATE INDEX IF NOT EXISTS document_due ON document (kind, due) WHERE due IS NOT NULL;
"""


class Books:
    """Documents by kind and id, in the order of their first entry.

    `due` (Unix seconds): when something must happen to one.
    """

    def __init__(self, path: Path | None) -> None:
        """In a file, or in memory."""
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
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

    def walk(self, kind: str, *, newest_first: bool, beyond: str | None = None) -> Iterator[Document]:
        """The documents of a kind one after the other, from the one of this id on; no more is read than is used."""
        n = -1 if not newest_first else 1 << 62
        if beyond is not None:
            with self._lock:
                row = self._db.execute("SELECT n FROM document WHERE kind = ? AND id = ?", (kind, beyond)).fetchone()
            if row is None:
                raise KeyError(beyond)
            n = row[0]
        rest = "n < ? ORDER BY n DESC" if newest_first else "n > ? ORDER BY n"
        while True:
            with self._lock:
                rows = self._db.execute(
                    f"SELECT n, body FROM document WHERE kind = ? AND {rest} LIMIT {STEP}",  # noqa: S608 (our own words)
                    (kind, n),
                ).fetchall()
            yield from (json.loads(body) for _, body in rows)
            if len(rows) < STEP:
                return
            n = rows[-1][0]

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
            row = self._db.execute(
                "SELECT min(due) FROM document WHERE kind = ? AND due IS NOT NULL", (kind,)
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def make_due(self, kind: str, at: float, but: Collection[str] = ()) -> None:
        """Bring everything of a kind that is due one day to this time, but for these."""
        with self.turn():
            due = self._db.execute("SELECT id FROM document WHERE kind = ? AND due IS NOT NULL", (kind,))
            moved = [(at, kind, id) for (id,) in due.fetchall() if id not in but]
            self._db.executemany("UPDATE document SET due = ? WHERE kind = ? AND id = ?", moved)

    def forget(self, kind: str, id: str) -> None:
        with self.turn():
            self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, id))

    def clear(self, kinds: Iterable[str]) -> None:
        with self.turn():
            self._db.executemany("DELETE FROM document WHERE kind = ?", [(kind,) for kind in kinds])

    def copy(self) -> bytes:
        """Everything as it is now, for `become`."""
        with self._lock:
            return self._db.serialize()

    def become(self, copy: bytes) -> None:
        """Be as the copy was. For books in memory."""
        with self._lock:
            self._db.deserialize(copy)

    def close(self) -> None:
        with self._lock:
            self._db.close()
