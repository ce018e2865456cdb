"""Read a photo from a file: JPEG or PNG, turned upright, pixels only."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.errors import Rejected

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_PIXELS = 200_000_000  # 600 MB of pixels; phones give up to 200 megapixels.
MIN_SIDE = 16
JPEG_MAGIC = b"\xff\xd8\xff"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
FRAME_HEADERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def read_photo(path: Path) -> npt.NDArray[np.uint8] | Rejected:
    """Return the pixels of a photo, `(H, W, 3) uint8` RGB, as it is meant to be seen.

    The orientation in EXIF is honoured. A file that is cut off is rejected: what is missing of it would
    be grey, and the owner should know.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return Rejected(path, f"it is over {MAX_FILE_BYTES} bytes", code="too-large")
        content = path.read_bytes()
    except OSError as exc:
        return Rejected(path, f"it cannot be read: {exc.strerror or exc}")
    problem = problem_of(content)
    if problem:
        return Rejected(path, problem)
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        bgr = None
    if bgr is None:
        return Rejected(path, "it cannot be decoded")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def problem_of(content: bytes) -> str:
    """Return why a file's bytes should not be decoded, or nothing."""
    size = size_of(content)
    if size is None:
        return "it is neither a JPEG nor a PNG, or it is damaged"
    width, height = size
    if width * height > MAX_PIXELS:
        return f"{width}x{height} pixels are over {MAX_PIXELS}"
    if min(width, height) < MIN_SIDE:
        return f"{width}x{height} pixels are under {MIN_SIDE} a side"
    return "" if is_whole(content) else "it is cut off before its end"


def size_of(content: bytes) -> tuple[int, int] | None:
    """Return width and height as the file's header says, before any turning; none for other files."""
    if content.startswith(PNG_MAGIC):
        if len(content) < 24 or content[12:16] != b"IHDR":
            return None
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(JPEG_MAGIC):
        return jpeg_size(content)
    return None


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height from the frame header of a JPEG."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # Fill bytes before a marker.
            at += 1
            continue
        if marker in FRAME_HEADERS:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None


def is_whole(content: bytes) -> bool:
    """Say whether the file's end is there: an end of image after the last scan, or the last chunk."""
    if content.startswith(PNG_MAGIC):
        return b"IEND" in content[-4096:]
    return content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda")
