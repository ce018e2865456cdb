"""Collections: a sequence, or the pictures without one of an H3 cell and a month; counted as pictures come and go.

The names are stable and say what they hold: the sequence's UUID, or `personal-862830827ffffff-2026-11` (policy, H3 cell
of resolution 6, month in UTC). How far a sequence reaches is kept beside its count; how far a cell reaches follows from
its name alone, so that it tells no more than the name does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

import h3.api.basic_int as h3
import sqlalchemy as sa

from dashlight.errors import NotFound
from dashlight.model import DAY_MS, BBox, Policy, h3_parent, moment_of, ms_of
from dashlight.store import schema

RESOLUTION = 6  # Cells whose edge is about 3.7 km.
MOST_AT_ONCE = 500  # Numbers in one statement.
_OVERHANG = 0.2  # Of a cell's width: what lies below a cell in the hierarchy lies a little outside of its outline.
_CELL = re.compile(r"(fleet|open|personal)-([0-9a-f]{15})-(\d{4})-(0[1-9]|1[0-2])\Z", re.ASCII)
_c, _p = schema.collection, schema.picture

_UPSERT = sa.text(
    "INSERT INTO collection "  # noqa: S608  # The names are the ones below.
    "(id, terms, sequence, pictures, west_e6, south_e6, east_e6, north_e6, first_ms, last_ms) VALUES "
    "(:id, :terms, :sequence, :pictures, :west_e6, :south_e6, :east_e6, :north_e6, :first_ms, :last_ms) "
    "ON CONFLICT (id, terms) DO UPDATE SET pictures = collection.pictures + excluded.pictures, "
    + ", ".join(
        f"{name} = CASE WHEN excluded.{name} {sign} collection.{name} THEN excluded.{name} ELSE collection.{name} END"
        for name, sign in (
            ("west_e6", "<"),
            ("south_e6", "<"),
            ("east_e6", ">"),
            ("north_e6", ">"),
            ("first_ms", "<"),
            ("last_ms", ">"),
        )
    )
)


@dataclass(frozen=True, slots=True)
class CellMonth:
    """The pictures without a sequence of one policy, H3 cell and month.

    Attributes:
        policy: Under which they are published.
        cell: H3 index of resolution 6.
        year: Of the first moment of each picture's time, in UTC.
        month: 1..12, likewise.
    """

    policy: Policy
    cell: int
    year: int
    month: int

    @property
    def name(self) -> str:
        """The collection's id."""
        return f"{self.policy}-{self.cell:x}-{self.year:04}-{self.month:02}"

    @property
    def span_ms(self) -> tuple[int, int]:
        """The half-open span in which the pictures' times begin."""
        first = datetime(self.year, self.month, 1, tzinfo=UTC)
        return ms_of(first), ms_of(_next_month(first))

    @property
    def told_ms(self) -> tuple[int, int]:
        """First and last millisecond of the times as they are told: the last week may end in the next month."""
        first, end = self.span_ms
        last_monday = end - DAY_MS - ((end // DAY_MS - 1 + 3) % 7) * DAY_MS  # 1970-01-01 was a Thursday.
        return first, max(end, last_monday + 7 * DAY_MS) - 1


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)


def cell_month_of(policy: str, h3_r15: int, captured_ms: int) -> CellMonth:
    """Return the collection of a picture without a sequence."""
    at = moment_of(captured_ms)
    return CellMonth(Policy(policy), h3_parent(h3_r15, RESOLUTION), at.year, at.month)


def collection_of(policy: str, h3_r15: int, captured_ms: int, sequence_id: bytes | None) -> str:
    """Return the id of the collection that a picture is of."""
    if sequence_id is not None:
        return str(UUID(bytes=sequence_id))
    return cell_month_of(policy, h3_r15, captured_ms).name


def parsed_collection(text: str) -> UUID | CellMonth | None:
    """Return what a collection's id names, or None when no collection can have that id."""
    match = _CELL.match(text)
    if match is not None:
        cell = int(match[2], 16)
        is_cell = h3.is_valid_cell(cell) and h3.get_resolution(cell) == RESOLUTION and match[3] not in ("0000", "9999")
        return CellMonth(Policy(match[1]), cell, int(match[3]), int(match[4])) if is_cell else None
    try:
        name = UUID(text)
    except ValueError:
        return None
    return name if str(name) == text else None


@dataclass(frozen=True, slots=True)
class StoredCollection:
    """A collection as readers see it.

    Attributes:
        id: Its name.
        key: The sequence, or the cell and month.
        pictures: Published.
        policies: Under which they are published.
        licenses: SPDX identifiers.
        attributions: Chosen names, without the empty one.
        bbox: Holds all of them.
        first_ms: First millisecond of the oldest, since 1970.
        last_ms: Last millisecond of the newest.
    """

    id: str
    key: UUID | CellMonth
    pictures: int
    policies: tuple[Policy, ...]
    licenses: tuple[str, ...]
    attributions: tuple[str, ...]
    bbox: BBox
    first_ms: int
    last_ms: int


_SELECT = sa.select(_c, schema.terms.c.policy, schema.terms.c.license, schema.terms.c.attribution).join_from(
    _c, schema.terms, schema.terms.c.number == _c.c.terms
)


def find_collection(connection: sa.Connection, name: str) -> StoredCollection:
    """Return a collection that holds published pictures.

    Raises:
        NotFound: When there is none of that name.
    """
    is_name = parsed_collection(name) is not None  # PostgreSQL does not even compare every text.
    rows = connection.execute(_SELECT.where(_c.c.id == name).order_by(_c.c.terms)).all() if is_name else []
    found = _stored(connection, rows) if rows else None
    if found is None:
        raise NotFound(f"there is no collection {name[:80]!r}", code="no-collection")
    return found


def page_of_collections(
    connection: sa.Connection, *, limit: int, after: str = ""
) -> tuple[list[StoredCollection], str | None]:
    """Return collections in the order of their ids, and the last id when there are more.

    Args:
        connection: To read with.
        limit: At most so many.
        after: The last id of the page before, or empty.
    """
    names = sa.select(_c.c.id).distinct().where(_c.c.id > after).order_by(_c.c.id).limit(limit + 1).subquery()
    rows = connection.execute(_SELECT.where(_c.c.id.in_(sa.select(names.c.id))).order_by(_c.c.id, _c.c.terms)).all()
    found: list[StoredCollection] = []
    for _, of_one in groupby(rows, key=lambda row: row.id):
        one = _stored(connection, list(of_one))
        if one is not None:
            found.append(one)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def count_collections(connection: sa.Connection, *, most: int) -> int | None:
    """Return how many collections there are, or None when there are more than `most`."""
    names = sa.select(_c.c.id).distinct().limit(most + 1).subquery()
    found = int(connection.execute(sa.select(sa.func.count()).select_from(names)).scalar_one())
    return found if found <= most else None


def _stored(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> StoredCollection | None:
    first = rows[0]
    key = parsed_collection(first.id)
    if key is None:
        return None
    if isinstance(key, CellMonth):
        bbox, (first_ms, last_ms) = cell_bbox(key.cell), key.told_ms
    else:
        bbox = _sequence_bbox(connection, rows)
        first_ms, last_ms = min(row.first_ms for row in rows), max(row.last_ms for row in rows)
    return StoredCollection(
        id=first.id,
        key=key,
        pictures=sum(row.pictures for row in rows),
        policies=tuple(sorted({Policy(row.policy) for row in rows})),
        licenses=tuple(sorted({row.license for row in rows})),
        attributions=tuple(sorted({row.attribution for row in rows} - {""})),
        bbox=bbox,
        first_ms=first_ms,
        last_ms=last_ms,
    )


def _sequence_bbox(connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> BBox:
    west, east = min(row.west_e6 for row in rows), max(row.east_e6 for row in rows)
    if east - west > 180_000_000:  # No drive is as long: it crosses the antimeridian.
        of_sequence = (_p.c.sequence == rows[0].sequence, _p.c.state == int(schema.PictureState.PUBLISHED))
        eastern = sa.select(sa.func.min(_p.c.lon_e6)).where(*of_sequence, _p.c.lon_e6 > 0)
        western = sa.select(sa.func.max(_p.c.lon_e6)).where(*of_sequence, _p.c.lon_e6 <= 0)
        west, east = connection.execute(eastern).scalar_one(), connection.execute(western).scalar_one()
    south, north = min(row.south_e6 for row in rows), max(row.north_e6 for row in rows)
    return BBox(west / 1e6, south / 1e6, east / 1e6, north / 1e6)


@lru_cache(maxsize=4_096)
def cell_bbox(cell: int) -> BBox:
    """Return a box that holds every r15 cell below an H3 cell of resolution 6."""
    lat, lon = h3.cell_to_latlng(cell)
    corners = h3.cell_to_boundary(cell)
    lats = [corner[0] for corner in corners]
    lons = [(corner[1] - lon + 540.0) % 360.0 - 180.0 + lon for corner in corners]  # The short way from the centre.
    pad_lat, pad_lon = _OVERHANG * (max(lats) - min(lats)), _OVERHANG * (max(lons) - min(lons))
    south, north = max(-90.0, min(lats) - pad_lat), min(90.0, max(lats) + pad_lat)
    if max(abs(south), abs(north)) > 89.8 or max(lons) - min(lons) + 2 * pad_lon > 180.0:
        pole = (south, 90.0) if lat > 0 else (-90.0, north)
        return BBox(-180.0, round(pole[0], 6), 180.0, round(pole[1], 6))
    west, east = ((edge + 540.0) % 360.0 - 180.0 for edge in (min(lons) - pad_lon, max(lons) + pad_lon))
    return BBox(round(west, 6), round(south, 6), round(east, 6), round(north, 6))


@dataclass(slots=True)
class _Tally:
    sequence: int | None
    lons: list[int] = field(default_factory=list)
    lats: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)


def add_pictures(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """Count pictures that are shown from now on; their rows exist."""
    tallies = _tallies(_members(connection, numbers))
    rows = []
    for (name, terms), tally in sorted(tallies.items()):
        reach: dict[str, int | None] = dict.fromkeys(
            ("west_e6", "south_e6", "east_e6", "north_e6", "first_ms", "last_ms")
        )
        if tally.sequence is not None:
            reach = {
                "west_e6": min(tally.lons),
                "south_e6": min(tally.lats),
                "east_e6": max(tally.lons),
                "north_e6": max(tally.lats),
                "first_ms": min(tally.times),
                "last_ms": max(tally.times),
            }
        rows.append({"id": name, "terms": terms, "sequence": tally.sequence, "pictures": len(tally.times)} | reach)
    if rows:
        connection.execute(_UPSERT, rows)


def remove_pictures(connection: sa.Connection, numbers: Iterable[int]) -> None:
    """Count pictures that are shown no more; their rows exist still, and are hidden already."""
    for (name, terms), tally in sorted(_tallies(_members(connection, numbers)).items()):
        here = (_c.c.id == name, _c.c.terms == terms)
        left = _c.c.pictures - len(tally.times)
        connection.execute(sa.update(_c).where(*here).values(pictures=left))
        gone = connection.execute(sa.delete(_c).where(*here, _c.c.pictures <= 0)).rowcount
        if tally.sequence is not None and not gone:
            connection.execute(sa.update(_c).where(*here).values(**_reach(connection, tally.sequence, terms)))


def _reach(connection: sa.Connection, sequence: int, terms: int) -> dict[str, int]:
    least, most = sa.func.min, sa.func.max
    row = connection.execute(
        sa.select(
            least(_p.c.lon_e6).label("west_e6"),
            least(_p.c.lat_e6).label("south_e6"),
            most(_p.c.lon_e6).label("east_e6"),
            most(_p.c.lat_e6).label("north_e6"),
            least(_p.c.captured_ms).label("first_ms"),
            most(_p.c.captured_ms).label("last_ms"),
        ).where(
            _p.c.sequence == sequence,
            _p.c.terms == terms,
            _p.c.state == int(schema.PictureState.PUBLISHED),
        )
    ).one()
    return dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name.


def _members(connection: sa.Connection, numbers: Iterable[int]) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    query = (
        sa.select(
            _p.c.terms,
            _p.c.sequence,
            _p.c.h3_r15,
            _p.c.captured_ms,
            _p.c.lon_e6,
            _p.c.lat_e6,
            schema.terms.c.policy,
            schema.sequence.c.id.label("sequence_id"),
        )
        .join_from(_p, schema.terms, schema.terms.c.number == _p.c.terms)
        .join_from(_p, schema.sequence, schema.sequence.c.number == _p.c.sequence, isouter=True)
    )
    wanted = list(numbers)
    for first in range(0, len(wanted), MOST_AT_ONCE):
        yield from connection.execute(query.where(_p.c.number.in_(wanted[first : first + MOST_AT_ONCE])))


def _tallies(rows: Iterable[sa.Row[*tuple[Any, ...]]]) -> dict[tuple[str, int], _Tally]:
    tallies: dict[tuple[str, int], _Tally] = {}
    named: dict[bytes, str] = {}  # Sequences.
    for terms, sequence, h3_r15, captured_ms, lon_e6, lat_e6, policy, sequence_id in rows:
        name = named.get(sequence_id)
        if name is None:
            name = collection_of(policy, h3_r15, captured_ms, sequence_id)
            if sequence_id is not None:
                named[sequence_id] = name
        tally = tallies.setdefault((name, terms), _Tally(sequence))
        tally.lons.append(lon_e6)
        tally.lats.append(lat_e6)
        tally.times.append(captured_ms)
    return tallies
