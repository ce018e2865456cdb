"""The tables that are read as features: pictures, and sequences. A further one is a further description."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dashlight.model import BBox
from dashlight.store import schema
from dashlight.store.pictures import bbox_ranges
from dashlight.store.places import marks_from
from dashlight.store.schema import PictureState, Precision
from dashlight.store.tables import FeatureQuery, FeatureTable, Kind, Lines, Points, Property, Times
from dashlight.store.times import earliest_begin_ms

MOST_CANDIDATES = 20_000
_c, _p, _s, _t = schema.collection.c, schema.picture.c, schema.sequence.c, schema.terms.c
_MARKS = sa.select(schema.mark.c.mark)


def _picture_candidates(connection: sa.Connection, query: FeatureQuery) -> list[bytes] | None:
    """Return the ids that fit what narrows most: a sequence, a box, or a time."""
    if "sequence" in query.equal:
        number = sa.select(_s.number).where(_s.id == query.equal["sequence"]).scalar_subquery()
        return _few(connection, sa.select(_p.id).where(_p.sequence == number))
    found = None if query.bbox is None else _pictures_near(connection, query.bbox)
    if found is None and query.within_ms is not None:
        first_ms, last_ms = query.within_ms
        begin_ms = min(earliest_begin_ms(first_ms, one.name.lower()) for one in Precision)
        found = _few(connection, sa.select(_p.id).where(_p.captured_ms >= begin_ms, _p.captured_ms <= last_ms))
    return found


def _few(connection: sa.Connection, ids: sa.Select[Any]) -> list[bytes] | None:
    found = [bytes(one) for one in connection.execute(ids.limit(MOST_CANDIDATES + 1)).scalars()]
    return found if len(found) <= MOST_CANDIDATES else None


def _pictures_near(connection: sa.Connection, bbox: BBox) -> list[bytes] | None:
    """Return the ids of the pictures in a box, from the map's order, or None when they are too many."""
    found: list[bytes] = []
    for first, end in bbox_ranges(bbox):
        qk = schema.mark.c.qk
        statement = _MARKS.where(qk >= first, qk < end).limit(MOST_CANDIDATES + 1 - len(found))
        found += connection.execute(statement).scalars()
        if len(found) > MOST_CANDIDATES:
            return None
    marks = marks_from(found)
    inside = bbox.holds(marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6)
    return [mark.tobytes() for mark in marks["id"][inside]]


PICTURES = FeatureTable(
    name="pictures",
    title="Pictures",
    description="Street-level pictures, faces and plates destroyed, each where it was taken.",
    source=schema.picture.join(schema.terms, _t.number == _p.terms).outerjoin(
        schema.sequence, _s.number == _p.sequence
    ),
    key=_p.id,
    key_kind=Kind.UUID,
    geometry=Points(_p.lon_e6, _p.lat_e6),
    times=Times(_p.captured_ms, precision=_p.captured_precision),
    properties=(
        Property("captured", _p.captured_ms, Kind.MOMENT, "Time; of a week or month its first moment"),
        Property(
            "captured_precision",
            sa.case({int(one): one.name.lower() for one in Precision}, value=_p.captured_precision),
            Kind.TEXT,
            "How finely the time is told: instant, week or month",
        ),
        Property("heading_deg", _p.heading_ddeg / sa.literal(10.0), Kind.NUMBER, "Degrees clockwise from true north"),
        Property("accuracy_m", _p.accuracy_dm / sa.literal(10.0), Kind.NUMBER, "Accuracy of the position in metres"),
        Property("policy", _t.policy, Kind.TEXT, "Publication policy: fleet, open or personal"),
        Property("license", _t.license, Kind.TEXT, "SPDX identifier of the licence"),
        Property("attribution", sa.func.nullif(_t.attribution, ""), Kind.TEXT, "Name that the contributor chose"),
        Property("sequence", _s.id, Kind.UUID, "Sequence that the picture is of"),
        Property("rank", _p.rank, Kind.WHOLE, "Place in the sequence"),
        Property("width", _p.width, Kind.WHOLE, "Pixels"),
        Property("height", _p.height, Kind.WHOLE, "Pixels"),
    ),
    where=(_p.state == int(PictureState.PUBLISHED),),
    candidates=_picture_candidates,
    count=sa.select(sa.func.sum(schema.daily.c.pictures)),
)

SEQUENCES = FeatureTable(
    name="sequences",
    title="Sequences",
    description="Lines through the pictures of one piece of a drive, in order; personal pictures are on none.",
    source=schema.collection.join(schema.terms, _t.number == _c.terms),
    key=_c.id,
    key_kind=Kind.TEXT,
    geometry=Lines(
        number=sa.func.max(_c.sequence),
        west_e6=sa.func.min(_c.west_e6),
        south_e6=sa.func.min(_c.south_e6),
        east_e6=sa.func.max(_c.east_e6),
        north_e6=sa.func.max(_c.north_e6),
        of=_p.sequence,
        lon_e6=_p.lon_e6,
        lat_e6=_p.lat_e6,
        order=(_p.captured_ms, _p.number),
        where=(_p.state == int(PictureState.PUBLISHED),),
    ),
    times=Times(sa.func.min(_c.first_ms), sa.func.max(_c.last_ms)),
    properties=(
        Property("first_captured", sa.func.min(_c.first_ms), Kind.MOMENT, "Time of the first picture"),
        Property("last_captured", sa.func.max(_c.last_ms), Kind.MOMENT, "Time of the last picture"),
        Property("pictures", sa.cast(sa.func.sum(_c.pictures), sa.BigInteger), Kind.WHOLE, "How many pictures"),
        Property("policy", sa.func.min(_t.policy), Kind.TEXT, "Publication policy: fleet or open"),
        Property("license", sa.func.min(_t.license), Kind.TEXT, "SPDX identifier of the licence"),
        Property(
            "attribution",
            sa.func.nullif(sa.func.max(_t.attribution), ""),
            Kind.TEXT,
            "Name that the contributor chose",
        ),
    ),
    where=(_c.sequence.is_not(None),),
    is_grouped=True,
    most_at_once=100,
)
TABLES = {table.name: table for table in (PICTURES, SEQUENCES)}


def key_of(table: FeatureTable, text: str) -> str | bytes | None:
    """Return the key that a text spells as the features do, or None: no feature has another."""
    if table.key_kind is Kind.TEXT:
        return None if "\0" in text else text
    try:
        name = UUID(text)
    except ValueError:
        return None
    return name.bytes if str(name) == text else None


def key_text(key: str | bytes) -> str:
    """Return a key as the features spell it."""
    return key if isinstance(key, str) else str(UUID(bytes=bytes(key)))
