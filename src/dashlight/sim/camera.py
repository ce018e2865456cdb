"""A pinhole camera over a flat town, and the clipping that a painter needs.

The town's plane has x to the right and y up on the map, in metres; heights are above the road. A pose looks along
`heading_deg`, clockwise from +y. Pixels: origin top left, `u` to the right, `v` down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

NEAR_M = 0.6  # Nothing nearer than this is drawn; the camera sits behind a windscreen.

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera is and how it sees.

    Attributes:
        x: Metres on the town's plane.
        y: Metres on the town's plane.
        heading_deg: Clockwise from +y.
        height_m: Of the lens above the road.
        focal_px: Focal length in pixels.
        center_u: Principal point, pixels.
        horizon_v: Row of the horizon, pixels; pitching moves it.
        width: Pixels.
        height: Pixels.
        forward: The unit vector on the plane that the camera looks along.
    """

    x: float
    y: float
    heading_deg: float
    height_m: float
    focal_px: float
    center_u: float
    horizon_v: float
    width: int
    height: int
    forward: tuple[float, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        heading = math.radians(self.heading_deg)
        object.__setattr__(self, "forward", (math.sin(heading), math.cos(heading)))

    def local(self, points: Floats) -> Floats:
        """Return `(N, 3)` lateral (right), depth and height of `(N, 3)` x, y and height, in metres."""
        forward_x, forward_y = self.forward
        d_x, d_y = points[:, 0] - self.x, points[:, 1] - self.y
        local = np.empty(points.shape)
        local[:, 0] = d_x * forward_y - d_y * forward_x
        local[:, 1] = d_x * forward_x + d_y * forward_y
        local[:, 2] = points[:, 2]
        return local

    def pixels(self, local: Floats) -> Floats:
        """Return `(N, 2)` pixels of `(N, 3)` lateral, depth and height; every depth must be positive."""
        scale = self.focal_px / local[:, 1]
        pixels = np.empty((len(local), 2))
        pixels[:, 0] = self.center_u + local[:, 0] * scale
        pixels[:, 1] = self.horizon_v + (self.height_m - local[:, 2]) * scale
        return pixels

    def sees(self, places: Floats, *, radius_m: Floats | float, reach_m: Floats | float) -> npt.NDArray[np.bool_]:
        """Return which discs about `(N, 2)` places on the plane may touch the view, `(N,)`."""
        forward_x, forward_y = self.forward
        d_x, d_y = places[:, 0] - self.x, places[:, 1] - self.y
        depth = d_x * forward_x + d_y * forward_y
        lateral = np.abs(d_x * forward_y - d_y * forward_x)
        slope = max(self.center_u, self.width - self.center_u) / self.focal_px
        inside = lateral - radius_m * (1.0 + slope) < np.maximum(depth, 0.0) * slope
        seen: npt.NDArray[np.bool_] = (depth > NEAR_M - radius_m) & (depth < reach_m) & inside
        return seen


def near_clipped(local: Floats) -> Floats:
    """Return the part of a polygon that lies beyond the near plane.

    Args:
        local: `(N, 3)` lateral, depth, height, in order round the polygon.

    Returns:
        `(M, 3)`, M is 0 when nothing is left.
    """
    depth = local[:, 1]
    if float(depth.min()) >= NEAR_M:
        return local
    if float(depth.max()) < NEAR_M:
        return local[:0]
    kept: list[Floats] = []
    for index in range(len(local)):
        here, after = local[index], local[(index + 1) % len(local)]
        if here[1] >= NEAR_M:
            kept.append(here)
        if (here[1] >= NEAR_M) != (after[1] >= NEAR_M):
            fraction = (NEAR_M - here[1]) / (after[1] - here[1])
            kept.append(here + fraction * (after - here))
    return np.array(kept)


def visible_span(local: Floats) -> tuple[float, float] | None:
    """Return which part of a quad's width lies beyond the near plane.

    Args:
        local: `(4, 3)` of top left, top right, bottom right, bottom left.

    Returns:
        The fractions of the width from left to right that are kept, or None when nothing is.
    """
    left = float(min(local[0, 1], local[3, 1]))
    right = float(min(local[1, 1], local[2, 1]))
    if left < NEAR_M and right < NEAR_M:
        return None
    if left >= NEAR_M and right >= NEAR_M:
        return 0.0, 1.0
    at = (NEAR_M - left) / (right - left)
    return (at, 1.0) if left < NEAR_M else (0.0, at)


def guarded(pixels: Floats, limit_px: float = 6000.0) -> Floats:
    """Return the part of a convex polygon whose pixels a fixed-point painter can take, `(M, 2)`; M may be 0."""
    if float(np.abs(pixels).max()) <= limit_px:
        return pixels
    for axis in (0, 1):
        for side in (1.0, -1.0):
            pixels = _half_plane(pixels, axis, side, limit_px)
            if len(pixels) == 0:
                return pixels
    return pixels


def _half_plane(pixels: Floats, axis: int, side: float, limit_px: float) -> Floats:
    kept: list[Floats] = []
    reach = limit_px - side * pixels[:, axis]  # >= 0 is inside.
    for index in range(len(pixels)):
        after = (index + 1) % len(pixels)
        if reach[index] >= 0:
            kept.append(pixels[index])
        if (reach[index] >= 0) != (reach[after] >= 0):
            fraction = reach[index] / (reach[index] - reach[after])
            kept.append(pixels[index] + fraction * (pixels[after] - pixels[index]))
    return np.array(kept).reshape(-1, 2)
