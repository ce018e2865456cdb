"""Number plates of several countries' styles, drawn to scale; RGB `uint8`.

The texts are invented by `town.plate_of`. Sizes are the countries' own: 520 x 110 mm, and 305 x 152 mm in the style
of the United States.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.sim.town import Plate

PX_PER_M: Final = 560
_INK: Final = (18, 18, 22)
_BLUE: Final = (18, 60, 150)
_GROUNDS: Final = {
    "de": (242, 243, 244), "fr": (240, 242, 244), "gb": (246, 204, 42), "nl": (244, 190, 40),
    "it": (240, 242, 244), "us": (236, 240, 246),
}  # fmt: skip


def plate_size_m(plate: Plate) -> tuple[float, float]:
    """Return width and height in metres."""
    return (0.305, 0.152) if plate.style == "us" else (0.52, 0.11)


def plate_picture(plate: Plate, *, is_front: bool) -> npt.NDArray[np.uint8]:
    """Return a plate; only the rear one of the style of Great Britain is yellow."""
    width_m, height_m = plate_size_m(plate)
    columns, rows = round(width_m * PX_PER_M), round(height_m * PX_PER_M)
    ground = (244, 245, 246) if plate.style == "gb" and is_front else _GROUNDS[plate.style]
    picture = np.empty((rows, columns, 3), np.uint8)
    picture[:] = ground
    if plate.style == "us":
        picture[: round(rows * 0.2)] = (176, 36, 44)
        picture[-round(rows * 0.12) :] = (26, 58, 128)
        _write(picture, plate.text, (4, round(rows * 0.24), columns - 4, round(rows * 0.86)))
    else:
        band = round(columns * 0.085)
        picture[:, :band] = _BLUE
        cv2.circle(picture, (band // 2, rows // 3), band // 4, (240, 208, 60), 1, cv2.LINE_AA)
        _write(picture, plate.style[0].upper(), (band // 4, rows * 3 // 5, band, rows - 5), color=(240, 240, 240))
        right = columns - 4
        if plate.style in ("fr", "it"):
            picture[:, -band:] = _BLUE
            right -= band
        _write(picture, plate.text, (band + 6, 9, right, rows - 9))
    cv2.rectangle(picture, (0, 0), (columns - 1, rows - 1), _INK, 2)
    return picture


def _write(
    picture: npt.NDArray[np.uint8],
    text: str,
    bbox_xyxy: tuple[int, int, int, int],
    *,
    color: tuple[int, int, int] = _INK,
) -> None:
    """Write a text so that it fills a box, as a plate's stamped letters do."""
    (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 2.0, 6)
    canvas = np.zeros((height + baseline + 16, width + 16), np.uint8)
    cv2.putText(canvas, text, (8, height + 8), cv2.FONT_HERSHEY_DUPLEX, 2.0, 255, 6, cv2.LINE_AA)
    used_v, used_u = np.nonzero(canvas)
    ink = canvas[used_v.min() : used_v.max() + 1, used_u.min() : used_u.max() + 1]
    left, top, right, bottom = bbox_xyxy
    fitted = cv2.resize(ink, (right - left, bottom - top), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    region = picture[top:bottom, left:right].astype(np.float32)
    region += (np.array(color, np.float32) - region) * fitted[..., None]
    picture[top:bottom, left:right] = region.astype(np.uint8)
