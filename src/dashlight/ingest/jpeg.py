"""The structure of a JPEG, strictly: no metadata, nothing hidden between segments or after the end.

Reads markers only (ITU-T T.81, annex B), so it costs microseconds; whether the entropy-coded data decode is for the
detectors' second look. What passes: SOI, at most one JFIF APP0 without thumbnail, tables, one frame header
(baseline, extended or progressive Huffman), scans, restart markers, EOI at the very last byte.
"""

from __future__ import annotations

import re

from dashlight.errors import Corrupt

_MAX_SEGMENTS = 200  # A progressive picture has about 20.
_JFIF_LENGTH = 16
_SOI, _EOI, _SOS, _DQT, _DHT, _DRI, _APP0 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xE0
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)


def check_jpeg(content: memoryview, *, width: int, height: int, name: str) -> None:
    """Check that `content` is a JPEG of that size that holds nothing beside its picture.

    Args:
        content: The whole file.
        width: Pixels that the manifest says.
        height: Pixels that the manifest says.
        name: For the error.

    Raises:
        Corrupt: When it is not.
    """
    reader = _Reader(content, name)
    reader.expect_start()
    frames = scans = 0
    for number in range(_MAX_SEGMENTS):
        marker = reader.marker()
        if marker == _EOI:
            reader.expect_end()
            if frames != 1 or scans < 1:
                raise reader.error(f"it has {frames} frames and {scans} scans")
            return
        payload = reader.segment(marker)
        if marker in _FRAMES:
            frames += 1
            _check_frame(reader, payload, width, height)
        elif marker == _SOS:
            scans += 1
            if frames != 1 or len(payload) != 4 + 2 * payload[0]:
                raise reader.error("a scan without its frame")
            reader.skip_scan()
        else:
            _check_table(reader, marker, payload, is_first=number == 0)
    raise reader.error(f"more than {_MAX_SEGMENTS} segments")


def _check_table(reader: _Reader, marker: int, payload: memoryview, *, is_first: bool) -> None:
    if marker == _APP0 and is_first:
        _check_jfif(reader, payload)
    elif marker == _DQT:
        _check_quantisation(reader, payload)
    elif marker == _DHT:
        _check_huffman(reader, payload)
    elif marker != _DRI or len(payload) != 2:
        raise reader.error(f"the segment FF{marker:02X} of {len(payload)} bytes may hold more than a picture")


class _Reader:
    """A position in the file."""

    def __init__(self, content: memoryview, name: str) -> None:
        self._content = content
        self._name = name
        self._at = 0

    def error(self, reason: str) -> Corrupt:
        return Corrupt(
            f"{self._name} is not a plain JPEG at byte {self._at}: {reason}",
            hint="the redactor writes pictures without any metadata; nothing else may be uploaded",
            code="bad-jpeg",
        )

    def expect_start(self) -> None:
        if bytes(self._content[:2]) != b"\xff\xd8":
            raise self.error("it does not begin with SOI")
        self._at = 2

    def marker(self) -> int:
        head = bytes(self._content[self._at : self._at + 2])
        if len(head) != 2 or head[0] != 0xFF or head[1] in (0x00, 0xFF):
            raise self.error("no marker")
        self._at += 2
        return head[1]

    def segment(self, marker: int) -> memoryview:
        head = bytes(self._content[self._at : self._at + 2])
        length = int.from_bytes(head, "big")
        if len(head) != 2 or length < 3 or self._at + length > len(self._content):
            raise self.error(f"the segment FF{marker:02X} has no content")
        payload = self._content[self._at + 2 : self._at + length]
        self._at += length
        return payload

    def skip_scan(self) -> None:
        found = _END_OF_SCAN.search(self._content, self._at)
        if found is None:
            raise self.error("a scan without an end")
        self._at = found.start()

    def expect_end(self) -> None:
        if self._at != len(self._content):
            raise self.error(f"{len(self._content) - self._at} bytes follow the end")


def _check_jfif(reader: _Reader, payload: memoryview) -> None:
    raw = bytes(payload)
    if len(raw) != _JFIF_LENGTH - 2 or not raw.startswith(b"JFIF\0\x01") or raw[-2:] != b"\0\0":
        raise reader.error("APP0 is not a JFIF header without thumbnail")


def _check_frame(reader: _Reader, payload: memoryview, width: int, height: int) -> None:
    raw = bytes(payload)
    if len(raw) < 9 or raw[0] != 8 or raw[5] not in (1, 3) or len(raw) != 6 + 3 * raw[5]:
        raise reader.error("its frame is not of 8 bits with one or three components")
    found = int.from_bytes(raw[3:5], "big"), int.from_bytes(raw[1:3], "big")
    if found != (width, height):
        raise reader.error(f"it has {found[0]}x{found[1]} pixels; the manifest says {width}x{height}")


def _check_quantisation(reader: _Reader, payload: memoryview) -> None:
    at = 0
    while at < len(payload):
        precision, table = payload[at] >> 4, payload[at] & 0xF
        if precision > 1 or table > 3:
            raise reader.error("a quantisation table that does not exist")
        at += 1 + 64 * (precision + 1)
    if at != len(payload):
        raise reader.error("a quantisation table is cut off")


def _check_huffman(reader: _Reader, payload: memoryview) -> None:
    at = 0
    while at < len(payload):
        if payload[at] >> 4 > 1 or payload[at] & 0xF > 3 or at + 17 > len(payload):
            raise reader.error("a Huffman table that does not exist")
        symbols = sum(payload[at + 1 : at + 17])
        if symbols > 256:
            raise reader.error(f"a Huffman table of {symbols} symbols")
        at += 17 + symbols
    if at != len(payload):
        raise reader.error("a Huffman table is cut off")
