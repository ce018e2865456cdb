"""Searching pictures: which ones, in which order, a page at a time.

How a page is found depends on what narrows it most: names; collections; an area with few pictures, all of whose marks
are read and sorted; an area of few tiles, each of which gives its newest; or else time, a day after the other, and only
days on which the area has pictures.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.model import DAY_MS
from dashlight.store import places, schema
from dashlight.store.areas import MOST_RANGES, TILE_SHIFT, Area, days_of, ranges_of, tiles_of
from dashlight.store.collections import CellMonth
from dashlight.store.conditions import (
    CELL_MONTH_BOUNDS,
    Condition,
    cell_month_bounds,
    cell_month_sql,
    collection_sql,
    sql_of,
)
from dashlight.store.found import Found, fetch
from dashlight.store.numbers import BEFORE_ALL
from dashlight.store.pictures import PageEnd
from dashlight.store.schema import PictureState, Precision
from dashlight.store.times import earliest_begin_ms

MOST_MARKS = 2_000  # Of an area whose pictures are all looked at, and therefore counted.
MOST_S = 2.0  # That one page may take; a reader that stays longer would keep what is erased from being forgotten.
MOST_WALKED = 2_000_000  # Rows that one page of a walk may cost; after them it ends, found something or not.
_CHUNK = 500
_ALL_TIME_MS = 1 << 52
_p = schema.picture.c


@dataclass(frozen=True, slots=True)
class Query:
    """Which pictures.

    Attributes:
        area: Where, or None for everywhere.
        captured_ms: First and last millisecond since 1970, inclusive; a week or month fits when it overlaps.
        ids: Only these, or None.
        collections: Only of these (a sequence's UUID, or a cell and month), or None.
        condition: What else must hold, or None.
        is_oldest_first: Instead of newest first.
    """

    area: Area | None = None
    captured_ms: tuple[int, int] | None = None
    ids: tuple[UUID, ...] | None = None
    collections: tuple[UUID | CellMonth, ...] | None = None
    condition: Condition | None = None
    is_oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """One page.

    Attributes:
        pictures: In order.
        end: Where the next page begins, when there is one.
        matched: How many fit the query, when that is known exactly.
    """

    pictures: tuple[Found, ...]
    end: PageEnd | None
    matched: int | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    captured_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a way of searching found: at most limit + 1 pictures, how many there are, or where it gave up."""

    candidates: list[_Candidate]
    matched: int | None = None
    gave_up: PageEnd | None = None


def find_pictures(connection: sa.Connection, query: Query, *, limit: int, after: PageEnd | None = None) -> Results:
    """Return a page of pictures by time, and of one time by row.

    A page is short or empty though another follows only when `MOST_WALKED` rows were looked at.

    Args:
        connection: To read with.
        query: Which ones.
        limit: At most so many.
        after: Where the page before ended.
    """
    if query.condition is not None or (query.ids is not None and query.collections is not None):
        # The statement's shape follows the question: it is compiled once, and not kept for the next one.
        connection = connection.execution_options(compiled_cache={})
    chosen = _choose(connection, query, limit, after)
    page = chosen.candidates[:limit]
    end = chosen.gave_up
    if len(chosen.candidates) > limit:
        end = PageEnd(page[-1].captured_ms, page[-1].number)
    return Results(tuple(fetch(connection, [one.number for one in page])), end, chosen.matched)


def _choose(connection: sa.Connection, query: Query, limit: int, after: PageEnd | None) -> _Chosen:
    if query.ids is not None:
        return _by_ids(connection, query, limit, after)
    if query.collections is not None:
        return _by_collections(connection, query, limit, after)
    if query.area is not None:
        marks = marks_in(connection, ranges_of(query.area), most=MOST_MARKS)
        if marks is not None:
            return _by_marks(connection, marks, query, limit, after)
        tiles = tiles_of(query.area)
        if tiles is not None:
            return _by_tiles(connection, tiles, query, limit, after)
    return _along_time(connection, query, limit, after)


def _ordered(candidates: Iterable[_Candidate], query: Query, after: PageEnd | None) -> list[_Candidate]:
    """Return candidates in the query's order, from behind `after` on."""
    turn = 1 if query.is_oldest_first else -1
    rows = sorted(candidates, key=lambda one: (turn * one.captured_ms, turn * one.number))
    if after is None:
        return rows
    return rows[
        bisect_right(
            rows,
            (turn * after.captured_ms, turn * after.number),
            key=lambda one: (turn * one.captured_ms, turn * one.number),
        ) :
    ]


def _by_ids(connection: sa.Connection, query: Query, limit: int, after: PageEnd | None) -> _Chosen:
    asked = sorted({one.bytes for one in query.ids or ()})
    found: list[_Candidate] = []
    statement = _matching(query).where(_p.id.in_(sa.bindparam("some", expanding=True)))
    if query.collections is not None:
        of_these = (collection_sql(key.bytes if isinstance(key, UUID) else key) for key in query.collections)
        statement = statement.where(sa.or_(sa.false(), *of_these))
    for first in range(0, len(asked), _CHUNK):
        found += _inside(connection.execute(statement, {"some": asked[first : first + _CHUNK]}).all(), query)
    return _Chosen(_ordered(found, query, after)[: limit + 1], matched=len(found))


def _by_collections(connection: sa.Connection, query: Query, limit: int, after: PageEnd | None) -> _Chosen:
    found: list[_Candidate] = []
    number = sa.select(schema.sequence.c.number).where(schema.sequence.c.id == sa.bindparam("id")).scalar_subquery()
    sequences = _after(_matching(query).where(_p.sequence == number), query, after)
    of_sequence = _sorted(sequences, query, (_p.captured_ms, _p.number))
    captured = _p.captured_ms + 0  # As in `cell_month_sql`.
    months = _matching(query).where(cell_month_sql(*map(sa.bindparam, CELL_MONTH_BOUNDS)))
    if after is not None:
        here, there = sa.tuple_(captured, _p.number), sa.tuple_(after.captured_ms, after.number)
        months = months.where(here > there if query.is_oldest_first else here < there)
    of_month = _sorted(months, query, (captured, _p.number))
    for key in dict.fromkeys(query.collections or ()):
        if isinstance(key, UUID):
            found += _some(connection, of_sequence, query, limit + 1, {"id": key.bytes})
        else:
            found += _some(connection, of_month, query, limit + 1, cell_month_bounds(key))
    chosen = _ordered(found, query, None)[: limit + 1]
    return _Chosen(chosen, matched=_counted(connection, query))


def _sorted(statement: sa.Select[Any], query: Query, order: Sequence[Any]) -> sa.Select[Any]:
    """Return a statement in the query's order; `_some` runs it, as often as is due, and it is built once."""
    ordered = statement.order_by(*(column if query.is_oldest_first else column.desc() for column in order))
    is_shaped = query.area is not None and query.area.shape is not None
    return ordered if is_shaped else ordered.limit(sa.bindparam("limit", type_=sa.Integer))


def _some(
    connection: sa.Connection, ordered: sa.Select[Any], query: Query, most: int, bound: Mapping[str, Any]
) -> list[_Candidate]:
    """Return the first rows of a statement of `_sorted` that lie in the query's shape; `bound` are its parameters."""
    if query.area is None or query.area.shape is None:
        return _inside(connection.execute(ordered, {**bound, "limit": most}).all(), query)
    found: list[_Candidate] = []
    with connection.execute(ordered, bound, execution_options={"yield_per": _CHUNK}) as result:
        for rows in result.partitions():
            found += _inside(rows, query)
            if len(found) >= most:
                break
    return found[:most]


def _counted(connection: sa.Connection, query: Query) -> int | None:
    """Return how many pictures whole collections hold, when nothing else narrows the query."""
    if query.area is not None or query.captured_ms is not None or query.condition is not None:
        return None
    names = [str(key) if isinstance(key, UUID) else key.name for key in dict.fromkeys(query.collections or ())]
    table = schema.collection.c
    total = connection.execute(sa.select(sa.func.sum(table.pictures)).where(table.id.in_(names))).scalar()
    return int(total or 0)


def _matching(query: Query) -> sa.Select[Any]:
    """Return the rows that fit all of the query but names, collections and shape."""
    statement = sa.select(_p.number, _p.captured_ms, _p.lon_e6, _p.lat_e6).where(
        _p.state == int(PictureState.PUBLISHED)
    )
    if query.condition is not None or query.collections is not None:
        statement = statement.join_from(schema.picture, schema.terms, schema.terms.c.number == _p.terms)
    if query.captured_ms is not None:
        statement = statement.where(_captured_sql(*query.captured_ms))
    if query.area is not None:
        statement = statement.where(query.area.sql())
    if query.condition is not None:
        statement = statement.where(sql_of(query.condition))
    return statement


def _after(statement: sa.Select[Any], query: Query, after: PageEnd | None) -> sa.Select[Any]:
    if after is None:
        return statement
    here, there = sa.tuple_(_p.captured_ms, _p.number), sa.tuple_(after.captured_ms, after.number)
    return statement.where(here > there if query.is_oldest_first else here < there)


def _inside(rows: Sequence[sa.Row[Any]], query: Query) -> list[_Candidate]:
    if not rows:
        return []
    candidates = [_Candidate(row.captured_ms, row.number) for row in rows]
    if query.area is None:
        return candidates
    lonlat = np.array([(row.lon_e6, row.lat_e6) for row in rows], np.float64) / 1e6
    return [one for one, is_in in zip(candidates, query.area.holds(lonlat[:, 0], lonlat[:, 1]), strict=True) if is_in]


def _captured_sql(first_ms: int, last_ms: int) -> sa.ColumnElement[bool]:
    begins = {precision: earliest_begin_ms(first_ms, precision.name.lower()) for precision in Precision}
    return sa.and_(
        _p.captured_ms >= min(begins.values()),
        _p.captured_ms <= last_ms,
        sa.or_(*(sa.and_(_p.captured_precision == int(k), _p.captured_ms >= ms) for k, ms in begins.items())),
    )


@lru_cache(maxsize=MOST_RANGES * 2)
def _marks_sql(ranges: int) -> sa.TextClause:
    return sa.text(_each_range("number, mark", ranges))


@lru_cache(maxsize=MOST_RANGES * 2)
def _count_sql(ranges: int) -> sa.TextClause:
    some = f"SELECT 1 FROM ({_each_range('qk', ranges)}) AS held LIMIT :most"  # noqa: S608  # Names of ours.
    return sa.text(f"SELECT COUNT(*) FROM ({some}) AS counted")  # noqa: S608


def _each_range(columns: str, ranges: int) -> str:
    parts = (f"SELECT {columns} FROM mark WHERE qk >= :a{n} AND qk < :b{n}" for n in range(ranges))  # noqa: S608
    return " UNION ALL ".join(parts)


def marks_in(
    connection: sa.Connection, ranges: Sequence[tuple[int, int]], *, most: int
) -> tuple[npt.NDArray[np.int64], places.Marks] | None:
    """Return the row numbers and marks of ranges of keys, or None when there are more than `most`."""
    bounds = {f"{name}{n}": key for n, pair in enumerate(ranges) for name, key in zip("ab", pair, strict=True)}
    if connection.execute(_count_sql(len(ranges)), {**bounds, "most": most + 1}).scalar_one() > most:
        return None
    rows = connection.execute(_marks_sql(len(ranges)), bounds).all()
    numbers = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return numbers, places.marks_from([row[1] for row in rows])


def _by_marks(
    connection: sa.Connection,
    found: tuple[npt.NDArray[np.int64], places.Marks],
    query: Query,
    limit: int,
    after: PageEnd | None,
) -> _Chosen:
    numbers, marks = found
    captured = marks["captured_ms"]
    inside = np.ones(len(marks), bool)
    if query.area is not None:
        inside = query.area.holds(marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6)
    if query.captured_ms is not None:
        first_ms, last_ms = query.captured_ms
        begins = np.array([earliest_begin_ms(first_ms, precision.name.lower()) for precision in Precision])
        inside &= (captured >= begins[marks["precision"]]) & (captured <= last_ms)
    matched = int(inside.sum())
    turn = 1 if query.is_oldest_first else -1
    if after is not None:
        behind = turn * (captured - after.captured_ms)
        inside &= (behind > 0) | ((behind == 0) & (turn * (numbers - after.number) > 0))
    (chosen,) = inside.nonzero()
    if query.condition is None and len(chosen) > limit + 1:  # Only the first ones need to be in order.
        newest = np.argpartition(turn * captured[chosen], limit + 1)
        chosen = chosen[captured[chosen] * turn <= captured[chosen[newest[limit + 1]]] * turn]
    order = chosen[np.lexsort((turn * numbers[chosen], turn * captured[chosen]))]
    order = order if query.condition is not None else order[: limit + 1]
    candidates = [_Candidate(int(captured[i]), int(numbers[i])) for i in order]
    if query.condition is None:
        return _Chosen(candidates, matched=matched)
    return _fitting(connection, candidates, query, limit, is_first=after is None)


def _fitting(
    connection: sa.Connection, candidates: list[_Candidate], query: Query, limit: int, *, is_first: bool
) -> _Chosen:
    """Return the first candidates for which the query's condition holds."""
    only = _matching(replace(query, area=None, captured_ms=None))
    only = only.where(_p.number.in_(sa.bindparam("some", expanding=True)))
    found: list[_Candidate] = []
    for first in range(0, len(candidates), _CHUNK):
        some = candidates[first : first + _CHUNK]
        fitting = {row.number for row in connection.execute(only, {"some": [one.number for one in some]})}
        found += [one for one in some if one.number in fitting]
        if len(found) > limit and len(candidates) > 4 * _CHUNK:
            return _Chosen(found[: limit + 1])
    return _Chosen(found[: limit + 1], matched=len(found) if is_first else None)


# As the index `picture_tile` has it: a bound parameter would not be recognised.
_tile = _p.qk.op(">>")(sa.literal_column(str(TILE_SHIFT)))


def _by_tiles(
    connection: sa.Connection, tiles: Sequence[int], query: Query, limit: int, after: PageEnd | None
) -> _Chosen:
    statement = _after(_matching(query), query, after).where(
        _tile == sa.bindparam("tile"),
        _p.captured_ms >= sa.bindparam("least"),
        _p.captured_ms <= sa.bindparam("most"),
    )
    ordered = _sorted(statement, query, (_p.captured_ms, _p.number))
    bounds = {"least": -_ALL_TIME_MS, "most": _ALL_TIME_MS}
    found: list[_Candidate] = []
    for tile in tiles:
        some = _some(connection, ordered, query, limit + 1, bounds | {"tile": tile})
        found = _ordered([*found, *some], query, None)[: limit + 1]
        if len(found) > limit:  # Of the tiles that follow, nothing behind the last of them is needed.
            bounds["most" if query.is_oldest_first else "least"] = found[-1].captured_ms
    return _Chosen(found)


def _along_time(connection: sa.Connection, query: Query, limit: int, after: PageEnd | None) -> _Chosen:
    found: list[_Candidate] = []
    walked = 0
    days = days_of(connection, query.area)
    matched = _sum(days) if query == Query(is_oldest_first=query.is_oldest_first) else None
    statement = _after(_matching(query), query, after).where(
        _p.captured_ms >= sa.bindparam("first_ms"), _p.captured_ms < sa.bindparam("end_ms")
    )
    ordered = _sorted(statement, query, (_p.captured_ms, _p.number))
    for span in _spans(days, query, after):
        bounds = {"first_ms": span.first_ms, "end_ms": span.end_ms}
        found += _some(connection, ordered, query, limit + 1 - len(found), bounds)
        walked += span.pictures
        if len(found) > limit:
            break
        if walked >= MOST_WALKED:
            edge = span.end_ms if query.is_oldest_first else span.first_ms
            return _Chosen(found, matched, gave_up=PageEnd(edge, BEFORE_ALL))
    return _Chosen(found, matched)


@dataclass(frozen=True, slots=True)
class _Span:
    first_ms: int
    end_ms: int
    pictures: int


def _sum(days: dict[int, int]) -> int:
    return sum(days.values())


def _spans(days: dict[int, int], query: Query, after: PageEnd | None) -> Iterator[_Span]:
    """Yield spans of days that may hold results, in the query's order; a few pictures are not asked for day by day."""
    least, most = -math.inf, math.inf
    if query.captured_ms is not None:
        first_ms, most = query.captured_ms
        least = min(earliest_begin_ms(first_ms, precision.name.lower()) for precision in Precision)
    if after is not None and query.is_oldest_first:
        least = max(least, after.captured_ms)
    elif after is not None:
        # A walk that gave up ended before the first picture of this day, which is not walked again.
        most = min(most, after.captured_ms - (after.number == BEFORE_ALL))
    wanted = sorted(
        (day for day in days if (day + 1) * DAY_MS > least and day * DAY_MS <= most),
        reverse=not query.is_oldest_first,
    )
    first, pictures = None, 0
    for index, day in enumerate(wanted):
        first = day if first is None else first
        pictures += days[day]
        following = wanted[index + 1] if index + 1 < len(wanted) else None
        # Elsewhere there may be many pictures on the days between.
        is_gap = following is None or (query.area is not None and abs(following - day) > 1)
        if is_gap or pictures >= _CHUNK:
            yield _Span(min(first, day) * DAY_MS, (max(first, day) + 1) * DAY_MS, pictures)
            first, pictures = None, 0
