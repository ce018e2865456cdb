"""Moving a store: from a folder to PostgreSQL and S3, back, or between any two; verified, and resumed when cut off.

Objects go first, then the rows, table by table in the order of their keys; how far the rows have come is written in the
commit that brings them. Until the last row is compared the target says that it is unfinished, and no server takes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashlight.errors import Conflict, Corrupt, NotFound
from dashlight.store import bulk
from dashlight.store.database import Database, Transaction
from dashlight.store.objects import Objects
from dashlight.store.schema import METADATA, setting
from dashlight.store.unfinished import MARK as UNFINISHED
from dashlight.store.whole_objects import copy_object, named_objects, sha256_of

ROWS_AT_ONCE = 5_000
_MODULUS = 1 << 256
_OF_THE_PLACE = (UNFINISHED, "server_key", "probe")  # Settings of the store itself, not of what it holds.

# The primary key of each table: the order in which rows are read and written.
KEYS: dict[str, tuple[str, ...]] = {
    "setting": ("name",),
    "terms": ("number",),
    "sequence": ("number",),
    "object": ("number",),
    "bundle": ("sha256",),
    "picture": ("number",),
    "mark": ("qk", "number"),
    "live": ("cell", "octant"),
    "cover": ("resolution", "qk"),
    "cover_day": ("resolution", "qk", "day"),
    "daily": ("day",),
    "gone": ("id",),
    "erasure": ("number",),
    "event": ("cursor",),
    "invite": ("hash",),
    "enrolment": ("hash",),
    "token": ("hash",),
    "report": ("number",),
    "decision": ("number",),
    "refused": ("sha256",),
    "cleared": ("picture",),
    "collection": ("id", "terms"),
    "passkey": ("id",),
    "kept": ("picture",),
    "moderated": ("month", "issue", "decision"),
    "statement": ("number",),
}
LEFT_OUT = frozenset(
    {
        *("export", "export_file"),  # Made of the rest, and made anew.
        *("operator_invite", "operator_session", "spent_challenge"),  # Nobody is signed in at the new place.
    }
)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a copy holds, compared with what it was made of.

    Attributes:
        rows: Of all tables.
        pictures: Of these.
        objects: Files.
        size_bytes: Of the files.
        resumed_objects: Of the files, those that an earlier run had brought already.
    """

    rows: int
    pictures: int
    objects: int
    size_bytes: int
    resumed_objects: int


@dataclass(frozen=True, slots=True)
class Side:
    """Rows and bytes of one store."""

    database: Database
    objects: Objects


Progress = Callable[[str, int, int], None]


def copy_store(source: Side, target: Side, *, progress: Progress = lambda _what, _done, _of: None) -> Moved:
    """Copy a store that no server runs on to an empty one, or go on with a copy that was cut off.

    Args:
        source: Is only read.
        target: Empty, or what an earlier run left.
        progress: Told what is copied, how much of it is done and how much there is.

    Raises:
        Conflict: When the target holds something that is not such a copy.
        Corrupt: When something is not what it was in the source.
        HostError: When this machine fails.
        Unavailable: When a database or a bucket does not answer.
    """
    done = _begin(target.database)
    objects, size_bytes, resumed = _copy_objects(source, target, progress)
    for position, name in enumerate(KEYS):
        _copy_rows(source.database, target.database, name, done)
        progress("tables", position + 1, len(KEYS))
    counters = _read(source.database, bulk.counters)
    target.database.write(lambda t: bulk.set_counters(t.connection, counters))
    counts = _compare(source.database, target.database, progress)
    target.database.write(_end)
    target.database.forget_order()
    target.database.forget_journal()
    return Moved(sum(counts.values()), counts["picture"], objects, size_bytes, resumed)


def _read(database: Database, question: Callable[[sa.Connection], Any]) -> Any:
    with database.read() as connection:
        return question(connection)


def _begin(database: Database) -> dict[str, Any]:
    """Return how far an earlier run came; mark an empty target as unfinished."""
    with database.read() as connection:
        found = connection.execute(sa.select(setting.c.value).where(setting.c.name == UNFINISHED)).scalar()
        if found is not None:
            return dict(json.loads(found))
        full = [name for name in KEYS if name != "setting" and _is_any(connection, METADATA.tables[name])]
    if full:
        raise Conflict(
            f"the target holds rows already, in {full[0]}", hint="copy into an empty store", code="not-empty"
        )
    database.write(lambda t: _note(t, {}))
    return {}


def _is_any(connection: sa.Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None


def _note(transaction: Transaction, done: dict[str, Any]) -> None:
    transaction.connection.execute(sa.delete(setting).where(setting.c.name == UNFINISHED))
    transaction.connection.execute(sa.insert(setting).values(name=UNFINISHED, value=json.dumps(done)))


def _end(transaction: Transaction) -> None:
    transaction.connection.execute(sa.delete(setting).where(setting.c.name == UNFINISHED))


def _copy_objects(source: Side, target: Side, progress: Progress) -> tuple[int, int, int]:
    """Copy every object that a row names and compare what arrived; return count, bytes, and how many were there."""
    named = named_objects(source.database)
    resumed = 0
    for position, (key, size) in enumerate(named):
        try:
            wanted = sha256_of(source.objects, key, size)
        except NotFound as exc:
            raise Corrupt(f"the object {key} that a row names is not there", hint="the source is damaged") from exc
        if _sha256_or_none(target.objects, key, size) == wanted:
            resumed += 1
        else:
            copy_object(source.objects, target.objects, key, size)
            if _sha256_or_none(target.objects, key, size) != wanted:
                raise Corrupt(f"the object {key} is not what it was in the source", hint="run the copy again")
        progress("objects", position + 1, len(named))
    return len(named), sum(size for _, size in named), resumed


def _sha256_or_none(objects: Objects, key: str, size: int) -> str | None:
    try:
        return sha256_of(objects, key, size)
    except (NotFound, Corrupt):  # Not there yet, or only a part of it.
        return None


def _pages(database: Database, name: str, after: Sequence[Any] | None) -> Iterator[list[dict[str, Any]]]:
    """Yield a table's rows in the order of its key, some at a time."""
    table = METADATA.tables[name]
    key = [table.c[column] for column in KEYS[name]]
    while True:
        query = sa.select(table).order_by(*key).limit(ROWS_AT_ONCE)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
        if name == "setting":
            query = query.where(setting.c.name.not_in(_OF_THE_PLACE))
        with database.read() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        if rows:
            yield rows
            after = [rows[-1][column] for column in KEYS[name]]
        if len(rows) < ROWS_AT_ONCE:
            return


def _copy_rows(source: Database, target: Database, name: str, done: dict[str, Any]) -> None:
    """Copy the rows of a table that are not there yet; `done` tells by the last key of each table."""
    table = METADATA.tables[name]
    after = [_decoded(value) for value in done[name]] if name in done else None
    for rows in _pages(source, name, after):
        done[name] = [_encoded(rows[-1][column]) for column in KEYS[name]]

        def bring(transaction: Transaction, rows: list[dict[str, Any]] = rows) -> None:
            bulk.insert(transaction.connection, table, rows)
            _note(transaction, done)

        target.write(bring)


def _encoded(value: Any) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _decoded(value: Any) -> Any:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def _compare(source: Database, target: Database, progress: Progress) -> dict[str, int]:
    """Compare every table, rows in any order; return how many rows each has."""
    counts = {}
    for position, name in enumerate(KEYS):
        (wanted, count), (found, found_count) = _sum(source, name), _sum(target, name)
        if (wanted, count) != (found, found_count):
            raise Corrupt(
                f"the table {name} has {found_count} rows, of {count}, or other ones than the source",
                hint="copy into another, empty store, from one that no server writes to",
            )
        counts[name] = count
        progress("compared tables", position + 1, len(KEYS))
    return counts


def _sum(database: Database, name: str) -> tuple[int, int]:
    """Return a hash of a table's rows that does not depend on their order, and how many there are."""
    columns = [column.name for column in METADATA.tables[name].columns]
    total, count = 0, 0
    for rows in _pages(database, name, None):
        for row in rows:
            content = json.dumps([_encoded(row[column]) for column in columns]).encode()
            total += int.from_bytes(hashlib.blake2b(content, digest_size=32).digest())
        count += len(rows)
    return total % _MODULUS, count
