"""A drive along the streets of a small invented town, as pure functions of a seed.

The town lies on a plane in metres; `Place` puts it on the globe. The driver keeps to the right, slows for corners,
waits at lights, and carries a receiver whose positions wander as real ones do.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from dashlight.errors import InputError
from dashlight.model import EARTH_RADIUS_M, Fix, LonLat, Track, compass_deg

STREETS_X: Final = (0.0, 120.0, 262.0)  # Centre lines of the streets that run along y.
STREETS_Y: Final = (0.0, 96.0, 212.0, 330.0)  # Centre lines of the streets that run along x.
ROUTE: Final = ((0.0, -20.0), (0.0, 96.0), (120.0, 96.0), (120.0, 330.0), (262.0, 330.0), (262.0, 520.0))
RED_LIGHTS: Final = (((120.0, 212.0), 4.0),)  # The crossing, and for how many seconds the driver waits there.

LANE_OFFSET_M: Final = 1.65  # From the centre line to the middle of the driver's lane.
STOP_BEFORE_CROSSING_M: Final = 13.5  # The camera's place, behind the stop line.
STEP_M: Final = 0.25
CRUISE_MPS: Final = 11.8  # 42 km/h, what a town's street of 50 km/h yields.
LATERAL_MPS2: Final = 2.4
ACCELERATE_MPS2: Final = 1.9
BRAKE_MPS2: Final = 2.3
MAX_DURATION_S: Final = 75.0  # The route is no longer.

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the town lies.

    Attributes:
        origin: Of the plane.
        bearing_deg: The true heading of the plane's +y axis, so that the streets are not a compass rose.
        zone: The time zone there, which the camera's clock is set to.
    """

    origin: LonLat = field(default_factory=lambda: LonLat(13.3976, 52.5163))
    bearing_deg: float = 17.0
    zone: str = "Europe/Berlin"

    def utc_offset(self, at: datetime) -> timedelta:
        """Return how far the clocks there are ahead of UTC."""
        return at.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta(0)

    def lon_lat(self, x: float, y: float) -> LonLat:
        """Return the position of a point of the plane; within millimetres over a town."""
        turn = math.radians(self.bearing_deg)
        east = x * math.cos(turn) + y * math.sin(turn)
        north = y * math.cos(turn) - x * math.sin(turn)
        lat = self.origin.lat + math.degrees(north / EARTH_RADIUS_M)
        lon = self.origin.lon + math.degrees(east / (EARTH_RADIUS_M * math.cos(math.radians(self.origin.lat))))
        return LonLat(lon, lat)

    def heading(self, plane_deg: float) -> float:
        """Return the true heading of a heading on the plane."""
        return compass_deg(plane_deg + self.bearing_deg)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a vehicle is on the plane, at one moment."""

    x: float
    y: float
    heading_deg: float
    speed_mps: float
    acceleration_mps2: float


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A vehicle's way over time.

    Attributes:
        path: `(N, 3)` x, y in metres and heading in radians (unwrapped), a row each `STEP_M`.
        at_s: `(N,)` when each row is reached, increasing; waiting is a long step.
        speed_mps: `(N,)` at each row.
    """

    path: Floats
    at_s: Floats
    speed_mps: Floats

    @property
    def duration_s(self) -> float:
        """How long the way takes."""
        return float(self.at_s[-1])

    def distance_at(self, t_s: float) -> float:
        """Return the metres driven after `t_s` seconds."""
        return float(np.interp(t_s, self.at_s, np.arange(len(self.at_s)) * STEP_M))

    def pose_along(self, along_m: float, speed_mps: float = 0.0, acceleration_mps2: float = 0.0) -> Pose:
        """Return the pose after `along_m` metres of the way."""
        row = min(max(along_m / STEP_M, 0.0), len(self.path) - 1.0)
        rows = np.arange(len(self.path))
        x, y, heading = (float(np.interp(row, rows, self.path[:, axis])) for axis in range(3))
        return Pose(x, y, compass_deg(math.degrees(heading)), speed_mps, acceleration_mps2)

    def pose_at(self, t_s: float) -> Pose:
        """Return the pose after `t_s` seconds; before and after the way the vehicle stands at its ends."""
        middle = min(max(t_s, 0.25), self.duration_s - 0.25)
        before, along, after = (self.distance_at(middle + step) for step in (-0.25, 0.0, 0.25))
        speed, acceleration = (after - before) / 0.5, (after - 2 * along + before) / 0.0625
        return self.pose_along(self.distance_at(t_s), speed, acceleration)


def lane_path(waypoints: tuple[tuple[float, float], ...] = ROUTE) -> Floats:
    """Return the driver's way through `waypoints`, `(N, 3)` x, y, heading in radians, a row each `STEP_M`.

    Straight in the right-hand lane, and arcs round the corners: tight to the right, wide to the left.
    """
    corners = _lane_corners(waypoints)
    pieces: list[Floats] = []
    start = corners[0]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        unit_in, unit_out = _unit(corner - before), _unit(after - corner)
        turn = unit_in[0] * unit_out[1] - unit_in[1] * unit_out[0]  # > 0 is to the left
        if abs(turn) < 1e-9:
            continue
        radius = 11.0 if turn > 0 else 7.0
        entry, leave = corner - unit_in * radius, corner + unit_out * radius
        pieces.append(_straight(start, entry))
        pieces.append(_arc(entry, unit_in, radius, left=turn > 0))
        start = leave
    pieces.append(_straight(start, corners[-1]))
    points = np.concatenate(pieces)
    steps = np.hypot(*np.diff(points, axis=0).T)
    points = points[np.concatenate([[True], steps > 1e-9])]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    even = np.arange(0.0, along[-1], STEP_M)
    x, y = np.interp(even, along, points[:, 0]), np.interp(even, along, points[:, 1])
    heading = np.unwrap(np.arctan2(np.gradient(x), np.gradient(y)))
    return np.stack([x, y, _smoothed(heading, 9)], axis=1)


def planned_motion(
    path: Floats, *, red_lights: tuple[tuple[tuple[float, float], float], ...] = RED_LIGHTS, start_mps: float = 8.0
) -> Motion:
    """Return how a calm driver drives `path`: slow round corners, and waiting where the light is red."""
    turn_rate = np.abs(np.gradient(path[:, 2])) / STEP_M
    limit = np.minimum(CRUISE_MPS, np.sqrt(LATERAL_MPS2 / np.maximum(turn_rate, 1e-6)))
    limit[0] = min(limit[0], start_mps)
    waits: dict[int, float] = {}
    for (x, y), wait_s in red_lights:
        crossing = int(np.argmin(np.hypot(path[:, 0] - x, path[:, 1] - y)))
        stop = max(1, crossing - round(STOP_BEFORE_CROSSING_M / STEP_M))
        limit[stop] = 0.0
        waits[stop] = wait_s
    speed = limit.copy()
    for row in range(1, len(speed)):
        speed[row] = min(speed[row], math.sqrt(speed[row - 1] ** 2 + 2 * ACCELERATE_MPS2 * STEP_M))
    for row in range(len(speed) - 2, -1, -1):
        speed[row] = min(speed[row], math.sqrt(speed[row + 1] ** 2 + 2 * BRAKE_MPS2 * STEP_M))
    duration = STEP_M / np.maximum((speed[1:] + speed[:-1]) / 2, 0.05)
    for stop, wait_s in waits.items():
        duration[stop] += wait_s
    return Motion(path, np.concatenate([[0.0], np.cumsum(duration)]), speed)


def noisy_fixes(
    motion: Motion,
    place: Place,
    *,
    started_at: datetime,
    duration_s: float,
    seed: int,
    rate_hz: float = 1.0,
) -> Track:
    """Return what a receiver in the vehicle tells.

    Positions wander slowly (1.2 m, one sigma, with a memory of 40 s) and jitter a little (0.15 m); the speed is within
    0.15 m/s and the course within two degrees, worse when slow, as such receivers are.

    Raises:
        InputError: When `started_at` is not aware UTC, or the duration or rate is not positive and finite.
    """
    if started_at.utcoffset() != timedelta(0):
        raise InputError(f"the start {started_at!r} of a drive is not aware UTC", code="bad-time")
    if not 0.0 < duration_s <= MAX_DURATION_S:
        raise InputError(f"a simulated drive lasts 1..{MAX_DURATION_S:g} s, not {duration_s:g}", code="bad-duration")
    if not 0.1 <= rate_hz <= 50.0:
        raise InputError(f"a receiver tells 0.1..50 positions a second, not {rate_hz:g}", code="bad-rate")
    random = np.random.default_rng([seed, 1])
    memory = math.exp(-1.0 / (40.0 * rate_hz))
    drift = random.normal(0.0, 1.2, 2)
    fixes: list[Fix] = []
    for index in range(int(duration_s * rate_hz) + 1):
        t_s = index / rate_hz
        pose = motion.pose_at(t_s)
        drift = drift * memory + random.normal(0.0, 1.2 * math.sqrt(1 - memory**2), 2)
        jitter = random.normal(0.0, 0.15, 2)
        speed = max(0.0, pose.speed_mps + float(random.normal(0.0, 0.15)))
        course = pose.heading_deg + float(random.normal(0.0, 2.0 if pose.speed_mps > 2.0 else 12.0))
        fixes.append(
            Fix(
                at=(started_at + timedelta(seconds=t_s)).astimezone(UTC),
                position=place.lon_lat(pose.x + drift[0] + jitter[0], pose.y + drift[1] + jitter[1]),
                speed_mps=speed,
                course_deg=place.heading(course),
                accuracy_m=3.0,
                altitude_m=38.0,
            )
        )
    return Track(tuple(fixes))


def _lane_corners(waypoints: tuple[tuple[float, float], ...]) -> list[Floats]:
    points = [np.array(point) for point in waypoints]
    units = [_unit(after - before) for before, after in itertools.pairwise(points)]
    rights = [np.array([unit[1], -unit[0]]) for unit in units]
    corners = [points[0] + rights[0] * LANE_OFFSET_M]
    for index in range(1, len(points) - 1):
        if abs(float(units[index - 1] @ rights[index])) < 1e-9:  # Straight on.
            corners.append(points[index] + rights[index] * LANE_OFFSET_M)
        else:
            corners.append(points[index] + (rights[index - 1] + rights[index]) * LANE_OFFSET_M)
    corners.append(points[-1] + rights[-1] * LANE_OFFSET_M)
    return corners


def _unit(vector: Floats) -> Floats:
    unit: Floats = vector / np.hypot(vector[0], vector[1])
    return unit


def _straight(start: Floats, end: Floats) -> Floats:
    count = max(2, int(np.hypot(*(end - start)) / STEP_M))
    return start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)


def _arc(entry: Floats, unit: Floats, radius: float, *, left: bool) -> Floats:
    side = np.array([-unit[1], unit[0]]) if left else np.array([unit[1], -unit[0]])
    center = entry + side * radius
    turn = np.linspace(0.0, math.pi / 2, 64)[:, None]
    arc: Floats = center - side * radius * np.cos(turn) + unit * radius * np.sin(turn)
    return arc


def _smoothed(values: Floats, width: int) -> Floats:
    padded = np.pad(values, width, mode="edge")
    kernel = np.ones(2 * width + 1) / (2 * width + 1)
    return np.convolve(padded, kernel, mode="valid")
