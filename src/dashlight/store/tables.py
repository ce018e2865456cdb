"""Rows as features: a table is described once, and one query reads a page of any that is described.

A description is a value: where the rows are, what names them, where and when they are, and which columns are told under
which name and JSON type. A page comes in the order of the keys, which are random where order would tell something; what
narrows a question is looked up where an index has it, or tried on one window of keys after the other, so that no
page costs more than `MOST_WALKED` rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from dashlight.model import BBox
from dashlight.store.schema import Precision
from dashlight.store.times import earliest_begin_ms

MOST_WALKED = 200_000  # Rows that one page may try; after them it ends, found something or not.
_FIRST_WINDOW, _GROWTH, _LARGEST_WINDOW = 2_000, 8, 100_000
_CHUNK = 500
Position = tuple[float, float]
_Row = ReadOnlyColumnCollection[str, Any]


class Kind(StrEnum):
    """What a property holds, and so how JSON tells it."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    MOMENT = "moment"  # Milliseconds since 1970; told as RFC 3339 has it.
    UUID = "uuid"  # 16 bytes.


@dataclass(frozen=True, slots=True)
class Property:
    """A column that is told.

    Attributes:
        name: Under which.
        column: Of it, or any expression over the table's source.
        kind: Of its values.
        title: What it is, in a few words.
    """

    name: str
    column: sa.ColumnElement[Any]
    kind: Kind
    title: str


@dataclass(frozen=True, slots=True)
class Points:
    """Each row lies at a point; columns in millionths of a degree."""

    lon_e6: sa.ColumnElement[int]
    lat_e6: sa.ColumnElement[int]


@dataclass(frozen=True, slots=True)
class Lines:
    """Each row is a line through rows of another table.

    Attributes:
        number: What the rows of the other table refer to.
        west_e6: Reach of the line, in millionths of a degree; likewise the next three.
        south_e6: See above.
        east_e6: See above.
        north_e6: See above.
        of: The other table's reference.
        lon_e6: Of the other table.
        lat_e6: Of the other table.
        order: Of the other table's rows along the line.
        where: Which of them are told.
    """

    number: sa.ColumnElement[int]
    west_e6: sa.ColumnElement[int]
    south_e6: sa.ColumnElement[int]
    east_e6: sa.ColumnElement[int]
    north_e6: sa.ColumnElement[int]
    of: sa.Column[int]
    lon_e6: sa.Column[int]
    lat_e6: sa.Column[int]
    order: tuple[sa.Column[Any], ...]
    where: tuple[sa.ColumnElement[bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """When a row is: from `begin` to `end`, or as long as a `Precision` says.

    Attributes:
        begin: Milliseconds since 1970.
        end: Likewise, inclusive; None when `precision` tells it.
        precision: A `Precision`, or None.
    """

    begin: sa.ColumnElement[int]
    end: sa.ColumnElement[int] | None = None
    precision: sa.ColumnElement[int] | None = None


Candidates = Callable[[sa.Connection, "FeatureQuery"], "list[Any] | None"]


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """A table that is read as a collection of features.

    Attributes:
        name: Of the collection, as addresses have it.
        title: For people.
        description: Likewise, a sentence or two.
        source: Table, or tables joined.
        key: Unique column that names a row, of a table whose rows can be walked by it.
        key_kind: TEXT or UUID.
        geometry: Where the rows are.
        times: When they are.
        properties: What is told of them.
        where: Which rows are told.
        is_grouped: Whether several rows of the source make one feature: columns are aggregates then, but for the key.
        candidates: Returns the keys that may fit a query, from an index, or None when they are too many.
        count: Counts all features, or None when that is not quick.
        most_at_once: Features of one page.
    """

    name: str
    title: str
    description: str
    source: sa.FromClause
    key: sa.Column[Any]
    key_kind: Kind
    geometry: Points | Lines
    times: Times
    properties: tuple[Property, ...]
    where: tuple[sa.ColumnElement[bool], ...] = ()
    is_grouped: bool = False
    candidates: Candidates | None = None
    count: sa.Select[Any] | None = None
    most_at_once: int = 1_000


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """Which features.

    Attributes:
        bbox: What they touch, or None.
        within_ms: First and last millisecond since 1970, inclusive, or None.
        equal: Property and value, as the column has it.
        key: The one feature, or None.
    """

    bbox: BBox | None = None
    within_ms: tuple[int, int] | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    key: Any = None

    @property
    def is_narrowing(self) -> bool:
        """Whether some features may not fit."""
        return self.bbox is not None or self.within_ms is not None or bool(self.equal)


@dataclass(frozen=True, slots=True)
class StoredFeature:
    """A row as readers see it.

    Attributes:
        key: Its name, as the column has it.
        points: Where: one position, or those of a line; degrees, longitude first.
        values: By the properties' names, as the columns have them.
    """

    key: Any
    points: tuple[Position, ...]
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Features in the order of their keys, and the key after which the next page begins when there is one."""

    features: tuple[StoredFeature, ...]
    end: Any


Touches = Callable[[Sequence[Position], BBox], bool]


def page_of_features(
    connection: sa.Connection,
    table: FeatureTable,
    query: FeatureQuery,
    *,
    limit: int,
    after: Any = None,
    touches: Touches,
) -> FeaturePage:
    """Return a page of features; it is short or empty though another follows only when much was walked in vain.

    Args:
        connection: To read with.
        table: Described.
        query: Which ones.
        limit: At most so many.
        after: The last key of the page before, or None.
        touches: Returns whether a line and a box touch; asked of lines whose reach and the box overlap.
    """
    found: list[StoredFeature] = []
    walked = 0
    for window in _windows(connection, table, query, limit, after):
        rows = _rows(connection, table, query, window, most=limit + 1 - len(found))
        features = _features(connection, table, rows)
        if query.bbox is not None and isinstance(table.geometry, Lines):
            features = [one for one in features if touches(one.points, query.bbox)]
        found += features
        if len(found) > limit:
            return FeaturePage(tuple(found[:limit]), found[limit - 1].key)
        walked += window.count
        if walked >= MOST_WALKED:
            return FeaturePage(tuple(found), window.last)
    return FeaturePage(tuple(found), None)


@dataclass(frozen=True, slots=True)
class _Window:
    """Some keys: those after one up to another, or a list.

    Attributes:
        last: The greatest.
        count: How many, at most.
        after: None for all up to the last.
        keys: When they are known; the other two do not matter then.
    """

    last: Any
    count: int
    after: Any = None
    keys: tuple[Any, ...] | None = None

    def sql(self, key: sa.Column[Any]) -> sa.ColumnElement[bool]:
        """Return whether a key is one of them."""
        if self.keys is not None:
            return key.in_(self.keys)
        return key <= self.last if self.after is None else sa.and_(key > self.after, key <= self.last)


def _windows(
    connection: sa.Connection, table: FeatureTable, query: FeatureQuery, limit: int, after: Any
) -> Iterator[_Window]:
    """Yield windows in the order of their keys, which together hold every key that may fit."""
    if query.key is not None:
        yield _Window(query.key, 1, keys=(query.key,))
        return
    keys = table.candidates(connection, query) if table.candidates is not None and query.is_narrowing else None
    if keys is not None:
        behind = sorted(key for key in set(keys) if after is None or key > after)
        for first in range(0, len(behind), _CHUNK):
            some = behind[first : first + _CHUNK]
            yield _Window(some[-1], len(some), keys=tuple(some))
        return
    # A line may be left out after its window is read, so that a line more than the page has is no end yet.
    size = _FIRST_WINDOW if query.is_narrowing else limit + 1
    while True:
        window = _next_window(connection, table, after, size)
        if window is None:
            return
        yield window
        after = window.last
        size = min(_LARGEST_WINDOW, size * _GROWTH)


def _next_window(connection: sa.Connection, table: FeatureTable, after: Any, size: int) -> _Window | None:
    """Return a window of `size` keys, or of what is left of them, or None when nothing is."""
    keys = sa.select(table.key)
    if table.is_grouped:
        keys = keys.distinct()
    if after is not None:
        keys = keys.where(table.key > after)
    last = connection.execute(keys.order_by(table.key).offset(size - 1).limit(1)).scalar()
    if last is None:
        last = connection.execute(keys.order_by(table.key.desc()).limit(1)).scalar()
    return None if last is None else _Window(last, size, after)


def _rows(
    connection: sa.Connection, table: FeatureTable, query: FeatureQuery, window: _Window, *, most: int
) -> Sequence[sa.Row[Any]]:
    statement = sa.select(*_columns(table)).select_from(table.source).where(*table.where, window.sql(table.key))
    if table.is_grouped:
        statement = statement.group_by(table.key)
    inner = statement.subquery("feature")
    fitting = sa.select(inner).where(*_fitting(table, query, inner.c)).order_by(inner.c.key_)
    if isinstance(table.geometry, Points):  # Of lines, some are left out later.
        fitting = fitting.limit(most)
    return connection.execute(fitting).all()


def _columns(table: FeatureTable) -> list[sa.ColumnElement[Any]]:
    """Return what is read of each row; names end in an underscore, so that no property is called the same."""
    geometry = table.geometry
    names = ("lon_e6", "lat_e6")
    if isinstance(geometry, Lines):
        names = ("number", "west_e6", "south_e6", "east_e6", "north_e6")  # type: ignore[assignment]  # One of two.
    columns = [table.key.label("key_"), *(getattr(geometry, name).label(f"{name}_") for name in names)]
    for name in ("begin", "end", "precision"):
        column = getattr(table.times, name)
        if column is not None:
            columns.append(column.label(f"{name}_"))
    return columns + [each.column.label(each.name) for each in table.properties]


def _fitting(table: FeatureTable, query: FeatureQuery, row: _Row) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [row[name] == value for name, value in query.equal.items()]
    if query.within_ms is not None:
        conditions.append(_within(table.times, row, *query.within_ms))
    if query.bbox is not None:
        conditions.append(_overlapping(table.geometry, row, query.bbox))
    return conditions


def _within(times: Times, row: _Row, first_ms: int, last_ms: int) -> sa.ColumnElement[bool]:
    has_begun = row.begin_ <= last_ms
    if times.precision is None:
        return sa.and_(has_begun, row.begin_ >= first_ms if times.end is None else row.end_ >= first_ms)
    is_not_over = (
        sa.and_(row.precision_ == int(one), row.begin_ >= earliest_begin_ms(first_ms, one.name.lower()))
        for one in Precision
    )
    return sa.and_(has_begun, sa.or_(*is_not_over))


def _overlapping(geometry: Points | Lines, row: _Row, bbox: BBox) -> sa.ColumnElement[bool]:
    west, east, south, north = (
        (row.lon_e6_, row.lon_e6_, row.lat_e6_, row.lat_e6_)
        if isinstance(geometry, Points)
        else (row.west_e6_, row.east_e6_, row.south_e6_, row.north_e6_)
    )
    beside = (sa.and_(east >= part.west * 1e6, west <= part.east * 1e6) for part in bbox.parts())
    return sa.and_(north >= bbox.south * 1e6, south <= bbox.north * 1e6, sa.or_(*beside))


def _features(connection: sa.Connection, table: FeatureTable, rows: Sequence[sa.Row[Any]]) -> list[StoredFeature]:
    geometry = table.geometry
    if isinstance(geometry, Lines):
        lines = _lines(connection, geometry, [row.number_ for row in rows])
        points = [lines.get(row.number_, ()) for row in rows]
    else:
        points = [((row.lon_e6_ / 1e6, row.lat_e6_ / 1e6),) for row in rows]
    names = [each.name for each in table.properties]
    return [
        StoredFeature(row.key_, at, {name: row._mapping[name] for name in names})  # noqa: SLF001  # Its documented name.
        for row, at in zip(rows, points, strict=True)
        if at
    ]


def _lines(connection: sa.Connection, geometry: Lines, numbers: Sequence[int]) -> dict[int, tuple[Position, ...]]:
    statement = (
        sa.select(geometry.of.label("number_"), geometry.lon_e6.label("lon_e6_"), geometry.lat_e6.label("lat_e6_"))
        .where(*geometry.where)
        .order_by(geometry.of, *geometry.order)
    )
    lines: dict[int, list[Position]] = {}
    for first in range(0, len(numbers), _CHUNK):
        for row in connection.execute(statement.where(geometry.of.in_(numbers[first : first + _CHUNK]))):
            lines.setdefault(row.number_, []).append((row.lon_e6_ / 1e6, row.lat_e6_ / 1e6))
    return {number: tuple(points) for number, points in lines.items()}


def count_features(connection: sa.Connection, table: FeatureTable) -> int | None:
    """Return how many features there are, when that is quick to tell."""
    return None if table.count is None else int(connection.execute(table.count).scalar() or 0)
