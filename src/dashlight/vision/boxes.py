"""Arithmetic of boxes in pixels, over arrays: IoU, NMS, growing, clipping.

Boxes are `(N, 4)` arrays of x_min, y_min, x_max, y_max, half-open, origin top left.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]
NO_BOXES: Boxes = np.zeros((0, 4), np.float32)
NO_SCORES: Scores = np.zeros(0, np.float32)


def areas(boxes: Boxes) -> Boxes:
    """Return the area of each box, `(N,)`; zero for an empty or inverted one."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def intersections(first: Boxes, second: Boxes) -> Boxes:
    """Return the areas shared by each pair, `(N, M)`."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def iou(first: Boxes, second: Boxes) -> Boxes:
    """Return the intersection over union of each pair, `(N, M)`; zero for empty boxes."""
    shared = intersections(first, second)
    union = areas(first)[:, None] + areas(second)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-6), np.float32)


def nms(boxes: Boxes, scores: Scores, *, iou_threshold: float) -> npt.NDArray[np.intp]:
    """Return the indices kept by greedy non-maximum suppression, best first.

    Equal scores keep their order, so that the result depends on nothing but the input.
    One row of the IoU matrix is computed at a time: memory stays linear in N.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[iou(boxes[best : best + 1], boxes[rest])[0] <= iou_threshold]
    return np.asarray(kept, np.intp)


def strongest(
    heat: npt.NDArray[np.float32], is_peak: npt.NDArray[np.bool_], *, most: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Scores]:
    """Return rows, columns and scores `(N,)` of the peaks of a map `(H, W)`: all, or the `most` best first.

    A picture of noise must not cost minutes of NMS.
    """
    rows, columns = np.nonzero(is_peak)
    scores = np.asarray(heat[rows, columns], np.float32)
    if rows.size <= most:
        return rows, columns, scores
    best = np.argsort(-scores, kind="stable")[:most]
    return rows[best], columns[best], scores[best]


def grown(boxes: Boxes, margin: float) -> Boxes:
    """Return boxes whose width and height are longer by the share `margin`, centred."""
    pads = (boxes[:, 2:] - boxes[:, :2]) * (margin / 2)
    return np.concatenate([boxes[:, :2] - pads, boxes[:, 2:] + pads], axis=1)


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Return boxes cut at the borders of a picture of `size` (width, height)."""
    width, height = size
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def unscaled(boxes: Boxes, scale: tuple[float, float]) -> Boxes:
    """Return boxes of a resized picture in pixels of the original; `scale` is new over old, x and y."""
    return np.asarray(boxes / np.array([*scale, *scale], np.float32), np.float32)


def rounded_out(boxes: Boxes, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return the smallest whole-pixel boxes that hold `boxes`, cut at the borders."""
    outer = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1)
    return clipped(outer.astype(np.float32), size).astype(np.int64)


def covered_share(box: Boxes, by: Boxes) -> float:
    """Return the largest share of one box `(4,)` that a single box of `by` covers."""
    if not len(by):
        return 0.0
    shared = intersections(box[None], by)[0]
    return float(shared.max() / max(float(areas(box[None])[0]), 1e-6))
