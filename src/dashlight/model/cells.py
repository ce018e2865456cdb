"""H3 cells: a row with a place carries that of resolution 15, and a parent is bit arithmetic on it.

The layout of an index: https://h3geo.org/docs/core-library/h3Indexing.
"""

from __future__ import annotations

import h3

from dashlight.errors import InputError
from dashlight.model.lonlat import LonLat


def h3_r15_of(position: LonLat) -> int:
    """Return the H3 cell of resolution 15 as an integer below 2**63."""
    return int(h3.str_to_int(h3.latlng_to_cell(position.lat, position.lon, 15)))


def h3_parent(cell: int, resolution: int) -> int:
    """Return the parent of an H3 cell at a coarser `resolution`, by bit arithmetic.

    Raises:
        InputError: When `resolution` is finer than the cell's own, or outside 0..15.
    """
    own = cell >> 52 & 0xF
    if not 0 <= resolution <= own:
        raise InputError(f"resolution {resolution} is outside 0..{own}", code="bad-cell")
    unused = (1 << 3 * (15 - resolution)) - 1
    return cell & ~(0xF << 52) | resolution << 52 | unused
