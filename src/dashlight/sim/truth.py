"""What a frame shows of what must be hidden, and of signs: the ground truth that redaction is measured against."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dashlight.sim.canvas import Canvas

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truth:
    """What one frame shows of what must be hidden, and of signs.

    Attributes:
        kind: `plate`, `face` or `sign`.
        name: The thing's, the same in every frame.
        bbox_xyxy: Pixels, within the frame.
        visible: Share of it that nothing nearer covers and that lies within the frame, 0..1.
        x: Its place on the plane, metres.
        y: Its place on the plane, metres.
        distance_m: From the camera.
        text: A plate's text, or a sign's drawing, or empty.
    """

    kind: str
    name: str
    bbox_xyxy: tuple[float, float, float, float]
    visible: float
    x: float
    y: float
    distance_m: float
    text: str


def box_of(pixels: Floats) -> tuple[float, float, float, float]:
    """Return the upright box about a polygon of pixels."""
    left, top = pixels.min(axis=0)
    right, bottom = pixels.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def as_seen(truth: Truth, canvas: Canvas, owner: int) -> Truth:
    """Return the truth with its box cut to the frame, and how much of it nothing nearer covers."""
    rows, columns = canvas.rgb.shape[:2]
    left, top, right, bottom = truth.bbox_xyxy
    box = (max(0.0, left), max(0.0, top), min(float(columns), right), min(float(rows), bottom))
    if box[2] - box[0] < 1 or box[3] - box[1] < 1:
        return replace(truth, visible=0.0)
    us = np.linspace(left, right, 24, endpoint=False) + (right - left) / 48
    vs = np.linspace(top, bottom, 8, endpoint=False) + (bottom - top) / 16
    grid_u, grid_v = np.meshgrid(us, vs)
    inside = (grid_u >= 0) & (grid_u < columns) & (grid_v >= 0) & (grid_v < rows)
    half_u = np.clip(grid_u / 2, 0, columns // 2 - 1).astype(np.int64)
    half_v = np.clip(grid_v / 2, 0, rows // 2 - 1).astype(np.int64)
    owned = (canvas.owners[half_v, half_u] == owner) & inside
    return replace(truth, bbox_xyxy=box, visible=round(float(owned.mean()), 3))
