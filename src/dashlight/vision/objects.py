"""Persons, vehicles and street furniture, by NanoDet-G (COCO's 80 classes).

The network is the one that `tools/convert_nanodet.py` converts; its docstring holds the
contract of inputs and outputs. Distances to the four edges come as distributions
(Generalized Focal Loss, arXiv:2006.04388): their mean is the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashlight.model import Detection
from dashlight.vision.boxes import nms, unscaled
from dashlight.vision.sessions import BGR_FACTOR, BGR_MEAN, Floats, Network, Pixels, fitted

STRIDES = (8, 16, 32)
BINS = 11
NMS_IOU_THRESHOLD = 0.6
MAX_PEAKS = 1_000
LANDSCAPE_INPUT = (640, 384)  # Wider than the 416 x 416 it was trained at: far more far people are found.
PORTRAIT_INPUT = (480, 640)

# Classes of COCO that a street has, by their column.
STREET_CLASSES: dict[int, str] = {
    0: "person",
    1: "bicycle",
    2: "car",
    3: "motorcycle",
    5: "bus",
    7: "truck",
    9: "traffic light",
    10: "fire hydrant",
    11: "stop sign",
    12: "parking meter",
}


@dataclass(frozen=True, slots=True)
class ObjectFinder:
    """Finds persons, vehicles and street furniture.

    Attributes:
        network: The session of `nanodet.onnx`.
        threshold: Scores of a class from here on count.
        person_threshold: The same for persons, lower: their heads are painted over.
    """

    network: Network
    threshold: float = 0.35
    person_threshold: float = 0.25

    def find(self, rgb: Pixels) -> list[Detection]:
        """Return what was found, in order of class and score; the picture is stretched to the input."""
        height, width = rgb.shape[:2]
        input_size = LANDSCAPE_INPUT if width >= height else PORTRAIT_INPUT
        ready = fitted(rgb, input_size, factor=BGR_FACTOR, mean=BGR_MEAN, is_bgr=True)
        scores, distances = self.network.run(["scores", "distances"], {"images": ready.blob})
        found: list[Detection] = []
        for column, kind in STREET_CLASSES.items():
            threshold = self.person_threshold if kind == "person" else self.threshold
            points = np.nonzero(scores[0, :, column] >= threshold)[0]
            if not points.size:
                continue
            of_class = np.asarray(scores[0, points, column], np.float32)
            best = np.argsort(-of_class, kind="stable")[:MAX_PEAKS]
            points, of_class = np.asarray(points[best], np.intp), of_class[best]
            boxes = unscaled(boxes_at(points, distances[0][points], input_size), ready.scale)
            boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
            for index in nms(boxes, of_class, iou_threshold=NMS_IOU_THRESHOLD):
                x_min, y_min, x_max, y_max = (float(side) for side in boxes[index])
                if x_max > x_min and y_max > y_min:
                    score = min(1.0, float(of_class[index]))
                    found.append(Detection(kind, (x_min, y_min, x_max, y_max), score))
        return found


def boxes_at(points: npt.NDArray[np.intp], distances: Floats, input_size: tuple[int, int]) -> Floats:
    """Return boxes `(N, 4)` in input pixels of the points `(N,)` with raw distances `(N, 44)`."""
    bins = distances.reshape(-1, 4, BINS)
    likely = np.exp(bins - bins.max(axis=2, keepdims=True))
    likely /= likely.sum(axis=2, keepdims=True)
    cells = (likely * np.arange(BINS, dtype=np.float32)).sum(axis=2)
    centres, strides = grid(input_size)
    centre, stride = centres[points], strides[points]
    sides = cells * stride[:, None]
    return np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1).astype(np.float32)


def grid(input_size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the centre `(P, 2)` and the stride `(P,)` of every point, as the network lists them."""
    centres, strides = [], []
    for stride in STRIDES:
        columns, rows = -(-input_size[0] // stride), -(-input_size[1] // stride)
        y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1).astype(np.float32)
        centres.append((np.stack([x, y], axis=1) + 0.5) * stride)
        strides.append(np.full(rows * columns, stride, np.float32))
    return np.concatenate(centres), np.concatenate(strides)
