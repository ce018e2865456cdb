"""The ledger's file: its tables, and durable transactions on them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dashlight.errors import HostError

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30.0
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES ('next_bundle_number', 1);
CREATE TABLE recordings (
    fingerprint TEXT PRIMARY KEY, path TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '', day TEXT, drive TEXT, started_at REAL, ended_at REAL, clock TEXT NOT NULL DEFAULT '',
    camera TEXT NOT NULL DEFAULT '', open_sequence TEXT, first_seen REAL NOT NULL
) STRICT;
CREATE TABLE bundles (
    number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, size_bytes INTEGER NOT NULL, pictures INTEGER NOT NULL,
    policy TEXT NOT NULL, sequence TEXT, state TEXT NOT NULL, not_before REAL NOT NULL, created_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, token TEXT, reason TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',
    receipt BLOB, received_at REAL, forget_at REAL
) STRICT;
CREATE INDEX bundles_state ON bundles (state, not_before);
CREATE TABLE pictures (
    recording TEXT NOT NULL, offset_ms INTEGER NOT NULL, bundle INTEGER NOT NULL REFERENCES bundles (number),
    number INTEGER NOT NULL, lon REAL NOT NULL, lat REAL NOT NULL, heading_deg REAL NOT NULL, picture_id TEXT,
    state TEXT NOT NULL DEFAULT 'kept', forget_at REAL,
    PRIMARY KEY (recording, offset_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX pictures_bundle ON pictures (bundle, number);
CREATE INDEX pictures_id ON pictures (picture_id) WHERE picture_id IS NOT NULL;
CREATE INDEX pictures_forget ON pictures (forget_at) WHERE forget_at IS NOT NULL;
CREATE TABLE drives (
    id TEXT PRIMARY KEY, started_at REAL NOT NULL, ended_at REAL NOT NULL, ends TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE places (
    number INTEGER PRIMARY KEY, anchor_lon REAL NOT NULL, anchor_lat REAL NOT NULL,
    lon REAL NOT NULL, lat REAL NOT NULL, radius_m REAL NOT NULL
) STRICT;
CREATE TABLE slots (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (token TEXT PRIMARY KEY, policy TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_CAME_UNDER = """
CREATE TABLE IF NOT EXISTS came_under (recording TEXT PRIMARY KEY, policy TEXT NOT NULL) STRICT, WITHOUT ROWID
"""  # Apart, as the next one, so that ledgers made before it get it too.
_TERMS = """
CREATE TABLE IF NOT EXISTS terms (bundle INTEGER PRIMARY KEY, license TEXT NOT NULL, attribution TEXT) STRICT
"""


class LedgerFile:
    """The open file; safe for several threads and processes, one writer at a time.

    Args:
        path: The SQLite file; made with mode 0600 when absent.

    Raises:
        HostError: When it cannot be opened, or was written by a newer dashlight.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()  # guards _db
        try:
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            self._db.text_factory = _text  # A path need not be UTF-8.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA foreign_keys=ON")
            self._db.execute("PRAGMA secure_delete=ON")
            self._migrate(path)
        except OSError as exc:
            raise HostError(f"cannot open the ledger {path}: {exc.strerror}") from exc
        except sqlite3.Error as exc:
            raise HostError(f"cannot open the ledger {path}: {exc}", hint="dashlight doctor") from exc

    def _migrate(self, path: Path) -> None:
        with self.transaction():
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            if version > SCHEMA_VERSION:
                raise HostError(
                    f"the ledger {path} has version {version}; this program reads up to {SCHEMA_VERSION}",
                    hint="update dashlight",
                )
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            self._db.execute(_CAME_UNDER)
            self._db.execute(_TERMS)

    def close(self) -> None:
        """Close the file; everything committed stays."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold one durable transaction: all of it, or nothing."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as exc:
                self._undo()
                raise HostError(f"cannot write the ledger: {exc}", hint="is the disk full?", code="ledger") from exc
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; for the siblings of this module."""
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as exc:
                raise HostError(f"cannot read the ledger: {exc}", code="ledger") from exc


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogateescape")
