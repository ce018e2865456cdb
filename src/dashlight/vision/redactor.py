"""The one way from raw pixels to a picture that may be published (promise 1).

A box of the detectors is grown by a margin, rounded outwards to whole pixels, written over
(`dashlight.vision.fill`), and only then is the picture encoded, without metadata; the
thumbnail is made from the redacted pixels. No other module makes a `RedactedPicture`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import simplejpeg

from dashlight.errors import InputError
from dashlight.model import Detection, RawFrame, RedactedPicture, Redaction, RedactionKind, thumbnail_size_of
from dashlight.model.frame import _SEAL
from dashlight.vision.boxes import Boxes, grown, rounded_out
from dashlight.vision.fill import PixelBox, Pixels, filled
from dashlight.vision.sessions import resized_to

JPEG_QUALITY = 85
MIN_FRAME_SIDE = 16

HEAD_SHARE_OF_HEIGHT = 0.22  # A standing person's head and neck, with room for a bad box.
HEAD_SHARE_OF_WIDTH = 0.5  # Of one who is cut off or sits, the head is larger.
MAX_HEAD_SHARE = 0.5
# A person that fills this much of the picture is mostly a bonnet or a building unless the score is high; the
# face of somebody that near is found as a face.
HUGE_PERSON_SHARE = 0.25
HUGE_PERSON_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class Margins:
    """By which share a box is made wider and higher before it is written over.

    A face box of the detector holds eyes to chin; half as much again takes in hair, ears
    and jaw, by which people are known too.
    """

    face: float = 0.5
    plate: float = 0.25
    head: float = 0.25


def redact(
    frame: RawFrame,
    detections: Iterable[Detection],
    *,
    margins: Margins | None = None,
    jpeg_quality: int = JPEG_QUALITY,
) -> RedactedPicture:
    """Return the picture with every face, plate and head written over.

    Args:
        frame: The raw pixels; not changed.
        detections: What the detectors found; kinds other than `face`, `plate`, `person` are ignored.
        margins: How much wider than its find a painted box is.
        jpeg_quality: 1..100, with 4:2:0 chroma.

    Raises:
        InputError: When the frame is smaller than 16 pixels a side.
    """
    width, height = frame.size
    if min(width, height) < MIN_FRAME_SIDE:
        raise InputError(
            f"a picture of {width}x{height} pixels is under {MIN_FRAME_SIDE} a side", code="picture-too-small"
        )
    redactions = redactions_of(detections, frame.size, margins=margins or Margins())
    pixels = filled(frame.rgb, [each.bbox_xyxy for each in redactions])
    thumbnail_size = thumbnail_size_of(frame.size)
    return RedactedPicture(
        jpeg=encoded(pixels, quality=jpeg_quality),
        thumbnail_jpeg=encoded(resized_to(pixels, thumbnail_size), quality=jpeg_quality),
        width=width,
        height=height,
        thumbnail_width=thumbnail_size[0],
        thumbnail_height=thumbnail_size[1],
        redactions=redactions,
        seal=_SEAL,
    )


def redactions_of(detections: Iterable[Detection], size: tuple[int, int], *, margins: Margins) -> tuple[Redaction, ...]:
    """Return the boxes to write over, in whole pixels, sorted by kind and box.

    A box that lies within another of its kind is left out: it hides nothing more.
    """
    found: dict[tuple[RedactionKind, PixelBox], float] = {}
    for detection in detections:
        hidden = to_hide(detection, margins)
        if hidden is None or is_doubtful_giant(detection, size):
            continue
        kind, box = hidden
        x_min, y_min, x_max, y_max = (int(side) for side in rounded_out(box, size)[0])
        if x_max > x_min and y_max > y_min:
            key = (kind, (x_min, y_min, x_max, y_max))
            found[key] = max(found.get(key, 0.0), detection.score)
    kept = [
        Redaction(kind, box, score)
        for (kind, box), score in found.items()
        if not any(kind == other and box != bigger and is_within(box, bigger) for other, bigger in found)
    ]
    return tuple(sorted(kept, key=lambda each: (each.kind.value, each.bbox_xyxy)))


def to_hide(detection: Detection, margins: Margins) -> tuple[RedactionKind, Boxes] | None:
    """Return the kind and the grown box `(1, 4)` of what a detection asks to hide, if anything."""
    box = np.array([detection.bbox_xyxy], np.float32)
    match detection.kind:
        case "face":
            return RedactionKind.FACE, grown(box, margins.face)
        case "plate":
            return RedactionKind.PLATE, grown(box, margins.plate)
        case "head":
            return RedactionKind.HEAD, grown(box, margins.head)
        case "person":
            return RedactionKind.HEAD, grown(head_zone(box), margins.head)
        case _:
            return None


def is_doubtful_giant(detection: Detection, size: tuple[int, int]) -> bool:
    """Say whether a detection is a person too large for its score."""
    x_min, y_min, x_max, y_max = detection.bbox_xyxy
    share = (x_max - x_min) * (y_max - y_min) / (size[0] * size[1])
    return detection.kind == "person" and share > HUGE_PERSON_SHARE and detection.score < HUGE_PERSON_SCORE


def head_zone(person: Boxes) -> Boxes:
    """Return the upper part of person boxes `(N, 4)`: as wide as the person, and as high as a head may be."""
    width, height = person[:, 2] - person[:, 0], person[:, 3] - person[:, 1]
    share = np.maximum(HEAD_SHARE_OF_HEIGHT * height, HEAD_SHARE_OF_WIDTH * width)
    zone = person.copy()
    zone[:, 3] = person[:, 1] + np.minimum(share, MAX_HEAD_SHARE * height)
    return zone


def is_within(inner: PixelBox, outer: PixelBox) -> bool:
    """Say whether one box lies within another."""
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def encoded(rgb: Pixels, *, quality: int) -> bytes:
    """Return a baseline JPEG of the pixels, 4:2:0, with nothing in it but the picture."""
    return bytes(
        simplejpeg.encode_jpeg(
            np.ascontiguousarray(rgb), quality=quality, colorspace="RGB", colorsubsampling="420", fastdct=False
        )
    )
