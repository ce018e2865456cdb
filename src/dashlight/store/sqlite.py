"""The database as one SQLite file: many readers, one writer thread, one fsync for all commits that wait together.

WAL mode with `synchronous=FULL`: when a commit returns it is on the disk. `secure_delete` overwrites what is deleted,
because erasing is a promise here. Other processes (`dashlight invite create`) may write beside; they wait for each
other at most `BUSY_TIMEOUT_MS`. One server alone may run on the file; `upkeep.lock_store` sees to it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import sqlalchemy as sa

from dashlight.errors import Conflict, DashlightError, HostError, Unavailable
from dashlight.store.bounded_reads import Forgetting, Turn, in_turn, look_at_the_clock
from dashlight.store.database import Change, Listener, Transaction, TurnName
from dashlight.store.listeners import Listeners
from dashlight.store.migrating import check_known, migrations
from dashlight.store.writer import Writer

T = TypeVar("T")
BUSY_TIMEOUT_MS = 10_000
FORGET_S = 4.0  # That emptying the journal is tried for; longer than any bounded reader stays.
_FORGET_LOOK_S = 0.02
_STEPS = 20_000  # Of SQLite's machine between two looks at the clock: about a millisecond.
_KEPT_STATEMENTS = 200  # Compiled, of all shapes; the code has fewer.


class SqliteDatabase:
    """The rows of one instance in one file.

    Listeners run in the writer's thread after the commit and before `write` returns, in the order of the commits.
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
        look_at_the_clock(self._engine)
        self._forgetting = Forgetting()
        self._listeners = Listeners()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        try:
            with self._writing.connect() as connection:
                migrate(connection)
        except (sa.exc.DBAPIError, sqlite3.Error) as exc:
            raise HostError(f"cannot open the database {path}: {exc}", code="database") from exc
        # Whether the journal holds commits: in which order rows came, and what was deleted since.
        self.is_journal_due = path.with_name(path.name + "-wal").exists()
        self._writer = Writer(self._writing.begin, as_ours=_as_ours, after_commit=self._tell)

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each commit that changed something for readers. It must be quick and not raise."""
        self._listeners.add(listener)

    @contextmanager
    def read(self, *, most_s: float | None = None) -> Iterator[sa.Connection]:
        """Yield a connection that sees one moment and cannot write, for at most `most_s`."""
        turn = None if most_s is None else Turn(most_s, self._forgetting)
        try:
            with self._engine.connect() as connection, connection.begin():
                if turn is None:
                    yield connection
                else:
                    with in_turn(connection, turn), _interrupted_after(connection, turn):
                        yield connection
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as exc:
            if turn is not None and _is_interrupt(exc):
                raise turn.error() from exc
            ours = _as_ours(exc)
            if ours is exc:
                raise
            raise ours from exc

    def submit(self, job: Callable[[Transaction], T]) -> Future[T]:
        """Queue a write; the future ends when it is durable, or with the job's error."""
        return self._writer.submit(job)

    def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a write and wait until it is durable. Never call it on an event loop."""
        return self.submit(job).result()

    @contextmanager
    def alone(self, name: TurnName, *, is_waiting: bool = False) -> Iterator[bool]:
        """Yield whether no other thread is inside; other processes are kept out of the folder altogether."""
        turn = self._turns[name]
        is_mine = turn.acquire(blocking=is_waiting)
        try:
            yield is_mine
        finally:
            if is_mine:
                turn.release()

    def forget_journal(self) -> bool:
        """Fold the journal into the database and empty it: neither what was erased nor what came together stays there.

        It never waits with the writer's turn in its hands. Readers of an older moment are waited for, those whose time
        is bounded at most `GRACE_S`. A commit that ends meanwhile makes it due again.

        Returns:
            Whether it is empty; False when a reader looked at an older moment for `FORGET_S`: it has to be tried again.
        """
        ends = time.monotonic() + FORGET_S
        self.is_journal_due = False
        connection = self._writing.raw_connection()
        try:
            connection.driver_connection.execute("PRAGMA busy_timeout=0")  # type: ignore[union-attr]
            with self._forgetting:
                while not (is_empty := _is_emptied(connection)) and time.monotonic() < ends:
                    time.sleep(_FORGET_LOOK_S)
        finally:
            connection.driver_connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")  # type: ignore[union-attr]
            connection.close()
        if not is_empty:
            self.is_journal_due = True
        return is_empty

    def forget_order(self) -> None:
        """Do nothing: tables whose order would tell something are kept in the order of their hashes."""

    def close(self) -> None:
        """Finish the writes that wait, and close."""
        self._writer.close()
        self._engine.dispose()
        self._writing.dispose()

    def _tell(self, changes: Sequence[Change]) -> None:
        self.is_journal_due = True
        for change in changes:
            self._listeners.tell(change)


def _is_emptied(connection: sa.PoolProxiedConnection) -> bool:
    """Fold the journal as far as readers let it be, without waiting; return whether it is empty."""
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        cursor.close()
    return row is not None and not row[0]


@contextmanager
def _interrupted_after(connection: sa.Connection, turn: Turn) -> Iterator[None]:
    """Interrupt what a connection runs when its turn is over."""
    raw = cast("sqlite3.Connection", connection.connection.driver_connection)
    raw.set_progress_handler(lambda: turn.is_over, _STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def _is_interrupt(exc: BaseException) -> bool:
    cause = exc.orig if isinstance(exc, sa.exc.DBAPIError) else None
    return getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK) == sqlite3.SQLITE_INTERRUPT


def _as_ours(exc: BaseException) -> BaseException:
    """Return our error for one of the driver, as `store.postgresql` does; a defect of ours stays what it is."""
    if isinstance(exc, sa.exc.TimeoutError):
        error: DashlightError = Unavailable("the database is busy", retry_after_s=2.0, code="busy")
        error.__cause__ = exc
        return error
    if not isinstance(exc, sa.exc.DBAPIError):
        return exc
    code = getattr(exc.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        error = Conflict("the row exists already")
    else:
        match code & 0xFF:  # What stands above says where it happened.
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                error = Unavailable("the database is busy", retry_after_s=2.0, code="busy")
            case sqlite3.SQLITE_FULL:
                error = HostError("the database cannot write", hint="make room on the disk", code="disk")
            case sqlite3.SQLITE_IOERR:
                error = HostError("the database cannot write", hint="look at the disk and its room", code="disk")
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
                error = Unavailable("the database does not answer", code="database")
            case _:
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
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000, "cached_statements": 64},
        query_cache_size=_KEPT_STATEMENTS,
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


def migrate(connection: sa.Connection, *, until: int | None = None) -> int:
    """Run the migrations that the database has not seen, each in a transaction; return the schema's number.

    Raises:
        HostError: When the database was written by a newer program.
    """
    known = [(number, sql) for number, sql in migrations("sqlite") if until is None or number <= until]
    raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    version = int(raw.execute("PRAGMA user_version").fetchone()[0])
    check_known(version, known)
    for number, sql in known:
        if number > version:
            raw.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
            version = number
    return version
