"""Number plates, by our own network; see `docs/reference/model-card-plate-net.md`.

It is run at two sizes: far plates need every pixel, near ones a wider view than the
network has at full size. The second pass costs a quarter of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dashlight.vision.boxes import NO_BOXES, NO_SCORES, Boxes, Scores, nms, strongest, unscaled
from dashlight.vision.sessions import Network, Pixels, fitted_size, resized_to

STRIDE = 8
SIZE_MULTIPLE = 16
NMS_IOU_THRESHOLD = 0.4
MAX_PEAKS = 2_000


@dataclass(frozen=True, slots=True)
class PlateFinder:
    """Finds number plates; reads none.

    Attributes:
        network: The session of `plate_net.onnx`.
        threshold: Scores from here on count.
        long_sides: The longer side of the picture in each pass, pixels.
    """

    network: Network
    threshold: float = 0.25
    long_sides: tuple[int, ...] = (1280, 640)

    def find(self, rgb: Pixels) -> tuple[Boxes, Scores]:
        """Return boxes `(N, 4)` in pixels of the picture and scores `(N,)`, best first."""
        passes = [self._find_at(rgb, long_side) for long_side in self.long_sides]
        boxes = np.concatenate([found for found, _ in passes] or [NO_BOXES])
        scores = np.concatenate([found for _, found in passes] or [NO_SCORES])
        kept = nms(boxes, scores, iou_threshold=NMS_IOU_THRESHOLD)
        return boxes[kept], scores[kept]

    def _find_at(self, rgb: Pixels, long_side: int) -> tuple[Boxes, Scores]:
        height, width = rgb.shape[:2]
        target = fitted_size((width, height), long_side=long_side, multiple=SIZE_MULTIPLE)
        score, distance = self.network.run(["score", "distance"], {"image": resized_to(rgb, target)[None]})
        peaks = score[0] >= cv2.dilate(score[0], np.ones((3, 3), np.uint8))
        rows, columns, scores = strongest(score[0], peaks & (score[0] >= self.threshold), most=MAX_PEAKS)
        if not rows.size:
            return NO_BOXES, NO_SCORES
        x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
        left, top, right, bottom = distance[0][:, rows, columns]
        boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1).astype(np.float32)
        kept = nms(boxes, scores, iou_threshold=NMS_IOU_THRESHOLD)
        return unscaled(boxes[kept], (target[0] / width, target[1] / height)), scores[kept]
