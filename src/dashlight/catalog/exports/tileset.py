"""The tiles of the map as one PMTiles archive: every tile byte for byte as the server encodes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashlight.catalog.exports.formats import Group, Plan, Planned
from dashlight.catalog.exports.pmtiles import Archive, gzipped, tile_ids
from dashlight.catalog.tiles import (
    FIRST_PICTURES_ZOOM,
    FIRST_STREETS_ZOOM,
    MAX_ZOOM,
    RESOLUTIONS,
    drawn,
)
from dashlight.model import QK_ZOOM, BBox, lon_lat_at, xy_of
from dashlight.store import exporting, places
from dashlight.store.database import Database
from dashlight.store.exporting import Ints, Terms
from dashlight.store.exports import Coverage, ExportFile

_PATH = "pictures.pmtiles"
_READ_S = 1.0  # One transaction lasts so long at most: a long one would keep the journal from being emptied.
_LAYERS: tuple[dict[str, Any], ...] = (
    {"id": "coverage", "minzoom": 0, "maxzoom": 10, "fields": {"n": "Number", "day": "Number"}},
    {"id": "streets", "minzoom": 11, "maxzoom": 13, "fields": {"n": "Number", "day": "Number", "heading": "Number"}},
    {
        "id": "pictures",
        "minzoom": 14,
        "maxzoom": 15,
        "fields": {"id": "String", "heading": "Number", "day": "Number", "policy": "String", "seq": "String"},
    },
)


class Tileset:
    """The map's tiles."""

    name = "pmtiles"

    def plan(self, database: Database, *, done: Sequence[ExportFile], before: Sequence[ExportFile]) -> Plan:
        """Return the one archive, unless it is done."""
        del database, before
        return Plan(iter([] if done else [(Planned(_PATH, Coverage()),)]))

    def write(
        self, database: Database, group: Group, paths: Sequence[Path], *, check: Callable[[], None]
    ) -> list[int | None]:
        """Write the archive."""
        del group
        with database.read() as connection:
            pictures = exporting.count_shown(connection)
            names = attribution_of(exporting.all_terms(connection).values())
            bounds = bounds_of(exporting.distinct_tiles(connection, 2 * (QK_ZOOM - MAX_ZOOM)))
        metadata = {
            "name": "pictures",
            "format": "pbf",
            "attribution": names,
            "vector_layers": [dict(layer) for layer in _LAYERS],
        }
        with Archive(paths[0], metadata=metadata, bounds=bounds, zooms=(0, MAX_ZOOM)) as archive:
            for zoom in range(MAX_ZOOM + 1):
                for tile_id, content in self._tiles(database, zoom):
                    check()
                    archive.add(tile_id, content)
        return [pictures]

    def _tiles(self, database: Database, zoom: int) -> Iterator[tuple[int, bytes]]:
        """Yield the tiles of a zoom that are not empty, in the order of their ids."""
        with database.read() as connection:
            x, y = tiles_of(connection, zoom)
        ids = tile_ids(zoom, x, y)
        order = np.argsort(ids)
        with ExitStack() as reading:
            ends_s = 0.0
            connection_now: sa.Connection | None = None
            for tile_id, tile_x, tile_y in zip(ids[order].tolist(), x[order].tolist(), y[order].tolist(), strict=True):
                if connection_now is None or time.monotonic() > ends_s:
                    reading.close()
                    connection_now = reading.enter_context(database.read())
                    ends_s = time.monotonic() + _READ_S
                content = drawn(connection_now, zoom, tile_x, tile_y, None)
                if content:
                    yield tile_id, gzipped(content)


def attribution_of(terms: Iterable[Terms]) -> str:
    """Return whose the pictures are, as far as names were chosen, and under which licences."""
    given = list(terms)
    names = sorted({each.attribution for each in given} - {""})
    return ", ".join([*names, *sorted({each.license_id for each in given})])


def tiles_of(connection: sa.Connection, zoom: int) -> tuple[Ints, Ints]:
    """Return x and y of every tile of a zoom that may show something."""
    shift = 2 * (QK_ZOOM - zoom)
    if zoom >= FIRST_PICTURES_ZOOM:
        return xy_of(exporting.distinct_tiles(connection, shift))
    if zoom >= FIRST_STREETS_ZOOM:
        return xy_of(exporting.distinct_tiles(connection, shift, places.STREET_RESOLUTION))
    x, y = xy_of(exporting.distinct_tiles(connection, shift, RESOLUTIONS[zoom]))
    n = 1 << zoom  # A cell reaches into the tiles around that of its centre.
    around = [((x + dx) % n, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    pairs = np.unique(np.concatenate([np.stack(each, axis=1) for each in around]), axis=0)
    pairs = pairs[(pairs[:, 1] >= 0) & (pairs[:, 1] < n)]
    return pairs[:, 0], pairs[:, 1]


def bounds_of(keys: Ints) -> BBox | None:
    """Return the box around tiles of the finest zoom, None when there are none; it does not cross the antimeridian."""
    if not len(keys):
        return None
    x, y = xy_of(keys)
    n = 1 << MAX_ZOOM
    lon, lat = lon_lat_at(np.array([x.min(), x.max() + 1]) / n, np.array([y.min(), y.max() + 1]) / n)
    return BBox(float(lon[0]), float(lat[1]), float(lon[1]), float(lat[0]))
