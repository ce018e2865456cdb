"""Reading pictures: one, its neighbours, a page of them, and where their bytes lie."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.errors import Gone, NotFound
from dashlight.model import DAY_MS, BBox, LonLat, Policy, merged_ranges, qk_range, tile_xy
from dashlight.store import places
from dashlight.store.publish import captured_text
from dashlight.store.schema import PictureState, Precision, cleared, gone, mark, object_, picture, sequence, terms

MAX_SCANNED = 20_000  # Rows that one page may cost; a page may be short and still have a next one.
MAX_RANGES = 64
HALF_VIEW_DDEG = 450  # A reader who looks north wants north-east and north-west too.
MAX_DRAWS = 200  # Numbers drawn for one picture: those of erased pictures and of other policies are no use.


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as readers see it.

    Attributes:
        number: The row's own; not told.
        id: Its name.
        position: Where.
        captured: As it is told.
        precision: `instant`, `week` or `month`.
        captured_ms: First millisecond of it.
        heading_deg: True north.
        accuracy_m: When known.
        policy: Under which it is published.
        license_id: SPDX identifier.
        attribution: A chosen name, or empty.
        width: Pixels.
        height: Pixels.
        sequence: Of which it is, or None.
        rank: In the sequence, or None.
        redactions: Kind and box of each.
    """

    number: int
    id: UUID
    position: LonLat
    captured: str
    precision: str
    captured_ms: int
    heading_deg: float
    accuracy_m: float | None
    policy: Policy
    license_id: str
    attribution: str
    width: int
    height: int
    sequence: UUID | None
    rank: int | None
    redactions: tuple[tuple[str, tuple[int, int, int, int]], ...]


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Where a picture's bytes lie."""

    key: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PageEnd:
    """Where a page ended: time and row of its last picture."""

    captured_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Page:
    """Pictures, newest first, and where the next page begins when there is one."""

    pictures: tuple[StoredPicture, ...]
    end: PageEnd | None


@dataclass(frozen=True, slots=True)
class Wish:
    """Which pictures of an area and time a reader wants to see.

    Attributes:
        policies: Only these, or None for all.
        heading_deg: Only those that look this way, 45 degrees to either side, or None for all.
    """

    policies: frozenset[Policy] | None = None
    heading_deg: float | None = None

    def fits(self, marks: places.Marks) -> npt.NDArray[np.bool_]:
        """Return which of `(N,)` marks are wanted."""
        fitting = np.ones(len(marks), np.bool_)
        if self.policies is not None:
            fitting &= np.isin(marks["policy"], [places.policy_code(policy) for policy in self.policies])
        if self.heading_deg is not None:
            turn_ddeg = (marks["heading_ddeg"].astype(np.int64) - round(self.heading_deg * 10) + HALF_VIEW_DDEG) % 3600
            fitting &= turn_ddeg <= 2 * HALF_VIEW_DDEG
        return fitting

    def sql(self) -> list[sa.ColumnElement[bool]]:
        """Return the same as conditions on `picture`, with no column of another table."""
        wanted: list[sa.ColumnElement[bool]] = []
        if self.policies is not None:
            of_policies = sa.select(terms.c.number).where(terms.c.policy.in_([str(policy) for policy in self.policies]))
            wanted.append(picture.c.terms.in_(of_policies))
        if self.heading_deg is not None:
            turn_ddeg = picture.c.heading_ddeg - round(self.heading_deg * 10) + HALF_VIEW_DDEG + 3600
            wanted.append(turn_ddeg % 3600 <= 2 * HALF_VIEW_DDEG)
        return wanted


ANY = Wish()


_SELECT = (
    sa.select(
        picture,
        terms.c.policy,
        terms.c.license,
        terms.c.attribution,
        sequence.c.id.label("sequence_id"),
    )
    .join(terms, terms.c.number == picture.c.terms)
    .join_from(picture, sequence, sequence.c.number == picture.c.sequence, isouter=True)
)


def picture_select() -> sa.Select[tuple[object, ...]]:
    """Return the SELECT whose rows `stored_picture` reads: picture, its terms, and its sequence when it has one."""
    return _SELECT


def stored_picture(row: sa.Row[tuple[object, ...]]) -> StoredPicture:
    """Return the picture of a row of `picture_select`."""
    return StoredPicture(
        number=row.number,
        id=UUID(bytes=row.id),
        position=LonLat(row.lon_e6 / 1e6, row.lat_e6 / 1e6),
        captured=captured_text(row.captured_ms, row.captured_precision),
        precision=Precision(row.captured_precision).name.lower(),
        captured_ms=row.captured_ms,
        heading_deg=row.heading_ddeg / 10,
        accuracy_m=None if row.accuracy_dm is None else row.accuracy_dm / 10,
        policy=Policy(row.policy),
        license_id=row.license,
        attribution=row.attribution,
        width=row.width,
        height=row.height,
        sequence=UUID(bytes=row.sequence_id) if row.sequence_id else None,
        rank=row.rank,
        redactions=tuple((kind, tuple(box)) for kind, *box in json.loads(row.redactions)),
    )


def find_picture(connection: sa.Connection, picture_id: UUID) -> StoredPicture:
    """Return a published picture.

    Raises:
        Gone: When it was erased or is hidden.
        NotFound: When there never was one.
    """
    row = connection.execute(_SELECT.where(picture.c.id == picture_id.bytes)).one_or_none()
    if row is None or row.state != PictureState.PUBLISHED:
        raise _missing(connection, picture_id, is_hidden=row is not None)
    return stored_picture(row)


def count_pictures(connection: sa.Connection, *, policies: Sequence[Policy]) -> int:
    """Return how many pictures of these policies there are, those that are hidden among them."""
    total = sa.func.coalesce(sa.cast(sa.func.sum(terms.c.pictures), sa.BigInteger), 0)
    return int(connection.execute(sa.select(total).where(terms.c.policy.in_(policies))).scalar_one())


def draw_picture(connection: sa.Connection, *, policies: Sequence[Policy], random: Random) -> StoredPicture | None:
    """Return a picture that is shown and that the operator has not put back, each as likely as any other.

    Args:
        connection: To read with.
        policies: Of which it is one; of `fleet` and `open`, because the numbers of `personal` ones are too far apart.
        random: Where chance comes from.

    Returns:
        None when there is none, or so few among all numbers ever given that none of `MAX_DRAWS` was one.
    """
    p = picture.c
    last = connection.execute(sa.select(sa.func.max(p.number))).scalar()
    if last is None or last < 1:  # None but `personal` ones, whose numbers are drawn and too far apart to be met.
        return None
    numbers = [random.randint(1, last) for _ in range(MAX_DRAWS)]
    is_cleared = sa.exists().where(cleared.c.picture == p.number)
    fitting = _SELECT.where(
        p.number.in_(numbers), p.state == int(PictureState.PUBLISHED), terms.c.policy.in_(policies), ~is_cleared
    )
    found = {row.number: row for row in connection.execute(fitting)}
    first = next((number for number in numbers if number in found), None)
    return None if first is None else stored_picture(found[first])


def _missing(connection: sa.Connection, picture_id: UUID, *, is_hidden: bool) -> NotFound:
    if is_hidden or connection.execute(sa.select(gone).where(gone.c.id == picture_id.bytes)).first():
        return Gone(f"the picture {picture_id} is no longer shown")
    return NotFound(f"there is no picture {picture_id}", code="no-picture")


def find_bytes(connection: sa.Connection, picture_id: UUID, *, is_thumbnail: bool) -> ByteRange:
    """Return where a published picture's JPEG lies.

    Raises:
        Gone: When it was erased or is hidden.
        NotFound: When there never was one.
    """
    p = picture.c
    columns = (p.thumbnail_offset_bytes, p.thumbnail_size_bytes) if is_thumbnail else (p.offset_bytes, p.size_bytes)
    row = connection.execute(
        sa.select(p.state, object_.c.key, *columns)
        .join(object_, object_.c.number == p.object)
        .where(p.id == picture_id.bytes)
    ).one_or_none()
    if row is None or row[0] != PictureState.PUBLISHED:
        raise _missing(connection, picture_id, is_hidden=row is not None)
    return ByteRange(row[1], row[2], row[3])


@dataclass(frozen=True, slots=True)
class Erasable:
    """A picture that is there: its number, its deletion commitment, and whether it is shown."""

    number: int
    commitment: bytes
    is_shown: bool


def find_for_erasure(connection: sa.Connection, picture_id: UUID) -> Erasable | None:
    """Return what is needed to erase a picture, hidden or not; None when it is erased already.

    Raises:
        NotFound: When there never was one.
    """
    row = connection.execute(
        sa.select(picture.c.number, picture.c.deletion_commitment, picture.c.state).where(
            picture.c.id == picture_id.bytes
        )
    ).one_or_none()
    if row is not None:
        return Erasable(int(row.number), bytes(row.deletion_commitment), row.state == PictureState.PUBLISHED)
    if connection.execute(sa.select(gone).where(gone.c.id == picture_id.bytes)).first():
        return None
    raise NotFound(f"there is no picture {picture_id}", code="no-picture")


def neighbours(connection: sa.Connection, stored: StoredPicture) -> tuple[UUID | None, UUID | None]:
    """Return the pictures before and after in the sequence, by time."""
    if stored.sequence is None:
        return None, None
    p = picture.c
    of_sequence = (
        sa.select(p.id)
        .join(sequence, sequence.c.number == p.sequence)
        .where(sequence.c.id == stored.sequence.bytes, p.state == int(PictureState.PUBLISHED))
        .limit(1)
    )
    key = sa.tuple_(p.captured_ms, p.number)
    here = sa.tuple_(stored.captured_ms, stored.number)
    before = connection.execute(of_sequence.where(key < here).order_by(p.captured_ms.desc(), p.number.desc())).scalar()
    after = connection.execute(of_sequence.where(key > here).order_by(p.captured_ms, p.number)).scalar()
    return (UUID(bytes=before) if before else None, UUID(bytes=after) if after else None)


def page_of_pictures(
    connection: sa.Connection,
    *,
    bbox: BBox | None,
    days: tuple[int, int],
    limit: int,
    after: PageEnd | None,
    wish: Wish = ANY,
) -> Page:
    """Return pictures newest first.

    A small area is read from the map's order and sorted; a large one is walked along time, at most `MAX_SCANNED`
    rows a page, so that a page may hold fewer than `limit` and still have a next one.

    Args:
        connection: To read with.
        bbox: Where, or None for everywhere.
        days: First and last day since 1970-01-01, inclusive.
        limit: At most so many.
        after: Where the page before ended.
        wish: Which of them.
    """
    if bbox is not None:
        few = _marks_in(connection, bbox)
        if few is not None:
            return _page_from_marks(connection, few, bbox, days, limit, after, wish)
    return _page_along_time(connection, bbox, days, limit, after, wish)


def bbox_ranges(bbox: BBox, *, most: int = MAX_RANGES) -> list[tuple[int, int]]:
    """Return at most about `most` ranges of `qk` that together hold the box, in order and merged."""
    ranges: list[tuple[int, int]] = []
    for part in bbox.parts():
        zoom = 0
        for deeper in range(1, 25):
            (x0, y0), (x1, y1) = _corners(part, deeper)
            if (x1 - x0 + 1) * (y1 - y0 + 1) > most:
                break
            zoom = deeper
        (x0, y0), (x1, y1) = _corners(part, zoom)
        ranges += [qk_range(zoom, x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)]
    return merged_ranges(ranges)


def _corners(part: BBox, zoom: int) -> tuple[tuple[int, int], tuple[int, int]]:
    east = min(part.east, 179.999_999_9)  # 180 itself is folded to the other end of the world.
    return tile_xy(LonLat(part.west, part.north), zoom), tile_xy(LonLat(east, part.south), zoom)


def _marks_in(connection: sa.Connection, bbox: BBox) -> tuple[list[int], places.Marks] | None:
    rows: list[tuple[int, bytes]] = []
    for first, last in bbox_ranges(bbox):
        query = (
            sa.select(mark.c.number, mark.c.mark)
            .where(mark.c.qk >= first, mark.c.qk < last)
            .limit(MAX_SCANNED + 1 - len(rows))
        )
        rows += [tuple(row) for row in connection.execute(query)]
        if len(rows) > MAX_SCANNED:
            return None
    return [number for number, _ in rows], places.marks_from([blob for _, blob in rows])


def _page_from_marks(
    connection: sa.Connection,
    found: tuple[list[int], places.Marks],
    bbox: BBox,
    days: tuple[int, int],
    limit: int,
    after: PageEnd | None,
    wish: Wish,
) -> Page:
    numbers, marks = np.array(found[0], np.int64), found[1]
    captured = marks["captured_ms"]
    inside = bbox.holds(marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6)
    inside &= wish.fits(marks) & (captured >= days[0] * DAY_MS) & (captured < (days[1] + 1) * DAY_MS)
    if after is not None:
        inside &= (captured < after.captured_ms) | ((captured == after.captured_ms) & (numbers < after.number))
    (chosen,) = inside.nonzero()
    order = np.lexsort((-numbers[chosen], -captured[chosen]))[: limit + 1]
    wanted = [int(numbers[chosen[i]]) for i in order]
    is_more = len(wanted) > limit
    rows = {row.number: row for row in connection.execute(_SELECT.where(picture.c.number.in_(wanted[:limit])))}
    pictures = tuple(stored_picture(rows[number]) for number in wanted[:limit] if number in rows)
    end = PageEnd(pictures[-1].captured_ms, pictures[-1].number) if is_more and pictures else None
    return Page(pictures, end)


def _page_along_time(
    connection: sa.Connection,
    bbox: BBox | None,
    days: tuple[int, int],
    limit: int,
    after: PageEnd | None,
    wish: Wish,
) -> Page:
    p = picture.c
    is_wanted = sa.and_(sa.true(), *wish.sql()).label("is_wanted")
    scan = sa.select(p.number, p.captured_ms, p.lon_e6, p.lat_e6, p.state, is_wanted).where(
        p.captured_ms >= days[0] * DAY_MS, p.captured_ms < (days[1] + 1) * DAY_MS
    )
    if after is not None:
        scan = scan.where(sa.tuple_(p.captured_ms, p.number) < sa.tuple_(after.captured_ms, after.number))
    scan = scan.order_by(p.captured_ms.desc(), p.number.desc()).limit(MAX_SCANNED)
    wanted: list[int] = []
    last: PageEnd | None = None
    scanned = 0
    with connection.execute(scan, execution_options={"yield_per": 500}) as rows_along_time:
        for scanned, row in enumerate(rows_along_time, start=1):  # noqa: B007
            if len(wanted) == limit:
                break
            last = PageEnd(row.captured_ms, row.number)
            is_inside = bbox is None or bbox.holds(row.lon_e6 / 1e6, row.lat_e6 / 1e6)
            if row.state == PictureState.PUBLISHED and is_inside and row.is_wanted:
                wanted.append(row.number)
        else:
            if scanned < MAX_SCANNED:
                last = None
    rows = {row.number: row for row in connection.execute(_SELECT.where(p.number.in_(wanted)))}
    return Page(tuple(stored_picture(rows[number]) for number in wanted if number in rows), last)
