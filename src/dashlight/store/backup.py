"""A copy of a server's data, made beside the running server, and a server's data made of a copy.

Order: one consistent snapshot of the rows, then the objects that it names, then what was taken back meanwhile. So an
object is there for every row, and nothing that was erased while the copy was made is in it.

A copy lasts longer than what the server may keep for a day or a week. It therefore leaves out the `personal` bundles
that wait for the daily batch (who sent which pictures together must be forgotten after 24 h), the words of reports, and
who is signed in as operator.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import sqlalchemy as sa

from dashlight.errors import Corrupt, HostError, InputError, NotFound
from dashlight.store import bundles, operators, schema
from dashlight.store.database import Database, Transaction
from dashlight.store.durable import fsync_folder, make_folder, write_durably
from dashlight.store.erasures import DATABASE, Erasures, erasures_in, read_only, take_back
from dashlight.store.objects import LocalObjects, Objects
from dashlight.store.sqlite import SqliteDatabase
from dashlight.store.upkeep import lock_store, server_key, sweep
from dashlight.store.whole_objects import CHUNK_BYTES, copy_object, named_objects, sha256_of

KEY = "server.key"
CONTENTS = "backup.json"
_FORMAT = "dashlight-backup-1"
_ERASING = "erasing"  # In the contents while what was taken back is erased: the hashes are the old ones.
_UNFINISHED = ".unfinished.sqlite"
_ALLOWED = frozenset({"lost+found"})  # An empty disk has it.


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds.

    Attributes:
        pictures: Rows.
        objects: Files.
        size_bytes: Of the files.
        taken_back: Pictures that were erased or hidden in the copy by a list, or meanwhile.
        left_out: `personal` bundles that waited for the daily batch.
    """

    pictures: int
    objects: int
    size_bytes: int
    taken_back: int
    left_out: int = 0


def back_up(data: Path, output: Path, *, key_file: Path | None = None) -> Copied:
    """Copy the store in `data` to `output`; a server may run on it.

    Args:
        data: Of the server.
        output: Absent, or an empty folder.
        key_file: The server's key, where it lies elsewhere than in `data`.

    Raises:
        InputError: When there is no store, or `output` has something in it or is inside `data`.
        HostError: When this machine fails; `output` is then no backup and says so.
        Corrupt: When a row names bytes that are not there and were not erased.
    """
    source = data / DATABASE
    read_only(source).close()
    _check_outside(output, data)
    _check_empty(output)
    make_folder(output)
    snapshot = output / _UNFINISHED
    _snapshot(source, snapshot)
    write_durably(output / KEY, _key(key_file or data / KEY), mode=0o600)
    database, objects = SqliteDatabase(snapshot), LocalObjects(output)
    try:
        left_out = database.write(_leave_out)
        missing = _copy_objects(database, LocalObjects(data), objects)
        taken_back = take_back(database, objects, erasures_in(source))
        sweep(database, objects)
        _check_missing(database, missing)
        hashes = _counted_hashes(database, objects)
        copied = _counted(database, taken_back=taken_back, left_out=left_out)
        _fold(database)
    finally:
        database.close()
    _adopt_database(output)
    _write_contents(output, hashes)
    return copied


def restore(backup: Path, data: Path, erasures: Erasures) -> Copied:
    """Make a server's data of a backup, without what was taken back since.

    Args:
        backup: As `back_up` wrote it; it is only read.
        data: Of the new server: absent, or an empty folder.
        erasures: What was taken back at the old server, as late as is known.

    Raises:
        InputError: When `backup` is none, or `data` has something in it or is inside `backup`.
        Corrupt: When the backup was damaged.
        HostError: When this machine fails; `data` is then without a database, and no server's data.
    """
    contents = _contents(backup)
    if _ERASING in contents:
        raise InputError(
            f"an erasure in {backup} was broken off",
            hint="run `dashlight store erase` again",
            code="unfinished-erasure",
        )
    _check_outside(data, backup)
    _check_empty(data)
    was_there = data.exists()
    make_folder(data)
    lock = lock_store(data)
    is_done = False
    try:
        if _file_sha256(backup / DATABASE) != contents["database"]:
            raise _not_backed_up(f"database of {backup}")
        snapshot = data / _UNFINISHED
        _copy_file(backup / DATABASE, snapshot)
        write_durably(data / KEY, _key(backup / KEY), mode=0o600)
        database, objects = SqliteDatabase(snapshot), LocalObjects(data)
        try:
            source = LocalObjects(backup)
            for key, size in named_objects(database):
                if copy_object(source, objects, key, size) != contents["objects"].get(key):
                    raise _not_backed_up(f"object {key}")
            taken_back = take_back(database, objects, erasures)
            copied = _counted(database, taken_back=taken_back, left_out=0)
            _fold(database)
        finally:
            database.close()
        _adopt_database(data)
        is_done = True
    finally:
        if not is_done:
            _remove_begun(data, is_folder=not was_there)
        os.close(lock)
    return copied


def _remove_begun(data: Path, *, is_folder: bool) -> None:
    """Remove what a restore made that came to nothing, so that the next one finds the folder as it was."""
    for name in (_UNFINISHED, f"{_UNFINISHED}-wal", f"{_UNFINISHED}-shm", KEY, "server.lock"):
        (data / name).unlink(missing_ok=True)
    for name in ("objects", "staging"):
        shutil.rmtree(data / name, ignore_errors=True)
    if is_folder and not any(data.iterdir()):
        data.rmdir()


def erase_in_backup(backup: Path, erasures: Erasures) -> int:
    """Erase in a backup what was taken back since; return how many pictures that changed.

    Broken off, it leaves a backup that says so, and is finished when it is run again.

    Raises:
        InputError: When it is no backup.
        Corrupt: When the backup was damaged: new hashes would make the damage good.
        HostError: When this machine fails; run it again.
    """
    contents = _contents(backup)
    is_resumed = _ERASING in contents
    if not is_resumed and _file_sha256(backup / DATABASE) != contents["database"]:
        raise _not_backed_up(f"database of {backup}")
    database, objects = SqliteDatabase(backup / DATABASE), LocalObjects(backup)
    try:
        for key, size in () if is_resumed else named_objects(database):
            if sha256_of(objects, key, size) != contents["objects"].get(key):
                raise _not_backed_up(f"object {key}")
        _write(backup, contents | {_ERASING: True})
        count = take_back(database, objects, erasures)
        hashes = _counted_hashes(database, objects)
        _fold(database)
    finally:
        database.close()
    _write_contents(backup, hashes)
    return count


def check_as_late(backup: Path, erasures: Erasures) -> None:
    """Check that a list knows at least what the backup itself knows: an older one misses what was erased later.

    Raises:
        InputError: When the list is older than the backup, or of another server.
    """
    held = erasures_in(backup / DATABASE, is_still=True)  # A backup may lie where nothing can be written.
    missing = len(held.pictures - erasures.pictures) + len(held.bundles - erasures.bundles)
    if missing:
        raise InputError(
            f"the list of erasures is older than the backup, or of another server: {missing} that the backup knows to "
            "be erased are not in it",
            hint="name the newest list, the old server's data or a newer backup",
            code="old-erasures",
        )


def _not_backed_up(what: str) -> Corrupt:
    return Corrupt(f"the {what} is not the one that was backed up", hint="use another backup")


def _counted_hashes(database: Database, objects: Objects) -> dict[str, str]:
    return {key: sha256_of(objects, key, size) for key, size in named_objects(database)}


def _check_outside(folder: Path, other: Path) -> None:
    """Check that a folder to be written is not inside another: a server sweeps what none of its rows names."""
    if folder.resolve().is_relative_to(other.resolve()):
        raise InputError(f"{folder} is inside {other}", hint="name a folder elsewhere", code="inside")


def _check_empty(folder: Path) -> None:
    try:
        if folder.exists() and (not folder.is_dir() or {p.name for p in folder.iterdir()} - _ALLOWED):
            raise InputError(
                f"{folder} is not an empty folder",
                hint="name a new one; nothing is ever written over",
                code="not-empty",
            )
    except OSError as exc:
        raise HostError(f"cannot look into {folder}: {exc.strerror}", code="disk") from exc


def _snapshot(source: Path, target: Path) -> None:
    """Write the tables of one moment, without the journal: in it lies which enrolment drew which tokens."""
    connection = read_only(source)
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as exc:
        raise HostError(f"cannot copy the database {source}: {exc}", hint="make room on the disk", code="disk") from exc
    except OSError as exc:
        raise HostError(f"cannot write {target}: {exc.strerror}", code="disk") from exc
    finally:
        connection.close()


def _leave_out(transaction: Transaction) -> int:
    """Delete what must not last as long as a backup; return how many bundles that are not published yet it had."""
    connection = transaction.connection
    staged = bundles.staged_bundles(connection)
    for each in staged:
        connection.execute(sa.delete(schema.object_).where(schema.object_.c.number == each.object_number))
        connection.execute(sa.delete(schema.bundle).where(schema.bundle.c.sha256 == each.sha256))
    connection.execute(sa.update(schema.report).values(comment=""))
    operators.forget_all(transaction)
    for table in (schema.export_file, schema.export):  # Made of the rest, and made anew after a restore.
        connection.execute(sa.delete(table))
    return len(staged)


def _copy_objects(database: Database, source: Objects, target: Objects) -> list[str]:
    """Copy every object that a row names; return the keys of those that are not there any more."""
    missing = []
    for key, size in named_objects(database):
        try:
            copy_object(source, target, key, size)
        except NotFound:
            missing.append(key)
    return missing


def _check_missing(database: Database, missing: list[str]) -> None:
    """Check that each object that vanished while it was copied had been erased."""
    still_named = sorted({key for key, _ in named_objects(database)} & set(missing))
    if still_named:
        raise Corrupt(
            f"{len(still_named)} objects that the rows name are not there, {still_named[0]} first",
            hint="the store is damaged; keep your older backups",
        )


def _counted(database: Database, *, taken_back: int, left_out: int) -> Copied:
    sizes = named_objects(database)
    with database.read() as connection:
        pictures = connection.execute(sa.select(sa.func.count()).select_from(schema.picture)).scalar_one()
    return Copied(pictures, len(sizes), sum(size for _, size in sizes), taken_back, left_out)


def _adopt_database(folder: Path) -> None:
    """Give the database its name, last of all: without it the folder is nothing that a server or a restore takes."""
    unfinished = folder / _UNFINISHED
    try:
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(folder / DATABASE)
    except OSError as exc:
        raise HostError(f"cannot finish {folder}: {exc.strerror}", code="disk") from exc
    fsync_folder(folder)


def _copy_file(source: Path, target: Path) -> None:
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as reading, os.fdopen(handle, "wb") as writing:
            while chunk := reading.read(CHUNK_BYTES):
                writing.write(chunk)
    except OSError as exc:
        raise HostError(f"cannot copy {source} to {target}: {exc.strerror}", code="disk") from exc


def _file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise HostError(f"cannot read {path}: {exc.strerror}", code="disk") from exc


def _fold(database: Database) -> None:
    """Fold the journal into the file, which is then all that there is."""
    if not database.forget_journal():
        raise HostError("the database of the copy is open elsewhere", hint="let nobody else use the folder")


def _write_contents(folder: Path, hashes: dict[str, str]) -> None:
    _write(folder, {"format": _FORMAT, "database": _file_sha256(folder / DATABASE), "objects": hashes})


def _write(folder: Path, contents: dict[str, Any]) -> None:
    write_durably(folder / CONTENTS, (json.dumps(contents, indent=1, sort_keys=True) + "\n").encode(), mode=0o600)


def _key(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"there is no server's key {path}", code="no-server-data")
    return server_key(path).private_bytes_raw()


def _contents(backup: Path) -> dict[str, Any]:
    path = backup / CONTENTS
    if path.exists() and not path.is_file():  # A pipe would be waited for.
        raise InputError(f"{path} is not a file", hint="use another backup", code="no-backup")
    try:
        contents: object = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise InputError(
            f"{backup} is no backup, or one that was not finished: it has no {CONTENTS}", code="no-backup"
        ) from exc
    except OSError as exc:
        raise HostError(f"cannot read {path}: {exc.strerror}", code="disk") from exc
    except (ValueError, RecursionError) as exc:
        raise Corrupt(f"{path} is damaged: {exc}", hint="use another backup") from exc
    if not _is_contents(contents):
        raise InputError(f"{path} is not of the format {_FORMAT}", hint="run a newer dashlight", code="no-backup")
    return contents


def _is_contents(found: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(found, dict)
        and found.get("format") == _FORMAT
        and isinstance(found.get("objects"), dict)
        and isinstance(found.get("database"), str)
    )


__all__ = ["CONTENTS", "Copied", "back_up", "check_as_late", "erase_in_backup", "restore"]
