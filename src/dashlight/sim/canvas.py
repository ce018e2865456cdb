"""A picture being painted from far to near, and who owns each of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.sim.camera import Camera, guarded, near_clipped, visible_span

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Rgb = tuple[int, int, int]

HAZE: Final[Rgb] = (208, 217, 225)
HAZE_STEPS: Final = 12
HAZE_M: Final = 230.0  # Where about two thirds are haze.
SHADE_STEPS: Final = 16


def haze_at(distance_m: float) -> float:
    """Return which share of a thing at a distance is haze, 0..1."""
    return 1.0 - math.exp(-((distance_m / HAZE_M) ** 1.4))


def hazed(color: Rgb, distance_m: float, shade: float = 1.0) -> Rgb:
    """Return a colour as it looks from a distance."""
    haze = haze_at(distance_m)
    red, green, blue = (min(255, int(c * shade * (1 - haze) + h * haze)) for c, h in zip(color, HAZE, strict=True))
    return red, green, blue


def fill(picture: Pixels, pixels: Floats, color: Rgb | int) -> None:
    """Fill a convex polygon of `(N, 2)` pixels, wherever its corners are, with smooth edges."""
    kept = guarded(pixels)
    if len(kept) >= 3:
        cv2.fillConvexPoly(picture, np.round(kept * 16).astype(np.int32), color, cv2.LINE_AA, 4)


@dataclass(slots=True, eq=False)
class Coverings:
    """Pictures by name, at every size, haze and shade that was asked for.

    RGBA pictures are kept with their colours multiplied by their alpha.
    """

    sizes: dict[str, list[Pixels]] = field(default_factory=dict)
    made: dict[tuple[str, int, int, int], tuple[Pixels, Rgb]] = field(default_factory=dict)

    def add(self, name: str, picture: Pixels) -> None:
        """Keep a picture under a name, with its halves, quarters and so on."""
        if picture.shape[2] == 4:
            alpha = picture[..., 3:].astype(np.uint16)
            picture = np.dstack([(picture[..., :3] * alpha // 255).astype(np.uint8), picture[..., 3]])
        levels = [np.ascontiguousarray(picture)]
        while min(levels[-1].shape[:2]) >= 8:
            rows, columns = levels[-1].shape[:2]
            half = cv2.resize(levels[-1], ((columns + 1) // 2, (rows + 1) // 2), interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(half, np.uint8))
        self.sizes[name] = levels

    def covering(self, name: str, area_px: float, distance_m: float, shade: float) -> tuple[Pixels, Rgb]:
        """Return a picture for about `area_px` pixels, hazed and shaded, and its mean colour."""
        levels = self.sizes[name]
        rows, columns = levels[0].shape[:2]
        level = round(0.5 * math.log2(max(rows * columns / max(area_px, 1.0), 1.0)) + 0.1)
        level = min(level, len(levels) - 1)
        haze_step, shade_step = round(haze_at(distance_m) * HAZE_STEPS), round(shade * SHADE_STEPS)
        key = (name, level, haze_step, shade_step)
        if key not in self.made:
            self.made[key] = _weathered(levels[level], haze_step / HAZE_STEPS, shade_step / SHADE_STEPS)
        return self.made[key]


def _weathered(picture: Pixels, haze: float, shade: float) -> tuple[Pixels, Rgb]:
    color = picture[..., :3].astype(np.float32) * (shade * (1 - haze))
    if picture.shape[2] == 4:
        color += np.array(HAZE, np.float32) * haze * (picture[..., 3:].astype(np.float32) / 255.0)
        result = np.dstack([np.clip(color, 0, 255).astype(np.uint8), picture[..., 3]])
    else:
        result = np.clip(color + np.array(HAZE, np.float32) * haze, 0, 255).astype(np.uint8)
    red, green, blue = (int(c) for c in result[..., :3].reshape(-1, 3).mean(axis=0))
    return result, (red, green, blue)


@dataclass(slots=True, eq=False)
class Canvas:
    """One picture being painted.

    Attributes:
        rgb: `(height, width, 3)`.
        owners: `(height / 2, width / 2)`; the number of the last opaque thing painted there, 0 for none.
        camera: What the picture is seen by.
        coverings: What things are covered with.
    """

    rgb: Pixels
    owners: npt.NDArray[np.uint16]
    camera: Camera
    coverings: Coverings

    def polygon(self, corners: Floats, color: Rgb, *, owner: int = 0) -> None:
        """Paint a flat convex polygon of `(N, 3)` x, y, height."""
        local = near_clipped(self.camera.local(corners))
        if len(local) < 3:
            return
        pixels = self.camera.pixels(local)
        if self._is_outside(pixels):
            return
        self._fill(pixels, color, owner)

    def quad(self, corners: Floats, name: str, *, owner: int = 0, shade: float = 1.0) -> Floats | None:
        """Paint a picture onto a quad.

        Args:
            corners: `(4, 3)` x, y, height of top left, top right, bottom right, bottom left.
            name: The covering's.
            owner: The number of the thing.
            shade: Brightness, 1 as drawn.

        Returns:
            `(4, 2)` pixels of the whole quad, or None when it is not, or not wholly, in front of the camera.
        """
        local = self.camera.local(corners)
        span = visible_span(local)
        if span is None:
            return None
        distance = math.hypot(*((local[0] + local[2]) / 2)[:2].tolist())
        whole = self.camera.pixels(local) if span == (0.0, 1.0) else None
        pixels = whole if whole is not None else self.camera.pixels(_narrowed(local, span))
        if self._is_outside(pixels):
            return whole
        picture, mean = self.coverings.covering(name, _area(pixels) / max(span[1] - span[0], 1e-3), distance, shade)
        if whole is None:
            columns = picture.shape[1]
            first, last = math.ceil(span[0] * columns), math.floor(span[1] * columns)
            if last - first < 2:
                return None
            pixels = self.camera.pixels(_narrowed(local, (first / columns, last / columns)))
            picture = np.ascontiguousarray(picture[:, first:last])
        if picture.shape[2] == 3:
            self._fill(pixels, mean, owner)
        elif owner:
            self._own(pixels, owner)
        self._warp(picture, pixels)
        return whole

    def figure(
        self, x: float, y: float, width_m: float, height_m: float, name: str, *, owner: int = 0
    ) -> Floats | None:
        """Paint an upright picture that always faces the camera; return its quad's `(4, 2)` pixels."""
        local = self.camera.local(np.array([[x, y, 0.0]]))[0]
        if local[1] < 1.2:
            return None
        scale = self.camera.focal_px / local[1]
        u = self.camera.center_u + local[0] * scale
        foot = self.camera.horizon_v + self.camera.height_m * scale
        half, top = width_m / 2 * scale, foot - height_m * scale
        pixels = np.array([[u - half, top], [u + half, top], [u + half, foot], [u - half, foot]])
        if self._is_outside(pixels):
            return None
        picture, _ = self.coverings.covering(name, _area(pixels), float(np.hypot(local[0], local[1])), 1.0)
        self._warp(picture, pixels, owner=owner)
        return pixels

    def _is_outside(self, pixels: Floats) -> bool:
        (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
        rows, columns = self.rgb.shape[:2]
        return bool(right < 0 or bottom < 0 or left >= columns or top >= rows or right - left < 0.3)

    def _fill(self, pixels: Floats, color: Rgb, owner: int) -> None:
        fill(self.rgb, pixels, color)
        if owner:
            self._own(pixels, owner)

    def _own(self, pixels: Floats, owner: int) -> None:
        kept = guarded(pixels)
        if len(kept):
            cv2.fillConvexPoly(self.owners, np.round(kept * 0.5).astype(np.int32), owner)

    def _warp(self, picture: Pixels, pixels: Floats, *, owner: int = 0) -> None:
        rows, columns = self.rgb.shape[:2]
        left, top = (max(0, math.floor(c)) for c in pixels.min(axis=0))
        right, bottom = min(columns, math.ceil(pixels[:, 0].max()) + 1), min(rows, math.ceil(pixels[:, 1].max()) + 1)
        if right <= left or bottom <= top:
            return
        tall, wide = picture.shape[:2]
        source = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, tall - 0.5], [-0.5, tall - 0.5]], np.float32)
        target = (pixels - (left, top) - 0.5).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(source, target)
        region = self.rgb[top:bottom, left:right]
        size = (right - left, bottom - top)
        if picture.shape[2] == 3:
            cv2.warpPerspective(
                picture, matrix, size, dst=region, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
            )
            return
        warped = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR)
        alpha = warped[..., 3]
        kept = cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB)
        under = cv2.multiply(region, kept, scale=1 / 255)
        cv2.add(under, cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), dst=region)
        if owner:
            mask = alpha[::2, ::2] > 127
            block = self.owners[top // 2 : top // 2 + mask.shape[0], left // 2 : left // 2 + mask.shape[1]]
            block[mask[: block.shape[0], : block.shape[1]]] = owner


def _narrowed(local: Floats, span: tuple[float, float]) -> Floats:
    upper, lower = local[1] - local[0], local[2] - local[3]
    return np.array(
        [
            local[0] + upper * span[0],
            local[0] + upper * span[1],
            local[3] + lower * span[1],
            local[3] + lower * span[0],
        ]
    )


def _area(pixels: Floats) -> float:
    (u0, v0), (u1, v1), (u2, v2), (u3, v3) = pixels.tolist()
    return abs(float((u2 - u0) * (v3 - v1) - (u3 - u1) * (v2 - v0))) / 2
