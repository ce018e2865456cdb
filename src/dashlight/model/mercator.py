"""Web Mercator (EPSG:3857): the only module that knows its formulas, and the keys of its tiles.

A place on the map is told as shares of the world: x from the west edge, y from the north edge, both 0..1. A tile
(z, x, y) is one of 2**z by 2**z equal squares. `qk` is the 48-bit Morton key of the tile at zoom 24 in which a
position lies, so that every tile is exactly one range of keys. Everywhere else positions are `LonLat`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from dashlight.errors import InputError
from dashlight.model.lonlat import LonLat

QK_ZOOM = 24
QK_WORLD = 1 << QK_ZOOM  # Tiles across the world at the zoom of the keys.
MERCATOR_MAX_LAT = 85.051_128_779_806_59

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MASKS = (
    (16, 0x0000_FFFF_0000_FFFF),
    (8, 0x00FF_00FF_00FF_00FF),
    (4, 0x0F0F_0F0F_0F0F_0F0F),
    (2, 0x3333_3333_3333_3333),
    (1, 0x5555_5555_5555_5555),
)


def world_xy(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return where `(N,)` positions lie, as shares of the world; what is beyond the map's edge lies on it.

    Longitudes outside -180..180 are not folded: an outline that crosses the antimeridian stays in one piece.
    """
    inside = np.radians(np.clip(lat, -MERCATOR_MAX_LAT, MERCATOR_MAX_LAT))
    return (lon + 180.0) / 360.0, 0.5 - np.arcsinh(np.tan(inside)) / (2 * np.pi)


def lon_lat_at(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes of `(N,)` places that are told as shares of the world."""
    return x * 360.0 - 180.0, np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * y))))


def tile_xy(position: LonLat, zoom: int) -> tuple[int, int]:
    """Return the tile (x, y) at `zoom` that holds `position`; poles fall into the last row."""
    n = 1 << zoom
    lat = max(-MERCATOR_MAX_LAT, min(MERCATOR_MAX_LAT, position.lat))
    x = (position.lon + 180.0) / 360.0
    y = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
    return min(n - 1, max(0, int(x * n))), min(n - 1, max(0, int(y * n)))


def qk_of(position: LonLat) -> int:
    """Return the z24 Morton key, 0 <= qk < 2**48."""
    x, y = tile_xy(position, QK_ZOOM)
    return _spread_bits(x) | _spread_bits(y) << 1


def qk_of_many(lon: Floats, lat: Floats) -> Ints:
    """Return the z24 Morton keys of `(N,)` longitudes and latitudes."""
    key = np.zeros(lon.shape, np.uint64)
    for share, shift in zip(world_xy(lon, lat), (0, 1), strict=True):
        bits = np.clip(share * QK_WORLD, 0, QK_WORLD - 1).astype(np.uint64)
        for by, mask in _MASKS:
            bits = (bits | bits << np.uint64(by)) & np.uint64(mask)
        key |= bits << np.uint64(shift)
    return key.astype(np.int64)


def xy_of(qks: Ints) -> tuple[Ints, Ints]:
    """Return x and y at zoom 24 of `(N,)` keys; of keys shifted right by 2n bits, those at zoom 24 - n."""
    return _every_second_bit(qks), _every_second_bit(qks >> 1)


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


def merged_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the fewest half-open ranges that hold the same keys, in order.

    >>> merged_ranges([(8, 12), (0, 4), (4, 6), (5, 6)])
    [(0, 6), (8, 12)]
    """
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and merged[-1][1] >= first:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _spread_bits(value: int) -> int:
    for shift, mask in _MASKS:
        value = (value | value << shift) & mask
    return value


def _every_second_bit(keys: Ints) -> Ints:
    value = keys & 0x5555_5555_5555_5555
    for shift, mask in (
        (1, 0x3333_3333_3333_3333),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ):
        value = (value | value >> shift) & mask
    return value
