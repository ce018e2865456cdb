"""Areas of questions: boxes of four or six numbers, and GeoJSON geometries (RFC 7946)."""

from __future__ import annotations

import math
from typing import Any

import shapely
from shapely.geometry import shape as geometry_of

from dashlight.errors import InputError
from dashlight.model import BBox
from dashlight.store.areas import Area

MOST_POSITIONS = 5_000
_LEVELS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_MOST_PARTS = 100


def box_area(numbers: Any) -> Area:
    """Return the area of `[west, south, east, north]`, or of six numbers with altitudes, which are not looked at.

    Raises:
        InputError: When it is not that.
    """
    if not isinstance(numbers, list) or len(numbers) not in (4, 6):
        found = f"{len(numbers)} of them" if isinstance(numbers, list) else repr(numbers)[:60]
        raise InputError(f"bbox: 4 or 6 numbers are due, not {found}", code="bad-bbox")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise InputError(f"bbox: {number!r:.60} is not a number", code="bad-bbox")
    half = len(numbers) // 2
    (west, south), (east, north) = numbers[:2], numbers[half : half + 2]
    if half == 3 and numbers[2] > numbers[5]:
        raise InputError(f"bbox: the altitude {numbers[2]:g} is above {numbers[5]:g}", code="bad-bbox")
    return Area(BBox(float(west), float(south), float(east), float(north)))


def shape_area(geometry: Any) -> Area:
    """Return the area of a GeoJSON geometry.

    Raises:
        InputError: When it is not one, has too many positions, or is not valid.
    """
    counted = [0]
    _check(geometry, counted, parts=0)
    try:
        shape = shapely.force_2d(geometry_of(geometry))
        reason = shapely.is_valid_reason(shape)
    except (shapely.errors.ShapelyError, ValueError, TypeError) as exc:
        raise _wrong(str(exc)[:100]) from exc
    if shape.is_empty or not shapely.is_valid(shape):
        raise _wrong("it is empty" if shape.is_empty else f"it is not valid: {reason}")
    west, south, east, north = shape.bounds
    shapely.prepare(shape)
    return Area(BBox(west, south, east, north), shape)


def _wrong(message: str) -> InputError:
    return InputError(f"intersects: {message}", hint="a GeoJSON geometry, not a Feature", code="bad-intersects")


def _check(geometry: Any, counted: list[int], *, parts: int) -> None:
    if not isinstance(geometry, dict):
        raise _wrong(f"{geometry!r:.60} is not a GeoJSON geometry")
    kind = geometry.get("type")
    if kind == "GeometryCollection" and not parts:
        inside = geometry.get("geometries")
        if not isinstance(inside, list) or not 0 < len(inside) <= _MOST_PARTS:
            raise _wrong(f"geometries is not an array of 1 to {_MOST_PARTS}")
        for part in inside:
            _check(part, counted, parts=len(inside))
        return
    if not isinstance(kind, str) or kind not in _LEVELS:
        raise _wrong(f"{kind!r:.40} is not a type of geometry that can be searched with")
    _check_coordinates(geometry.get("coordinates"), _LEVELS[kind], counted)


def _check_coordinates(value: Any, level: int, counted: list[int]) -> None:
    if not isinstance(value, list) or not value:
        raise _wrong(f"{value!r:.60} is not an array of coordinates")
    if level:
        for part in value:
            _check_coordinates(part, level - 1, counted)
        return
    counted[0] += 1
    if counted[0] > MOST_POSITIONS:
        raise _wrong(f"it has more than {MOST_POSITIONS} positions")
    is_numbers = all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value)
    if not 2 <= len(value) <= 3 or not is_numbers:
        raise _wrong(f"{value!r:.60} is not a position")
    if not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):
        raise _wrong(f"the position {value!r:.60} is outside -180..180, -90..90")
