"""Look at a published picture again: is anybody's face or plate still to be read?

Ingest runs this on a share of what arrives, in a process of its own, before the receipt. A false
refusal stops a whole bundle of an honest contributor, so only what two detectors agree on, and what
is large enough to be read, counts; a missed plate is still in the picture's report and deletion way.
A listed redaction excuses what is found in it only when it is as flat as our fill: listing a box does not
hide a plate. The thumbnail is compared with the picture: it may show nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg

from dashlight.errors import Corrupt, TooLarge
from dashlight.model import Detection, Redaction, RedactionKind
from dashlight.vision.boxes import Boxes, Scores, areas, intersections
from dashlight.vision.detectors import TEXT_SHARE, VIEW_LONG_SIDE, Detectors, as_detections, view_of
from dashlight.vision.faces import FaceFinder
from dashlight.vision.plates import PlateFinder
from dashlight.vision.sessions import Pixels, resized_to
from dashlight.vision.text import TextFinder

MAX_PIXELS = 64_000_000  # A decoded picture of 192 MB; no camera of a car gives more.
FLAT_GRADIENT = 3.0  # Mean change from pixel to pixel, of 255, under which nothing can be read.
LISTED_SHARE = 0.6
# Of 255, between a thumbnail and its picture made as small. Those that the redactor makes of street pictures differ by
# 5.3 on average and by 10 in their worst window; a digit of a plate that only one of them shows differs by 50 and more.
MAX_THUMBNAIL_MEAN = 12.0
MAX_THUMBNAIL_WINDOW = 24.0
THUMBNAIL_WINDOW_PX = 8


@dataclass(frozen=True, slots=True)
class Strictness:
    """What counts as readable. Sizes are pixels of a picture 1280 pixels long.

    Attributes:
        face: Score of a face.
        face_side: Its shorter side: at 16 pixels somebody who knows the person knows them.
        plate: Score of our plate network.
        text: Score of the text that must lie on the same place.
        text_share: Share of the line of text that must lie in the plate.
        plate_width: 40 pixels give seven characters five pixels each, less than can be read.
    """

    face: float = 0.6
    face_side: float = 16.0
    plate: float = 0.6
    text: float = 0.6
    text_share: float = 0.5
    plate_width: float = 40.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a second look says.

    Attributes:
        readable: Faces and plates that are left, best first; empty when the picture may be published.
    """

    readable: tuple[Detection, ...]


def recheck(
    jpeg: bytes,
    redactions: Iterable[Redaction],
    detectors: Detectors,
    *,
    strictness: Strictness | None = None,
) -> Verdict:
    """Return the faces and plates that can still be read in a published picture.

    Args:
        jpeg: The picture as it would be published; may be hostile.
        redactions: What its manifest lists.
        detectors: Their thresholds are not used, `strictness` is.
        strictness: What counts as readable.

    Raises:
        Corrupt: When the bytes are no JPEG that can be decoded.
        TooLarge: When the picture has more than 64 million pixels.
    """
    rgb = decoded(jpeg)
    limits = strictness or Strictness()
    found = [
        *readable_faces(rgb, detectors, limits),
        *readable_plates(rgb, detectors, limits),
    ]
    listed = np.array([each.bbox_xyxy for each in redactions], np.float32).reshape(-1, 4)
    left = [each for each in found if not is_excused(each, listed, rgb)]
    return Verdict(tuple(sorted(left, key=lambda each: (-each.score, each.kind, each.bbox_xyxy))))


def thumbnail_difference(jpeg: bytes, thumbnail_jpeg: bytes) -> tuple[int, int, int, int] | None:
    """Return where a thumbnail shows something else than its picture, in pixels of the thumbnail, or None.

    Raises:
        Corrupt: When either cannot be decoded without a warning.
        TooLarge: When either has more than 64 million pixels.
    """
    thumbnail = decoded(thumbnail_jpeg)
    height, width = thumbnail.shape[:2]
    expected = resized_to(decoded(jpeg), (width, height))
    differing = cv2.absdiff(expected, thumbnail).astype(np.float32).mean(axis=2)
    windows = cv2.blur(differing, (THUMBNAIL_WINDOW_PX, THUMBNAIL_WINDOW_PX), borderType=cv2.BORDER_REFLECT_101)
    if float(differing.mean()) > MAX_THUMBNAIL_MEAN:
        return 0, 0, width, height
    if float(windows.max()) <= MAX_THUMBNAIL_WINDOW:
        return None
    y, x = (int(i) for i in np.unravel_index(int(windows.argmax()), windows.shape))
    half = THUMBNAIL_WINDOW_PX // 2
    return max(0, x - half), max(0, y - half), min(width, x + half), min(height, y + half)


def decoded(jpeg: bytes) -> Pixels:
    """Return the pixels `(H, W, 3) uint8` of a JPEG.

    Raises:
        Corrupt: When the bytes are no JPEG that can be decoded.
        TooLarge: When the picture has more than 64 million pixels.
    """
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        if height * width > MAX_PIXELS:
            raise TooLarge(f"a picture of {width}x{height} pixels is over {MAX_PIXELS}", code="picture-too-large")
        return np.asarray(simplejpeg.decode_jpeg(jpeg, colorspace="RGB"), np.uint8)
    except ValueError as exc:
        raise Corrupt(f"{len(jpeg)} bytes are no JPEG: {exc}", code="bad-jpeg") from exc


def readable_faces(rgb: Pixels, detectors: Detectors, limits: Strictness) -> list[Detection]:
    """Return faces that are sure and large enough to be known."""
    size = (rgb.shape[1], rgb.shape[0])
    boxes, scores = FaceFinder(detectors.faces, threshold=limits.face, long_side=view_of(size)).find(rgb)
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    is_large = sides >= limits.face_side * max(size) / VIEW_LONG_SIDE
    return as_detections(RedactionKind.FACE, boxes[is_large], scores[is_large], size)


def readable_plates(rgb: Pixels, detectors: Detectors, limits: Strictness) -> list[Detection]:
    """Return plates in which the text detector sees text too, large enough to be read."""
    size = (rgb.shape[1], rgb.shape[0])
    view = view_of(size)
    plates = PlateFinder(detectors.plates, threshold=limits.plate, long_sides=(view, view // 2))
    boxes, scores = plates.find(rgb)
    if not len(boxes):
        return []
    lines, _ = TextFinder(detectors.text, threshold=limits.text, long_side=round(view * TEXT_SHARE)).find(rgb)
    is_sure = with_text(boxes, lines, share=limits.text_share)
    is_large = boxes[:, 2] - boxes[:, 0] >= limits.plate_width * max(size) / VIEW_LONG_SIDE
    return as_detections(RedactionKind.PLATE, boxes[is_sure & is_large], scores[is_sure & is_large], size)


def with_text(boxes: Boxes, lines: Boxes, *, share: float) -> Scores:
    """Return which boxes `(N,) bool` hold at least `share` of a line of text."""
    if not len(lines):
        return np.zeros(len(boxes), np.bool_)
    held = intersections(boxes, lines) / np.maximum(areas(lines)[None, :], 1e-6)
    return np.asarray(held.max(axis=1) >= share, np.bool_)


def is_excused(found: Detection, listed: Boxes, rgb: Pixels) -> bool:
    """Say whether a find lies in one listed redaction and its pixels there are flat."""
    box = np.array([found.bbox_xyxy], np.float32)
    if not len(listed):
        return False
    shares = intersections(box, listed)[0] / max(float(areas(box)[0]), 1e-6)
    if float(shares.max()) < LISTED_SHARE:
        return False
    inside = listed[int(shares.argmax())]
    low, high = np.maximum(box[0, :2], inside[:2]).astype(int), np.minimum(box[0, 2:], inside[2:]).astype(int)
    return is_flat(rgb[low[1] : high[1], low[0] : high[0]])


def is_flat(rgb: Pixels) -> bool:
    """Say whether a window changes too little from pixel to pixel to show anything."""
    if min(rgb.shape[:2]) < 2:
        return True
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = np.abs(np.diff(grey, axis=1)).mean(), np.abs(np.diff(grey, axis=0)).mean()
    return bool(max(float(across), float(down)) <= FLAT_GRADIENT)
