"""All detectors on one picture: what the redactor must paint over, and street objects.

Two finders look for plates, our own network and the text detector, because what one
misses abroad the other finds; their union is painted. Persons are found so that the
redactor can paint their heads, whether or not a face was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dashlight.model import Detection, RedactionKind
from dashlight.vision.boxes import Boxes, Scores, clipped, covered_share, nms
from dashlight.vision.faces import FaceFinder
from dashlight.vision.objects import ObjectFinder
from dashlight.vision.plates import PlateFinder
from dashlight.vision.sessions import Network, Pixels, open_session
from dashlight.vision.text import TextFinder, plate_shaped
from dashlight.vision.weights import read_weights

VIEW_LONG_SIDE = 1280  # Smaller pictures are enlarged up to this, at most twice.
MAX_VIEW_LONG_SIDE = 1920  # Larger ones are looked at in tiles of this size as well.
TILE_OVERLAP = 256  # No plate or face that spans two tiles may be larger in neither.
TEXT_SHARE = 0.75  # The text detector's input against the view: 960 for 1280.
FINE_KINDS = (RedactionKind.FACE.value, RedactionKind.PLATE.value)
MERGE_IOU_THRESHOLD = 0.6
LARGE_PLATE_SHARE = 0.05  # A plate that fills more of the picture is so near that its text is found, too.


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores from which a find counts.

    The defaults are for redacting: a false box costs some street, a missed one costs
    somebody's privacy. Where they come from: `docs/explanation/redaction.md`.
    """

    face: float = 0.2
    plate: float = 0.25
    text: float = 0.5
    person: float = 0.25
    thing: float = 0.35


@dataclass(frozen=True, slots=True)
class Detectors:
    """The loaded networks; may be used by several threads at once."""

    faces: Network
    text: Network
    plates: Network
    objects: Network
    thresholds: Thresholds = Thresholds()

    @classmethod
    def load(
        cls,
        weights_dir: Path | None = None,
        *,
        intra_op_threads: int = 1,
        thresholds: Thresholds | None = None,
    ) -> Detectors:
        """Load every network from checked weights.

        One thread a session and two pictures at once is faster than two threads on one
        picture; give `intra_op_threads` only when pictures come one by one.

        Args:
            weights_dir: A folder of weights; the one in the package when absent.
            intra_op_threads: Threads within one network.
            thresholds: Scores from which a find counts.

        Raises:
            HostError: When weights are missing, changed or unreadable.
        """

        def load_one(name: str) -> Network:
            model = read_weights(name, weights_dir)
            return open_session(model, name=name, intra_op_threads=intra_op_threads)

        return cls(
            faces=load_one("centerface"),
            text=load_one("text_det"),
            plates=load_one("plate_net"),
            objects=load_one("nanodet"),
            thresholds=thresholds or Thresholds(),
        )

    def detect(self, rgb: Pixels) -> tuple[Detection, ...]:
        """Return what is in a picture `(H, W, 3) uint8`, in pixels, in a fixed order.

        Kinds are `face` and `plate`, and the street classes of COCO, `person` among
        them. A plate may be given twice, by its number and by its outline. Pictures over
        1920 pixels are looked at whole and in overlapping tiles, which costs accordingly.
        """
        height, width = rgb.shape[:2]
        found = self._objects(rgb) + self._fine(rgb, view_of((width, height)))
        if max(width, height) > MAX_VIEW_LONG_SIDE:
            for x, y, tile in tiles(rgb):
                found += [moved(each, x, y) for each in self._fine(tile, max(tile.shape[:2]))]
            found = merged(found)
        order = {kind: index for index, kind in enumerate(dict.fromkeys([*FINE_KINDS, "person"]))}
        return tuple(sorted(found, key=lambda d: (order.get(d.kind, 9), d.kind, -d.score, d.bbox_xyxy)))

    def _objects(self, rgb: Pixels) -> list[Detection]:
        finder = ObjectFinder(self.objects, threshold=self.thresholds.thing, person_threshold=self.thresholds.person)
        return finder.find(rgb)

    def _fine(self, rgb: Pixels, view: int) -> list[Detection]:
        """Return faces and plates, seen with the longer side at `view` pixels."""
        height, width = rgb.shape[:2]
        size = (width, height)
        faces = FaceFinder(self.faces, threshold=self.thresholds.face, long_side=view).find(rgb)
        plates = PlateFinder(self.plates, threshold=self.thresholds.plate, long_sides=(view, view // 2)).find(rgb)
        lines, scores = TextFinder(self.text, threshold=self.thresholds.text, long_side=round(view * TEXT_SHARE)).find(
            rgb
        )
        is_candidate = plate_shaped(lines, size)
        is_believed = believed(plates[0], lines, size)
        return [
            *as_detections(RedactionKind.FACE, *faces, size),
            *as_detections(RedactionKind.PLATE, plates[0][is_believed], plates[1][is_believed], size),
            *as_detections(RedactionKind.PLATE, lines[is_candidate], scores[is_candidate], size),
        ]


def believed(plates: Boxes, lines: Boxes, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which of the plate network's boxes `(N,) bool` count.

    Its pass over the picture at half size takes a whole facade or kerb for a plate now and then. A plate
    that large would have text that the text detector finds, so a large box counts only with a line in it.
    """
    seen = clipped(plates, size)
    area = (seen[:, 2] - seen[:, 0]) * (seen[:, 3] - seen[:, 1])
    centres = (lines[:, :2] + lines[:, 2:]) / 2
    has_line = np.any(np.all((centres > plates[:, None, :2]) & (centres < plates[:, None, 2:]), axis=2), axis=1)
    return np.asarray((area <= LARGE_PLATE_SHARE * size[0] * size[1]) | has_line, np.bool_)


def view_of(size: tuple[int, int]) -> int:
    """Return the longer side at which a picture of `size` is looked at, pixels."""
    long_side = max(size)
    if long_side > MAX_VIEW_LONG_SIDE:
        return VIEW_LONG_SIDE
    return max(long_side, min(VIEW_LONG_SIDE, 2 * long_side))


def as_detections(kind: str, boxes: Boxes, scores: Scores, size: tuple[int, int]) -> list[Detection]:
    """Return detections of the boxes that have an area inside the picture."""
    found = []
    for box, score in zip(clipped(boxes, size), scores, strict=True):
        x_min, y_min, x_max, y_max = (float(side) for side in box)
        if x_max > x_min and y_max > y_min:
            found.append(Detection(str(kind), (x_min, y_min, x_max, y_max), min(1.0, float(score))))
    return found


def tiles(rgb: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Yield left, top and pixels of overlapping tiles that cover the picture."""
    height, width = rgb.shape[:2]
    for top in starts(height):
        for left in starts(width):
            tile = rgb[top : top + MAX_VIEW_LONG_SIDE, left : left + MAX_VIEW_LONG_SIDE]
            yield left, top, np.ascontiguousarray(tile)


def starts(length: int) -> list[int]:
    """Return where tiles start along a side, evenly, overlapping by at least `TILE_OVERLAP`."""
    if length <= MAX_VIEW_LONG_SIDE:
        return [0]
    count = -(-(length - TILE_OVERLAP) // (MAX_VIEW_LONG_SIDE - TILE_OVERLAP))
    return [round(index * (length - MAX_VIEW_LONG_SIDE) / (count - 1)) for index in range(count)]


def moved(detection: Detection, x: int, y: int) -> Detection:
    """Return a detection of a tile in pixels of the whole."""
    x_min, y_min, x_max, y_max = detection.bbox_xyxy
    return replace(detection, bbox_xyxy=(x_min + x, y_min + y, x_max + x, y_max + y))


def merged(found: list[Detection]) -> list[Detection]:
    """Return detections with repetitions of one kind left out; covered boxes go too."""
    kept: list[Detection] = []
    for kind in dict.fromkeys(each.kind for each in found):
        of_kind = [each for each in found if each.kind == kind]
        boxes = np.array([each.bbox_xyxy for each in of_kind], np.float32)
        scores = np.array([each.score for each in of_kind], np.float32)
        for index in nms(boxes, scores, iou_threshold=MERGE_IOU_THRESHOLD):
            others = np.array([each.bbox_xyxy for each in kept if each.kind == kind], np.float32)
            if covered_share(boxes[index], others.reshape(-1, 4)) < 0.98:
                kept.append(of_kind[index])
    return kept
