"""The database as a PostgreSQL server that several processes share.

One writer at a time, wherever it runs: a write transaction begins with an advisory lock and so sees what all before it
wrote, as in one process. What is parallel is everything else: receiving, verifying, looking again, storing objects,
reading. A commit tells the others by NOTIFY which tiles changed; the events themselves are read from the outbox, so
none is lost with a connection.

`write` returns when the commit is on the server's disk (`synchronous_commit`). What PostgreSQL cannot do is overwrite
what is deleted: old versions of rows stay in its files until they are vacuumed and the space is used again, and in the
write-ahead log until its segments are. docs/how-to/second-scale.md says for how long, and how the operator bounds it.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar, get_args

import psycopg
import sqlalchemy as sa

from dashlight.errors import Conflict, DashlightError, HostError, Unavailable
from dashlight.store import outbox
from dashlight.store.bounded_reads import Turn, in_turn, look_at_the_clock
from dashlight.store.database import Change, Listener, Transaction, TurnName
from dashlight.store.listeners import Listeners
from dashlight.store.migrating import check_known, migrations
from dashlight.store.writer import Writer

T = TypeVar("T")
_Connection = psycopg.Connection[tuple[Any, ...]]
READERS = 32  # Connections of a server that read.
EXPORT_READERS = 4  # Of the process that makes exports: two are read from at a time.
LOCK_TIMEOUT_MS = 10_000
RETRY_AFTER_S = 5.0
_KEPT = 8  # Connections that stay open when nobody reads.
_KEPT_STATEMENTS = 200  # Compiled, of all shapes; the code has fewer.
MAX_TOLD_TILES = 400  # A payload of NOTIFY has less than 8000 bytes.
_LOG = logging.getLogger("dashlight.store")
_CHANNEL = "dashlight"
_LOCKS = 0x64_61_73_68  # Our class of advisory locks.
_TILE_SHIFT = 18  # Of `qk`: a tile of zoom 15, the finest of the map.
_TILES = 1 << 30  # Of that zoom.
_LISTEN_S = 0.5
_HEARTBEATS = 20  # Of so many rounds without news: see whether the connection still is one.
_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SESSION = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout=120000 -c jit=off"
# What ties rows together by the order of their coming, rewritten once a day in the order of their first column.
_MIXED = ("enrolment", "gone", "invite", "refused", "token")
_FORGETFUL = (
    "bundle",
    "cleared",
    "decision",
    "enrolment",
    "erasure",
    "event",
    "invite",
    "kept",
    "operator_invite",
    "operator_session",
    "passkey",
    "report",
    "spent_challenge",
    "statement",
    "token",
)
_WITHDRAWN = ("collection", "cover", "cover_day", "daily", "live", "mark", "picture")


class PostgresqlDatabase:
    """The rows of one instance on a server; several processes may hold one each.

    Args:
        url: `postgresql://user:password@host:port/name`.
        readers: How many may read at a time.
    """

    def __init__(self, url: str, *, readers: int = READERS) -> None:
        """Connect, and bring the database to the newest schema.

        Raises:
            HostError: When the server does not answer, or the database is not ours.
        """
        self._url = url
        self._name = secrets.token_hex(8)  # Of this process in what it tells the others.
        self._turns: defaultdict[TurnName, threading.Lock] = defaultdict(threading.Lock)
        self._listeners = Listeners()
        self.is_journal_due = True
        self._is_withdrawing = True  # Whether rows of pictures were deleted that are not vacuumed yet.
        try:
            with self._connected() as connection:
                migrate(connection)
                self._told = _last_cursor(connection)
        except psycopg.Error as exc:
            raise HostError(
                f"cannot open the database: {_first_line(exc)}", hint="look at server.database_url", code="database"
            ) from exc
        self._engine = self._make_engine(readers, is_writer=False)
        self._writing = self._make_engine(1, is_writer=True)
        self._writer = Writer(
            self._writing.begin, as_ours=_as_ours, before_commit=self._notify, after_commit=self._tell_here
        )
        self._is_closed = threading.Event()
        self._hears = threading.Event()
        self._ear = threading.Thread(target=self._listen_forever, name="database-listener", daemon=True)
        self._ear.start()
        self._hears.wait(LOCK_TIMEOUT_MS / 1000)

    def _connected(self) -> _Connection:
        name = f"{_CHANNEL} {self._name}"
        return psycopg.connect(self._url, autocommit=True, options=_SESSION, application_name=name, **_KEEPALIVE)

    def others(self) -> int:
        """Return how many connections other processes of dashlight have to this database."""
        with self._connected() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name LIKE %s AND application_name <> %s",
                (f"{_CHANNEL} %", f"{_CHANNEL} {self._name}"),
            ).fetchone()
        return int(row[0]) if row else 0

    def _make_engine(self, most: int, *, is_writer: bool) -> sa.Engine:
        engine = sa.create_engine(
            sa.make_url(self._url).set(drivername="postgresql+psycopg"),
            connect_args={**_KEEPALIVE, "options": _SESSION, "application_name": f"{_CHANNEL} {self._name}"},
            pool_size=min(most, _KEPT),
            max_overflow=max(0, most - _KEPT),
            pool_timeout=10.0,
            pool_pre_ping=True,
            query_cache_size=_KEPT_STATEMENTS,
        )

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: psycopg.Connection[Any], _record: object) -> None:
            if not is_writer:  # All that one reply says is of one moment.
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True

        if not is_writer:
            look_at_the_clock(engine)
        else:

            @sa.event.listens_for(engine, "begin")
            def begin(connection: sa.Connection) -> None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCKS}, {_key('writer')})")

        return engine

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each commit, of any process, that changed something for readers."""
        self._listeners.add(listener)

    @contextmanager
    def read(self, *, most_s: float | None = None) -> Iterator[sa.Connection]:
        """Yield a connection that sees one moment and cannot write, for at most `most_s`."""
        turn = None if most_s is None else Turn(most_s)
        try:
            with self._engine.connect() as connection, connection.begin():
                if turn is None:
                    yield connection
                else:
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {math.ceil(turn.most_s * 1000)}")
                    with in_turn(connection, turn):
                        yield connection
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, psycopg.Error) as exc:
            cause = exc.orig if isinstance(exc, sa.exc.DBAPIError) else exc
            if turn is not None and isinstance(cause, psycopg.errors.QueryCanceled):
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
        """Yield whether nobody else is inside; the server keeps the turn, and takes it back from the dead."""
        with self._turn(name, is_waiting=is_waiting) as connection:
            yield connection is not None

    @contextmanager
    def _turn(self, name: TurnName, *, is_waiting: bool) -> Iterator[_Connection | None]:
        """Yield the connection that holds the turn, or None; of this process one alone connects for it."""
        here = self._turns[name]
        if not (here.acquire(timeout=LOCK_TIMEOUT_MS / 1000) if is_waiting else here.acquire(blocking=False)):
            if is_waiting:
                raise _busy()
            yield None
            return
        try:
            with self._turn_among_all(_key(f"alone {name}"), is_waiting=is_waiting) as connection:
                yield connection
        finally:
            here.release()

    @contextmanager
    def _turn_among_all(self, key: int, *, is_waiting: bool) -> Iterator[_Connection | None]:
        try:
            connection = self._connected()
        except psycopg.Error as exc:
            raise _as_ours(exc) from exc
        try:
            try:
                if is_waiting:
                    connection.execute("SELECT pg_advisory_lock(%s, %s)", (_LOCKS, key))
                    is_mine = True
                else:
                    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCKS, key)).fetchone()
                    is_mine = row is not None and bool(row[0])
            except psycopg.Error as exc:
                raise _as_ours(exc) from exc
            yield connection if is_mine else None
        finally:
            connection.close()  # It gives the turn back.

    def forget_journal(self) -> bool:
        """Vacuum what has changed, so that old versions of rows give their space back.

        Returns:
            Whether it is done; False when another process is at it and it has to be tried again.
        """
        with self._turn("vacuum", is_waiting=False) as connection:
            if connection is None:
                return False
            self.is_journal_due = False
            tables = [*_FORGETFUL, *(_WITHDRAWN if self._is_withdrawing else ())]
            self._is_withdrawing = False
            try:
                there = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables")}
                for table in tables:
                    if table in there:
                        connection.execute(f"VACUUM (SKIP_LOCKED) {table}")
            except psycopg.Error as exc:
                self.is_journal_due = self._is_withdrawing = True
                raise _as_ours(exc) from exc
        return True

    def forget_order(self) -> None:
        """Write the tables anew whose rows came together, in the order of their random keys and in one transaction.

        A row tells its transaction and lies beside those that came with it: tokens drawn together, pictures erased
        together. Afterwards all of a table are of one transaction.
        """

        def mix(transaction: Transaction) -> None:
            run = transaction.connection.exec_driver_sql
            for table in _MIXED:
                run(f"CREATE TEMPORARY TABLE mixed ON COMMIT DROP AS TABLE {table}")
                run(f"DELETE FROM {table}")  # noqa: S608  # Names of ours, here and below.
                run(f"INSERT INTO {table} SELECT * FROM mixed ORDER BY 1")  # noqa: S608
                run("DROP TABLE mixed")

        self.write(mix)
        try:
            with self._connected() as connection:
                for table in _MIXED:
                    connection.execute(f"VACUUM (FULL) {table}")
        except psycopg.Error as exc:
            raise _as_ours(exc) from exc

    def close(self) -> None:
        """Finish the writes that wait, and close."""
        self._writer.close()
        self._is_closed.set()
        self._ear.join()
        self._engine.dispose()
        self._writing.dispose()

    def _notify(self, connection: sa.Connection, changes: Sequence[Change]) -> None:
        """Tell every process, with the commit, which tiles changed and that there may be events."""
        if not changes:
            return
        tiles = sorted({qk >> _TILE_SHIFT for change in changes for qk in change.qks})
        told = {"of": self._name, "tiles": tiles if len(tiles) <= MAX_TOLD_TILES else None}
        connection.execute(
            sa.text("SELECT pg_notify(:channel, :told)"), {"channel": _CHANNEL, "told": json.dumps(told)}
        )

    def _tell_here(self, changes: Sequence[Change]) -> None:
        """Tell this process at once what it may no longer show; the events come with everybody's, in order."""
        self.is_journal_due = True
        for change in changes:
            self._is_withdrawing = self._is_withdrawing or change.is_erasing
            if change.qks:
                self._listeners.tell(Change(qks=change.qks, is_erasing=change.is_erasing))

    def _listen_forever(self) -> None:
        while not self._is_closed.is_set():
            try:
                self._listen()
            except psycopg.Error as exc:
                _LOG.warning("store.deaf", extra={"reason": type(exc).__name__})
            except Exception:  # noqa: BLE001  # The top of the thread: it says so and listens anew.
                _LOG.exception("store.deaf")
            else:
                continue
            self._listeners.tell(Change(is_everywhere=True))
            self._is_closed.wait(1.0)

    def _listen(self) -> None:
        with self._connected() as connection:
            connection.execute(f"LISTEN {_CHANNEL}")
            if self._hears.is_set():  # What was told meanwhile was not heard.
                self._listeners.tell(Change(is_everywhere=True))
            self._tell_events(connection)
            self._hears.set()
            self._hear(connection)

    def _hear(self, connection: _Connection) -> None:
        quiet = 0
        while not self._is_closed.is_set():
            # All are taken before one is looked at: what raises in an open generator of notices hangs in closing it.
            heard = [each.payload for each in connection.notifies(timeout=_LISTEN_S, stop_after=1)]
            quiet = 0 if heard else quiet + 1
            if quiet == _HEARTBEATS:
                connection.execute("SELECT 1")
                quiet = 0
            for payload in heard:
                change = _change_told(payload, here=self._name)
                if change is not None:
                    self._listeners.tell(change)
            if heard:
                self._tell_events(connection)

    def _tell_events(self, connection: _Connection) -> None:
        """Tell the events since the last that were told; they become visible in the order of their cursors."""
        rows = connection.execute(
            "SELECT cursor, kind, lon_e6, lat_e6, data FROM event WHERE cursor > %s ORDER BY cursor", (self._told,)
        ).fetchall()
        if rows:
            self._told = rows[-1][0]
            self._listeners.tell(Change(events=[outbox.event_of(*row) for row in rows]))


def most_connections(readers: int) -> int:
    """Return how many connections one process opens at most: what docs/how-to/second-scale.md asks of the database.

    Beside those that read there are the writer's, the listener's, one for each turn that is taken, and one more while
    `forget_order` writes tables anew.
    """
    return readers + 1 + 1 + len(get_args(TurnName)) + 1


def _change_told(payload: str, *, here: str) -> Change | None:
    """Return what a process tells the others, or None when it is nothing or the process is `here`.

    Of what is not told as this program does, such as by another version of it, any place may have changed.
    """
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        told = None
    match told:
        case {"of": str(name)} if name == here:
            return None
        case {"of": str(), "tiles": None}:
            return Change(is_everywhere=True)
        case {"of": str(), "tiles": [*tiles]} if all(type(tile) is int and 0 <= tile < _TILES for tile in tiles):
            return Change(qks=[tile << _TILE_SHIFT for tile in tiles]) if tiles else None
        case _:
            _LOG.warning("store.strange-notice", extra={"characters": len(payload)})
            return Change(is_everywhere=True)


def migrate(connection: _Connection, *, until: int | None = None) -> int:
    """Run the migrations that the database has not seen, each in a transaction; return the schema's number.

    Of several processes that start together one does it and the others wait. One that is cut off leaves nothing behind.

    Raises:
        HostError: When the database was written by a newer program.
    """
    known = [(number, sql) for number, sql in migrations("postgresql") if until is None or number <= until]
    lock = (_LOCKS, _key("migration"))
    connection.execute("SET lock_timeout = 0")  # However long another process migrates.
    connection.execute("SELECT pg_advisory_lock(%s, %s)", lock)
    try:
        connection.execute("RESET lock_timeout")
        connection.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY)")
        row = connection.execute("SELECT max(number) FROM migration").fetchone()
        version = int(row[0] or 0) if row else 0
        check_known(version, known)
        for number, sql in known:
            if number > version:
                with connection.transaction():
                    connection.execute(sql.encode())
                    connection.execute("INSERT INTO migration VALUES (%s)", (number,))
                version = number
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
    return version


def _last_cursor(connection: _Connection) -> int:
    row = connection.execute("SELECT max(cursor) FROM event").fetchone()
    return int(row[0] or 0) if row else 0


def _key(name: str) -> int:
    """Return the number of an advisory lock, a signed 32-bit integer."""
    return zlib.crc32(name.encode()) - (1 << 31)


def _first_line(exc: BaseException) -> str:
    return str(exc).strip().partition("\n")[0]


def _busy() -> Unavailable:
    return Unavailable("the database is busy", retry_after_s=2.0, code="busy")


def _as_ours(exc: BaseException) -> BaseException:
    """Return our error for one of the driver; who asks over HTTP is told nothing of the server behind."""
    if isinstance(exc, DashlightError):
        return exc
    cause = exc.orig if isinstance(exc, sa.exc.DBAPIError) else exc
    error: DashlightError
    match cause:
        case psycopg.errors.UniqueViolation():
            error = Conflict("the row exists already")
        case psycopg.errors.DiskFull():
            error = HostError("the database cannot write", hint="make room on its disk", code="disk")
        case psycopg.errors.LockNotAvailable() | sa.exc.TimeoutError():
            error = _busy()
        case (
            psycopg.OperationalError()
            | psycopg.InterfaceError()
            | psycopg.errors.ReadOnlySqlTransaction()
            | psycopg.errors.IdleInTransactionSessionTimeout()
        ):
            _LOG.warning("store.unanswered", extra={"reason": type(cause).__name__})
            error = Unavailable("the database does not answer", retry_after_s=RETRY_AFTER_S, code="database")
        case _:
            return exc
    error.__cause__ = exc
    return error
