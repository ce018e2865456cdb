"""The rows of exports: what is being made, what is shown, and what a withdrawn picture takes with it.

A file is registered, with the places and days that it covers, before its pictures are read. Whoever withdraws a picture
marks every file that covers it, in the same transaction and whether the file is written already or not; so either the
reading sees that the picture is gone, or the file is found to be withdrawn before anybody could have it. The bytes of a
withdrawn file go the way of all erased bytes: a note in `erasure`, and `finish_erasures`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dashlight.errors import NotFound, Unavailable
from dashlight.model import DAY_MS, QK_ZOOM, h3_parent
from dashlight.store import schema
from dashlight.store.database import Transaction
from dashlight.store.schema import ExportState, FileState

PREFIX = "exports/"
CELL_RESOLUTION = 4  # H3 cells whose edge is about 26 km.
QK_END = 1 << 2 * QK_ZOOM
DAYS_END = 1 << 40  # After every day.
_RETRY_AFTER_S = 60.0
_e, _f = schema.export, schema.export_file


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which pictures a file holds: all that are shown in a place and a time.

    Attributes:
        qk_first: First key of the place.
        qk_end: After its last key.
        cell: H3 cell of resolution 4 that holds the pictures as well, or None for any.
        day_first: First day since 1970-01-01 on which the told times begin.
        day_last: Last such day.
    """

    qk_first: int = 0
    qk_end: int = QK_END
    cell: int | None = None
    day_first: int = -DAYS_END
    day_last: int = DAYS_END


@dataclass(frozen=True, slots=True)
class Export:
    """A format's export as the rows have it.

    Attributes:
        number: The row's own.
        format: Its name.
        is_shown: Whether readers are told of it.
        day: On which it was begun, since 1970-01-01.
        pictures: How many it holds; of one that is being made, how many it will about have.
        pictures_done: How many of them are in files.
    """

    number: int
    format: str
    is_shown: bool
    day: int
    pictures: int
    pictures_done: int


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export.

    Attributes:
        key: Of its object.
        export: Number of its export.
        path: Its name among the export's files.
        is_withdrawn: Whether it held a picture that is not shown any more; its bytes are gone or about to go.
        coverage: What it holds.
        pictures: How many.
        size_bytes: Of the object.
        sha256: Of the object.
    """

    key: str
    export: int
    path: str
    is_withdrawn: bool
    coverage: Coverage
    pictures: int
    size_bytes: int
    sha256: bytes


def shown(connection: sa.Connection, export_format: str) -> Export | None:
    """Return the export of a format that readers are told of."""
    return _one(connection, export_format, ExportState.SHOWN)


def being_made(connection: sa.Connection, export_format: str) -> Export | None:
    """Return the export of a format that is being made, or whose making was interrupted."""
    return _one(connection, export_format, ExportState.BEING_MADE)


def _one(connection: sa.Connection, export_format: str, state: ExportState) -> Export | None:
    row = connection.execute(
        sa.select(_e).where(_e.c.format == export_format, _e.c.state == int(state)).order_by(_e.c.number.desc())
    ).first()
    if row is None:
        return None
    is_shown = row.state == ExportState.SHOWN
    return Export(row.number, row.format, is_shown, row.day, row.pictures, row.pictures_done)


def all_exports(connection: sa.Connection) -> list[Export]:
    """Return every export, by format."""
    rows = connection.execute(sa.select(_e).order_by(_e.c.format, _e.c.number)).all()
    return [
        Export(row.number, row.format, row.state == ExportState.SHOWN, row.day, row.pictures, row.pictures_done)
        for row in rows
    ]


def _file(row: sa.Row[tuple[Any, ...]]) -> ExportFile:
    coverage = Coverage(row.qk_first, row.qk_end, row.cell, row.day_first, row.day_last)
    is_withdrawn = row.state == FileState.WITHDRAWN
    return ExportFile(
        row.key, row.export, row.path, is_withdrawn, coverage, row.pictures, row.size_bytes, bytes(row.sha256)
    )


def files_of(connection: sa.Connection, export: int, *, after: str = "", limit: int | None = None) -> list[ExportFile]:
    """Return files of an export that are written or withdrawn, in the order of their paths.

    Args:
        connection: To read with.
        export: Its number.
        after: The path after which to begin.
        limit: At most so many, or None for all.
    """
    query = (
        sa.select(_f)
        .where(_f.c.export == export, _f.c.path > after, _f.c.state != int(FileState.BEING_WRITTEN))
        .order_by(_f.c.path)
    )
    return [_file(row) for row in connection.execute(query.limit(limit))]


@dataclass(frozen=True, slots=True)
class Totals:
    """What the files of an export are together."""

    files: int
    withdrawn: int
    size_bytes: int


def totals_of(connection: sa.Connection, export: int) -> Totals:
    """Return how many files an export has, how many of them are withdrawn, and the bytes of the others."""
    rows = connection.execute(
        sa.select(_f.c.state, sa.func.count(), sa.cast(sa.func.sum(_f.c.size_bytes), sa.BigInteger))
        .where(_f.c.export == export, _f.c.state != int(FileState.BEING_WRITTEN))
        .group_by(_f.c.state)
    ).all()
    by_state = {state: (count, size) for state, count, size in rows}
    whole, withdrawn = by_state.get(int(FileState.WHOLE), (0, 0)), by_state.get(int(FileState.WITHDRAWN), (0, 0))
    return Totals(whole[0] + withdrawn[0], withdrawn[0], whole[1] or 0)


def is_name(text: str) -> bool:
    """Return whether a text can be a name of ours at all; a database may refuse to be asked for others."""
    return text.isascii() and text.isprintable()


def _no_file(export_format: str, path: str) -> NotFound:
    return NotFound(f"there is no file {path[:120]!r} in the export {export_format!r:.60}", code="no-export")


def find_file(connection: sa.Connection, export_format: str, path: str) -> ExportFile:
    """Return a file that readers may have.

    Raises:
        NotFound: When there is none.
        Unavailable: When it is withdrawn and about to be written anew.
    """
    if not is_name(export_format) or not is_name(path):
        raise _no_file(export_format, path)
    row = connection.execute(
        sa.select(_f)
        .join(_e, _e.c.number == _f.c.export)
        .where(
            _e.c.format == export_format,
            _e.c.state == int(ExportState.SHOWN),
            _f.c.path == path,
            _f.c.state != int(FileState.BEING_WRITTEN),
        )
        .order_by(_f.c.state)
    ).first()
    if row is None:
        raise _no_file(export_format, path)
    if row.state == FileState.WITHDRAWN:
        raise Unavailable(
            f"the file {path!r} held a picture that was taken back; it is being written anew",
            hint="try again in a minute",
            code="export-withdrawn",
            retry_after_s=_RETRY_AFTER_S,
        )
    return _file(row)


def is_work_left(connection: sa.Connection) -> bool:
    """Return whether a file of a shown export is withdrawn, or the making of an export was interrupted."""
    is_withdrawn = (
        sa.select(_f.c.key)
        .join(_e, _e.c.number == _f.c.export)
        .where(_f.c.state == int(FileState.WITHDRAWN), _e.c.state == int(ExportState.SHOWN))
    )
    interrupted = sa.select(_e.c.number).where(_e.c.state == int(ExportState.BEING_MADE))
    return connection.execute(is_withdrawn).first() is not None or connection.execute(interrupted).first() is not None


def begin(transaction: Transaction, export_format: str, *, day: int, pictures: int) -> Export:
    """Return the export of a format that was interrupted, or a new one.

    Args:
        transaction: The write.
        export_format: Its name.
        day: Today, since 1970-01-01.
        pictures: How many it will about have.
    """
    found = being_made(transaction.connection, export_format)
    if found is not None:
        return found
    row = sa.insert(_e).values(
        format=export_format, state=int(ExportState.BEING_MADE), day=day, pictures=pictures, pictures_done=0
    )
    number = int(transaction.connection.execute(row.returning(_e.c.number)).scalar_one())
    return Export(number, export_format, is_shown=False, day=day, pictures=pictures, pictures_done=0)


def forget_unfinished(transaction: Transaction) -> None:
    """Delete what a writer that is dead had begun; only whoever is alone in making exports may call it.

    The caller runs `finish_erasures` once this is committed.
    """
    rows = transaction.connection.execute(sa.select(_f).where(_f.c.state != int(FileState.WHOLE))).all()
    _note_objects(transaction, [row.key for row in rows])
    unfinished = [row.key for row in rows if row.state == FileState.BEING_WRITTEN]
    for key in unfinished:
        transaction.connection.execute(sa.delete(_f).where(_f.c.key == key))


def register(transaction: Transaction, export: int, path: str, coverage: Coverage, *, suffix: str) -> str:
    """Register a file that is about to be written; return the key of its object.

    Read its pictures only once this is committed.
    """
    name = secrets.token_hex(16)
    key = f"{PREFIX}{name[:2]}/{name}{suffix}"
    transaction.connection.execute(
        sa.insert(_f).values(
            key=key,
            export=export,
            path=path,
            state=int(FileState.BEING_WRITTEN),
            qk_first=coverage.qk_first,
            qk_end=coverage.qk_end,
            cell=coverage.cell,
            day_first=coverage.day_first,
            day_last=coverage.day_last,
            pictures=0,
            size_bytes=0,
            sha256=b"",
        )
    )
    return key


def complete(transaction: Transaction, key: str, *, pictures: int, size_bytes: int, sha256: bytes) -> bool:
    """Note that a registered file's object is durable, and drop what had its path before.

    Returns:
        False when something that it covers was withdrawn meanwhile: nobody may have it. It is forgotten then, and its
        object is noted to go.
    """
    connection = transaction.connection
    row = connection.execute(sa.select(_f).where(_f.c.key == key)).one()
    if row.state != FileState.BEING_WRITTEN:
        abandon(transaction, key)
        return False
    _drop(transaction, [_f.c.export == row.export, _f.c.path == row.path, _f.c.key != key])
    values = {"state": int(FileState.WHOLE), "pictures": pictures, "size_bytes": size_bytes, "sha256": sha256}
    connection.execute(sa.update(_f).where(_f.c.key == key).values(values))
    _count(transaction, row.export)
    return True


def abandon(transaction: Transaction, key: str) -> None:
    """Forget a registered file and note its object to go."""
    _drop(transaction, [_f.c.key == key])


def drop_path(transaction: Transaction, export: int, path: str) -> None:
    """Drop a file that would hold nothing; the caller runs `finish_erasures` once this is committed."""
    _drop(transaction, [_f.c.export == export, _f.c.path == path])
    _count(transaction, export)


def _count(transaction: Transaction, export: int) -> None:
    held = sa.select(sa.func.coalesce(sa.cast(sa.func.sum(_f.c.pictures), sa.BigInteger), 0)).where(
        _f.c.export == export, _f.c.state == int(FileState.WHOLE)
    )
    done = transaction.connection.execute(held).scalar_one()
    row = transaction.connection.execute(sa.select(_e).where(_e.c.number == export)).one()
    values = {"pictures_done": done} | ({"pictures": done} if row.state == ExportState.SHOWN else {})
    transaction.connection.execute(sa.update(_e).where(_e.c.number == export).values(values))


def publish_export(transaction: Transaction, number: int, *, kept: Iterable[str] = ()) -> bool:
    """Show a finished export in place of the one before; the caller runs `finish_erasures` once this is committed.

    Args:
        transaction: The write.
        number: Of the export.
        kept: Paths of the export before whose files are taken over as they are.

    Returns:
        False when a file of it was withdrawn meanwhile: it has to be written anew first.
    """
    connection = transaction.connection
    export = connection.execute(sa.select(_e).where(_e.c.number == number)).one()
    of_this = _f.c.export == number
    if connection.execute(sa.select(_f.c.key).where(of_this, _f.c.state != int(FileState.WHOLE))).first():
        return False
    before = connection.execute(
        sa.select(_e.c.number).where(_e.c.format == export.format, _e.c.number != number)
    ).scalars()
    written = set(connection.execute(sa.select(_f.c.path).where(of_this)).scalars())
    for other in before.all():
        for path in set(kept) - written:
            connection.execute(sa.update(_f).where(_f.c.export == other, _f.c.path == path).values(export=number))
        _drop(transaction, [_f.c.export == other])
        connection.execute(sa.delete(_e).where(_e.c.number == other))
    connection.execute(sa.update(_e).where(_e.c.number == number).values(state=int(ExportState.SHOWN)))
    _count(transaction, number)
    return True


def remove_exports(transaction: Transaction, export_format: str | None = None) -> int:
    """Remove the exports of a format, or all; the caller runs `finish_erasures` once this is committed.

    Returns:
        How many there were.
    """
    connection = transaction.connection
    query = sa.select(_e.c.number) if export_format is None else sa.select(_e.c.number).filter_by(format=export_format)
    numbers = connection.execute(query).scalars().all()
    for number in numbers:
        _drop(transaction, [_f.c.export == number])
        connection.execute(sa.delete(_e).where(_e.c.number == number))
    return len(numbers)


def withdraw_files(transaction: Transaction, pictures: Sequence[tuple[int, int, int]]) -> int:
    """Withdraw every file that covers a picture which is not shown any more; return how many.

    Args:
        transaction: The write that withdraws the pictures.
        pictures: Of each the key of its place, its H3 cell of resolution 15, and the first millisecond of its time.
    """
    keys: set[str] = set()
    asked = {(qk, h3_parent(cell, CELL_RESOLUTION), captured_ms // DAY_MS) for qk, cell, captured_ms in pictures}
    for qk, cell, day in asked:
        keys.update(
            transaction.connection.execute(
                sa.select(_f.c.key).where(
                    sa.or_(_f.c.cell.is_(None), _f.c.cell == cell),
                    _f.c.day_first <= day,
                    _f.c.day_last >= day,
                    _f.c.qk_first <= qk,
                    _f.c.qk_end > qk,
                    _f.c.state != int(FileState.WITHDRAWN),
                )
            ).scalars()
        )
    for key in keys:
        transaction.connection.execute(
            sa.update(_f).where(_f.c.key == key).values(state=int(FileState.WITHDRAWN), size_bytes=0, sha256=b"")
        )
    _note_objects(transaction, sorted(keys))
    return len(keys)


def _drop(transaction: Transaction, conditions: Sequence[sa.ColumnElement[bool]]) -> None:
    keys = transaction.connection.execute(sa.select(_f.c.key).where(*conditions)).scalars().all()
    _note_objects(transaction, keys)
    transaction.connection.execute(sa.delete(_f).where(*conditions))


def _note_objects(transaction: Transaction, keys: Sequence[str]) -> None:
    if keys:
        rows = [{"key": key, "offset_bytes": 0, "length_bytes": -1} for key in keys]
        transaction.connection.execute(sa.insert(schema.erasure), rows)
        transaction.change.is_erasing = True
