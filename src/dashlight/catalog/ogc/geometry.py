"""Positions of rows as GeoJSON (RFC 7946), and whether a line touches a box; pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import shapely

from dashlight.model import BBox
from dashlight.store.tables import Position


def geometry_of(points: Sequence[Position], *, is_line: bool) -> dict[str, Any]:
    """Return a point, or a line that is cut where it crosses the antimeridian (section 3.1.9)."""
    if not is_line:
        return {"type": "Point", "coordinates": list(points[0])}
    parts = cut_at_antimeridian(points)
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": parts[0]}
    return {"type": "MultiLineString", "coordinates": parts}


def cut_at_antimeridian(points: Sequence[Position]) -> list[list[list[float]]]:
    """Return the parts of a line, each of two positions at least; a line of one position has it twice.

    >>> cut_at_antimeridian([(179.5, 10.0), (-179.5, 20.0)])
    [[[179.5, 10.0], [180.0, 15.0]], [[-180.0, 15.0], [-179.5, 20.0]]]
    """
    parts: list[list[list[float]]] = [[list(points[0])]]
    for (lon, lat), (next_lon, next_lat) in pairwise(points):
        if abs(next_lon - lon) > 180.0:
            edge = 180.0 if lon > 0 else -180.0
            unwrapped = next_lon + 2 * edge
            share = (edge - lon) / (unwrapped - lon) if unwrapped != lon else 0.0
            crossing = lat + share * (next_lat - lat)
            parts[-1].append([edge, crossing])
            parts.append([[-edge, crossing]])
        parts[-1].append([next_lon, next_lat])
    return [part if len(part) > 1 else part * 2 for part in parts]


def touches(points: Sequence[Position], bbox: BBox) -> bool:
    """Return whether a line and a box have a position in common."""
    line = shapely.MultiLineString(cut_at_antimeridian(points))
    boxes = (shapely.box(part.west, part.south, part.east, part.north) for part in bbox.parts())
    return any(line.intersects(box) for box in boxes)
