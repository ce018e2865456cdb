"""Where pictures are asked for: a box or a shape, and the keys, tiles and days that may hold what lies in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from dashlight.model import QK_WORLD, QK_ZOOM, BBox, lon_lat_at, merged_ranges, qk_range, world_xy
from dashlight.store import schema
from dashlight.store.pictures import bbox_ranges

MOST_RANGES = 32
MOST_TILES = 256
TILE_ZOOM = 14  # Of the index `picture_tile`.
TILE_SHIFT = 2 * (QK_ZOOM - TILE_ZOOM)
_p = schema.picture.c
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Area:
    """Where: a box, or a shape and the box around it.

    Attributes:
        bbox: Holds all of it.
        shape: A prepared geometry in degrees, or None for all of the box.
    """

    bbox: BBox
    shape: shapely.Geometry | None = None

    def holds(self, lon: Floats, lat: Floats) -> Bools:
        """Return which of `(N,)` positions lie in it or on its edge."""
        inside = self.bbox.holds(lon, lat)
        if self.shape is not None and inside.any():
            (here,) = inside.nonzero()
            inside[here] = shapely.intersects_xy(self.shape, lon[here], lat[here])
        return inside

    def sql(self) -> sa.ColumnElement[bool]:
        """Return the box as a condition."""
        lat = _p.lat_e6.between(math.floor(self.bbox.south * 1e6), math.ceil(self.bbox.north * 1e6))
        lon = sa.or_(*(_p.lon_e6.between(math.floor(b.west * 1e6), math.ceil(b.east * 1e6)) for b in self.bbox.parts()))
        return sa.and_(lat, lon)


def ranges_of(area: Area) -> list[tuple[int, int]]:
    """Return the ranges of keys of the tiles that cover an area."""
    if area.shape is None:
        return bbox_ranges(area.bbox, most=MOST_RANGES)
    zoom = max(0, min(QK_ZOOM, math.floor(math.log2(360.0 / max(1e-9, _width_deg(area.bbox)))) + 2))
    ranges = []
    for part in area.bbox.parts():
        (x0, x1), (y0, y1) = _tile_span(part, zoom)
        if (x1 - x0 + 1) * (y1 - y0 + 1) > 4 * MOST_RANGES:
            return bbox_ranges(area.bbox, most=MOST_RANGES)
        x, y = (axis.ravel() for axis in np.meshgrid(np.arange(x0, x1 + 1), np.arange(y0, y1 + 1)))
        touched = shapely.intersects(area.shape, shapely.box(*_tile_edges(x, y, zoom)))
        ranges += [qk_range(zoom, int(a), int(b)) for a, b in zip(x[touched], y[touched], strict=True)]
    merged = merged_ranges(ranges)
    return merged if 0 < len(merged) <= MOST_RANGES else bbox_ranges(area.bbox, most=MOST_RANGES)


def _tile_span(part: BBox, zoom: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first and last column and row of the tiles of a box that does not cross the antimeridian."""
    x, y = world_xy(np.array([part.west, part.east]), np.array([part.north, part.south]))
    last = 1 - 1 / QK_WORLD
    (x0, x1), (y0, y1) = ([int(min(max(v, 0.0), last) * (1 << zoom)) for v in axis] for axis in (x, y))
    return (x0, x1), (y0, y1)


def _width_deg(bbox: BBox) -> float:
    return max(*(part.east - part.west for part in bbox.parts()), bbox.north - bbox.south)


def _tile_edges(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], zoom: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return west, south, east and north of tiles."""
    size = 1 << zoom
    west, north = lon_lat_at(x / size, y / size)
    east, south = lon_lat_at((x + 1) / size, (y + 1) / size)
    return west, south, east, north


def tiles_of(area: Area) -> list[int] | None:
    """Return the keys of the tiles of zoom 14 that cover an area, or None when there are more than `MOST_TILES`."""
    keys: list[int] = []
    for part in area.bbox.parts():
        (x0, x1), (y0, y1) = _tile_span(part, TILE_ZOOM)
        if (x1 - x0 + 1) * (y1 - y0 + 1) + len(keys) > MOST_TILES:
            return None
        x, y = (axis.ravel() for axis in np.meshgrid(np.arange(x0, x1 + 1), np.arange(y0, y1 + 1)))
        if area.shape is not None:
            touched = shapely.intersects(area.shape, shapely.box(*_tile_edges(x, y, TILE_ZOOM)))
            x, y = x[touched], y[touched]
        keys += [qk_range(TILE_ZOOM, int(a), int(b))[0] >> TILE_SHIFT for a, b in zip(x, y, strict=True)]
    return keys


def days_of(connection: sa.Connection, area: Area | None) -> dict[int, int]:
    """Return how many pictures each day has: exactly everywhere; around an area at least those in it."""
    if area is None:
        return {row.day: row.pictures for row in connection.execute(sa.select(schema.daily))}
    table = schema.cover_day.c
    counts: dict[int, int] = {}
    resolution, wide = _coarse(area.bbox)
    for first, last in bbox_ranges(wide, most=MOST_RANGES):
        statement = (
            sa.select(table.day, sa.func.sum(table.pictures))
            .where(table.resolution == resolution, table.qk >= first, table.qk < last)
            .group_by(table.day)
        )
        for day, pictures in connection.execute(statement):
            counts[day] = counts.get(day, 0) + int(pictures)
    return counts


_RADIUS_DEG = {1: 6.5, 2: 2.5, 3: 0.95, 4: 0.36, 5: 0.14, 6: 0.055}  # Of the largest cell, overhang included.


def _coarse(bbox: BBox) -> tuple[int, BBox]:
    """Return an H3 resolution of which few cells cover a box, and the box with room for their centres around it."""
    width = _width_deg(bbox)
    resolution = next((r for r in sorted(_RADIUS_DEG, reverse=True) if _RADIUS_DEG[r] * 16 > width), 1)
    pad = _RADIUS_DEG[resolution]
    south, north = max(-90.0, bbox.south - pad), min(90.0, bbox.north + pad)
    pad_lon = pad / max(0.01, math.cos(math.radians(min(89.9, max(abs(south), abs(north))))))
    spread = (bbox.east - bbox.west) % 360.0 if bbox.west != -180.0 or bbox.east != 180.0 else 360.0
    if spread + 2 * pad_lon >= 359.0:
        return resolution, BBox(-180.0, south, 180.0, north)
    west, east = ((edge + 540.0) % 360.0 - 180.0 for edge in (bbox.west - pad_lon, bbox.east + pad_lon))
    return resolution, BBox(west, south, east, north)
