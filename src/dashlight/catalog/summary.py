"""The instance in a few numbers: how many pictures, which days, which part of the world."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from dashlight.catalog.tiles import RESOLUTIONS
from dashlight.model import QK_WORLD, QK_ZOOM, BBox, lon_lat_at, xy_of
from dashlight.store import chart, places
from dashlight.store.database import Change, Database
from dashlight.store.pictures import bbox_ranges

_FINE_CELLS = 5_000  # With more street cells than this the coarser cells are exact enough.
_PAD_DEG = {places.STREET_RESOLUTION: 0.0005, 8: 0.006}


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is to see.

    Attributes:
        pictures: Published.
        oldest_day: Days since 1970-01-01, or None when there is none.
        newest_day: Likewise.
        bbox: Holds all pictures, or None.
    """

    pictures: int
    oldest_day: int | None
    newest_day: int | None
    bbox: BBox | None


class Summaries:
    """The summary of one database, kept until something changes."""

    def __init__(self, database: Database) -> None:
        """Listen to the database's changes."""
        self._database = database
        self._lock = threading.Lock()  # Guards the two below.
        self._kept: Summary | None = None
        self._version = 0
        database.listen(self._forget)

    def _forget(self, change: Change) -> None:
        if change.qks or change.is_everywhere:
            with self._lock:
                self._version += 1
                self._kept = None

    def summary(self) -> Summary:
        """Return the summary as of the last commit."""
        with self._lock:
            kept, version = self._kept, self._version
        if kept is not None:
            return kept
        with self._database.read() as connection:
            days = chart.days_and_counts(connection)
            found = Summary(
                pictures=sum(count for _, count in days),
                oldest_day=days[0][0] if days else None,
                newest_day=days[-1][0] if days else None,
                bbox=_bbox(connection) if days else None,
            )
        with self._lock:
            if version == self._version:
                self._kept = found
        return found


def _bbox(connection: sa.Connection) -> BBox:
    """Return a box that holds every picture, from the centres of counted cells."""
    resolution = places.STREET_RESOLUTION
    qks = chart.centres(connection, resolution, most=_FINE_CELLS + 1)
    if len(qks) > _FINE_CELLS:
        resolution = places.COVER_RESOLUTIONS[-1]
        qks = chart.centres(connection, resolution, most=None)
    x, y = xy_of(qks)
    pad = _PAD_DEG[resolution]
    lons, lats = lon_lat_at(*(np.array([v.min(), v.max() + 1]) / QK_WORLD for v in (x, y)))
    (west, east), (north, south) = lons.tolist(), lats.tolist()
    wide = pad / max(0.05, math.cos(math.radians(max(abs(north), abs(south)))))
    return BBox(
        round(max(-180.0, west - wide), 6),
        round(max(-90.0, south - pad), 6),
        round(min(180.0, east + wide), 6),
        round(min(90.0, north + pad), 6),
    )


def histogram(database: Database, *, bbox: BBox | None, bins: int) -> list[tuple[int, int]]:
    """Return (first day, pictures) of at most `bins` equal spans of days that hold pictures, in order.

    A part of the world is counted by H3 cells whose centres lie in it.
    """
    with database.read() as connection:
        if bbox is None:
            counts = dict(chart.days_and_counts(connection))
        else:
            ranges = bbox_ranges(bbox)
            finest = min(last - first for first, last in ranges)
            zoom = max(0, QK_ZOOM - (finest.bit_length() - 1) // 2)
            resolution = RESOLUTIONS[zoom] if zoom < len(RESOLUTIONS) else places.STREET_RESOLUTION
            counts = chart.pictures_by_day(connection, resolution, ranges)
    if not counts:
        return []
    first = min(counts)
    width = -(-(max(counts) - first + 1) // bins)
    binned: dict[int, int] = {}
    for day, pictures in counts.items():
        start = first + (day - first) // width * width
        binned[start] = binned.get(start, 0) + pictures
    return sorted(binned.items())
