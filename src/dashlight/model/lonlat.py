"""Positions on the WGS 84 ellipsoid, and the spherical arithmetic between them.

Distances use the sphere of the IUGG mean radius: within 0.56 % of the ellipsoid, which is far below what a
dashcam's receiver can tell over the tens of metres that matter here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from dashlight.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius R1
NULL_ISLAND_DEG = 0.01  # Receivers without a fix tell 0, 0 and a little noise; within 1.1 km of it there is only sea.


@dataclass(frozen=True, slots=True)
class LonLat:
    """A position in EPSG:4326.

    Attributes:
        lon: Degrees east, -180 <= lon < 180 (180 is folded to -180).
        lat: Degrees north, -90 <= lat <= 90.

    Raises:
        InputError: When a coordinate is not finite or out of its range.
    """

    lon: float
    lat: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lon) and -180.0 <= self.lon <= 180.0):
            raise InputError(f"longitude {self.lon!r} is outside -180..180", code="bad-position")
        if not (math.isfinite(self.lat) and -90.0 <= self.lat <= 90.0):
            raise InputError(f"latitude {self.lat!r} is outside -90..90", code="bad-position")
        if self.lon == 180.0:
            object.__setattr__(self, "lon", -180.0)


@dataclass(frozen=True, slots=True)
class BBox:
    """A geographic box as in RFC 7946; west > east crosses the antimeridian.

    Attributes:
        west: Degrees, -180..180.
        south: Degrees, -90..90.
        east: Degrees, -180..180.
        north: Degrees, south <= north <= 90.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        for name, value, bound in (
            ("west", self.west, 180.0),
            ("south", self.south, 90.0),
            ("east", self.east, 180.0),
            ("north", self.north, 90.0),
        ):
            if not (math.isfinite(value) and -bound <= value <= bound):
                raise InputError(f"bbox {name} {value!r} is outside -{bound:g}..{bound:g}", code="bad-bbox")
        if self.south > self.north:
            raise InputError(f"bbox south {self.south} is above north {self.north}", code="bad-bbox")

    def parts(self) -> tuple[BBox, ...]:
        """Return one or two boxes that do not cross the antimeridian."""
        if self.west <= self.east:
            return (self,)
        return (
            BBox(self.west, self.south, 180.0, self.north),
            BBox(-180.0, self.south, self.east, self.north),
        )

    def contains(self, position: LonLat) -> bool:
        """Return whether `position` lies inside or on the edge."""
        return self.holds(position.lon, position.lat)

    @overload
    def holds(self, lon: float, lat: float) -> bool: ...

    @overload
    def holds(self, lon: Floats, lat: Floats) -> Bools: ...

    def holds(self, lon: float | Floats, lat: float | Floats) -> bool | Bools:
        """Return whether a position, or which of `(N,)` positions, lie inside or on the edge.

        Args:
            lon: Degrees, -180..180.
            lat: Degrees, -90..90.
        """
        is_east, is_west = lon >= self.west, lon <= self.east
        is_between = is_east & is_west if self.west <= self.east else is_east | is_west
        return is_between & (lat >= self.south) & (lat <= self.north)


def distance_m(a: LonLat, b: LonLat) -> float:
    """Return the great-circle distance in metres (haversine)."""
    phi_a, phi_b = math.radians(a.lat), math.radians(b.lat)
    d_phi, d_lambda = phi_b - phi_a, math.radians(b.lon - a.lon)
    h = math.sin(d_phi / 2) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(d_lambda / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def compass_deg(degrees: float) -> float:
    """Return an angle folded to 0 <= h < 360.

    >>> compass_deg(-90.0), compass_deg(-1e-17)
    (270.0, 0.0)
    """
    folded = math.fmod(degrees, 360.0)
    if folded < 0:
        folded += 360.0
    return 0.0 if folded >= 360.0 else folded + 0.0


def heading_between(start: LonLat, end: LonLat) -> float:
    """Return the great-circle heading on leaving `start` for `end`.

    Returns:
        Degrees clockwise from true north, 0 <= heading < 360. Zero when the two positions are equal.
    """
    phi_a, phi_b = math.radians(start.lat), math.radians(end.lat)
    d_lambda = math.radians(end.lon - start.lon)
    east = math.sin(d_lambda) * math.cos(phi_b)
    north = math.cos(phi_a) * math.sin(phi_b) - math.sin(phi_a) * math.cos(phi_b) * math.cos(d_lambda)
    return compass_deg(math.degrees(math.atan2(east, north)))


def heading_difference_deg(a_deg: float, b_deg: float) -> float:
    """Return the smaller turn between two headings, 0..180 degrees."""
    turn = abs(a_deg - b_deg) % 360.0
    return min(turn, 360.0 - turn)


def destination(start: LonLat, heading_deg: float, length_m: float) -> LonLat:
    """Return the position `length_m` metres from `start` along the great circle that leaves at `heading_deg`."""
    delta, theta = length_m / EARTH_RADIUS_M, math.radians(heading_deg)
    phi, lam = math.radians(start.lat), math.radians(start.lon)
    sin_phi = math.sin(phi) * math.cos(delta) + math.cos(phi) * math.sin(delta) * math.cos(theta)
    sin_phi = max(-1.0, min(1.0, sin_phi))
    east = math.sin(theta) * math.sin(delta) * math.cos(phi)
    lam += math.atan2(east, math.cos(delta) - math.sin(phi) * sin_phi)
    lon = (math.degrees(lam) + 540.0) % 360.0 - 180.0
    return LonLat(lon, math.degrees(math.asin(sin_phi)))


def interpolated(start: LonLat, end: LonLat, fraction: float) -> LonLat:
    """Return the position at `fraction` (0..1) of the way, the short way round the antimeridian."""
    d_lon = (end.lon - start.lon + 540.0) % 360.0 - 180.0
    lon = (start.lon + fraction * d_lon + 540.0) % 360.0 - 180.0
    return LonLat(lon, start.lat + fraction * (end.lat - start.lat))
