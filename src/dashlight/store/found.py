"""Pictures that were found: by the numbers of their rows, each with its collection and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dashlight.model import LonLat
from dashlight.store import schema
from dashlight.store.collections import collection_of
from dashlight.store.pictures import StoredPicture, picture_select, stored_picture
from dashlight.store.schema import PictureState

_CHUNK = 500
_p = schema.picture.c


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The picture before or after another in a sequence."""

    id: UUID
    position: LonLat


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that was found.

    Attributes:
        picture: It.
        collection: Of which it is.
        before: In its sequence, or None.
        after: Likewise.
    """

    picture: StoredPicture
    collection: str
    before: Neighbour | None
    after: Neighbour | None


def _neighbour_number(*, is_after: bool) -> sa.ScalarSelect[Any]:
    """Return the row number of the published picture before or after each one in its sequence, or NULL."""
    near = schema.picture.alias()
    here, there = sa.tuple_(_p.captured_ms, _p.number), sa.tuple_(near.c.captured_ms, near.c.number)
    order = (near.c.captured_ms, near.c.number)
    return (
        sa.select(near.c.number)
        .where(near.c.sequence == _p.sequence, near.c.state == int(PictureState.PUBLISHED))
        .where(there > here if is_after else there < here)
        .order_by(*(column if is_after else column.desc() for column in order))
        .limit(1)
        .correlate(schema.picture)
        .scalar_subquery()
    )


_WITH_NEIGHBOURS = picture_select().add_columns(
    _neighbour_number(is_after=False).label("before"), _neighbour_number(is_after=True).label("after")
)
_SOME = _p.number.in_(sa.bindparam("some", expanding=True))
_FETCH = _WITH_NEIGHBOURS.where(_SOME)  # Built once: a small search would spend a tenth of its time on it.
_NEIGHBOURS = sa.select(_p.number, _p.id, _p.lon_e6, _p.lat_e6).where(_SOME)


def fetch(connection: sa.Connection, numbers: Sequence[int]) -> list[Found]:
    """Return the pictures of row numbers, in their order, with their neighbours."""
    rows: dict[int, Any] = {}
    for first in range(0, len(numbers), _CHUNK):
        some = connection.execute(_FETCH, {"some": numbers[first : first + _CHUNK]})
        rows |= {row.number: row for row in some}
    near = {number for row in rows.values() for number in (row.before, row.after) if number is not None}
    told = {number: Neighbour(UUID(bytes=row.id), _position(row)) for number, row in rows.items() if number in near}
    missing = sorted(near - told.keys())
    for first in range(0, len(missing), _CHUNK):
        some = connection.execute(_NEIGHBOURS, {"some": missing[first : first + _CHUNK]})
        told |= {row.number: Neighbour(UUID(bytes=row.id), _position(row)) for row in some}
    return [_found(rows[number], told) for number in numbers if number in rows]


def _position(row: Any) -> LonLat:
    return LonLat(row.lon_e6 / 1e6, row.lat_e6 / 1e6)


def _found(row: Any, told: Mapping[int, Neighbour]) -> Found:
    collection = collection_of(row.policy, row.h3_r15, row.captured_ms, row.sequence_id)
    return Found(stored_picture(row), collection, told.get(row.before), told.get(row.after))


def find_one(connection: sa.Connection, number: int) -> Found:
    """Return the picture of a row number with its neighbours."""
    return fetch(connection, [number])[0]
