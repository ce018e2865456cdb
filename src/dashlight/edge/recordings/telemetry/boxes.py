"""Walks the boxes of ISO base media files (ISO/IEC 14496-12, 4.2), in memory, bounded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

MAX_BOXES = 100_000  # Fragmented recordings have two a second; more is hostile.


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its kind and where its content lies in the file."""

    kind: bytes
    start: int
    end: int


def boxes_in(content: bytes | mmap, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes between `start` and `end`; ends quietly where the bytes are no boxes any more.

    A box that says it is longer than what is there (a truncated file) ends where the file ends.
    """
    stop = len(content) if end is None else min(end, len(content))
    for _ in range(MAX_BOXES):
        if start + 8 > stop:
            return
        size, kind = struct.unpack_from(">I4s", content, start)
        header = 8
        if size == 1:
            if start + 16 > stop:
                return
            (size,) = struct.unpack_from(">Q", content, start + 8)
            header = 16
        elif size == 0:
            size = stop - start
        if size < header:
            return
        yield Box(kind, start + header, min(start + size, stop))
        start += size


def find_box(content: bytes | mmap, *path: bytes) -> Box | None:
    """Return the first box at `path`, such as `b"moov", b"gps "`."""
    start, end = 0, len(content)
    found: Box | None = None
    for kind in path:
        found = next((box for box in boxes_in(content, start, end) if box.kind == kind), None)
        if found is None:
            return None
        start, end = found.start, found.end
    return found
