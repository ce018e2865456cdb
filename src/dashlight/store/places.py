"""The arithmetic of rows with a place: marks of the map, cells, outlines. No input, no output.

A mark is what the map shows of one picture, 52 bytes; thousands of them become an array without a loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from dashlight.model import QK_WORLD, QK_ZOOM, LonLat, h3_parent, qk_of, qk_of_many, world_xy

LIVE_ZOOM = 21  # A tile of about 19 m at the equator: two neighbours of a drive fall into different ones.
LIVE_SHIFT = 2 * (QK_ZOOM - LIVE_ZOOM)
STREET_RESOLUTION = 11  # H3 cells whose edge is about 25 m.
COVER_RESOLUTIONS = (1, 2, 3, 4, 5, 6, 7, 8)
POLICIES = ("fleet", "open", "personal")  # A mark tells the index; stored, so only ever longer.

MARK = np.dtype(
    [
        ("lon_e6", "<i4"),
        ("lat_e6", "<i4"),
        ("captured_ms", "<i8"),
        ("heading_ddeg", "<u2"),
        ("policy", "u1"),
        ("precision", "u1"),
        ("id", "u1", (16,)),
        ("sequence", "u1", (16,)),
    ]
)
Marks = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Place:
    """What follows from a position alone."""

    qk: int
    h3_r15: int
    lon_e6: int
    lat_e6: int


def place_of(position: LonLat) -> Place:
    """Return the keys of a position."""
    cell = h3.latlng_to_cell(position.lat, position.lon, 15)
    return Place(qk_of(position), int(cell), round(position.lon * 1e6), round(position.lat * 1e6))


def policy_code(policy: str) -> int:
    """Return the number that stands for a policy in a mark: its index in `POLICIES`."""
    return POLICIES.index(policy)


def mark_of(
    place: Place,
    *,
    captured_ms: int,
    heading_ddeg: int,
    policy: str,
    precision: int,
    picture_id: bytes,
    sequence_id: bytes | None,
) -> bytes:
    """Return the mark of one picture; no sequence is 16 zero bytes."""
    mark = np.zeros((), MARK)
    mark["lon_e6"], mark["lat_e6"] = place.lon_e6, place.lat_e6
    mark["captured_ms"], mark["heading_ddeg"] = captured_ms, heading_ddeg
    mark["policy"], mark["precision"] = policy_code(policy), precision
    mark["id"] = np.frombuffer(picture_id, np.uint8)
    if sequence_id is not None:
        mark["sequence"] = np.frombuffer(sequence_id, np.uint8)
    return mark.tobytes()


def marks_from(blobs: list[bytes]) -> Marks:
    """Return marks as a `(N,)` structured array; not writable."""
    return np.frombuffer(b"".join(blobs), MARK)


def taken(marks: Marks, index: npt.NDArray[np.intp]) -> Marks:
    """Return the marks at `(K,)` positions, each moved as the bytes that it is."""
    moved: Marks = np.ascontiguousarray(marks).view(f"V{MARK.itemsize}").take(index).view(MARK)
    return moved


def order_of(marks: Marks) -> npt.NDArray[np.intp]:
    """Return the order by place and then by id, which is random: that of rows would tell what came first."""
    qk = qk_of_many(marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6)
    order = np.argsort(qk, kind="stable")
    ordered = qk[order]
    is_tied = np.zeros(len(ordered) + 1, bool)
    np.equal(ordered[1:], ordered[:-1], out=is_tied[1:-1])
    (tied,) = (is_tied[1:] | is_tied[:-1]).nonzero()
    if len(tied):
        ids = np.ascontiguousarray(marks["id"][order[tied]]).view(">u8").reshape(-1, 2)
        order[tied] = order[tied][np.lexsort((ids[:, 1], ids[:, 0], ordered[tied]))]
    return order


def octant_of(heading_ddeg: int) -> int:
    """Return which of the eight directions a heading is nearest to: 0 north, 2 east."""
    return (heading_ddeg + 225) // 450 % 8


def octants_of(heading_ddeg: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Return `octant_of` for `(N,)` headings."""
    return (heading_ddeg.astype(np.int64) + 225) // 450 % 8


@dataclass(frozen=True, slots=True)
class Cell:
    """An H3 cell as the map needs it.

    Attributes:
        qk: Key of its centre.
        cell: The H3 index.
        outline: `(K, 2) <i4`, its corners as x, y at zoom 24, the first not repeated, clockwise on the map, x not
            wrapped at the antimeridian. Empty for street cells, which are shown as points.
    """

    qk: int
    cell: int
    outline: bytes


@lru_cache(maxsize=16_384)
def cell_of(h3_cell: int) -> Cell:
    """Return centre and outline of an H3 cell."""
    lat, lon = h3.cell_to_latlng(h3_cell)
    qk = qk_of(LonLat(max(-180.0, min(180.0, lon)), max(-90.0, min(90.0, lat))))
    if h3.get_resolution(h3_cell) == STREET_RESOLUTION:
        return Cell(qk, h3_cell, b"")
    corners = np.array(h3.cell_to_boundary(h3_cell), np.float64)[::-1]
    around = (corners[:, 1] - lon + 540.0) % 360.0 - 180.0 + lon  # The short way round from the centre.
    outline = np.rint(np.stack(world_xy(around, corners[:, 0]), axis=1) * QK_WORLD).astype("<i4")
    return Cell(qk, h3_cell, outline.tobytes())


def parents_of(cell: int) -> list[tuple[int, int]]:
    """Return (resolution, cell) of every cell in which a position is counted; of its street cell it is the same."""
    return [(r, h3_parent(cell, r)) for r in (*COVER_RESOLUTIONS, STREET_RESOLUTION)]


def h3_range(cell: int) -> tuple[int, int]:
    """Return the least and the greatest r15 index below an H3 cell."""
    mask = (1 << 3 * (15 - (cell >> 52 & 0xF))) - 1
    finest = cell | 0xF << 52
    return finest & ~mask, finest | mask
