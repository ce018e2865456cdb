"""Writing a PMTiles archive, version 3 (https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md).

Tiles are given in the order of their ids along the Hilbert curve and are written once each: tiles that are alike share
their bytes. Header and directories come before the tiles and are known only after them, so the tiles wait in a file
beside; nothing in an archive says when it was made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from isal import isal_zlib

from dashlight.errors import InputError
from dashlight.model import BBox, LonLat
from dashlight.store.exporting import Ints

_HEADER = struct.Struct("<7sB11Q6B4iB2i")
_VERSION, _GZIP, _MVT, _CLUSTERED = 3, 2, 1, 1
_ROOT_BYTES = 16_384 - _HEADER.size  # Header and root directory are read together.
_LEAF_ENTRIES = 4_096


@dataclass(frozen=True, slots=True)
class Entry:
    """A run of tiles with the same bytes.

    Attributes:
        tile_id: Of the first.
        offset: Of the bytes.
        length: Of the bytes.
        run: How many tiles with ids one after the other; 0 stands for a leaf directory.
    """

    tile_id: int
    offset: int
    length: int
    run: int


def tile_ids(zoom: int, x: Ints, y: Ints) -> Ints:
    """Return the ids of `(N,)` tiles of a zoom: all of lower zooms come before, then along the Hilbert curve."""
    at_x, at_y = x.astype(np.int64).copy(), y.astype(np.int64).copy()
    distance = np.zeros(len(at_x), np.int64)
    side = 1 << zoom >> 1
    while side:
        is_east, is_south = (at_x & side) > 0, (at_y & side) > 0
        distance += side * side * (3 * is_east ^ is_south)
        flipped = ~is_south & is_east
        at_x[flipped], at_y[flipped] = side - 1 - at_x[flipped], side - 1 - at_y[flipped]
        turned = ~is_south
        at_x[turned], at_y[turned] = at_y[turned], at_x[turned].copy()
        side >>= 1
    return distance + ((1 << 2 * zoom) - 1) // 3


class Archive:
    """An archive that is being written; used as a context.

    Args:
        path: Of the file.
        metadata: JSON about the tiles.
        bounds: What the tiles cover, or None for nothing.
        zooms: Lowest and highest.
    """

    def __init__(self, path: Path, *, metadata: Mapping[str, Any], bounds: BBox | None, zooms: tuple[int, int]) -> None:
        """Open it."""
        self._path = path
        self._metadata = metadata
        self._bounds = bounds
        self._zooms = zooms
        self._tiles = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115  # Closed below.
        self._written = 0
        self._entries: list[Entry] = []
        self._known: dict[bytes, tuple[int, int]] = {}
        self._addressed = 0

    def __enter__(self) -> Self:
        """Return the archive."""
        return self

    def add(self, tile_id: int, content: bytes) -> None:
        """Append a tile, compressed with gzip.

        Raises:
            InputError: When its id does not come after the last one's.
        """
        last = self._entries[-1] if self._entries else None
        if last is not None and tile_id < last.tile_id + last.run:
            raise InputError(f"the tile {tile_id} comes after {last.tile_id + last.run - 1}")
        self._addressed += 1
        digest = hashlib.blake2b(content, digest_size=16).digest()
        place = self._known.get(digest)
        if place is None:
            place = self._known[digest] = (self._written, len(content))
            self._tiles.write(content)
            self._written += len(content)
        elif last is not None and (last.offset, last.length) == place and tile_id == last.tile_id + last.run:
            self._entries[-1] = replace(last, run=last.run + 1)
            return
        self._entries.append(Entry(tile_id, *place, 1))

    def __exit__(
        self, kind: type[BaseException] | None, _exc: BaseException | None, _where: TracebackType | None
    ) -> None:
        """Put the archive together, unless something went wrong."""
        with self._tiles:
            if kind is None:
                self._finish()

    def _finish(self) -> None:
        root, leaves = directories(self._entries)
        metadata = gzipped(json.dumps(self._metadata, sort_keys=True).encode())
        metadata_at = _HEADER.size + len(root)
        leaves_at = metadata_at + len(metadata)
        tiles_at = leaves_at + len(leaves)
        box = self._bounds or BBox(-180.0, -85.0, 180.0, 85.0)
        centre = LonLat((box.west + box.east) / 2, (box.south + box.north) / 2)
        header = _HEADER.pack(
            *(b"PMTiles", _VERSION),
            *(_HEADER.size, len(root), metadata_at, len(metadata), leaves_at, len(leaves), tiles_at, self._written),
            *(self._addressed, len(self._entries), len(self._known)),
            *(_CLUSTERED, _GZIP, _GZIP, _MVT, *self._zooms),
            *(round(degrees * 1e7) for degrees in (box.west, box.south, box.east, box.north)),
            self._zooms[0],
            *(round(degrees * 1e7) for degrees in (centre.lon, centre.lat)),
        )
        self._tiles.seek(0)
        with self._path.open("wb") as file:
            for part in (header, root, metadata, leaves):
                file.write(part)
            shutil.copyfileobj(self._tiles, file, 1 << 20)


def directories(entries: Sequence[Entry]) -> tuple[bytes, bytes]:
    """Return the root directory, which fits where a reader looks for it, and the leaf directories behind it."""
    root = _directory(entries)
    size = _LEAF_ENTRIES
    leaves = b""
    while len(root) > _ROOT_BYTES:
        packed, pointers = [], []
        offset = 0
        for at in range(0, len(entries), size):
            leaf = _directory(entries[at : at + size])
            pointers.append(Entry(entries[at].tile_id, offset, len(leaf), 0))
            packed.append(leaf)
            offset += len(leaf)
        root, leaves = _directory(pointers), b"".join(packed)
        size *= 2
    return root, leaves


def _directory(entries: Sequence[Entry]) -> bytes:
    numbers = [len(entries)]
    last = 0
    for entry in entries:
        numbers.append(entry.tile_id - last)
        last = entry.tile_id
    numbers += [entry.run for entry in entries]
    numbers += [entry.length for entry in entries]
    end = None
    for entry in entries:
        numbers.append(0 if entry.offset == end else entry.offset + 1)
        end = entry.offset + entry.length
    return gzipped(b"".join(_varint(number) for number in numbers))


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def gzipped(content: bytes) -> bytes:
    """Return bytes compressed, without a time in the header."""
    packer = isal_zlib.compressobj(3, isal_zlib.DEFLATED, 31)
    return bytes(packer.compress(content) + packer.flush())
