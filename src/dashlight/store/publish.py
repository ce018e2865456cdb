"""Publishing: pictures become rows, marks, counts and events in one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dashlight.model import (
    DAY_MS,
    EPOCH,
    CapturedAt,
    Month,
    PictureClaim,
    Policy,
    Redaction,
    Week,
    h3_parent,
    moment_of,
    moment_text,
    ms_of,
)
from dashlight.store import bulk, collections, numbers, places, schema
from dashlight.store.bulk import Upsert
from dashlight.store.database import Transaction
from dashlight.store.outbox import NewEvent, tell
from dashlight.store.places import Place
from dashlight.store.schema import PictureState, Precision

_JSON = json.JSONEncoder(separators=(",", ":"))

_UPSERT_LIVE = Upsert(
    schema.live,
    ("cell", "octant"),
    "captured_ms = excluded.captured_ms, number = excluded.number, mark = excluded.mark "
    # Of equal times the number decides, not the coming: those of `personal` pictures are drawn.
    "WHERE (excluded.captured_ms, excluded.number) > (live.captured_ms, live.number)",
)
_UPSERT_COVER = Upsert(
    schema.cover,
    ("resolution", "qk"),
    "pictures = cover.pictures + excluded.pictures, "
    # Of equal times the greater heading, whichever came last.
    "heading_ddeg = CASE WHEN (excluded.captured_ms, excluded.heading_ddeg) > (cover.captured_ms, cover.heading_ddeg) "
    "THEN excluded.heading_ddeg ELSE cover.heading_ddeg END, "
    "captured_ms = CASE WHEN excluded.captured_ms > cover.captured_ms THEN excluded.captured_ms "
    "ELSE cover.captured_ms END",
)
_UPSERT_COVER_DAY = Upsert(
    schema.cover_day, ("resolution", "qk", "day"), "pictures = cover_day.pictures + excluded.pictures"
)
_UPSERT_DAILY = Upsert(schema.daily, ("day",), "pictures = daily.pictures + excluded.pictures")
_UPSERT_TERMS = sa.text(
    "INSERT INTO terms (policy, license, attribution, pictures) VALUES (:policy, :license, :attribution, :pictures) "
    "ON CONFLICT (policy, license, attribution) DO UPDATE SET pictures = terms.pictures + excluded.pictures"
)


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture that is about to be published.

    Attributes:
        id: 16 random bytes of a UUID.
        claim: Where, when, which way.
        license_id: SPDX identifier.
        attribution: A chosen name, or empty.
        width: Pixels.
        height: Pixels.
        offset: Of its JPEG in the object, in bytes.
        size_bytes: Of its JPEG.
        thumbnail_offset: Of its thumbnail in the object, in bytes.
        thumbnail_size_bytes: Of its thumbnail.
        redactions: What was painted over.
        deletion_commitment: SHA-256 of the deletion secret.
    """

    id: bytes
    claim: PictureClaim
    license_id: str
    attribution: str
    width: int
    height: int
    offset: int
    size_bytes: int
    thumbnail_offset: int
    thumbnail_size_bytes: int
    redactions: tuple[Redaction, ...]
    deletion_commitment: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What the map's tables need to know of one published picture."""

    number: int
    id: bytes
    place: Place
    captured_ms: int
    precision: int
    heading_ddeg: int
    policy: str
    sequence_id: bytes | None

    @property
    def day(self) -> int:
        """Days since 1970-01-01."""
        return self.captured_ms // DAY_MS


def captured_parts(captured: CapturedAt) -> tuple[int, Precision]:
    """Return the first millisecond of a time since 1970, and how finely it is told."""
    match captured:
        case datetime():
            return ms_of(captured), Precision.INSTANT
        case Week():
            return (captured.monday - EPOCH.date()).days * DAY_MS, Precision.WEEK
        case Month():
            return ms_of(datetime(captured.year, captured.number, 1, tzinfo=UTC)), Precision.MONTH


def captured_text(captured_ms: int, precision: int) -> str:
    """Return `2026-11-23T10:00:00.000Z`, `2026-W48` or `2026-11`."""
    at = moment_of(captured_ms)
    match Precision(precision):
        case Precision.INSTANT:
            return moment_text(captured_ms)
        case Precision.WEEK:
            return Week.of(at.date()).label
        case Precision.MONTH:
            return Month(at.year, at.month).label


def add_object(transaction: Transaction, key: str, *, size_bytes: int, head_bytes: int) -> int:
    """Insert the row of an object that is durable already; return its number.

    Args:
        transaction: The write.
        key: Of the object.
        size_bytes: Of the whole object.
        head_bytes: How much at its beginning tells of its pictures (the manifest) and goes when one is erased.
    """
    table = schema.object_
    row = sa.insert(table).values(key=key, size_bytes=size_bytes, head_bytes=head_bytes)
    return int(transaction.connection.execute(row.returning(table.c.number)).scalar_one())


def publish(
    transaction: Transaction,
    pictures: Sequence[NewPicture],
    *,
    policy: Policy,
    object_number: int,
    sequence: UUID | None,
) -> None:
    """Make pictures public; they are on the map when the transaction is committed.

    `fleet` and `open` pictures are told one by one in the outbox; of `personal` ones the daily batch tells
    one `refresh`, and their rows get numbers that say nothing of the batch (`store.numbers`).
    """
    connection = transaction.connection
    times = [captured_parts(new.claim.captured) for new in pictures]
    if policy is Policy.PERSONAL:
        given = numbers.draw_numbers(connection, [captured_ms for captured_ms, _ in times])
    else:
        given = bulk.next_numbers(connection, len(pictures))
    sequence_number, first_rank = _sequence(connection, sequence, len(pictures))
    terms = _terms(connection, policy, pictures)
    shown, rows = [], []
    for position, (number, new, (captured_ms, precision)) in enumerate(zip(given, pictures, times, strict=True)):
        one = Shown(
            number=number,
            id=new.id,
            place=places.place_of(new.claim.position),
            captured_ms=captured_ms,
            precision=precision,
            heading_ddeg=round(new.claim.heading_deg * 10) % 3600,
            policy=str(policy),
            sequence_id=sequence.bytes if sequence else None,
        )
        shown.append(one)
        row = _row(new, one, terms[new.license_id, new.attribution], object_number)
        rows.append({**row, "sequence": sequence_number, "rank": None if sequence is None else first_rank + position})
    # In the order of the table: what lies together is written together.
    bulk.insert(connection, schema.picture, sorted(rows, key=itemgetter("number")))
    show(transaction, shown)
    if policy is not Policy.PERSONAL:
        tell(transaction, [_picture_event(one) for one in shown])


def _row(new: NewPicture, one: Shown, terms: int, object_number: int) -> dict[str, object]:
    accuracy_m = new.claim.accuracy_m
    return {
        "number": one.number,
        "id": one.id,
        "state": int(PictureState.PUBLISHED),
        "qk": one.place.qk,
        "h3_r15": one.place.h3_r15,
        "lon_e6": one.place.lon_e6,
        "lat_e6": one.place.lat_e6,
        "captured_ms": one.captured_ms,
        "captured_precision": int(one.precision),
        "heading_ddeg": one.heading_ddeg,
        "accuracy_dm": None if accuracy_m is None else round(accuracy_m * 10),
        "terms": terms,
        "width": new.width,
        "height": new.height,
        "object": object_number,
        "offset_bytes": new.offset,
        "size_bytes": new.size_bytes,
        "thumbnail_offset_bytes": new.thumbnail_offset,
        "thumbnail_size_bytes": new.thumbnail_size_bytes,
        "redactions": _JSON.encode([[str(r.kind), *r.bbox_xyxy] for r in new.redactions]),
        "deletion_commitment": new.deletion_commitment,
    }


def _sequence(connection: sa.Connection, sequence: UUID | None, count: int) -> tuple[int | None, int]:
    if sequence is None:
        return None, 0
    table = schema.sequence
    found = connection.execute(
        sa.select(table.c.number, table.c.next_rank).where(table.c.id == sequence.bytes)
    ).one_or_none()
    if found is None:
        row = sa.insert(table).values(id=sequence.bytes, next_rank=count).returning(table.c.number)
        return int(connection.execute(row).scalar_one()), 0
    number, rank = found
    connection.execute(sa.update(table).where(table.c.number == number).values(next_rank=rank + count))
    return int(number), int(rank)


def _terms(connection: sa.Connection, policy: Policy, pictures: Sequence[NewPicture]) -> dict[tuple[str, str], int]:
    numbers = {}
    table = schema.terms
    for (license_id, attribution), count in Counter((p.license_id, p.attribution) for p in pictures).items():
        row = {"policy": str(policy), "license": license_id, "attribution": attribution}
        connection.execute(_UPSERT_TERMS, {**row, "pictures": count})
        numbers[license_id, attribution] = int(
            connection.execute(sa.select(table.c.number).filter_by(**row)).scalar_one()
        )
    return numbers


def _picture_event(one: Shown) -> NewEvent:
    told = {
        "id": str(UUID(bytes=one.id)),
        "lon": one.place.lon_e6 / 1e6,
        "lat": one.place.lat_e6 / 1e6,
        "heading_deg": one.heading_ddeg / 10,
        "captured": captured_text(one.captured_ms, one.precision),
        "day": moment_text(one.captured_ms)[:10],
        "policy": one.policy,
        "sequence": str(UUID(bytes=one.sequence_id)) if one.sequence_id else None,
    }
    return NewEvent("picture", _JSON.encode(told), one.place.lon_e6, one.place.lat_e6, one.id)


def show(transaction: Transaction, shown: Iterable[Shown]) -> None:
    """Put pictures whose rows exist onto the map: marks, freshest marks and counts."""
    shown = list(shown)
    connection = transaction.connection
    marks: list[dict[str, object]] = []
    live: dict[tuple[int, int], dict[str, Any]] = {}
    for one in shown:
        mark = places.mark_of(
            one.place,
            captured_ms=one.captured_ms,
            heading_ddeg=one.heading_ddeg,
            policy=one.policy,
            precision=one.precision,
            picture_id=one.id,
            sequence_id=one.sequence_id,
        )
        marks.append({"qk": one.place.qk, "number": one.number, "mark": mark})
        key = (one.place.qk >> places.LIVE_SHIFT, places.octant_of(one.heading_ddeg))
        if key not in live or (one.captured_ms, one.number) > (live[key]["captured_ms"], live[key]["number"]):
            live[key] = {
                "cell": key[0],
                "octant": key[1],
                "captured_ms": one.captured_ms,
                "number": one.number,
                "mark": mark,
            }
    if not marks:
        return
    bulk.insert(connection, schema.mark, marks)
    _UPSERT_LIVE.run(connection, list(live.values()))
    _count(connection, shown)
    collections.add_pictures(connection, [one.number for one in shown])
    transaction.change.qks += [one.place.qk for one in shown]


def _age(one: Shown) -> tuple[int, int]:
    """Return what is greatest of the picture whose heading a cell shows."""
    return one.captured_ms, one.heading_ddeg


def _count(connection: sa.Connection, shown: Sequence[Shown]) -> None:
    # By street cell first: a drive has far fewer of them than pictures.
    of_street: Counter[tuple[int, int]] = Counter()
    newest: dict[tuple[int, int], Shown] = {}

    def note_newest(key: tuple[int, int], one: Shown) -> None:
        if key not in newest or _age(one) > _age(newest[key]):
            newest[key] = one

    for one in shown:
        street = h3_parent(one.place.h3_r15, places.STREET_RESOLUTION)
        of_street[street, one.day] += 1
        note_newest((places.STREET_RESOLUTION, street), one)
    counts: Counter[tuple[int, int]] = Counter()
    by_day: Counter[tuple[int, int, int]] = Counter()
    for (street, day), count in of_street.items():
        for key in places.parents_of(street):
            counts[key] += count
            by_day[(*key, day)] += count
            note_newest(key, newest[places.STREET_RESOLUTION, street])
    cover = []
    for (resolution, h3_cell), count in counts.items():
        cell, one = places.cell_of(h3_cell), newest[resolution, h3_cell]
        cover.append(
            {
                "resolution": resolution,
                "qk": cell.qk,
                "cell": cell.cell,
                "pictures": count,
                "captured_ms": one.captured_ms,
                "heading_ddeg": one.heading_ddeg,
                "outline": cell.outline,
            }
        )
    _UPSERT_COVER.run(connection, cover)
    _UPSERT_COVER_DAY.run(
        connection,
        [
            {"resolution": resolution, "qk": places.cell_of(cell).qk, "day": day, "pictures": count}
            for (resolution, cell, day), count in by_day.items()
        ],
    )
    daily = Counter(one.day for one in shown)
    _UPSERT_DAILY.run(connection, [{"day": day, "pictures": count} for day, count in daily.items()])
