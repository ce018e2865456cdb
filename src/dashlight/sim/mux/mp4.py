"""Rewrites an MP4 with telemetry between its frames or in a track of its own (ISO/IEC 14496-12).

The result is laid out as dashcams do: `ftyp`, `mdat`, `moov`; one video frame a chunk.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from dashlight.errors import Corrupt

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta"})
_EPOCH_1904_S = 2_082_844_800
_TIMESCALE = 1000


@dataclass(slots=True)
class Box:
    """A box; either its content or its children."""

    kind: bytes
    content: bytes = b""
    children: list[Box] = field(default_factory=list)
    is_container: bool = False

    def encoded(self) -> bytes:
        """Return the box's bytes, header included."""
        body = b"".join(child.encoded() for child in self.children) if self.is_container else self.content
        return struct.pack(">I4s", 8 + len(body), self.kind) + body

    def find(self, *path: bytes) -> Box:
        """Return the first box at `path` below this one.

        Raises:
            Corrupt: When there is none.
        """
        here = self
        for kind in path:
            found = next((child for child in here.children if child.kind == kind), None)
            if found is None:
                raise Corrupt(f"the video has no {kind.decode('latin-1')} box")
            here = found
        return here


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Bytes to lie in `mdat` before the first video frame at or after `at_s`."""

    at_s: float
    content: bytes


@dataclass(frozen=True, slots=True)
class TimedTrack:
    """A track of telemetry samples.

    Attributes:
        handler: Of `hdlr`: `camm`, `meta`.
        entry: Of the sample description: `camm`, `gpmd`.
        samples: Seconds from the first frame, and content; in order.
        name: Of the handler.
    """

    handler: bytes
    entry: bytes
    samples: Sequence[tuple[float, bytes]]
    name: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """Where `Interleaved` bytes came to lie in the file."""

    offset: int
    size_bytes: int


def boxes_of(content: bytes) -> list[Box]:
    """Return the boxes in `content`, those inside containers parsed, too."""
    found: list[Box] = []
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < 8 or at + size > len(content):
            raise Corrupt(f"a box of {size} bytes at {at} does not fit in {len(content)}")
        body = content[at + 8 : at + size]
        if kind in _CONTAINERS and kind != b"udta":
            found.append(Box(kind, children=boxes_of(body), is_container=True))
        else:
            found.append(Box(kind, content=body))
        at += size
    return found


def _top_level(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start of content, end) of the boxes of a file."""
    size_of_file = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= size_of_file:
            file.seek(at)
            size, kind = struct.unpack(">I4s", file.read(8))
            header = 8
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8))
                header = 16
            elif size == 0:
                size = size_of_file - at
            yield kind, at + header, at + size
            at += max(size, header)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Contiguous bytes of the source's media: a video frame, or a chunk of another track."""

    offset: int
    size: int
    track: int
    index: int


class Rewriter:
    """Holds a source video's headers and writes it anew with telemetry.

    Args:
        path: An MP4 or MOV whose `moov` is not fragmented.
        created_at: The wall clock for the container's creation time, written as if it were UTC, as cameras do.

    Raises:
        Corrupt: When the source is not such a file.
    """

    def __init__(self, path: Path, *, created_at: datetime | None = None) -> None:
        self._path = path
        self._ftyp = b""
        moov = b""
        for kind, start, end in _top_level(path):
            if kind in (b"ftyp", b"moov"):
                with path.open("rb") as file:
                    file.seek(start)
                    content = file.read(end - start)
                if kind == b"ftyp":
                    self._ftyp = Box(kind, content).encoded()
                else:
                    moov = content
        if not moov:
            raise Corrupt("the video has no moov box")
        self.moov = Box(b"moov", children=boxes_of(moov), is_container=True)
        self._tracks = [box for box in self.moov.children if box.kind == b"trak"]
        kinds = [track.find(b"mdia", b"hdlr").content[8:12] for track in self._tracks]
        if b"vide" not in kinds:
            raise Corrupt("the video has no video track")
        self._video = kinds.index(b"vide")
        if created_at is not None:
            self._stamp(created_at)

    def _stamp(self, created_at: datetime) -> None:
        seconds = int(created_at.replace(tzinfo=UTC).timestamp()) + _EPOCH_1904_S
        headers = [self.moov.find(b"mvhd")]
        for track in self._tracks:
            headers += [track.find(b"tkhd"), track.find(b"mdia", b"mdhd")]
        for header in headers:
            shape = ">QQ" if header.content[0] == 1 else ">II"
            times = struct.pack(shape, seconds, seconds)
            header.content = header.content[:4] + times + header.content[4 + len(times) :]

    def frame_times(self) -> list[float]:
        """Return the decoding time of each video frame in seconds."""
        media = self._tracks[self._video].find(b"mdia")
        header = media.find(b"mdhd").content
        (timescale,) = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)
        table = media.find(b"minf", b"stbl", b"stts").content
        times: list[float] = []
        ticks = 0
        for count, delta in struct.iter_unpack(">II", table[8:]):
            for _ in range(count):
                times.append(ticks / timescale)
                ticks += delta
        return times

    def write(
        self, out_path: Path, *, interleaved: Sequence[Interleaved] = (), track: TimedTrack | None = None
    ) -> list[Placed]:
        """Write `mdat` then `moov` and return where the interleaved bytes lie.

        `finish` must follow: what goes into `moov` may depend on these places.
        """
        times = self.frame_times()
        samples = list(track.samples) if track is not None else []
        additions = _by_frame(times, [(item.at_s, item.content, False) for item in interleaved])
        for index, contents in _by_frame(times, [(at_s, content, True) for at_s, content in samples]).items():
            additions.setdefault(index, []).extend(contents)
        placed: list[Placed] = []
        sample_offsets: list[int] = []
        new_offsets: dict[int, list[int]] = {number: [] for number in range(len(self._tracks))}

        def add_before(index: int, out: BinaryIO) -> None:
            for content, is_sample in additions.pop(index, ()):
                if is_sample:
                    sample_offsets.append(out.tell())
                else:
                    placed.append(Placed(out.tell(), len(content)))
                out.write(content)

        with self._path.open("rb") as source, out_path.open("wb") as out:
            out.write(self._ftyp)
            start = out.tell()
            out.write(struct.pack(">I4sQ", 1, b"mdat", 0))
            for piece in self._pieces():
                if piece.track == self._video:
                    add_before(piece.index, out)
                new_offsets[piece.track].append(out.tell())
                source.seek(piece.offset)
                out.write(source.read(piece.size))
            add_before(len(times), out)
            end = out.tell()
            out.seek(start + 8)
            out.write(struct.pack(">Q", end - start))
        for number, offsets in new_offsets.items():
            self._relocate(number, offsets)
        if track is not None:
            self.moov.children.append(_trak(track, sample_offsets, number=len(self._tracks) + 1))
        return placed

    def finish(self, out_path: Path, *, moov_boxes: Sequence[Box] = (), trailing: Sequence[Box] = ()) -> None:
        """Append `moov`, with more boxes at its end, and boxes after it."""
        self.moov.children.extend(moov_boxes)
        with out_path.open("ab") as out:
            out.write(self.moov.encoded())
            for box in trailing:
                out.write(box.encoded())

    def _pieces(self) -> list[_Piece]:
        pieces: list[_Piece] = []
        for number, trak in enumerate(self._tracks):
            table = trak.find(b"mdia", b"minf", b"stbl")
            offset_of_chunk, samples_in_chunk, sizes = _chunks(table)
            sample = 0
            for chunk, (offset, count) in enumerate(zip(offset_of_chunk, samples_in_chunk, strict=True)):
                here = sizes[sample : sample + count]
                if number == self._video:
                    at = offset
                    for index, size in enumerate(here, start=sample):
                        pieces.append(_Piece(at, size, number, index))
                        at += size
                else:
                    pieces.append(_Piece(offset, sum(here), number, chunk))
                sample += count
        return sorted(pieces, key=lambda piece: piece.offset)

    def _relocate(self, number: int, offsets: Sequence[int]) -> None:
        table = self._tracks[number].find(b"mdia", b"minf", b"stbl")
        table.children = [box for box in table.children if box.kind not in (b"stco", b"co64")]
        table.children.append(_offset_box(offsets))
        if number == self._video:
            table.find(b"stsc").content = struct.pack(">II3I", 0, 1, 1, 1, 1)


def _by_frame(
    times: Sequence[float], timed: Sequence[tuple[float, bytes, bool]]
) -> dict[int, list[tuple[bytes, bool]]]:
    """Return what lies before each video frame, by the frame's index."""
    grouped: dict[int, list[tuple[bytes, bool]]] = {}
    for at_s, content, is_sample in timed:
        grouped.setdefault(bisect_left(times, at_s - 1e-6), []).append((content, is_sample))
    return grouped


def _offset_box(offsets: Sequence[int]) -> Box:
    if offsets and max(offsets) > 0xFFFFFFFF:
        return Box(b"co64", struct.pack(f">II{len(offsets)}Q", 0, len(offsets), *offsets))
    return Box(b"stco", struct.pack(f">II{len(offsets)}I", 0, len(offsets), *offsets))


def _chunks(table: Box) -> tuple[list[int], list[int], list[int]]:
    """Return the offsets of chunks, samples in each, and sizes of samples."""
    kinds = {box.kind for box in table.children}
    wide = b"co64" in kinds
    raw = table.find(b"co64" if wide else b"stco").content
    (count,) = struct.unpack_from(">I", raw, 4)
    offsets = list(struct.unpack_from(f">{count}{'Q' if wide else 'I'}", raw, 8))
    raw = table.find(b"stsz").content
    same, count = struct.unpack_from(">II", raw, 4)
    sizes = [same] * count if same else list(struct.unpack_from(f">{count}I", raw, 12))
    runs = list(struct.iter_unpack(">III", table.find(b"stsc").content[8:]))
    samples: list[int] = []
    for index, (first, in_each, _) in enumerate(runs):
        following = runs[index + 1][0] if index + 1 < len(runs) else len(offsets) + 1
        samples.extend([in_each] * (following - first))
    return offsets, samples, sizes


def _full(kind: bytes, content: bytes, flags: int = 0) -> Box:
    return Box(kind, struct.pack(">I", flags) + content)


def _nest(kind: bytes, *children: Box) -> Box:
    return Box(kind, children=list(children), is_container=True)


def _trak(track: TimedTrack, offsets: Sequence[int], *, number: int) -> Box:
    """Return the `trak` of a telemetry track, one sample a chunk, each lasting until the next."""
    ticks = [round(at_s * _TIMESCALE) for at_s, _ in track.samples]
    deltas = [later - earlier for earlier, later in pairwise(ticks)]
    deltas.append(deltas[-1] if deltas else _TIMESCALE)
    duration = sum(deltas)
    sizes = [len(content) for _, content in track.samples]
    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = struct.pack(">I4s6xH", 16, track.entry, 1)
    table = _nest(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1) + entry),
        _full(b"stts", struct.pack(">I", len(deltas)) + b"".join(struct.pack(">II", 1, delta) for delta in deltas)),
        _full(b"stsc", struct.pack(">I3I", 1, 1, 1, 1)),
        _full(b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes)),
        _offset_box(offsets),
    )
    reference = _full(b"dref", struct.pack(">I", 1) + _full(b"url ", b"", flags=1).encoded())
    children = [
        _full(
            b"tkhd", struct.pack(">5I8x4H", 0, 0, number, 0, duration, 0, 0, 0, 0) + unity + struct.pack(">II", 0, 0), 7
        ),
        _nest(
            b"mdia",
            _full(b"mdhd", struct.pack(">4IHH", 0, 0, _TIMESCALE, duration, 0x55C4, 0)),
            _full(b"hdlr", struct.pack(">4s4s12x", b"mhlr", track.handler) + track.name + b"\0"),
            _nest(b"minf", _full(b"nmhd", b""), _nest(b"dinf", reference), table),
        ),
    ]
    if ticks and ticks[0] > 0:
        # An empty edit: the first sample is later than the first frame.
        edits = struct.pack(">IIiHHIiHH", 2, ticks[0], -1, 1, 0, duration, 0, 1, 0)
        children.insert(1, _nest(b"edts", _full(b"elst", edits)))
    return Box(b"trak", children=children, is_container=True)
