"""The database: many readers, one writer thread, one fsync for all commits that wait together.

SQLite in WAL mode with `synchronous=FULL`: when a commit returns it is on the disk. `secure_delete` overwrites what
is deleted, because erasing is a promise here. Other processes (`dashlight invite create`) may write beside; they wait
for each other at most `BUSY_TIMEOUT_MS`.
"""

from __future__ import annotations

import os
import queue
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from dashlight.errors import Conflict, DashlightError, HostError, Unavailable

T = TypeVar("T")
BUSY_TIMEOUT_MS = 10_000
MAX_BATCH = 64  # Jobs that share one commit; beyond it the first would wait for the last.
MAX_WAITING = 256  # Jobs; more are refused as Unavailable.
_MIGRATION = re.compile(r"(\d{4})_[a-z0-9_]+\.sql\Z")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox.

    Attributes:
        cursor: Rises with every event.
        kind: `picture`, `gone` or `refresh`.
        lon: Degrees, or None when the event concerns every place.
        lat: Degrees, or None likewise.
        data: JSON.
    """

    cursor: int
    kind: str
    lon: float | None
    lat: float | None
    data: str


@dataclass(slots=True)
class Change:
    """What a transaction changed for readers; given to listeners after the commit.

    Attributes:
        qks: Keys of the places at which something was added or removed.
        events: The outbox rows written.
        is_erasing: Whether something was taken away.
    """

    qks: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    is_erasing: bool = False


@dataclass(frozen=True, slots=True)
class Transaction:
    """One job's view of the write transaction that it shares."""

    connection: sa.Connection
    change: Change


Job = Callable[[Transaction], Any]
_STOP = None


class Database:
    """The rows of one instance.

    Reads may run in any thread and see the last commit. Writes run one after the other in a thread of their own:
    each job in a savepoint, up to `MAX_BATCH` of them in one durable commit; a job that raises undoes itself alone.
    Listeners run in that thread after the commit and before `write` returns, in the order of the commits.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the database at `path` and bring it to the newest schema.

        Raises:
            HostError: When the file cannot be opened or is not ours.
        """
        self._path = path
        _keep_private(path)
        self._engine = _engine(path, is_writer=False)
        self._writing = _engine(path, is_writer=True)
        self._listeners: list[Callable[[Change], None]] = []
        self._jobs: queue.Queue[tuple[Job, Future[Any]] | None] = queue.Queue(MAX_WAITING)
        try:
            with self._writing.connect() as connection:
                migrate(connection)
        except (sa.exc.DBAPIError, sqlite3.Error) as exc:
            raise HostError(f"cannot open the database {path}: {exc}", code="database") from exc
        # Whether the journal holds commits: in which order rows came, and what was deleted since.
        self.is_journal_due = path.with_name(path.name + "-wal").exists()
        self._thread = threading.Thread(target=self._write_forever, name="database-writer", daemon=True)
        self._thread.start()

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` after each commit that changed something for readers. It must be quick and not raise."""
        self._listeners.append(listener)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one moment and cannot write."""
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except sa.exc.OperationalError as exc:
            raise Unavailable(f"the database does not answer: {exc.orig}", code="database") from exc

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Queue a write; the future ends when it is durable, or with the job's error.

        Raises:
            Unavailable: When too many wait already.
        """
        future: Future[T] = Future()
        try:
            self._jobs.put_nowait((job, future))
        except queue.Full as exc:
            raise Unavailable(f"{MAX_WAITING} writes wait already", retry_after_s=2.0, code="busy") from exc
        return future

    def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a write and wait until it is durable. Never call it on an event loop."""
        return self.submit(job).result()

    def forget_journal(self) -> bool:
        """Fold the journal into the database and empty it: neither what was erased nor what came together stays there.

        A commit that ends meanwhile makes it due again.

        Returns:
            Whether it is empty; False when a reader was still looking at an older moment, and it has to be tried again.
        """
        connection = self._writing.raw_connection()
        self.is_journal_due = False
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
            is_empty = row is not None and not row[0]
            cursor.close()
        except sqlite3.OperationalError:
            is_empty = False
        finally:
            connection.close()
        if not is_empty:
            self.is_journal_due = True
        return is_empty

    def close(self) -> None:
        """Finish the writes that wait, and close."""
        self._jobs.put(_STOP)
        self._thread.join()
        self._engine.dispose()
        self._writing.dispose()

    def _write_forever(self) -> None:
        is_stopping = False
        while not is_stopping:
            first = self._jobs.get()
            batch: list[tuple[Job, Future[Any]]] = []
            while first is not _STOP:
                batch.append(first)
                if len(batch) == MAX_BATCH or self._jobs.empty():
                    break
                first = self._jobs.get()
            is_stopping = first is _STOP
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[tuple[Job, Future[Any]]]) -> None:
        asked = [(job, future) for job, future in batch if future.set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], BaseException]] = []
        changes: list[Change] = []
        try:
            with self._writing.begin() as connection:
                for job, future in asked:
                    change = Change()
                    try:
                        with connection.begin_nested():
                            done.append((future, job(Transaction(connection, change))))
                            changes.append(change)
                    except Exception as exc:  # noqa: BLE001  # The top of a worker: it goes to who asked.
                        failed.append((future, exc))
        except Exception as exc:  # noqa: BLE001  # Nothing of the batch was committed.
            error = _as_ours(exc)
            told = {id(future) for future, _ in failed}
            failed += [(future, error) for _, future in asked if id(future) not in told]
            done, changes = [], []
        self.is_journal_due = self.is_journal_due or bool(done)
        for change in changes:
            if change.qks or change.events:
                for listener in self._listeners:
                    listener(change)
        for future, exc_of_job in failed:
            future.set_exception(_as_ours(exc_of_job))
        for future, result in done:
            future.set_result(result)


def _as_ours(exc: BaseException) -> BaseException:
    if isinstance(exc, DashlightError):
        return exc
    if isinstance(exc, sa.exc.IntegrityError):
        error: DashlightError = Conflict(f"the row exists already: {exc.orig}")
    elif isinstance(exc, sa.exc.OperationalError):
        text = str(exc.orig)
        if "locked" in text:
            error = Unavailable("the database is busy", retry_after_s=2.0, code="busy")
        else:
            error = HostError(f"the database cannot write: {text}", hint="make room on the disk", code="disk")
    else:
        return exc
    error.__cause__ = exc
    return error


def _keep_private(path: Path) -> None:
    """Make the files of a database readable by their owner only; SQLite gives later ones the mode of the first."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if file.exists() and file.stat().st_mode & 0o077:
                file.chmod(0o600)
    except OSError as exc:
        raise HostError(f"cannot open the database {path}: {exc.strerror}", code="database") from exc


def _engine(path: Path, *, is_writer: bool) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        pool_size=1 if is_writer else 8,
        max_overflow=2 if is_writer else 32,
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy begins; the driver would begin too late for savepoints.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "mmap_size=0",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA cache_size={-32_000 if is_writer else -4_000}")
        if not is_writer:
            connection.execute("PRAGMA query_only=ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    return engine


def migrations() -> list[tuple[int, str]]:
    """Return every migration's number and SQL, in order."""
    return sorted(
        (int(match[1]), entry.read_text(encoding="utf-8"))
        for entry in resources.files("dashlight.store").joinpath("migrations").iterdir()
        if (match := _MIGRATION.match(entry.name))
    )


def migrate(connection: sa.Connection, *, until: int | None = None) -> int:
    """Run the migrations that the database has not seen, each in a transaction; return the schema's number.

    Raises:
        HostError: When the database was written by a newer program.
    """
    known = [(number, sql) for number, sql in migrations() if until is None or number <= until]
    raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    version = int(raw.execute("PRAGMA user_version").fetchone()[0])
    if known and version > known[-1][0]:
        raise HostError(
            f"the database has schema {version}; this program knows {known[-1][0]}",
            hint="run a newer dashlight",
            code="database",
        )
    for number, sql in known:
        if number > version:
            raw.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
            version = number
    return version
