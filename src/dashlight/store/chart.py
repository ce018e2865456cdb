"""Reading the map's tables: marks and counts of one tile as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.model import DAY_MS
from dashlight.store import bulk, places
from dashlight.store.joined import joined_bytes, joined_numbers
from dashlight.store.places import Marks
from dashlight.store.schema import daily

MAX_FILTERED = 200_000  # Marks that a tile with a date filter looks at.

_MARKS = "SELECT mark FROM mark WHERE qk >= ? AND qk < ? ORDER BY qk, number LIMIT ?"
_LIVE = "SELECT mark FROM live WHERE cell >= ? AND cell < ? ORDER BY cell, octant LIMIT ?"
_COVER = (
    "SELECT qk, pictures, captured_ms, heading_ddeg, outline FROM cover WHERE resolution = ? AND qk >= ? AND qk < ?"
)
_COVER_DAYS = (
    "SELECT d.qk, d.pictures, d.captured_ms, c.heading_ddeg, c.outline FROM (SELECT resolution, qk, "
    "CAST(SUM(pictures) AS BIGINT) AS pictures, MAX(day) * 86400000 AS captured_ms FROM cover_day "
    "WHERE resolution = ? AND qk >= ? AND qk < ? AND day BETWEEN ? AND ? GROUP BY resolution, qk) d "
    "JOIN cover c ON c.resolution = d.resolution AND c.qk = d.qk"
)
_CENTRES = "SELECT qk FROM cover WHERE resolution = ? ORDER BY qk LIMIT ?"
_HISTOGRAM = (
    "SELECT day, CAST(SUM(pictures) AS BIGINT) FROM cover_day WHERE resolution = ? AND qk >= ? AND qk < ? GROUP BY day"
)
_MOST = 1 << 62  # As good as no limit.
_TURN = 360
_STREETS = (  # Day and heading as one number.
    "SELECT qk, pictures, captured_ms / 86400000 * 360 + heading_ddeg / 10 AS told FROM cover "
    "WHERE resolution = ? AND qk >= ? AND qk < ?"
)


@dataclass(frozen=True, slots=True)
class Cells:
    """Counted cells.

    Attributes:
        qk: `(N,) int64`, keys of the centres.
        pictures: `(N,) int64`.
        day: `(N,) int64`, of the newest picture, since 1970-01-01.
        heading_deg: `(N,) int64`, of the newest picture, whole degrees.
        outlines: `(K, 2) <i4` as bytes for each; empty for street cells.
    """

    qk: npt.NDArray[np.int64]
    pictures: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    heading_deg: npt.NDArray[np.int64]
    outlines: tuple[bytes, ...]


def _fetch(connection: sa.Connection, sql: str, parameters: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Return rows as the driver gives them: a tile has thousands, and SQLAlchemy's rows cost twice as much.

    `Database.read` has begun the transaction, so that all of a tile's ranges are of one moment.
    """
    if bulk.is_postgresql(connection):
        with bulk.driver(connection).cursor(binary=True) as pg_cursor:
            return pg_cursor.execute(_for_postgresql(sql), parameters).fetchall()
    cursor = connection.connection.cursor()
    cursor.execute(sql, parameters)
    rows = list(cursor.fetchall())
    cursor.close()
    return rows


def _fetch_ranges(
    connection: sa.Connection,
    sql: str,
    resolution: int,
    ranges: Iterable[tuple[int, int]],
    others: tuple[int, ...],
) -> list[tuple[Any, ...]]:
    """Return rows by their first column within each range; PostgreSQL is asked once: each question is a way to it.

    As a table of PostgreSQL lies, what was written last is last.
    """
    if not bulk.is_postgresql(connection):
        rows: list[tuple[Any, ...]] = []
        with closing(connection.connection.cursor()) as one:  # A tile has about thirty, most of them with few rows.
            for first, last in ranges:
                one.execute(sql, (resolution, first, last, *others))
                rows += one.fetchall()
        return rows
    ranges = list(ranges)
    firsts, lasts = [first for first, _ in ranges], [last for _, last in ranges]
    with bulk.driver(connection).cursor(binary=True) as cursor:
        found = cursor.execute(_for_all_ranges(sql), (firsts, lasts, resolution, *others)).fetchall()
    return sorted(found, key=itemgetter(0))


@cache
def _for_postgresql(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


@cache
def _for_all_ranges(sql: str) -> bytes:
    """Return a query for many ranges at once; OFFSET keeps the planner from taking it apart and scanning for all."""
    one = sql.replace("qk >= ? AND qk < ?", "qk >= ranges.first AND qk < ranges.last")
    many = "SELECT found.* FROM unnest(?::BIGINT[], ?::BIGINT[]) AS ranges (first, last)"
    return _for_postgresql(f"{many} JOIN LATERAL ({one} OFFSET 0) AS found ON TRUE")


def marks_in(connection: sa.Connection, qks: tuple[int, int], *, days: tuple[int, int] | None, most: int) -> Marks:
    """Return at most `most` marks of a range of keys: all, or the newest of each place and heading first.

    Args:
        connection: To read with.
        qks: Half-open range.
        days: First and last day, inclusive, or None for all.
        most: How many.
    """
    if days is not None:
        marks = _marks(connection, _MARKS, (*qks, MAX_FILTERED))
        captured = marks["captured_ms"]
        marks = marks[(captured >= days[0] * DAY_MS) & (captured < (days[1] + 1) * DAY_MS)]
        return marks if len(marks) <= most else _freshest_first(marks)[:most]
    marks = _marks(connection, _MARKS, (*qks, most + 1))
    if len(marks) <= most:
        return marks
    cells = (qks[0] >> places.LIVE_SHIFT, qks[1] >> places.LIVE_SHIFT)
    live = _marks(connection, _LIVE, (*cells, MAX_FILTERED))
    if len(live) >= most:
        return live[np.argsort(-live["captured_ms"], kind="stable")][:most]
    is_new = np.isin(_ids(marks), _ids(live), invert=True)
    return np.concatenate([live, marks[is_new][: most - len(live)]])


def _marks(connection: sa.Connection, sql: str, parameters: tuple[int, ...]) -> Marks:
    """Return marks by place and then by id, so that nothing on a tile tells in which order they came."""
    marks = places.marks_from([joined_bytes(connection, "mark", sql, parameters)])
    return places.taken(marks, places.order_of(marks))


def _ids(marks: Marks) -> npt.NDArray[np.void]:
    return np.ascontiguousarray(marks["id"]).view("V16").ravel()


def _freshest_first(marks: Marks) -> Marks:
    """Return the newest mark of each z21 tile and octant, newest first, and then the others."""
    newest = marks[np.argsort(-marks["captured_ms"], kind="stable")]
    x = newest["lon_e6"].astype(np.int64) // 200  # About as large as a z21 tile.
    y = newest["lat_e6"].astype(np.int64) // 150
    key = (x << 36) + (y << 4) + places.octants_of(newest["heading_ddeg"])
    first = np.zeros(len(newest), bool)
    first[np.unique(key, return_index=True)[1]] = True
    return np.concatenate([newest[first], newest[~first]])


def cells_in(
    connection: sa.Connection,
    resolution: int,
    ranges: Iterable[tuple[int, int]],
    *,
    days: tuple[int, int] | None,
) -> Cells:
    """Return the counted cells of one H3 resolution whose centres lie in any of `ranges`."""
    if resolution == places.STREET_RESOLUTION and days is None:
        return _street_cells(connection, ranges)
    rows = _fetch_ranges(connection, _COVER if days is None else _COVER_DAYS, resolution, ranges, days or ())
    numbers = np.array([row[:4] for row in rows], np.int64).reshape(-1, 4)
    outlines = () if resolution == places.STREET_RESOLUTION else tuple([row[4] for row in rows])
    return Cells(numbers[:, 0], numbers[:, 1], numbers[:, 2] // DAY_MS, numbers[:, 3] // 10, outlines)


def _street_cells(connection: sa.Connection, ranges: Iterable[tuple[int, int]]) -> Cells:
    names = ("qk", "pictures", "told")
    found = [joined_numbers(connection, names, _STREETS, (places.STREET_RESOLUTION, *qks)) for qks in ranges]
    columns = np.concatenate(found, axis=1)
    qk, pictures, told = columns[:, np.argsort(columns[0], kind="stable")]
    return Cells(qk, pictures, told // _TURN, told % _TURN, ())


def pictures_by_day(connection: sa.Connection, resolution: int, ranges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return how many pictures each day has, counted over cells whose centres lie in `ranges`."""
    counts: dict[int, int] = {}
    for day, pictures in _fetch_ranges(connection, _HISTOGRAM, resolution, ranges, ()):
        counts[day] = counts.get(day, 0) + pictures
    return counts


def days_and_counts(connection: sa.Connection) -> list[tuple[int, int]]:
    """Return every day that has pictures and how many, in order."""
    return [tuple(row) for row in connection.execute(sa.select(daily).order_by(daily.c.day))]


def centres(connection: sa.Connection, resolution: int, *, most: int | None) -> npt.NDArray[np.int64]:
    """Return the keys of the centres of counted cells, at most `most` of them."""
    rows = _fetch(connection, _CENTRES, (resolution, _MOST if most is None else most))
    return np.array([row[0] for row in rows], np.int64)
