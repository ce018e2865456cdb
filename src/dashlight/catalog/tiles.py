"""Tiles of the map: which rows, in which layer, at which place; and a cache that never shows yesterday.

The projection is `model.mercator`'s; here its world is cut into tiles.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import brotli
import numpy as np
import sqlalchemy as sa
from isal import isal_zlib

from dashlight.catalog import mvt
from dashlight.catalog.mvt import Ints
from dashlight.errors import InputError
from dashlight.model import DAY_MS, QK_WORLD, QK_ZOOM, merged_ranges, qk_range, world_xy, xy_of
from dashlight.store import chart, places
from dashlight.store.chart import Cells
from dashlight.store.database import Change, Database
from dashlight.store.places import Marks

MAX_ZOOM = 15
MAX_PICTURES = 8_000
FIRST_STREETS_ZOOM, FIRST_PICTURES_ZOOM = 11, 14
RESOLUTIONS = (1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8)  # Of H3, for zoom 0 to 10: about 20 to 50 cells across a tile.
_FRINGE = 8  # Cells whose centre lies within 1/8 of a tile outside may reach in.
_REMEMBERED_CHANGES = 256
_ENTRY_BYTES = 400  # What an entry costs beside its bytes.
_CODE_BITS = 24  # A tile as one number: zoom, column, row.

Days = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer of the map holds.

    Attributes:
        name: Of the layer.
        first_zoom: From which it is drawn,
        last_zoom: to which.
        fields: By name, `Number` or `String` as TileJSON has them.
    """

    name: str
    first_zoom: int
    last_zoom: int
    fields: dict[str, str]


_CELL_FIELDS = {"n": "Number", "day": "Number"}
LAYERS = (
    Layer("coverage", 0, FIRST_STREETS_ZOOM - 1, _CELL_FIELDS),
    Layer("streets", FIRST_STREETS_ZOOM, FIRST_PICTURES_ZOOM - 1, {**_CELL_FIELDS, "heading": "Number"}),
    Layer(
        "pictures",
        FIRST_PICTURES_ZOOM,
        MAX_ZOOM,
        {"id": "String", "heading": "Number", "day": "Number", "policy": "String", "seq": "String"},
    ),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """An encoded tile.

    Attributes:
        content: Compressed as `encoding` says.
        encoding: `gzip`, `br` or `identity`.
        etag: Of this very representation, quoted.
        is_empty: Whether there is nothing on it.
    """

    content: bytes
    encoding: str
    etag: str
    is_empty: bool


Key = tuple[int, int, int, Days | None, str]
Draw = Callable[[sa.Connection, int, int, int, Days | None], bytes]


class Tiles:
    """Tiles of one database, cached until something on them changes.

    Args:
        database: The rows; the cache listens to its changes.
        cache_bytes: Memory for encoded tiles.
        draw: Returns the layers of a tile, given zoom, column, row and days; None for those of the map.
    """

    def __init__(self, database: Database, *, cache_bytes: int, draw: Draw | None = None) -> None:
        self._database = database
        self._draw = draw or drawn
        self._cache = _Cache(cache_bytes)
        database.listen(self._cache.invalidate)

    def kept(self, zoom: int, x: int, y: int, *, encoding: str) -> Tile | None:
        """Return a tile of all days that is in the cache; never waits."""
        return self._cache.get((zoom, x, y, None, encoding))

    def tile(self, zoom: int, x: int, y: int, *, days: Days | None = None, encoding: str) -> Tile:
        """Return a tile.

        Args:
            zoom: 0 to 15.
            x: Column.
            y: Row.
            days: First and last day since 1970-01-01, inclusive, or None for all.
            encoding: `gzip`, `br` or `identity`.

        Raises:
            InputError: When there is no such tile.
        """
        if not 0 <= zoom <= MAX_ZOOM:
            raise InputError(f"zoom {zoom} is outside 0..{MAX_ZOOM}", code="bad-tile")
        qk_range(zoom, x, y)  # Refuses a column or row that is not there.
        key = (zoom, x, y, days, encoding)
        found = self._cache.get(key)
        if found is None:
            version = self._cache.version
            with self._database.read() as connection:
                content = self._draw(connection, zoom, x, y, days)
            found = _packed(content, encoding)
            self._cache.put(key, found, version)
        return found


def drawn(connection: sa.Connection, zoom: int, x: int, y: int, days: Days | None) -> bytes:
    """Return the layers of a tile of the map."""
    qks = qk_range(zoom, x, y)
    if zoom >= FIRST_PICTURES_ZOOM:
        marks = chart.marks_in(connection, qks, days=days, most=MAX_PICTURES)
        return pictures_layer(marks, zoom, x, y)
    is_street = zoom >= FIRST_STREETS_ZOOM
    ranges = [qks] if is_street else reaching_in(zoom, x, y)
    resolution = places.STREET_RESOLUTION if is_street else RESOLUTIONS[zoom]
    cells = chart.cells_in(connection, resolution, ranges, days=days)
    return streets_layer(cells, zoom, x, y) if is_street else coverage_layer(cells, zoom, x, y)


def reaching_in(zoom: int, x: int, y: int) -> list[tuple[int, int]]:
    """Return ranges of keys of a tile and an eighth of a tile around it, from where cells and lines reach in."""
    n = 1 << zoom
    fine = _FRINGE.bit_length() - 1
    ranges = [qk_range(zoom, x, y)]
    for column in range(-1, _FRINGE + 1):
        for row in range(-1, _FRINGE + 1):
            fine_y = y * _FRINGE + row
            is_inside = -1 < column < _FRINGE and -1 < row < _FRINGE
            if is_inside or not 0 <= fine_y < n * _FRINGE:
                continue
            ranges.append(qk_range(zoom + fine, (x * _FRINGE + column) % (n * _FRINGE), fine_y))
    return merged_ranges(ranges)


def scaled(x24: Ints, y24: Ints, zoom: int, x: int, y: int) -> tuple[Ints, Ints]:
    """Return positions at zoom 24 in the units of a tile."""
    size = 1 << (QK_ZOOM - zoom)
    return (
        np.floor_divide((x24 - x * size) * mvt.EXTENT, size),
        np.floor_divide((y24 - y * size) * mvt.EXTENT, size),
    )


def pictures_layer(marks: Marks, zoom: int, x: int, y: int) -> bytes:
    """Return the `pictures` layer of a tile."""
    n = 1 << zoom
    world_x, world_y = world_xy(marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6)
    at_x = np.floor((world_x * n - x) * mvt.EXTENT).astype(np.int64)
    at_y = np.floor((world_y * n - y) * mvt.EXTENT).astype(np.int64)
    attributes = [
        mvt.uuids("id", marks["id"]),
        mvt.whole_numbers("heading", (marks["heading_ddeg"].astype(np.int64) + 5) // 10 % 360),
        mvt.whole_numbers("day", marks["captured_ms"] // DAY_MS),
        mvt.words("policy", marks["policy"].astype(np.int64), places.POLICIES),
        mvt.shared_uuids("seq", marks["sequence"]),
    ]
    return mvt.layer("pictures", mvt.point_features(at_x, at_y, attributes), attributes)


def _cell_attributes(cells: Cells) -> list[mvt.Attribute]:
    return [mvt.whole_numbers("n", cells.pictures), mvt.whole_numbers("day", cells.day)]


def streets_layer(cells: Cells, zoom: int, x: int, y: int) -> bytes:
    """Return the `streets` layer of a tile."""
    at_x, at_y = scaled(*xy_of(cells.qk), zoom, x, y)
    attributes = [*_cell_attributes(cells), mvt.whole_numbers("heading", cells.heading_deg)]
    return mvt.layer("streets", mvt.point_features(at_x, at_y, attributes), attributes)


def coverage_layer(cells: Cells, zoom: int, x: int, y: int) -> bytes:
    """Return the `coverage` layer of a tile: outlines, grouped by their number of corners."""
    attributes = _cell_attributes(cells)
    sizes = np.array([len(outline) for outline in cells.outlines], np.int64)
    features = []
    for size in np.unique(sizes):
        (chosen,) = (sizes == size).nonzero()
        raw = b"".join(cells.outlines[i] for i in chosen)
        corners = np.frombuffer(raw, "<i4").reshape(len(chosen), -1, 2).astype(np.int64)
        corners[:, :, 0] += _turns(corners[:, :, 0], zoom, x)[:, None]
        at_x, at_y = scaled(corners[:, :, 0], corners[:, :, 1], zoom, x, y)
        here = [replace(attribute, index=attribute.index[chosen]) for attribute in attributes]
        features.append(mvt.polygon_features(np.stack([at_x, at_y], axis=2), here))
    return mvt.layer("coverage", b"".join(features), attributes)


def _turns(x24: Ints, zoom: int, x: int) -> Ints:
    """Return by how much outlines have to move to lie near the tile rather than on the world's other side."""
    centre = (2 * x + 1) << (QK_ZOOM - zoom - 1)
    turns: Ints = np.rint((centre - x24.mean(axis=1)) / QK_WORLD).astype(np.int64)
    return turns * QK_WORLD


def _packed(content: bytes, encoding: str) -> Tile:
    is_empty = not content
    if encoding == "gzip":
        packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)  # A quarter of zlib's time at the same size.
        content = packer.compress(content) + packer.flush()
    elif encoding == "br":
        content = brotli.compress(content, quality=1)
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}-{encoding[0]}"'  # Of what is sent: it is shorter.
    return Tile(content, encoding, etag, is_empty)


class _Cache:
    """Least recently used tiles; what a commit touches is dropped before the commit is told to anyone."""

    def __init__(self, size_bytes: int) -> None:
        self._lock = threading.Lock()  # Guards everything below.
        self._size_bytes = size_bytes
        self._used_bytes = 0
        self._tiles: OrderedDict[Key, Tile] = OrderedDict()
        self._by_place: dict[int, set[Key]] = {}  # By `_code_of`.
        self._changes: deque[frozenset[int]] = deque(maxlen=_REMEMBERED_CHANGES)
        self.version = 0

    def get(self, key: Key) -> Tile | None:
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
            return found

    def put(self, key: Key, tile: Tile, version: int) -> None:
        """Keep a tile that was read at `version`, unless something on it has changed since."""
        place = _code_of(*key[:3])
        with self._lock:
            missed = self.version - version
            if missed > len(self._changes) or any(place in self._changes[-back] for back in range(1, missed + 1)):
                return
            if key in self._tiles:
                return
            self._tiles[key] = tile
            self._by_place.setdefault(place, set()).add(key)
            self._used_bytes += len(tile.content) + _ENTRY_BYTES
            while self._used_bytes > self._size_bytes and self._tiles:
                self._drop(next(iter(self._tiles)))

    def invalidate(self, change: Change) -> None:
        """Drop what a commit has touched."""
        if change.is_everywhere:
            self._forget()
        if not change.qks:
            return
        places_touched = _touched_codes(change.qks)
        with self._lock:
            self.version += 1
            self._changes.append(places_touched)
            for place in places_touched & self._by_place.keys():
                for key in list(self._by_place[place]):
                    self._drop(key)

    def _forget(self) -> None:
        """Drop everything, and keep nothing that is being read."""
        with self._lock:
            self.version += self._changes.maxlen or 1
            self.version += 1  # More than is remembered.
            self._tiles.clear()
            self._by_place.clear()
            self._used_bytes = 0

    def _drop(self, key: Key) -> None:
        tile = self._tiles.pop(key)
        self._used_bytes -= len(tile.content) + _ENTRY_BYTES
        place = _code_of(*key[:3])
        keys = self._by_place[place]
        keys.discard(key)
        if not keys:
            del self._by_place[place]


def _code_of(zoom: int, x: int, y: int) -> int:
    return (zoom << 2 * _CODE_BITS) | (x << _CODE_BITS) | y


def _touched_codes(qks: Iterable[int]) -> frozenset[int]:
    """Return what `_code_of` gives for every tile that shows something of the places `qks`.

    A place is shown by the cell that holds it, and the cell's centre may lie in a neighbouring tile: so the
    neighbours are touched too.
    """
    keys = np.unique(np.fromiter(qks, np.int64) >> 2 * (QK_ZOOM - MAX_ZOOM))
    x, y = (each.astype(np.int64) for each in xy_of(keys))
    zooms = np.arange(MAX_ZOOM + 1, dtype=np.int64)[:, None]
    n = (1 << zooms)[:, :, None, None]
    step = np.array([-1, 0, 1], np.int64)
    columns = ((x >> (MAX_ZOOM - zooms))[:, :, None, None] + step[:, None]) % n
    rows = (y >> (MAX_ZOOM - zooms))[:, :, None, None] + step
    codes = (zooms[:, :, None, None] << 2 * _CODE_BITS) | (columns << _CODE_BITS) | rows
    return frozenset(np.unique(codes[np.broadcast_to((rows >= 0) & (rows < n), codes.shape)]).tolist())
