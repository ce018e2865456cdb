"""Faces, by CenterFace: a heat map of centres at stride 4 with sizes and offsets.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point"
(arXiv:1911.03599). The landmarks that the network also gives are not asked for:
nothing here describes a face, it is only to be painted over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashlight.vision.boxes import NO_BOXES, NO_SCORES, Boxes, Scores, nms, strongest, unscaled
from dashlight.vision.sessions import Network, Pixels, fitted, fitted_size

STRIDE = 4
SIZE_MULTIPLE = 32
NMS_IOU_THRESHOLD = 0.3
MAX_PEAKS = 2_000


@dataclass(frozen=True, slots=True)
class FaceFinder:
    """Finds faces.

    Attributes:
        network: The session of `centerface.onnx`.
        threshold: Scores from here on count.
        long_side: The longer side of the picture as the network sees it, pixels.
    """

    network: Network
    threshold: float = 0.25
    long_side: int = 1280

    def find(self, rgb: Pixels) -> tuple[Boxes, Scores]:
        """Return boxes `(N, 4)` in pixels of the picture and scores `(N,)`, best first."""
        height, width = rgb.shape[:2]
        target = fitted_size((width, height), long_side=self.long_side, multiple=SIZE_MULTIPLE)
        ready = fitted(rgb, target)
        heat, size, offset = self.network.run(["537", "538", "539"], {"input.1": ready.blob})
        rows, columns, scores = strongest(heat[0, 0], heat[0, 0] >= self.threshold, most=MAX_PEAKS)
        if not rows.size:
            return NO_BOXES, NO_SCORES
        tall, wide = np.exp(size[0][:, rows, columns]) * STRIDE
        y = (rows + offset[0, 0, rows, columns] + 0.5) * STRIDE
        x = (columns + offset[0, 1, rows, columns] + 0.5) * STRIDE
        boxes = np.stack([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2], axis=1).astype(np.float32)
        kept = nms(boxes, scores, iou_threshold=NMS_IOU_THRESHOLD)
        return unscaled(boxes[kept], ready.scale), np.clip(scores[kept], 0, 1)
