"""Withdrawing: a picture leaves the map (hidden) or the world (erased).

Erasing deletes the rows in one commit together with a note of the byte ranges to zero; `finish_erasures` zeroes them
and then deletes the note. After a crash between the two it goes on at the next start.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from dashlight.model import DAY_MS
from dashlight.store import collections, exports, places, schema
from dashlight.store.database import Database, Transaction
from dashlight.store.objects import Objects
from dashlight.store.outbox import NewEvent, tell
from dashlight.store.schema import PictureState

_p = schema.picture
Row = sa.Row[*tuple[Any, ...]]
_NOTES_AT_ONCE = 1_000  # Zeroed and forgotten together; a statement takes 32,766 numbers at the least.


def hide(transaction: Transaction, number: int) -> bool:
    """Take a picture off the map and keep it until the report is decided; return whether it was shown.

    The caller runs `Database.forget_journal` once this is committed.
    """
    rows = _rows(transaction, [number])
    shown = [row for row in rows if row.state == PictureState.PUBLISHED]
    _unshow(transaction, shown)
    _tell_gone(transaction, shown)
    _forget_what_was_told(transaction, shown)
    return bool(shown)


def erase(transaction: Transaction, numbers: Sequence[int]) -> None:
    """Delete pictures for good; the caller runs `finish_erasures` once this is committed."""
    rows = _rows(transaction, numbers)
    _unshow(transaction, [row for row in rows if row.state == PictureState.PUBLISHED])
    _tell_gone(transaction, rows)
    _forget_what_was_told(transaction, rows)
    connection = transaction.connection
    for row in rows:
        for table in (schema.report, schema.cleared, schema.kept):
            connection.execute(sa.delete(table).where(table.c.picture == row.number))
        connection.execute(sa.delete(_p).where(_p.c.number == row.number))
        connection.execute(sa.insert(schema.gone).values(id=row.id))
    for terms, count in Counter(row.terms for row in rows).items():
        table = schema.terms
        connection.execute(sa.update(table).where(table.c.number == terms).values(pictures=table.c.pictures - count))
        connection.execute(sa.delete(table).where(table.c.number == terms, table.c.pictures <= 0))
    for sequence in {row.sequence for row in rows if row.sequence is not None}:
        is_used = sa.exists().where(_p.c.sequence == sequence)
        connection.execute(sa.delete(schema.sequence).where(schema.sequence.c.number == sequence, ~is_used))
    _note_ranges(transaction, rows)
    transaction.change.is_erasing = True


def remove_object(transaction: Transaction, number: int) -> None:
    """Delete an object's row and note that all of its bytes go; no bundle is stored there any more."""
    table = schema.object_
    key = transaction.connection.execute(sa.select(table.c.key).where(table.c.number == number)).scalar_one()
    transaction.connection.execute(sa.update(schema.bundle).where(schema.bundle.c.object == number).values(object=None))
    transaction.connection.execute(sa.delete(table).where(table.c.number == number))
    transaction.connection.execute(sa.insert(schema.erasure).values(key=key, offset_bytes=0, length_bytes=-1))


def finish_erasures(database: Database, objects: Objects) -> int:
    """Zero every noted range durably, some at a time, and forget the notes; return how many there were.

    May be called by several threads and processes at once; they take turns, and whoever waited finds less to do. What
    was zeroed twice does no harm.
    """
    count = 0
    while some := _finish_some(database, objects):
        count += some
    if count:
        database.forget_journal()
    return count


def _finish_some(database: Database, objects: Objects) -> int:
    if not _some_notes(database):  # A note is forgotten once its bytes are zero, so a turn would find nothing to do.
        return 0
    with database.alone("erasures", is_waiting=True):
        some = _some_notes(database)
        ranges: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for note in some:
            ranges[note.key].append((note.offset_bytes, note.length_bytes))
        for key, of_object in ranges.items():
            if any(length < 0 for _, length in of_object):
                objects.remove(key)
            else:
                objects.zero(key, of_object)
        if some:
            database.write(partial(_forget_notes, numbers=[note.number for note in some]))
    return len(some)


def _some_notes(database: Database) -> Sequence[Row]:
    """Return the notes of a few objects; that one is to be removed comes before its ranges."""
    table = schema.erasure
    query = sa.select(table).order_by(table.c.key, table.c.length_bytes, table.c.number).limit(_NOTES_AT_ONCE)
    with database.read() as connection:
        return connection.execute(query).all()


def _forget_notes(transaction: Transaction, numbers: Sequence[int]) -> None:
    table = schema.erasure
    transaction.connection.execute(sa.delete(table).where(table.c.number.in_(numbers)))


def _rows(transaction: Transaction, numbers: Sequence[int]) -> list[Row]:
    found: list[Row] = []
    for number in numbers:
        found += transaction.connection.execute(sa.select(_p).where(_p.c.number == number)).all()
    return found


def _tell_gone(transaction: Transaction, rows: Sequence[Row]) -> None:
    tell(transaction, [NewEvent("gone", json.dumps({"id": str(UUID(bytes=row.id))})) for row in rows])


def _forget_what_was_told(transaction: Transaction, rows: Sequence[Row]) -> None:
    """Delete what a live reader that comes back would be told of the pictures; that they are gone stays."""
    for row in rows:
        transaction.connection.execute(sa.delete(schema.event).where(schema.event.c.picture == row.id))


def _note_ranges(transaction: Transaction, rows: Sequence[Row]) -> None:
    connection, table = transaction.connection, schema.object_
    by_object: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_object[row.object].append(row)
    for number, erased in by_object.items():
        held = connection.execute(sa.select(table).where(table.c.number == number)).one()
        ranges = [(row.offset_bytes, row.size_bytes) for row in erased]
        ranges += [(row.thumbnail_offset_bytes, row.thumbnail_size_bytes) for row in erased]
        if held.head_bytes:  # The manifest tells of the erased picture too.
            ranges.append((0, held.head_bytes))
            connection.execute(sa.update(table).where(table.c.number == number).values(head_bytes=0))
        connection.execute(
            sa.insert(schema.erasure),
            [{"key": held.key, "offset_bytes": o, "length_bytes": length} for o, length in ranges],
        )
        if not connection.execute(sa.select(sa.exists().where(_p.c.object == number))).scalar():
            remove_object(transaction, number)


def _unshow(transaction: Transaction, rows: Sequence[Row]) -> None:
    """Take pictures out of marks, freshest marks and counts, and note that they are hidden."""
    connection = transaction.connection
    for row in rows:
        connection.execute(sa.update(_p).where(_p.c.number == row.number).values(state=int(PictureState.HIDDEN)))
        mark = schema.mark
        connection.execute(sa.delete(mark).where(mark.c.qk == row.qk, mark.c.number == row.number))
    _uncount(connection, rows)
    exports.withdraw_files(transaction, [(row.qk, row.h3_r15, row.captured_ms) for row in rows])
    collections.remove_pictures(connection, [row.number for row in rows])
    for row in rows:
        _freshen(connection, row.qk >> places.LIVE_SHIFT, places.octant_of(row.heading_ddeg), row.number)
    transaction.change.qks += [row.qk for row in rows]


def _freshen(connection: sa.Connection, cell: int, octant: int, number: int) -> None:
    """Put the next freshest picture where the withdrawn one was the freshest; of equal times, as `show` does."""
    live, mark = schema.live, schema.mark
    here = (live.c.cell == cell, live.c.octant == octant)
    if not connection.execute(sa.delete(live).where(*here, live.c.number == number)).rowcount:
        return
    first, last = cell << places.LIVE_SHIFT, (cell + 1) << places.LIVE_SHIFT
    rows = connection.execute(sa.select(mark.c.number, mark.c.mark).where(mark.c.qk >= first, mark.c.qk < last)).all()
    if not rows:
        return
    marks = places.marks_from([row.mark for row in rows])
    candidates = (places.octants_of(marks["heading_ddeg"]) == octant).nonzero()[0]
    if len(candidates):
        numbers = np.fromiter((row.number for row in rows), np.int64, len(rows))
        best = candidates[np.lexsort((numbers[candidates], marks["captured_ms"][candidates]))[-1]]
        connection.execute(
            sa.insert(live).values(
                cell=cell,
                octant=octant,
                captured_ms=int(marks["captured_ms"][best]),
                number=rows[best].number,
                mark=rows[best].mark,
            )
        )


def _uncount(connection: sa.Connection, rows: Sequence[Row]) -> None:
    cover, cover_day, daily = schema.cover, schema.cover_day, schema.daily
    by_day: Counter[tuple[int, int, int]] = Counter()
    for row in rows:
        for resolution, h3_cell in places.parents_of(row.h3_r15):
            by_day[resolution, h3_cell, row.captured_ms // DAY_MS] += 1
    for (resolution, h3_cell, day), count in by_day.items():
        key = {"resolution": resolution, "qk": places.cell_of(h3_cell).qk}
        for table, at in ((cover, key), (cover_day, {**key, "day": day})):
            connection.execute(sa.update(table).filter_by(**at).values(pictures=table.c.pictures - count))
            connection.execute(sa.delete(table).filter_by(**at).where(table.c.pictures <= 0))
    for resolution, h3_cell in {(r, c) for r, c, _ in by_day}:
        _renew_newest(connection, resolution, h3_cell)
    for day, count in Counter(row.captured_ms // DAY_MS for row in rows).items():
        connection.execute(sa.update(daily).where(daily.c.day == day).values(pictures=daily.c.pictures - count))
        connection.execute(sa.delete(daily).where(daily.c.day == day, daily.c.pictures <= 0))


def _renew_newest(connection: sa.Connection, resolution: int, h3_cell: int) -> None:
    cover, cover_day, mark = schema.cover, schema.cover_day, schema.mark
    key = {"resolution": resolution, "qk": places.cell_of(h3_cell).qk}
    day = connection.execute(sa.select(sa.func.max(cover_day.c.day)).filter_by(**key)).scalar()
    if day is None:
        return
    values = {"captured_ms": day * DAY_MS}
    if resolution == places.STREET_RESOLUTION:
        first, last = places.h3_range(h3_cell)
        newest = connection.execute(
            sa.select(_p.c.captured_ms, _p.c.heading_ddeg)
            .where(_p.c.h3_r15.between(first, last))
            .where(sa.exists().where(mark.c.qk == _p.c.qk, mark.c.number == _p.c.number))
            .order_by(_p.c.captured_ms.desc(), _p.c.heading_ddeg.desc())
            .limit(1)
        ).one_or_none()
        if newest is not None:
            values = {"captured_ms": newest.captured_ms, "heading_ddeg": newest.heading_ddeg}
    connection.execute(sa.update(cover).filter_by(**key).values(**values))
