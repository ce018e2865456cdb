"""The road as it is seen: asphalt, pavements, kerbs, markings, shadows, grain and haze."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.sim.camera import Camera, near_clipped
from dashlight.sim.canvas import HAZE, Canvas, Rgb, fill, haze_at
from dashlight.sim.drive import STREETS_X, STREETS_Y
from dashlight.sim.town import KERB_M, OUTSKIRTS_M, Town

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

PAVEMENT: Final[Rgb] = (158, 154, 147)
ASPHALT: Final[Rgb] = (98, 99, 102)
PARKING: Final[Rgb] = (106, 105, 105)
KERB: Final[Rgb] = (186, 183, 176)
WHITE: Final[Rgb] = (226, 226, 220)
MARK_REACH_M: Final = 110.0
SHADOW: Final = 148  # Of 255: what is left of the light.
SHADOW_SLOPE: Final = (0.36, 0.30)  # Metres that a shadow reaches along x and y for each metre of height.
GRAIN_PX_PER_M: Final = 70.0


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Flat rectangles on the ground: `(N, 4, 3)` corners, in painting order, and `(N, 3)` colours."""

    corners: Floats
    colors: npt.NDArray[np.int64]


def marks_of_streets() -> Marks:
    """Return every rectangle of every street: asphalt first, paint last."""
    rects: list[tuple[tuple[float, float, float, float], Rgb]] = []
    west, east = STREETS_X[0] - OUTSKIRTS_M, STREETS_X[-1] + OUTSKIRTS_M
    south, north = STREETS_Y[0] - OUTSKIRTS_M, STREETS_Y[-1] + OUTSKIRTS_M
    streets = [(True, x, south, north) for x in STREETS_X] + [(False, y, west, east) for y in STREETS_Y]
    for is_upright, middle, start, end in streets:
        rects.append((_rect(is_upright, middle, -KERB_M, KERB_M, start, end), ASPHALT))
    for is_upright, middle, start, end in streets:
        crossings = STREETS_Y if is_upright else STREETS_X
        stops = (start, *crossings, end)
        for index, (a, b) in enumerate(itertools.pairwise(stops)):
            first, last = index == 0, index == len(stops) - 2
            rects += _stretch(is_upright, middle, a, b, is_first=first, is_last=last)
    corners = np.array([[(x0, y0, 0.0), (x1, y0, 0.0), (x1, y1, 0.0), (x0, y1, 0.0)] for (x0, y0, x1, y1), _ in rects])
    return Marks(corners, np.array([color for _, color in rects]))


class Ground:
    """Paints the ground of one town for one size of picture; keeps what does not change from frame to frame."""

    def __init__(self, town: Town, grain: Pixels, *, width: int, height: int, focal_px: float, height_m: float) -> None:
        """Prepare the rows below the horizon, down to a whole picture's height."""
        self._blocks = np.array(town.blocks)
        self._house_hulls = [house_shadow(block) for block in town.blocks]
        self._grain = grain
        self._marks = marks_of_streets()
        below = np.arange(height, dtype=np.float64) + 0.5
        depth = np.minimum(height_m * focal_px / below, 600.0)
        self._depth = depth.astype(np.float32)[:, None]
        self._lateral = (np.arange(width, dtype=np.float32) + 0.5 - width / 2)[None, :] * self._depth / focal_px
        self._coarse_depth = np.ascontiguousarray(self._depth[::2])
        self._coarse_lateral = np.ascontiguousarray(self._lateral[::2, ::2])
        haze = np.array([haze_at(d) for d in depth])
        self._kept = _rows_as_rgb((1 - haze) * 255, width)
        self._haze = _rows_as_rgb(haze[:, None] * np.array(HAZE), width)
        fade = np.clip(26.0 / depth, 0.0, 1.0) ** 1.2
        self._even = np.full(self._coarse_lateral.shape, 128, np.uint8)
        self._fade = np.ascontiguousarray(_rows_as_rgb(fade * 255, width)[::2, ::2, 0])

    def paint(self, canvas: Canvas, shadows: list[Floats]) -> None:
        """Paint everything below the horizon.

        Args:
            canvas: With the sky already there.
            shadows: `(N, 3)` polygons beside those of the houses.
        """
        camera = canvas.camera
        first = round(camera.horizon_v)
        rgb = canvas.rgb[first:]
        rgb[:] = PAVEMENT
        self._paint_marks(canvas)
        self._paint_shadows(canvas, first, shadows)
        rows = len(rgb)
        grain = self._grain_of(camera, (rows + 1) // 2)
        fade, size = self._fade[: len(grain)], (rgb.shape[1], rows)
        lighter = cv2.multiply(cv2.subtract(grain, self._even[: len(grain)]), fade, scale=1 / 255)
        darker = cv2.multiply(cv2.subtract(self._even[: len(grain)], grain), fade, scale=1 / 255)
        cv2.add(rgb, cv2.cvtColor(cv2.resize(lighter, size), cv2.COLOR_GRAY2RGB), dst=rgb)
        cv2.subtract(rgb, cv2.cvtColor(cv2.resize(darker, size), cv2.COLOR_GRAY2RGB), dst=rgb)
        cv2.multiply(rgb, self._kept[:rows], dst=rgb, scale=1 / 255)
        cv2.add(rgb, self._haze[:rows], dst=rgb)

    def _grain_of(self, camera: Camera, rows: int) -> Pixels:
        forward_x, forward_y = camera.forward
        depth, lateral = self._coarse_depth[:rows], self._coarse_lateral[:rows]
        scale = np.float32(GRAIN_PX_PER_M)
        u = (depth * np.float32(forward_x) + lateral * np.float32(forward_y) + np.float32(camera.x + 500.0)) * scale
        v = (depth * np.float32(forward_y) - lateral * np.float32(forward_x) + np.float32(camera.y + 500.0)) * scale
        return np.asarray(cv2.remap(self._grain, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.uint8)

    def _paint_marks(self, canvas: Canvas) -> None:
        camera = canvas.camera
        corners = self._marks.corners
        local = camera.local(corners.reshape(-1, 3)).reshape(-1, 4, 3)
        depth = local[..., 1]
        slope = camera.width / 2 / camera.focal_px
        nearest = np.maximum(depth, 0.0)
        is_beside = (local[..., 0] > nearest * slope).all(axis=1) | (local[..., 0] < -nearest * slope).all(axis=1)
        shown = (depth.max(axis=1) > 1.0) & (depth.min(axis=1) < MARK_REACH_M) & ~is_beside
        for index in np.nonzero(shown)[0]:
            polygon = near_clipped(local[index])
            if len(polygon) >= 3:
                red, green, blue = (int(c) for c in self._marks.colors[index])
                fill(canvas.rgb, camera.pixels(polygon), (red, green, blue))

    def _paint_shadows(self, canvas: Canvas, first: int, shadows: list[Floats]) -> None:
        camera = canvas.camera
        light = np.full(canvas.rgb.shape[:2], 255, np.uint8)
        for polygon in (*self._house_shadows(camera), *shadows):
            local = near_clipped(camera.local(polygon))
            if len(local) >= 3:
                fill(light, camera.pixels(local), SHADOW)
        soft = cv2.blur(light[first:], (5, 3))
        canvas.rgb[first:] = cv2.multiply(canvas.rgb[first:], cv2.cvtColor(soft, cv2.COLOR_GRAY2RGB), scale=1 / 255)

    def _house_shadows(self, camera: Camera) -> list[Floats]:
        middles = (self._blocks[:, :2] + self._blocks[:, 2:]) / 2
        radius = np.abs(self._blocks[:, 2:] - self._blocks[:, :2]).sum(axis=1) / 2
        seen = camera.sees(middles, radius_m=radius, reach_m=200.0 + radius)
        return [self._house_hulls[index] for index in np.nonzero(seen)[0]]


def house_shadow(block: tuple[float, float, float, float]) -> Floats:
    """Return the shadow of a block of houses, `(6, 3)`."""
    west, south, east, north = block
    reach_x, reach_y = SHADOW_SLOPE[0] * 16.0, SHADOW_SLOPE[1] * 16.0
    hexagon = (
        (west, south), (east, south), (east + reach_x, south + reach_y),
        (east + reach_x, north + reach_y), (west + reach_x, north + reach_y), (west, north),
    )  # fmt: skip
    return np.array([(x, y, 0.0) for x, y in hexagon])


def car_shadow(ground: Floats) -> Floats:
    """Return a car's shadow, `(N, 3)`: what lies under it, and what the sun throws beside it."""
    thrown = ground + np.array((SHADOW_SLOPE[0] * 1.2, SHADOW_SLOPE[1] * 1.2, 0.0))
    hull = cv2.convexHull(np.concatenate([ground, thrown])[:, :2].astype(np.float32))[:, 0].astype(np.float64)
    return np.concatenate([hull, np.zeros((len(hull), 1))], axis=1)


def tree_shadow(x: float, y: float, height_m: float) -> Floats:
    """Return a tree's shadow, `(N, 3)`."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    middle = 0.66 * height_m
    return np.stack(
        [
            x + SHADOW_SLOPE[0] * middle + np.cos(turn) * height_m * 0.3,
            y + SHADOW_SLOPE[1] * middle + np.sin(turn) * height_m * 0.3,
            np.zeros(14),
        ],
        axis=1,
    )


def _rows_as_rgb(rows: Floats, width: int) -> Pixels:
    values = rows[:, None] if rows.ndim == 1 else rows
    return np.ascontiguousarray(np.broadcast_to(values[:, None, :], (len(values), width, 3))).astype(np.uint8)


def _rect(
    is_upright: bool,  # noqa: FBT001
    middle: float,
    left: float,
    right: float,
    start: float,
    end: float,
) -> tuple[float, float, float, float]:
    if is_upright:
        return middle + left, start, middle + right, end
    return start, middle + left, end, middle + right


def _stretch(
    is_upright: bool,  # noqa: FBT001
    middle: float,
    a: float,
    b: float,
    *,
    is_first: bool,
    is_last: bool,
) -> list[tuple[tuple[float, float, float, float], Rgb]]:
    """Return the rectangles of a street between two crossings."""
    rects: list[tuple[tuple[float, float, float, float], Rgb]] = []
    start, end = a + (0.0 if is_first else KERB_M), b - (0.0 if is_last else KERB_M)
    for side in (-1.0, 1.0):
        inner, outer = sorted((side * KERB_M, side * (KERB_M + 0.16)))
        rects.append((_rect(is_upright, middle, inner, outer, start, end), KERB))
        inner, outer = sorted((side * 3.32, side * KERB_M))
        rects.append((_rect(is_upright, middle, inner, outer, start + 10.5, end - 10.5), PARKING))
        inner, outer = sorted((side * 3.28, side * 3.4))
        rects.append((_rect(is_upright, middle, inner, outer, start + 10.5, end - 10.5), WHITE))
    rects += [
        (_rect(is_upright, middle, -0.07, 0.07, along, along + 3.0), WHITE)
        for along in np.arange(start + 9.0, end - 11.0, 6.0)
    ]
    for crossing, inward, is_end in ((a, 1.0, is_first), (b, -1.0, is_last)):
        if is_end:
            continue
        near, far = sorted((crossing + inward * 6.2, crossing + inward * 9.6))
        for across in np.arange(-KERB_M + 0.5, KERB_M - 0.4, 1.0):
            rects.append((_rect(is_upright, middle, across, across + 0.5, near, far), WHITE))
        stop = sorted((crossing + inward * 10.6, crossing + inward * 11.0))
        # Traffic keeps right: the stop line lies before the crossing in each direction's own lane.
        to_right = (inward < 0) if is_upright else (inward > 0)
        left, right = (0.1, 3.2) if to_right else (-3.2, -0.1)
        rects.append((_rect(is_upright, middle, left, right, stop[0], stop[1]), WHITE))
    return rects
