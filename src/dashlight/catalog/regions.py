"""Boxes that live streams look at: found by a place in a few look-ups, and what happens in each, kept once for all.

A region is told in pieces. A piece holds everything that happened since the one before, encoded once whatever the
number of streams; each stream holds the last piece that it has sent, and a piece that all of them are past is freed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from dashlight.model import BBox

_FINEST = 20  # Cells of 0.00034 degrees; smaller boxes are looked up there too.
_Cell = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it is sent.

    Attributes:
        cursor: Of the outbox.
        content: The event as Server-Sent Events write it.
    """

    cursor: int
    content: bytes


class Piece:
    """What happened in a region between two moments, and what came after it.

    Attributes:
        frames: The events, in the order of their cursors; empty for a sign of life.
        content: All of them, or the sign of life.
        events: How many events the region had up to the end of this piece, since the region is looked at.
        following: The next piece, once there is one.
    """

    __slots__ = ("content", "events", "following", "frames")

    def __init__(self, frames: tuple[Frame, ...], content: bytes, events: int) -> None:
        self.frames = frames
        self.content = content
        self.events = events
        self.following: Piece | None = None


class Told(Protocol):
    """Who is told what happens in a region."""

    def tell(self) -> None:
        """Send on what follows the last piece that was sent; nothing when nothing follows."""


class Region:
    """One box, or everything, that at least one stream looks at; owned by the event loop.

    Attributes:
        bbox: The box, or None for everything.
        streams: How many look at it.
        last: The newest piece.
        told_s: When it was made, by the loop's clock.
        open: Of the streams those that are told of each piece; others are still told what they missed.
        is_due: Whether somebody will call `flush`.
    """

    __slots__ = ("_pending", "bbox", "is_due", "last", "open", "parts", "streams", "told_s")

    def __init__(self, bbox: BBox | None) -> None:
        self.bbox = bbox
        self.parts = bbox.parts() if bbox is not None else ()
        self.streams = 0
        self.last = Piece((), b"", 0)
        self.told_s = -math.inf
        self.open: dict[Told, None] = {}
        self.is_due = False
        self._pending: list[Frame] = []

    def holds(self, lon: float, lat: float) -> bool:
        """Return whether a place is inside or on the edge."""
        return any(p.west <= lon <= p.east and p.south <= lat <= p.north for p in self.parts)

    def add(self, frame: Frame) -> None:
        """Keep an event for the next piece."""
        self._pending.append(frame)

    def flush(self, now_s: float) -> None:
        """Make a piece of what was added, if anything was."""
        self.is_due = False
        if self._pending:
            frames, self._pending = tuple(self._pending), []
            self._append(Piece(frames, b"".join(f.content for f in frames), self.last.events + len(frames)), now_s)

    def say(self, content: bytes, now_s: float) -> None:
        """Make a piece of something that is no event."""
        self._append(Piece((), content, self.last.events), now_s)

    def _append(self, piece: Piece, now_s: float) -> None:
        self.last.following = piece
        self.last = piece
        self.told_s = now_s


class RegionIndex:
    """The regions that are looked at, by place.

    A box lies in a grid whose cells are at least as large as itself, so that it touches at most four of them. A place
    is looked up in one cell of each grid in use, of which there are at most 21, however many boxes there are.
    """

    def __init__(self) -> None:
        self._regions: dict[BBox | None, Region] = {}
        self._cells: dict[_Cell, dict[Region, None]] = {}
        self._on_level: dict[int, int] = {}  # How many regions each grid holds.

    def __len__(self) -> int:
        return len(self._regions)

    def __iter__(self) -> Iterator[Region]:
        return iter(list(self._regions.values()))

    def join(self, bbox: BBox | None) -> Region:
        """Return the region of a box, which one more stream looks at from now on."""
        region = self._regions.get(bbox)
        if region is None:
            region = self._regions[bbox] = Region(bbox)
            if bbox is not None:
                level = _level_of(region)
                self._on_level[level] = self._on_level.get(level, 0) + 1
                for cell in _cells_of(region, level):
                    self._cells.setdefault(cell, {})[region] = None
        region.streams += 1
        return region

    def leave(self, region: Region) -> None:
        """Take one stream off a region; one that nobody looks at is forgotten."""
        region.streams -= 1
        if region.streams:
            return
        del self._regions[region.bbox]
        if region.bbox is None:
            return
        level = _level_of(region)
        self._on_level[level] -= 1
        if not self._on_level[level]:
            del self._on_level[level]
        for cell in _cells_of(region, level):
            held = self._cells[cell]
            del held[region]
            if not held:
                del self._cells[cell]

    def at(self, lon: float, lat: float) -> Iterator[Region]:
        """Yield the regions that hold a place, each once."""
        everything = self._regions.get(None)
        if everything is not None:
            yield everything
        for level in self._on_level:
            for region in self._cells.get(_cell_at(level, lon, lat), ()):
                if region.holds(lon, lat):
                    yield region


def _level_of(region: Region) -> int:
    largest = max(max(part.east - part.west, part.north - part.south) for part in region.parts)
    if largest <= 0.0:
        return _FINEST
    return max(0, min(_FINEST, math.floor(math.log2(360.0 / largest))))


def _cell_at(level: int, lon: float, lat: float) -> _Cell:
    cells_a_degree = (1 << level) / 360.0
    return level, math.floor((lon + 180.0) * cells_a_degree), math.floor((lat + 90.0) * cells_a_degree)


def _cells_of(region: Region, level: int) -> set[_Cell]:
    found = set()
    for part in region.parts:
        _, west, south = _cell_at(level, part.west, part.south)
        _, east, north = _cell_at(level, part.east, part.north)
        found |= {(level, x, y) for x in range(west, east + 1) for y in range(south, north + 1)}
    return found
