"""Reading pictures for exports: hundreds of thousands at once as arrays, without an object a row.

SQLite joins the packed marks and the other columns as hexadecimal digits to one long value; PostgreSQL sends them by
COPY in its binary format, in which rows of these types all have the same length. Both are checked to be as long as so
many rows have to be. One call is one short transaction: a reader that stays long keeps the journal from being emptied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from dashlight.errors import Corrupt
from dashlight.model import DAY_MS
from dashlight.store import bulk, schema
from dashlight.store.exports import CELL_RESOLUTION, QK_END
from dashlight.store.places import MARK, Marks, h3_range, order_of

Ints = npt.NDArray[np.int64]
_MARK_BYTES = MARK.itemsize
_COPY_HEAD_BYTES, _COPY_END = 19, b"\xff\xff"  # Signature, flags, no extension; and what follows the last row.
_AT_ONCE = 500


class Extra(Enum):
    """A column beside the mark: what it is in SQL, a number from 0 on, and its length in hexadecimal digits."""

    H3_R15 = ("p.h3_r15", 16)
    ACCURACY = ("COALESCE(p.accuracy_dm + 1, 0)", 8)
    RANK = ("COALESCE(p.rank + 1, 0)", 8)
    TERMS = ("p.terms", 8)
    WIDTH = ("p.width", 8)
    HEIGHT = ("p.height", 8)
    OBJECT = ("p.object", 16)
    OFFSET = ("p.offset_bytes", 16)
    SIZE = ("p.size_bytes", 8)
    THUMBNAIL_OFFSET = ("p.thumbnail_offset_bytes", 16)
    THUMBNAIL_SIZE = ("p.thumbnail_size_bytes", 8)

    @property
    def sql(self) -> str:
        """The expression."""
        return self.value[0]

    @property
    def digits(self) -> int:
        """How many hexadecimal digits it has."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures that are shown, in the order of their places; in one place in that of their ids, which are random.

    Attributes:
        marks: `(N,)`, see `store.places`.
        extras: `(N,) int64` for each column that was asked for.
    """

    marks: Marks
    extras: dict[Extra, Ints]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.marks)

    def chosen(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Pictures:
        """Return some of them."""
        return Pictures(self.marks[rows], {name: column[rows] for name, column in self.extras.items()})


@dataclass(frozen=True, slots=True)
class Terms:
    """What goes for many pictures alike, by the number that `Extra.TERMS` tells."""

    policy: str
    license_id: str
    attribution: str


def pictures_between(
    connection: sa.Connection, qk_first: int, qk_end: int, *, extras: Sequence[Extra] = ()
) -> Pictures:
    """Return the pictures whose keys lie in a half-open range.

    Raises:
        Corrupt: When the database gives something else than whole rows.
    """
    condition = f"m.qk >= {int(qk_first)} AND m.qk < {int(qk_end)} ORDER BY m.qk"
    return _read(connection, f"mark m JOIN picture p ON p.number = m.number WHERE {condition}", extras)


def pictures_of_cell(
    connection: sa.Connection, cell: int, days: tuple[int, int], *, extras: Sequence[Extra] = ()
) -> Pictures:
    """Return the pictures below an H3 cell whose times begin on any of the days, inclusive.

    Raises:
        Corrupt: When the database gives something else than whole rows.
    """
    first, last = h3_range(cell)
    # The plus keeps SQLite from walking along time, through the pictures of the whole world.
    condition = (
        f"p.h3_r15 BETWEEN {first} AND {last} AND +p.captured_ms >= {int(days[0]) * DAY_MS} "
        f"AND +p.captured_ms < {(int(days[1]) + 1) * DAY_MS}"
    )
    joined = f"picture p JOIN mark m ON m.qk = p.qk AND m.number = p.number WHERE {condition}"
    return _read(connection, joined, extras)


def _read(connection: sa.Connection, joined: str, extras: Sequence[Extra]) -> Pictures:
    marks, columns = (_read_postgresql if bulk.is_postgresql(connection) else _read_sqlite)(connection, joined, extras)
    order = order_of(marks)
    return Pictures(marks[order], dict(zip(extras, columns[:, order], strict=True)))


def _read_sqlite(connection: sa.Connection, joined: str, extras: Sequence[Extra]) -> tuple[Marks, Ints]:
    digits = [extra.digits for extra in extras]
    row = "m.mark"
    if extras:
        form = "".join(f"%0{count}x" for count in digits)
        row += f" || printf('{form}', {', '.join(extra.sql for extra in extras)})"
    # Blobs are joined byte by byte; that nothing else happened is checked below.
    sql = f"SELECT CAST(group_concat(x, '') AS BLOB), COUNT(*) FROM (SELECT {row} AS x FROM {joined})"  # noqa: S608  # Numbers and names of ours.
    content, count = connection.exec_driver_sql(sql).one()
    stride = _MARK_BYTES + sum(digits)
    raw = np.frombuffer(content or b"", np.uint8)
    if len(raw) != count * stride:
        raise Corrupt(f"{count} pictures were read as {len(raw)} bytes, which are not {stride} each")
    table = raw.reshape(count, stride)
    marks = np.ascontiguousarray(table[:, :_MARK_BYTES]).view(MARK).ravel()
    try:
        packed = np.frombuffer(bytes.fromhex(table[:, _MARK_BYTES:].tobytes().decode("ascii")), np.uint8)
    except ValueError as exc:
        raise Corrupt("the columns of pictures were read as something that is not hexadecimal") from exc
    packed = packed.reshape(count, sum(digits) // 2)
    columns = np.empty((len(digits), count), np.int64)
    at = 0
    for number, length in enumerate(digits):
        part = np.ascontiguousarray(packed[:, at : at + length // 2])
        columns[number] = part.view(f">u{length // 2}").ravel()
        at += length // 2
    return marks, columns


def _read_postgresql(connection: sa.Connection, joined: str, extras: Sequence[Extra]) -> tuple[Marks, Ints]:
    selected = ", ".join(["m.mark", *(f"({extra.sql})::BIGINT" for extra in extras)])
    sql = f"COPY (SELECT {selected} FROM {joined}) TO STDOUT (FORMAT binary)"  # noqa: S608  # Likewise.
    with bulk.driver(connection).cursor() as cursor, cursor.copy(sql.encode()) as copy:
        content = b"".join(bytes(block) for block in copy)
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("mark_bytes", ">i4"),
            ("mark", np.uint8, (_MARK_BYTES,)),
            *(field for n in range(len(extras)) for field in ((f"bytes_{n}", ">i4"), (f"column_{n}", ">i8"))),
        ]
    )
    body = content[_COPY_HEAD_BYTES : -len(_COPY_END)]
    if len(body) % row.itemsize or not content.endswith(_COPY_END):
        raise Corrupt(f"pictures were read as {len(content)} bytes, which are not {row.itemsize} each")
    table = np.frombuffer(body, row)
    if not (table["mark_bytes"] == _MARK_BYTES).all() or not (table["fields"] == len(extras) + 1).all():
        raise Corrupt("the columns of pictures were read as something of another length")
    marks = np.ascontiguousarray(table["mark"]).view(MARK).ravel()
    columns = np.empty((len(extras), len(table)), np.int64)
    for number in range(len(extras)):
        columns[number] = table[f"column_{number}"]
    return marks, columns


def key_after(connection: sa.Connection, qk_first: int, qk_end: int, *, pictures: int) -> int:
    """Return the end of a range of keys from `qk_first` on that holds about so many pictures, at most `qk_end`."""
    m = schema.mark.c
    found = connection.execute(
        sa.select(m.qk).where(m.qk >= qk_first, m.qk < qk_end).order_by(m.qk).limit(1).offset(pictures)
    ).scalar()
    return qk_end if found is None else max(int(found), qk_first + 1)


def count_shown(connection: sa.Connection) -> int:
    """Return how many pictures are shown."""
    total = sa.func.coalesce(sa.cast(sa.func.sum(schema.daily.c.pictures), sa.BigInteger), 0)
    return int(connection.execute(sa.select(total)).scalar_one())


def cells_and_days(connection: sa.Connection) -> list[tuple[int, int, int]]:
    """Return (H3 cell of resolution 4, day, pictures) for each that has pictures, in order."""
    c, d = schema.cover.c, schema.cover_day.c
    rows = connection.execute(
        sa.select(c.cell, d.day, d.pictures)
        .join_from(schema.cover_day, schema.cover, sa.and_(c.resolution == d.resolution, c.qk == d.qk))
        .where(d.resolution == CELL_RESOLUTION)
        .order_by(c.cell, d.day)
    )
    return [(int(cell), int(day), int(pictures)) for cell, day, pictures in rows]


def all_terms(connection: sa.Connection) -> dict[int, Terms]:
    """Return the terms of pictures, by number."""
    t = schema.terms.c
    rows = connection.execute(sa.select(t.number, t.policy, t.license, t.attribution))
    return {int(number): Terms(policy, license_id, attribution) for number, policy, license_id, attribution in rows}


def object_keys(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the keys of objects, by number."""
    o = schema.object_.c
    found: dict[int, str] = {}
    for at in range(0, len(numbers), _AT_ONCE):
        rows = connection.execute(sa.select(o.number, o.key).where(o.number.in_(numbers[at : at + _AT_ONCE])))
        found |= {int(number): str(key) for number, key in rows}
    return found


def count_between(connection: sa.Connection, qk_first: int, qk_end: int) -> int:
    """Return how many pictures have keys in a half-open range."""
    m = schema.mark.c
    query = sa.select(sa.func.count()).where(m.qk >= qk_first, m.qk < qk_end).select_from(schema.mark)
    return int(connection.execute(query).scalar_one())


def distinct_tiles(
    connection: sa.Connection, zoom_shift: int, place: tuple[int, int] = (0, QK_END), resolution: int | None = None
) -> Ints:
    """Return the keys of tiles that hold pictures, or centres of counted cells; sorted, each once.

    Args:
        connection: To read with.
        zoom_shift: By how many bits a key `qk` is shifted to be the key of a tile.
        place: Half-open range of keys.
        resolution: Of H3 cells that are counted, or None for the pictures themselves.
    """
    table = schema.mark if resolution is None else schema.cover
    # The cast makes the number one that PostgreSQL shifts by.
    query = sa.select(table.c.qk.op(">>")(sa.cast(zoom_shift, sa.Integer))).distinct()
    query = query.where(table.c.qk >= place[0], table.c.qk < place[1])
    if resolution is not None:
        query = query.where(schema.cover.c.resolution == resolution)
    keys = np.fromiter((int(key) for key in connection.execute(query).scalars()), np.int64)
    keys.sort()
    return keys
