"""What this edge has seen, spooled and had acknowledged: one SQLite file that never leaves the machine.

Moments at which something is durable (`synchronous=FULL`, so a commit is an fsync):

    reserve_bundle_number   before the number is used; a crash burns it, it never comes twice
    add_bundle              after the spool's file; from here on its pictures are never selected again
    token_for               before the first byte is sent; a retry after a crash spends the same token
    receive                 the verified receipt; only after it may the spool drop the file

A bundle is `spooled`, then `received` or `refused` (kept, shown, never sent again by itself). `forgotten` is the
end of those whose owner changed their mind.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from dashlight.errors import HostError, NotFound
from dashlight.model import LonLat, Policy
from dashlight.publication import HiddenPlace

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
"""  # Apart, so that ledgers made before it get it too.


class BundleState(StrEnum):
    """Where a bundle is on its way."""

    SPOOLED = "spooled"
    RECEIVED = "received"
    REFUSED = "refused"
    FORGOTTEN = "forgotten"


class RecordingState(StrEnum):
    """How far a recording has come."""

    OPEN = "open"  # Begun; pictures of it may be missing.
    DONE = "done"  # All its pictures are in bundles; it is skipped from now on.
    WAITING = "waiting"  # The policy does not let anything of it be told yet.
    REJECTED = "rejected"  # Nothing can be made of it.
    FORGOTTEN = "forgotten"  # Its owner took it back; it is never taken again.


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture that is in a bundle.

    Attributes:
        recording: Fingerprint of its recording.
        offset_ms: Where in it; with `recording` the picture's name on this machine.
        lon: As claimed.
        lat: As claimed.
        heading_deg: As claimed.
        bundle: The bundle's number; 0 before it is in one.
        number: Its place in the bundle.
        picture_id: The server's name for it, when the receipt told one.
    """

    recording: str
    offset_ms: int
    lon: float
    lat: float
    heading_deg: float
    bundle: int = 0
    number: int = 0
    picture_id: str | None = None


@dataclass(frozen=True, slots=True)
class BundleRow:
    """A bundle as the ledger knows it; times are Unix seconds."""

    number: int
    sha256: str
    size_bytes: int
    pictures: int
    policy: str
    sequence: str | None
    state: BundleState
    not_before: float
    attempts: int = 0
    reason: str = ""
    code: str = ""
    receipt: bytes | None = field(default=None, repr=False)
    forget_at: float | None = None


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording as the ledger knows it; times are Unix seconds.

    Attributes:
        fingerprint: Of its bytes; see `edge.fingerprint`.
        path: Where it was seen last.
        state: How far it has come.
        reason: Why it was rejected, in words.
        code: The stable name of that reason.
        day: Of its first frame, UTC.
        drive: Fingerprint of the first recording of its drive.
        started_at: Of its first frame.
        ended_at: Of its last one.
        clock: How the clocks were aligned, in words.
        camera: Which camera of a pair.
        open_sequence: The sequence that its end belongs to, which a recording that continues it goes on with.
    """

    fingerprint: str
    path: str
    state: RecordingState
    reason: str = ""
    code: str = ""
    day: str | None = None
    drive: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    clock: str = ""
    camera: str = ""
    open_sequence: str | None = None


_BUNDLE = (
    "number, sha256, size_bytes, pictures, policy, sequence, state, not_before,"
    " attempts, reason, code, receipt, forget_at"
)
_RECORDING = "fingerprint, path, state, reason, code, day, drive, started_at, ended_at, clock, camera, open_sequence"
_PICTURE = "recording, offset_ms, lon, lat, heading_deg, bundle, number, picture_id"


class Ledger:
    """The ledger; safe for several threads and processes, one writer at a time.

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

    # Bundles on their way in.

    def reserve_bundle_number(self) -> int:
        """Return a number that no bundle had and none will have again, also after a crash."""
        with self.transaction() as db:
            found = db.execute(
                "UPDATE meta SET value = value + 1 WHERE key = 'next_bundle_number' RETURNING value - 1"
            ).fetchone()
        return int(found[0])

    def add_bundle(
        self, bundle: BundleRow, pictures: Sequence[PictureRow], *, now: float, slots: Iterable[str] = ()
    ) -> frozenset[int]:
        """Record a bundle whose file is in the spool, and its pictures, in one transaction.

        Another process may have forgotten a recording or hidden a place since the pictures were chosen: then nothing
        is recorded, and the caller makes a bundle without them.

        Args:
            bundle: Its state is taken as `spooled`.
            pictures: In its order.
            now: Unix seconds.
            slots: The slots of the policy's density rule that the pictures fill.

        Returns:
            The places in `pictures` of those that may not be told any more; none when the bundle is recorded.

        Raises:
            HostError: When one of the pictures is in another bundle already.
        """
        with self.transaction() as db:
            withdrawn = _withdrawn(db, pictures)
            if withdrawn:
                return withdrawn
            db.execute(
                "INSERT INTO bundles (number, sha256, size_bytes, pictures, policy, sequence, state, not_before,"
                " created_at) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    bundle.number,
                    bundle.sha256,
                    bundle.size_bytes,
                    len(pictures),
                    bundle.policy,
                    bundle.sequence,
                    BundleState.SPOOLED,
                    bundle.not_before,
                    now,
                ),
            )
            db.executemany(
                "INSERT INTO pictures (recording, offset_ms, bundle, number, lon, lat, heading_deg)"
                " VALUES (?,?,?,?,?,?,?)",
                [
                    (p.recording, p.offset_ms, bundle.number, n, p.lon, p.lat, p.heading_deg)
                    for n, p in enumerate(pictures)
                ],
            )
            db.executemany("INSERT OR IGNORE INTO slots VALUES (?)", [(key,) for key in slots])
        return frozenset()

    def slots(self) -> frozenset[str]:
        """Return the slots of the density rule that are filled."""
        return frozenset(row[0] for row in self.rows("SELECT key FROM slots"))

    # Bundles on their way out.

    def due(self, now: float, *, policy: str) -> list[BundleRow]:
        """Return the bundles of a policy that may be sent now: those tried least often first, then the oldest.

        One that always fails is so never in the way of the others for longer than a pass.
        """
        return self._bundles(
            "state = ? AND not_before <= ? AND policy = ? AND forget_at IS NULL",
            (BundleState.SPOOLED, now, policy),
            order="attempts, number",
        )

    def bundles(self, *states: BundleState) -> list[BundleRow]:
        """Return the bundles in any of `states`, oldest first; of all when none is named."""
        marks = ",".join("?" * len(states))
        return self._bundles(f"state IN ({marks})" if states else "1", states)

    def bundle(self, sha256: str) -> BundleRow:
        """Return one bundle.

        Raises:
            NotFound: When there is none of that hash.
        """
        found = self._bundles("sha256 = ?", (sha256,))
        if not found:
            raise NotFound(f"the ledger has no bundle {sha256}")
        return found[0]

    def _bundles(self, where: str, values: Sequence[Any], *, order: str = "number") -> list[BundleRow]:
        rows = self.rows(f"SELECT {_BUNDLE} FROM bundles WHERE {where} ORDER BY {order}", values)  # noqa: S608
        return [_bundle_row(row) for row in rows]

    def add_tokens(self, tokens: Iterable[str], policy: str) -> None:
        """Store upload tokens."""
        with self.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO tokens VALUES (?, ?)", [(t, policy) for t in tokens])

    def tokens_left(self) -> int:
        """Return how many unspent tokens are stored."""
        return int(self.rows("SELECT count(*) FROM tokens")[0][0])

    def token_for(self, number: int) -> str | None:
        """Return the token of a bundle, bound to it before this returns; None when there is none left."""
        with self.transaction() as db:
            bound, policy = db.execute("SELECT token, policy FROM bundles WHERE number = ?", (number,)).fetchone()
            if bound is not None:
                return str(bound)
            found = db.execute("SELECT token FROM tokens WHERE policy = ? LIMIT 1", (policy,)).fetchone()
            if found is None:
                return None
            db.execute("DELETE FROM tokens WHERE token = ?", found)
            db.execute("UPDATE bundles SET token = ? WHERE number = ?", (found[0], number))
        return str(found[0])

    def drop_token(self, number: int) -> None:
        """Forget the token of a bundle, because the server does not take it."""
        with self.transaction() as db:
            db.execute("UPDATE bundles SET token = NULL WHERE number = ?", (number,))

    def drop_tokens(self) -> None:
        """Forget all tokens: they are another server's."""
        with self.transaction() as db:
            db.execute("DELETE FROM tokens")
            db.execute("UPDATE bundles SET token = NULL WHERE state = ?", (BundleState.SPOOLED,))

    def begin_attempt(self, number: int) -> bool:
        """Count an attempt; return False when the bundle must not be sent (any more)."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE bundles SET attempts = attempts + 1 WHERE number = ? AND state = ? AND forget_at IS NULL",
                (number, BundleState.SPOOLED),
            )
        return changed.rowcount == 1

    def note_failure(self, number: int, reason: str, code: str) -> None:
        """Keep why the last attempt failed, for `status`."""
        with self.transaction() as db:
            db.execute("UPDATE bundles SET reason = ?, code = ? WHERE number = ?", (reason, code, number))

    def receive(self, number: int, receipt: bytes, picture_ids: Sequence[str], *, now: float) -> None:
        """Store a verified receipt durably; after this the spool may drop the bundle.

        A bundle that was taken back while it was under way is to be erased at the server (again).
        """
        with self.transaction() as db:
            db.execute(
                "UPDATE bundles SET forget_at = 0.0 WHERE number = ? AND state = ?", (number, BundleState.FORGOTTEN)
            )
            db.execute(
                "UPDATE bundles SET state = ?, receipt = ?, received_at = ?, reason = '', code = ''"
                " WHERE number = ? AND state IN (?, ?)",
                (BundleState.RECEIVED, receipt, now, number, BundleState.SPOOLED, BundleState.REFUSED),
            )
            db.executemany(
                "UPDATE pictures SET picture_id = ? WHERE bundle = ? AND number = ?",
                [(picture_id, number, n) for n, picture_id in enumerate(picture_ids)],
            )

    def refuse(self, number: int, reason: str, code: str) -> None:
        """Park a bundle that the server will never take as it is; the spool keeps it."""
        with self.transaction() as db:
            db.execute(
                "UPDATE bundles SET state = ?, reason = ?, code = ? WHERE number = ? AND state = ?",
                (BundleState.REFUSED, reason, code, number, BundleState.SPOOLED),
            )

    def retry_refused(self) -> int:
        """Put refused bundles back in line, after the owner asked for it, and return how many."""
        with self.transaction() as db:
            changed = db.execute(
                "UPDATE bundles SET state = ?, token = NULL WHERE state = ? AND forget_at IS NULL",
                (BundleState.SPOOLED, BundleState.REFUSED),
            )
        return changed.rowcount

    # Recordings.

    def recording(self, fingerprint: str) -> RecordingRow | None:
        """Return a recording, or None when it was never seen."""
        found = self._recordings("fingerprint = ?", (fingerprint,))
        return found[0] if found else None

    def recordings(self, *states: RecordingState) -> list[RecordingRow]:
        """Return the recordings in any of `states`, in the order they were seen; all when none is named."""
        marks = ",".join("?" * len(states))
        return self._recordings(f"state IN ({marks})" if states else "1", states)

    def _recordings(self, where: str, values: Sequence[Any]) -> list[RecordingRow]:
        rows = self.rows(
            f"SELECT {_RECORDING} FROM recordings WHERE {where} ORDER BY first_seen, fingerprint",  # noqa: S608
            values,
        )
        return [RecordingRow(row[0], row[1], RecordingState(row[2]), *row[3:]) for row in rows]

    def save_recording(self, row: RecordingRow, *, now: float) -> None:
        """Store what is known of a recording; one that was forgotten stays so."""
        with self.transaction() as db:
            db.execute(
                f"INSERT INTO recordings ({_RECORDING}, first_seen) VALUES (?,CAST(? AS TEXT),?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
                " ON CONFLICT (fingerprint) DO UPDATE SET path = excluded.path, state = excluded.state,"
                " reason = excluded.reason, code = excluded.code, day = excluded.day, drive = excluded.drive,"
                " started_at = excluded.started_at, ended_at = excluded.ended_at, clock = excluded.clock,"
                " camera = excluded.camera, open_sequence = excluded.open_sequence"
                f" WHERE recordings.state <> '{RecordingState.FORGOTTEN}'",
                (
                    row.fingerprint,
                    row.path.encode("utf-8", "surrogateescape"),
                    row.state,
                    row.reason,
                    row.code,
                    row.day,
                    row.drive,
                    row.started_at,
                    row.ended_at,
                    row.clock,
                    row.camera,
                    row.open_sequence,
                    now,
                ),
            )

    def keep_policy(self, fingerprint: str, policy: str, *, is_new_choice: bool = False) -> None:
        """Store under which policy a recording came in; the first one stays unless its owner chose anew."""
        verb = "REPLACE" if is_new_choice else "IGNORE"
        with self.transaction() as db:
            db.execute(f"INSERT OR {verb} INTO came_under VALUES (?, ?)", (fingerprint, policy))  # noqa: S608

    def unfinished_under_another(self, policy: str) -> dict[str, str]:
        """Return the policies under which unfinished recordings came in, by fingerprint, where `policy` may tell more.

        What an older ledger does not say is taken as `personal`, the most careful one.
        """
        if policy == Policy.PERSONAL:
            return {}
        rows = self.rows(
            "SELECT r.fingerprint, coalesce(c.policy, ?) FROM recordings r"
            " LEFT JOIN came_under c ON c.recording = r.fingerprint"
            " WHERE r.state IN (?, ?) AND coalesce(c.policy, ?) <> ?",
            (Policy.PERSONAL, RecordingState.OPEN, RecordingState.WAITING, Policy.PERSONAL, policy),
        )
        return dict(rows)

    def published_spans_ms(self, fingerprint: str) -> list[tuple[int, int]]:
        """Return the stretches of a recording that are in bundles, one a bundle, or were taken back, one a picture."""
        rows = self.rows(
            "SELECT min(offset_ms), max(offset_ms) FROM pictures WHERE recording = ? AND state = 'kept' GROUP BY bundle"
            " UNION ALL SELECT offset_ms, offset_ms FROM pictures WHERE recording = ? AND state <> 'kept'",
            (fingerprint, fingerprint),
        )
        return sorted((first, last) for first, last in rows)

    def pictures_of(self, *, bundle: int) -> list[PictureRow]:
        """Return the pictures of a bundle in its order."""
        return self._pictures("bundle = ?", (bundle,), order="number")

    def _pictures(self, where: str, values: Sequence[Any], *, order: str = "recording, offset_ms") -> list[PictureRow]:
        rows = self.rows(f"SELECT {_PICTURE} FROM pictures WHERE {where} ORDER BY {order}", values)  # noqa: S608
        return [PictureRow(*row) for row in rows]


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogateescape")


def _withdrawn(db: sqlite3.Connection, pictures: Sequence[PictureRow]) -> frozenset[int]:
    """Return the places in `pictures` of those whose recording is forgotten or whose position is hidden by now."""
    rows = db.execute("SELECT fingerprint FROM recordings WHERE state = ?", (RecordingState.FORGOTTEN,))
    forgotten = {row[0] for row in rows}
    hidden = [HiddenPlace(LonLat(lon, lat), m) for lon, lat, m in db.execute("SELECT lon, lat, radius_m FROM places")]
    return frozenset(
        n
        for n, p in enumerate(pictures)
        if p.recording in forgotten or any(place.hides(LonLat(p.lon, p.lat)) for place in hidden)
    )


def _bundle_row(row: tuple[Any, ...]) -> BundleRow:
    number, sha256, size_bytes, pictures, policy, sequence, state, not_before, *rest = row
    return BundleRow(number, sha256, size_bytes, pictures, policy, sequence, BundleState(state), not_before, *rest)
