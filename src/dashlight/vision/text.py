"""Text of a plate's shape, by the PP-OCR text detector (differentiable binarisation).

Liao et al., "Real-time Scene Text Detection with Differentiable Binarization"
(arXiv:1911.08947). The network says for each pixel how likely it belongs to the core of
a line of text; a core is widened back to its line. Nothing is read: there is no
recogniser in this package, and a test keeps it so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.vision.boxes import NO_BOXES, NO_SCORES, Boxes, Scores, unscaled
from dashlight.vision.sessions import BGR_FACTOR, BGR_MEAN, Floats, Network, Pixels, fitted, fitted_size

SIZE_MULTIPLE = 32
CORE_THRESHOLD = 0.3  # The binarisation threshold of the paper.
UNCLIP_RATIO = 2.0  # How far a core is widened: area times this over perimeter.
MIN_CORE_SIDE = 3.0
MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class TextFinder:
    """Finds lines of text.

    Attributes:
        network: The session of `text_det.onnx`.
        threshold: Lines whose mean score is from here on count.
        long_side: The longer side of the picture as the network sees it, pixels.
    """

    network: Network
    threshold: float = 0.5
    long_side: int = 960

    def find(self, rgb: Pixels) -> tuple[Boxes, Scores]:
        """Return upright boxes `(N, 4)` of lines of text in pixels and scores `(N,)`."""
        height, width = rgb.shape[:2]
        target = fitted_size((width, height), long_side=self.long_side, multiple=SIZE_MULTIPLE)
        ready = fitted(rgb, target, factor=BGR_FACTOR, mean=BGR_MEAN, is_bgr=True)
        (heat,) = self.network.run(None, {"x": ready.blob})
        boxes, scores = lines_of(np.asarray(heat[0, 0], np.float32), threshold=self.threshold)
        return unscaled(boxes, ready.scale), scores


def lines_of(heat: Floats, *, threshold: float) -> tuple[Boxes, Scores]:
    """Return the upright hulls of the widened cores of a heat map `(H, W)`, and scores."""
    mask = cv2.dilate((heat > CORE_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found: list[tuple[float, float, float, float]] = []
    scores: list[float] = []
    for contour in sorted(contours, key=len, reverse=True)[:MAX_LINES]:
        centre, (wide, high), turn = cv2.minAreaRect(contour)
        if min(wide, high) < MIN_CORE_SIDE:
            continue
        score = mean_inside(heat, contour)
        if score < threshold:
            continue
        pad = wide * high * UNCLIP_RATIO / (2 * (wide + high))
        corners = cv2.boxPoints((centre, (wide + 2 * pad, high + 2 * pad), turn))
        (x_min, y_min), (x_max, y_max) = corners.min(axis=0), corners.max(axis=0)
        found.append((float(x_min), float(y_min), float(x_max), float(y_max)))
        scores.append(min(1.0, score))
    if not found:
        return NO_BOXES, NO_SCORES
    return np.asarray(found, np.float32), np.asarray(scores, np.float32)


def mean_inside(heat: Floats, contour: npt.NDArray[np.integer[Any] | np.floating[Any]]) -> float:
    """Return the mean of `heat` inside a contour."""
    x, y, wide, high = cv2.boundingRect(contour)
    inside = np.zeros((high, wide), np.uint8)
    cv2.drawContours(inside, [contour], -1, 1, thickness=-1, offset=(-x, -y))
    return float(cv2.mean(heat[y : y + high, x : x + wide], mask=inside)[0])


def plate_shaped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Return which boxes `(N,) bool` could be the number of a plate, by shape and size alone.

    Lines longer than eight times their height are writing on walls and shops; what is
    under 7 pixels of a 1280 pixel picture nobody can read.
    """
    wide = boxes[:, 2] - boxes[:, 0]
    high = np.maximum(boxes[:, 3] - boxes[:, 1], 1e-3)
    long_side = max(size)
    aspect = wide / high
    return np.asarray(
        (aspect > 0.9) & (aspect < 8.0) & (high >= long_side * 0.0055) & (wide <= long_side * 0.6), np.bool_
    )
