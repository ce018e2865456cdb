"""What of a JPEG (ITU-T T.81) a bundle may carry: one image of the size that was told, and nothing beside it.

Exif, comments, colour profiles, embedded previews and bytes after the end are where cameras and editors hide places,
names and unredacted copies. The redactor writes none; here every segment is accounted for, so that a picture
which has some is refused whoever made it. The pixels themselves are not decoded: who wants to hide bytes in the
coded picture can, as in any picture, and no check of the structure would find it.
"""

from __future__ import annotations

import numpy as np

from dashlight.errors import Corrupt

_SOI, _EOI, _SOS, _APP0 = 0xD8, 0xD9, 0xDA, 0xE0
_RST0 = 0xD0  # The first of the eight restart markers, which differ in their last three bits.
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive; all Huffman coded
_DHT, _DQT, _DRI = 0xC4, 0xDB, 0xDD  # Huffman tables, quantization tables, restart interval
_MAX_SEGMENTS = 200  # A progressive picture has about 20.
_JFIF = b"JFIF\0\x01"
_JFIF_SIZE = 16  # without the preview that a JFIF header may embed
_WINDOW_BYTES = 1 << 16  # Of coded data that is looked at in one piece: it stays in the processor's cache.


def check_jpeg(jpeg: memoryview, width: int, height: int, name: str) -> None:
    """Check that `jpeg` is one picture of `width` x `height` pixels without metadata.

    Args:
        jpeg: The whole file, untrusted.
        width: Pixels that the manifest tells.
        height: Pixels that the manifest tells.
        name: What to call it in an error.

    Raises:
        Corrupt: When it is not a JPEG, of another size, or carries a segment or bytes that are not needed to show it.
    """
    if bytes(jpeg[:2]) != bytes((0xFF, _SOI)):
        raise Corrupt(f"{name} is not a JPEG", code="not-jpeg")
    offset, size, segments = 2, None, 0
    tables: set[tuple[int, int]] = set()
    while (marker := _marker_at(jpeg, offset, name)) != _EOI:
        segments += 1
        if segments > _MAX_SEGMENTS:
            raise Corrupt(f"{name} has more than {_MAX_SEGMENTS} segments", code="jpeg-metadata")
        body = _body_at(jpeg, offset, name)
        if marker in _FRAMES:
            size = _frame_size(body, size, name)
        elif not _is_plain(marker, body, tables, is_first=segments == 1):
            raise Corrupt(
                f"{name} carries a segment {marker:#04x} of {len(body)} bytes that may hold more than a picture",
                hint="the redactor writes pictures without any metadata; nothing else may be uploaded",
                code="jpeg-metadata",
            )
        offset += 4 + len(body)
        if marker == _SOS:
            if size is None:
                raise Corrupt(f"{name} has a scan before its frame header", code="not-jpeg")
            offset = _after_coded_data(jpeg, offset, name)
            tables = {table for table in tables if table[0] == _DQT}  # A later scan may bring Huffman tables anew.
    if offset + 2 != len(jpeg):
        raise Corrupt(f"{len(jpeg) - offset - 2} bytes follow the end of {name}", code="jpeg-metadata")
    if size != (width, height):
        raise Corrupt(f"{name} has the size {size}; the manifest says {(width, height)}", code="bad-size")


def _marker_at(jpeg: memoryview, offset: int, name: str) -> int:
    if offset + 2 > len(jpeg) or jpeg[offset] != 0xFF:
        raise Corrupt(f"{name} has no JPEG segment at byte {offset}", code="not-jpeg")
    return jpeg[offset + 1]


def _body_at(jpeg: memoryview, offset: int, name: str) -> memoryview:
    length = int.from_bytes(jpeg[offset + 2 : offset + 4])
    if length < 2 or offset + 2 + length > len(jpeg):
        raise Corrupt(f"the JPEG segment at byte {offset} of {name} has the length {length}", code="not-jpeg")
    return jpeg[offset + 4 : offset + 2 + length]


def _is_plain(marker: int, body: memoryview, tables: set[tuple[int, int]], *, is_first: bool) -> bool:
    """Return whether a segment holds what it is for, to the byte, and nothing else.

    Adds the tables that it defines to `tables`; one that is there already would be unused, so it has no place.
    """
    if marker == _APP0:
        return is_first and len(body) == _JFIF_SIZE - 2 and bytes(body[:6]) == _JFIF and bytes(body[-2:]) == b"\0\0"
    if marker == _DQT:
        return _is_quantization(body, tables)
    if marker == _DHT:
        return _is_huffman(body, tables)
    if marker == _SOS:
        return len(body) > 0 and len(body) == 4 + 2 * body[0]
    return marker == _DRI and len(body) == 2


def _is_quantization(body: memoryview, tables: set[tuple[int, int]]) -> bool:
    at = 0
    while at < len(body):
        precision, table = body[at] >> 4, body[at] & 0xF
        if precision > 1 or table > 3 or (_DQT, table) in tables:
            return False
        tables.add((_DQT, table))
        at += 1 + 64 * (precision + 1)
    return at == len(body)


def _is_huffman(body: memoryview, tables: set[tuple[int, int]]) -> bool:
    at = 0
    while at + 17 <= len(body):
        symbols = sum(body[at + 1 : at + 17])
        if body[at] >> 4 > 1 or body[at] & 0xF > 3 or symbols > 256 or (_DHT, body[at]) in tables:
            return False
        tables.add((_DHT, body[at]))
        at += 17 + symbols
    return at == len(body)


def _frame_size(body: memoryview, before: tuple[int, int] | None, name: str) -> tuple[int, int]:
    if before is not None or len(body) < 9 or len(body) != 6 + 3 * body[5]:
        raise Corrupt(f"{name} does not have one frame header", code="not-jpeg")
    if body[0] != 8 or body[5] not in (1, 3):
        raise Corrupt(f"{name} does not have 8 bits and one or three components", code="not-jpeg")
    return int.from_bytes(body[3:5]), int.from_bytes(body[1:3])


def _after_coded_data(jpeg: memoryview, offset: int, name: str) -> int:
    """Return where the next marker is: a 0xff that is followed neither by zero nor by the number of a restart."""
    coded = np.frombuffer(jpeg, np.uint8)
    for first in range(offset, len(coded) - 1, _WINDOW_BYTES):
        window = coded[first : first + _WINDOW_BYTES + 1]
        following = window[1:]
        is_marker = (window[:-1] == 0xFF) & (following != 0) & (following & 0xF8 != _RST0)
        at = int(is_marker.argmax())
        if is_marker[at]:
            return first + at
    raise Corrupt(f"{name} has no end", code="not-jpeg")
