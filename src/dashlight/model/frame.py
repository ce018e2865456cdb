"""The two kinds of pixels, and the one way from the first to the second (promise 1).

`RawFrame` holds pixels as the camera saw them. It has no method that writes, encodes or copies them out, cannot
be pickled and does not show them in `repr`. `RedactedPicture` holds encoded pixels that may be published; only
`dashlight.vision.redactor` makes one, and a test reads the source tree to keep it so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from dashlight.errors import InputError, PrivacyError
from dashlight.model.detection import Redaction

THUMBNAIL_WIDTH = 500  # Pixels.

_SEAL = object()  # Known to `vision.redactor` alone; see tests/unit/model/test_frame.py.


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """One decoded, unredacted image of a recording; in memory only.

    Attributes:
        rgb: `(H, W, 3) uint8`, C-contiguous, sRGB full range.
        offset_s: Seconds from the start of its recording.
        travelled_m: Metres along the drive, so that neighbours can be told from strangers.
    """

    rgb: npt.NDArray[np.uint8] = field(repr=False)
    offset_s: float = 0.0
    travelled_m: float = 0.0

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise InputError(f"a frame of shape {self.rgb.shape} and type {self.rgb.dtype} is not (H, W, 3) uint8")

    def __reduce__(self) -> NoReturn:
        raise PrivacyError("a raw frame cannot be pickled: raw pixels stay in memory")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class RedactedPicture:
    """A still that may be published.

    Attributes:
        jpeg: The picture, JPEG without metadata.
        thumbnail_jpeg: The same, `thumbnail_width` pixels wide, made from the redacted pixels.
        width: Pixels.
        height: Pixels.
        thumbnail_width: Pixels.
        thumbnail_height: Pixels.
        redactions: What was painted over, sorted by kind and box.
        seal: Proof that the redactor made it.

    Raises:
        PrivacyError: When anything but the redactor makes one.
    """

    jpeg: bytes = field(repr=False)
    thumbnail_jpeg: bytes = field(repr=False)
    width: int
    height: int
    thumbnail_width: int
    thumbnail_height: int
    redactions: tuple[Redaction, ...]
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise PrivacyError("only the redactor makes a RedactedPicture")


def thumbnail_size_of(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the one thumbnail that a picture of `size` has; a smaller picture is not enlarged.

    >>> thumbnail_size_of((1280, 720))
    (500, 281)
    """
    width, height = size
    if width <= THUMBNAIL_WIDTH:
        return size
    return THUMBNAIL_WIDTH, max(1, round(height * THUMBNAIL_WIDTH / width))
