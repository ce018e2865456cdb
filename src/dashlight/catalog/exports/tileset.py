"""The tiles of the map as PMTiles: every tile byte for byte as the server encodes it.

A small map is one archive. A large one is an overview, which only counts, and an archive of streets and pictures for
each tile of zoom 6: taking a picture back then withdraws its region and the overview, and not the country.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from dashlight.catalog.exports.formats import Group, Plan, Planned
from dashlight.catalog.exports.pmtiles import Archive, gzipped, tile_ids
from dashlight.catalog.tiles import (
    FIRST_PICTURES_ZOOM,
    FIRST_STREETS_ZOOM,
    LAYERS,
    MAX_ZOOM,
    RESOLUTIONS,
    drawn,
)
from dashlight.model import QK_ZOOM, BBox, lon_lat_at, qk_range, xy_of
from dashlight.store import exporting, places
from dashlight.store.database import Database
from dashlight.store.exporting import Ints, Terms
from dashlight.store.exports import Coverage, ExportFile

SINGLE_PICTURES = 2_000_000  # Up to so many a map is one archive, which is written in a minute.
_PATH, _OVERVIEW_PATH = "pictures.pmtiles", "overview.pmtiles"
_REGION_ZOOM = 6
_ZOOMS = {_PATH: (0, MAX_ZOOM), _OVERVIEW_PATH: (0, FIRST_STREETS_ZOOM - 1)}
_READ_S = 1.0  # One transaction lasts so long at most: a long one would keep the journal from being emptied.


class Tileset:
    """The map's tiles.

    Args:
        single_pictures: Up to so many pictures are one archive.
    """

    name = "pmtiles"

    def __init__(self, *, single_pictures: int = SINGLE_PICTURES) -> None:
        """Say when the map is large."""
        self._single_pictures = single_pictures

    def plan(self, database: Database, *, done: Sequence[ExportFile], before: Sequence[ExportFile]) -> Plan:
        """Return the archives that are not done: one, or an overview and the regions that have pictures."""
        del before
        with database.read() as connection:
            is_single = exporting.count_shown(connection) <= self._single_pictures
            regions = exporting.distinct_tiles(connection, 2 * (QK_ZOOM - _REGION_ZOOM))
        archives = [Planned(_PATH, Coverage())] if is_single else [Planned(_OVERVIEW_PATH, Coverage())]
        if not is_single:
            for x, y in zip(*(column.tolist() for column in xy_of(regions)), strict=True):
                first, end = qk_range(_REGION_ZOOM, x, y)
                path = f"region-{_REGION_ZOOM}-{x}-{y}.pmtiles"
                archives.append(Planned(path, Coverage(qk_first=first, qk_end=end)))
        written = {file.path for file in done}
        return Plan((planned,) for planned in archives if planned.path not in written)

    def write(
        self, database: Database, group: Group, paths: Sequence[Path], *, check: Callable[[], None]
    ) -> list[int | None]:
        """Write an archive."""
        (planned,), (path,) = group, paths
        place = (planned.coverage.qk_first, planned.coverage.qk_end)
        zooms = _ZOOMS.get(planned.path, (FIRST_STREETS_ZOOM, MAX_ZOOM))
        with database.read() as connection:
            pictures = exporting.count_between(connection, *place)
            names = attribution_of(exporting.all_terms(connection).values())
            bounds = bounds_of(exporting.distinct_tiles(connection, 2 * (QK_ZOOM - MAX_ZOOM), place))
        metadata = {
            "name": Path(planned.path).stem,
            "format": "pbf",
            "attribution": names,
            "vector_layers": [
                {"id": layer.name, "minzoom": layer.first_zoom, "maxzoom": layer.last_zoom, "fields": layer.fields}
                for layer in LAYERS
                if zooms[0] <= layer.first_zoom <= zooms[1]
            ],
        }
        with Archive(path, metadata=metadata, bounds=bounds, zooms=zooms) as archive:
            for zoom in range(zooms[0], zooms[1] + 1):
                for tile_id, content in self._tiles(database, zoom, place):
                    check()
                    archive.add(tile_id, content)
        if planned.path == _OVERVIEW_PATH:
            return [0]  # It counts pictures that are in the files of the regions.
        return [pictures] if pictures or planned.path == _PATH else [None]

    def _tiles(self, database: Database, zoom: int, place: tuple[int, int]) -> Iterator[tuple[int, bytes]]:
        """Yield the tiles of a zoom and place that are not empty, in the order of their ids."""
        with database.read() as connection:
            x, y = tiles_of(connection, zoom, place)
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


def tiles_of(connection: sa.Connection, zoom: int, place: tuple[int, int]) -> tuple[Ints, Ints]:
    """Return x and y of every tile of a zoom that may show something of a place, a half-open range of keys."""
    shift = 2 * (QK_ZOOM - zoom)
    if zoom >= FIRST_PICTURES_ZOOM:
        return xy_of(exporting.distinct_tiles(connection, shift, place))
    if zoom >= FIRST_STREETS_ZOOM:
        return xy_of(exporting.distinct_tiles(connection, shift, place, places.STREET_RESOLUTION))
    x, y = xy_of(exporting.distinct_tiles(connection, shift, place, RESOLUTIONS[zoom]))
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
