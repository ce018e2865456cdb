"""The two keys that every row with a place carries.

`qk` is the 48-bit Morton key of the Web-Mercator tile at zoom 24 in which the position lies: the tile (z, x, y)
is exactly one range of keys. `h3_r15` is the H3 cell of resolution 15; a parent is bit arithmetic on it
(H3 index layout: https://h3geo.org/docs/core-library/h3Indexing).
"""

from __future__ import annotations

import math

import h3
import numpy as np
import numpy.typing as npt

from dashlight.errors import InputError
from dashlight.model.lonlat import LonLat

QK_ZOOM = 24
MERCATOR_MAX_LAT = 85.051_128_779_806_59

_SPREAD = (
    (16, 0x0000_FFFF_0000_FFFF),
    (8, 0x00FF_00FF_00FF_00FF),
    (4, 0x0F0F_0F0F_0F0F_0F0F),
    (2, 0x3333_3333_3333_3333),
    (1, 0x5555_5555_5555_5555),
)


def _spread_bits(value: int) -> int:
    for shift, mask in _SPREAD:
        value = (value | value << shift) & mask
    return value


def tile_xy(position: LonLat, zoom: int) -> tuple[int, int]:
    """Return the Web-Mercator tile (x, y) at `zoom` that holds `position`; poles fall into the last row."""
    n = 1 << zoom
    lat = max(-MERCATOR_MAX_LAT, min(MERCATOR_MAX_LAT, position.lat))
    x = (position.lon + 180.0) / 360.0
    y = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
    return min(n - 1, max(0, int(x * n))), min(n - 1, max(0, int(y * n)))


def qk_of(position: LonLat) -> int:
    """Return the z24 Morton key, 0 <= qk < 2**48."""
    x, y = tile_xy(position, QK_ZOOM)
    return _spread_bits(x) | _spread_bits(y) << 1


def qk_of_many(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the z24 Morton keys of `(N,)` longitudes and latitudes as `(N,) int64`."""
    n = float(1 << QK_ZOOM)
    x = (lon + 180.0) / 360.0
    y = 0.5 - np.arcsinh(np.tan(np.radians(np.clip(lat, -MERCATOR_MAX_LAT, MERCATOR_MAX_LAT)))) / (2 * np.pi)
    key = np.zeros(lon.shape, np.uint64)
    for part, shift in ((x, 0), (y, 1)):
        bits = np.clip(part * n, 0, n - 1).astype(np.uint64)
        for by, mask in _SPREAD:
            bits = (bits | bits << np.uint64(by)) & np.uint64(mask)
        key |= bits << np.uint64(shift)
    return key.astype(np.int64)


def qk_range(zoom: int, x: int, y: int) -> tuple[int, int]:
    """Return the half-open range of keys of tile (zoom, x, y).

    Raises:
        InputError: When zoom is not 0..24 or x, y not inside the zoom.
    """
    if not 0 <= zoom <= QK_ZOOM:
        raise InputError(f"zoom {zoom} is outside 0..{QK_ZOOM}", code="bad-tile")
    if not (0 <= x < 1 << zoom and 0 <= y < 1 << zoom):
        raise InputError(f"tile {zoom}/{x}/{y} is outside 0..{(1 << zoom) - 1}", code="bad-tile")
    shift = 2 * (QK_ZOOM - zoom)
    first = (_spread_bits(x) | _spread_bits(y) << 1) << shift
    return first, first + (1 << shift)


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
