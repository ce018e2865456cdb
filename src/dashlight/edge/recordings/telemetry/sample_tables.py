"""Looks at a telemetry track's sample tables before another project's parser expands them.

A table of a few bytes can claim four billion samples; ISO/IEC 14496-12, 8.6 to 8.7.
"""

from __future__ import annotations

import struct
from contextlib import closing
from mmap import ACCESS_READ, mmap
from pathlib import Path

from dashlight.edge.recordings.telemetry.boxes import Box, boxes_in
from dashlight.errors import Corrupt, HostError

MAX_SAMPLES = 2_000_000  # Ten hours of IMU at 50 Hz.
MAX_SAMPLE_BYTES = 4 * 2**20
_PATH = (b"mdia", b"minf", b"stbl")


def has_track(path: Path, entry: bytes) -> bool:
    """Return whether a file has a track whose samples are of kind `entry`, such as `camm`.

    Raises:
        Corrupt: When such a track has tables that no camera writes.
        HostError: When the file cannot be read.
    """
    try:
        with path.open("rb") as file, closing(mmap(file.fileno(), 0, access=ACCESS_READ)) as content:
            found = False
            for moov in boxes_in(content):
                if moov.kind == b"moov":
                    for trak in boxes_in(content, moov.start, moov.end):
                        found |= trak.kind == b"trak" and _is_of(content, trak, entry)
            return found
    except OSError as exc:
        raise HostError(f"the file cannot be read: {exc.strerror or exc}", code="unreadable") from exc
    except ValueError as exc:
        raise Corrupt("an empty file has no telemetry", code="empty") from exc


def _is_of(content: mmap, trak: Box, entry: bytes) -> bool:
    here = trak
    for kind in _PATH:
        inner = next((box for box in boxes_in(content, here.start, here.end) if box.kind == kind), None)
        if inner is None:
            return False
        here = inner
    tables = {box.kind: content[box.start : box.end] for box in boxes_in(content, here.start, here.end)}
    if tables.get(b"stsd", b"")[12:16] != entry:
        return False
    _check(tables)
    return True


def _check(tables: dict[bytes, bytes]) -> None:
    """Raise Corrupt when a table is cut, or claims more than `MAX_SAMPLES`."""
    sizes = tables.get(b"stsz", b"")
    if len(sizes) < 12:
        raise Corrupt("the telemetry track has no sizes", code="bad-telemetry")
    same, samples = struct.unpack_from(">II", sizes, 4)
    _bound("samples", samples, MAX_SAMPLES)
    if not same:
        _bound("sizes", samples, (len(sizes) - 12) // 4)
        largest = max(struct.unpack_from(f">{samples}I", sizes, 12), default=0)
    else:
        largest = same
    _bound("bytes in a sample", largest, MAX_SAMPLE_BYTES)
    for kind in (b"stts", b"ctts"):
        steps = _rows(tables.get(kind, b""), ">II", kind)
        _bound("time steps", sum(count for count, _ in steps), MAX_SAMPLES)
    chunks = 0
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        table = tables.get(kind, b"")
        if len(table) >= 8:
            (chunks,) = struct.unpack_from(">I", table, 4)
            _bound("chunks", chunks, (len(table) - 8) // width)
    for first, in_each, _ in _rows(tables.get(b"stsc", b""), ">III", b"stsc"):
        _bound("first chunks", first, chunks + 1)
        _bound("samples in a chunk", in_each, samples)


def _rows(table: bytes, shape: str, kind: bytes) -> list[tuple[int, ...]]:
    if len(table) < 8:
        return []
    (count,) = struct.unpack_from(">I", table, 4)
    size = struct.calcsize(shape)
    _bound(f"rows of {kind.decode('ascii')}", count, (len(table) - 8) // size)
    return list(struct.iter_unpack(shape, table[8 : 8 + count * size]))


def _bound(what: str, value: int, most: int) -> None:
    if value > most:
        raise Corrupt(f"the telemetry track claims {value} {what}, more than {most}", code="bad-telemetry")
