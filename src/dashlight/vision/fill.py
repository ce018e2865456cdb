"""Destroy the pixels inside boxes, with colours that only the outside decides.

A blur or a mosaic can be turned back: what they write is computed from what they hide.
Here every written value is a function of the pixels outside all boxes, so that two
pictures that differ inside boxes only become the same bytes. The fill is a smooth blend
of the colours along the four sides: quiet to look at, and without anything to detect.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
PixelBox = tuple[int, int, int, int]

RING_WIDTH = 4  # Pixels outside a box whose colours count.
NOTHING_OUTSIDE = (128.0, 128.0, 128.0)  # A box as large as the picture becomes grey.


def filled(rgb: Pixels, boxes: list[PixelBox]) -> Pixels:
    """Return a copy of the picture with every box written over.

    Args:
        rgb: `(H, W, 3) uint8`; not changed.
        boxes: Whole pixels, half-open, inside the picture.
    """
    out = rgb.copy()
    if not boxes:
        return out
    hidden = mask_of(boxes, rgb.shape[:2])
    fallback = mean_outside(rgb, hidden)
    for box in sorted(boxes):
        x_min, y_min, x_max, y_max = box
        out[y_min:y_max, x_min:x_max] = blend(side_colours(rgb, hidden, box, fallback), box)
    return out


def mask_of(boxes: list[PixelBox], shape: tuple[int, ...]) -> Mask:
    """Return `(H, W) bool`, true inside any box."""
    hidden = np.zeros(shape[:2], np.bool_)
    for x_min, y_min, x_max, y_max in boxes:
        hidden[y_min:y_max, x_min:x_max] = True
    return hidden


def mean_outside(rgb: Pixels, hidden: Mask) -> npt.NDArray[np.float32]:
    """Return the mean colour outside all boxes, from every fourth row and column."""
    seen = rgb[::4, ::4][~hidden[::4, ::4]]
    if not seen.size:
        return np.asarray(NOTHING_OUTSIDE, np.float32)
    return np.asarray(seen.mean(axis=0), np.float32)


def side_colours(
    rgb: Pixels, hidden: Mask, box: PixelBox, fallback: npt.NDArray[np.float32]
) -> list[npt.NDArray[np.float32]]:
    """Return the median colours just outside the left, top, right and bottom side.

    A side that is at the border of the picture, or that other boxes cover, takes the mean of the
    sides that can be seen; when none can, `fallback`.
    """
    x_min, y_min, x_max, y_max = box
    low_x, low_y = max(0, x_min - RING_WIDTH), max(0, y_min - RING_WIDTH)
    strips = (
        (slice(y_min, y_max), slice(low_x, x_min)),
        (slice(low_y, y_min), slice(x_min, x_max)),
        (slice(y_min, y_max), slice(x_max, x_max + RING_WIDTH)),
        (slice(y_max, y_max + RING_WIDTH), slice(x_min, x_max)),
    )
    seen = [rgb[strip][~hidden[strip]] for strip in strips]
    colours = [np.median(strip, axis=0).astype(np.float32) if len(strip) else None for strip in seen]
    known = [colour for colour in colours if colour is not None]
    mean = np.mean(known, axis=0).astype(np.float32) if known else fallback
    return [np.asarray(mean if colour is None else colour, np.float32) for colour in colours]


def blend(colours: list[npt.NDArray[np.float32]], box: PixelBox) -> Pixels:
    """Return the pixels of a box: the mean of a horizontal and a vertical run of colours."""
    x_min, y_min, x_max, y_max = box
    left, top, right, bottom = colours
    across = np.linspace(0, 1, x_max - x_min, dtype=np.float32)[None, :, None]
    down = np.linspace(0, 1, y_max - y_min, dtype=np.float32)[:, None, None]
    values: npt.NDArray[np.float32] = (left * (1 - across) + right * across + top * (1 - down) + bottom * down) / 2
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
