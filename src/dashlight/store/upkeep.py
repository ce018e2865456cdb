"""What a store does at its start and once a day: finish erasures, sweep what no row names, forget what is due."""

from __future__ import annotations

import fcntl
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashlight.config import ServerSettings
from dashlight.errors import Corrupt, DashlightError, HostError
from dashlight.store import bundles, withdraw
from dashlight.store.database import Database, Transaction
from dashlight.store.durable import make_folder, write_durably
from dashlight.store.objects import LocalObjects, Objects
from dashlight.store.postgresql import READERS, PostgresqlDatabase
from dashlight.store.s3 import S3Objects
from dashlight.store.schema import refused, setting
from dashlight.store.sqlite import SqliteDatabase
from dashlight.store.unfinished import check_finished

REFUSED_DAYS = 30  # For so many a bundle that the second look refused is not looked at again.
DATABASE = "dashlight.sqlite"
_LAST_BATCH = "last_batch_day"
_SERVER_KEY = "server_key"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """What a start found unfinished."""

    staged_files: int
    orphans: int
    erasures: int


@dataclass(frozen=True, slots=True)
class Store:
    """The parts of one instance's store."""

    database: Database
    objects: Objects
    key: Ed25519PrivateKey


def open_store(folder: Path, settings: ServerSettings | None = None, *, readers: int = READERS) -> Store:
    """Open or make a store. A server also takes `lock_store`; commands beside it do not.

    Args:
        folder: For what the settings put nowhere else.
        settings: Where rows, pictures and key are; None is all in the folder.
        readers: How many may read from a shared database at a time.

    Raises:
        HostError: When the folder or the database cannot be used.
        Corrupt: When the server's key is not one, or another than that of the servers which share the database.
    """
    settings = settings or ServerSettings()
    make_folder(folder)
    key = server_key(settings.key_file or folder / "server.key")
    objects = open_objects(folder, settings)
    database = open_database(folder, settings, readers=readers)
    try:
        check_finished(database)
        if settings.database_url:
            _check_same_key(database, key)
    except DashlightError:
        database.close()
        raise
    return Store(database, objects, key)


def open_database(folder: Path, settings: ServerSettings, *, readers: int = READERS) -> Database:
    """Open or make the database that the settings name, or the one in `folder`."""
    if settings.database_url:
        return PostgresqlDatabase(settings.database_url, readers=readers)
    return SqliteDatabase(folder / DATABASE)


def open_objects(folder: Path, settings: ServerSettings) -> Objects:
    """Open or make the store of objects that the settings name, or the one in `folder`."""
    if not settings.objects_url:
        return LocalObjects(folder)
    return S3Objects(
        settings.objects_url, folder / "staging", key_id=settings.objects_key_id, secret=settings.objects_secret
    )


def is_store(folder: Path, settings: ServerSettings) -> bool:
    """Return whether a server has run with these settings: its database is not made by looking."""
    return bool(settings.database_url) or (folder / DATABASE).is_file()


def _check_same_key(database: Database, key: Ed25519PrivateKey) -> None:
    """Check that all servers of one database sign alike; the first of them notes its public key."""
    mine = key.public_key().public_bytes_raw().hex()

    def note(transaction: Transaction) -> str:
        connection = transaction.connection
        found = connection.execute(sa.select(setting.c.value).where(setting.c.name == _SERVER_KEY)).scalar()
        if found is None:
            connection.execute(sa.insert(setting).values(name=_SERVER_KEY, value=mine))
        return found or mine

    with database.read() as connection:
        noted = connection.execute(sa.select(setting.c.value).where(setting.c.name == _SERVER_KEY)).scalar()
    if (noted or database.write(note)) != mine:
        raise Corrupt(
            "the server's key is not the one of the servers that share this database",
            hint="give all of them the same server.key_file",
            code="server-key",
        )


def lock_store(folder: Path) -> int:
    """Keep every other server out of `folder` for as long as this process lives; return the lock's handle.

    Raises:
        HostError: When another server runs on it.
    """
    make_folder(folder)
    try:
        handle = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise HostError(
            f"another server runs on {folder}", hint="stop it, or give --data another folder", code="locked"
        ) from exc
    except OSError as exc:
        raise HostError(f"cannot lock {folder}: {exc.strerror}", code="disk") from exc
    return handle


def server_key(path: Path) -> Ed25519PrivateKey:
    """Return the server's key, made at the first start: 32 bytes in a file that only its owner may read.

    Raises:
        Corrupt: When the file is not one.
        HostError: When the disk refuses.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raw = Ed25519PrivateKey.generate().private_bytes_raw()
        write_durably(path, raw, mode=0o600)
    except OSError as exc:
        raise HostError(f"cannot read the server's key {path}: {exc.strerror}", code="disk") from exc
    if len(raw) != 32:
        raise Corrupt(f"the server's key {path} has {len(raw)} bytes, not 32", hint="restore it from a backup")
    return Ed25519PrivateKey.from_private_bytes(raw)


def sweep(database: Database, objects: Objects) -> Swept:
    """Finish what a crash interrupted. Only for a start, when nothing else of this machine writes objects."""
    staged_files = objects.sweep_staging()
    erasures = withdraw.finish_erasures(database, objects)
    return Swept(staged_files, sweep_orphans(database, objects), erasures)


def sweep_orphans(database: Database, objects: Objects) -> int:
    """Remove objects that no row names and none will; return how many.

    Where several servers write, one of them looks, and only at what has been there for a while.
    """
    orphans = 0
    with database.alone("orphans") as is_mine:
        keys = objects.keys(is_settled=objects.is_shared) if is_mine else iter(())
        while some := list(islice(keys, _CHUNK)):
            with database.read() as connection:
                named = bundles.named_keys(connection, some)
            for key in set(some) - named:
                objects.remove(key)
                orphans += 1
    return orphans


def forget_refused(transaction: Transaction, today: int) -> None:
    """Forget which bundles were refused once the deadline has passed."""
    transaction.connection.execute(sa.delete(refused).where(refused.c.day < today - REFUSED_DAYS))


def last_batch_day(connection: sa.Connection) -> int | None:
    """Return the day of the last batch of personal pictures, since 1970-01-01, or None when there was none."""
    value = connection.execute(sa.select(setting.c.value).where(setting.c.name == _LAST_BATCH)).scalar()
    return None if value is None else int(value)


def note_batch(transaction: Transaction, day: int) -> None:
    """Remember that the batch of `day` is done."""
    transaction.connection.execute(
        sa.text(
            "INSERT INTO setting (name, value) VALUES (:name, :value) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"name": _LAST_BATCH, "value": str(day)},
    )


class Readiness:
    """Whether rows and objects can be written: tried at most once in `KEEP_S`, however often anybody asks.

    Args:
        database: The rows.
        objects: The bytes.
        now_s: A monotonic clock.
    """

    KEEP_S = 5.0

    def __init__(self, database: Database, objects: Objects, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._objects = objects
        self._now_s = now_s
        self._turn = threading.Lock()
        self._ends_s = -math.inf  # Under the lock, as the next.
        self._error: DashlightError | None = None

    def check(self) -> None:
        """Raise what the last trial raised, or return.

        Raises:
            HostError: When either cannot be written.
            Unavailable: When the database is busy.
        """
        with self._turn:
            if self._now_s() >= self._ends_s:
                self._error = None
                try:
                    check_writable(self._database, self._objects)
                except DashlightError as exc:
                    self._error = exc
                self._ends_s = self._now_s() + self.KEEP_S
            if self._error is not None:
                raise self._error.with_traceback(None)


def check_writable(database: Database, objects: Objects) -> None:
    """Write and take back one row and one object.

    Raises:
        HostError: When either refuses.
        Unavailable: When the database is busy.
    """
    database.write(note_probe)
    objects.check_writable()


def note_probe(transaction: Transaction) -> None:
    """Write a row that says nothing."""
    transaction.connection.execute(
        sa.text("INSERT INTO setting (name, value) VALUES ('probe', '') ON CONFLICT (name) DO UPDATE SET value = ''")
    )
