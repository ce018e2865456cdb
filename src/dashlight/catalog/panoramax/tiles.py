"""Vector tiles as Panoramax clients know them: `grid` far away, `sequences`, and `pictures` near by.

The same rows as the map's own tiles, under other names; what a client may expect and the store does not hold (camera
models, pixel densities, views all round) is left out rather than made up.
"""

from __future__ import annotations

from uuid import UUID

import numpy as np
import sqlalchemy as sa

from dashlight.catalog import mvt
from dashlight.catalog.mvt import EXTENT, Ints
from dashlight.catalog.panoramax.lines import path_of_marks, path_of_samples, sequences_layer
from dashlight.catalog.tiles import MAX_PICTURES, Days, Draw, reaching_in, scaled
from dashlight.model import LonLat, moment_text, qk_range, world_xy, xy_of
from dashlight.store import chart, places
from dashlight.store.chart import Cells
from dashlight.store.collections import cell_month_of
from dashlight.store.places import Marks
from dashlight.store.samples import Step, samples_in

LAST_GRID_ZOOM, FIRST_SEQUENCES_ZOOM, FIRST_PICTURES_ZOOM = 6, 6, 15
FIRST_FINE_ZOOM = 11
GRID_RESOLUTIONS = (2, 3, 3, 4, 5, 5, 6)  # Of H3, for zoom 0 to 6.
MOST_SAMPLES = 8_000
_DENSE = 1_000_000.0  # Pictures of a cell of resolution 6 that is driven a lot; a coarser cell holds 7 times as many.


def draw_for(account: str) -> Draw:
    """Return what draws the tiles of an instance whose one account has this id."""

    def draw(connection: sa.Connection, zoom: int, x: int, y: int, _days: Days | None) -> bytes:
        layers = []
        if zoom <= LAST_GRID_ZOOM:
            cells = chart.cells_in(connection, GRID_RESOLUTIONS[zoom], [qk_range(zoom, x, y)], days=None)
            layers.append(grid_layer(cells, zoom, x, y))
        if zoom >= FIRST_PICTURES_ZOOM:
            marks = _marks_around(connection, zoom, x, y)
            layers.append(sequences_layer(path_of_marks(marks), zoom, x, y, account=account))
            layers.append(pictures_layer(marks, zoom, x, y, account=account))
        elif zoom >= FIRST_SEQUENCES_ZOOM:
            step: Step = 16 if zoom >= FIRST_FINE_ZOOM else 128
            samples = samples_in(connection, reaching_in(zoom, x, y), step=step, most=MOST_SAMPLES)
            layers.append(sequences_layer(path_of_samples(samples, step=step), zoom, x, y, account=account))
        return b"".join(layers)

    return draw


def _marks_around(connection: sa.Connection, zoom: int, x: int, y: int) -> Marks:
    """Return the marks of a tile, and of an eighth of a tile around it, so that lines go on across its edge."""
    ranges = reaching_in(zoom, x, y)
    return np.concatenate([chart.marks_in(connection, qks, days=None, most=MAX_PICTURES) for qks in ranges])


def grid_layer(cells: Cells, zoom: int, x: int, y: int) -> bytes:
    """Return the `grid` layer of a tile: the centres of counted cells."""
    at_x, at_y = scaled(*xy_of(cells.qk), zoom, x, y)
    none, share = np.zeros(len(cells.qk)), coefficients(cells.pictures, GRID_RESOLUTIONS[zoom])
    attributes = [
        mvt.whole_numbers("nb_pictures", cells.pictures),
        mvt.whole_numbers("nb_360_pictures", none.astype(np.int64)),
        mvt.whole_numbers("nb_flat_pictures", cells.pictures),
        mvt.fractions("coef", share),
        mvt.fractions("coef_360_pictures", none),
        mvt.fractions("coef_flat_pictures", share),
    ]
    return mvt.layer("grid", mvt.point_features(at_x, at_y, attributes), attributes)


def coefficients(pictures: Ints, resolution: int) -> mvt.Fractions:
    """Return how full cells are, in tenths: 0.1 for a single picture, 1 for one that is driven a lot.

    By the logarithm, and the same on every tile: neighbouring tiles have to agree.

    >>> coefficients(np.array([1, 1_000, 1_000_000]), 6).tolist()
    [0.1, 0.6, 1.0]
    """
    dense = _DENSE * 7.0 ** (6 - resolution)
    tenths: mvt.Fractions = np.rint(1.0 + 9.0 * np.log(pictures) / np.log(dense))
    return np.clip(tenths, 1.0, 10.0) / 10.0


def pictures_layer(marks: Marks, zoom: int, x: int, y: int, *, account: str) -> bytes:
    """Return the `pictures` layer of a tile; what lies around it is left out."""
    n = 1 << zoom
    world_x, world_y = world_xy(marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6)
    at = np.floor(np.stack([world_x * n - x, world_y * n - y]) * EXTENT).astype(np.int64)
    is_inside = ((at >= 0) & (at < EXTENT)).all(axis=0)
    marks, (at_x, at_y) = marks[is_inside], at[:, is_inside]
    if not len(marks):
        return b""
    moments, moment = np.unique(marks["captured_ms"], return_inverse=True)
    collections, collection = _collections_of(marks)
    nothing = np.zeros(len(marks), np.int64)
    attributes = [
        mvt.uuids("id", marks["id"]),
        mvt.words("ts", moment.astype(np.int64), [moment_text(int(ms)) for ms in moments]),
        mvt.whole_numbers("heading", (marks["heading_ddeg"].astype(np.int64) + 5) // 10 % 360),
        mvt.words("account_id", nothing, [account]),
        mvt.words("type", nothing, ["flat"]),
        mvt.words("sequences", collection, [f'["{name}"]' for name in collections]),
        mvt.words("first_sequence", collection, collections),
    ]
    return mvt.layer("pictures", mvt.point_features(at_x, at_y, attributes), attributes)


def _collections_of(marks: Marks) -> tuple[list[str], Ints]:
    """Return the names of the collections that pictures are of, and which of them each picture is of.

    Clients ask for a picture below its collection, so each has one: the sequence, or the cell and month.
    """
    raw = np.ascontiguousarray(marks["sequence"])
    distinct, index = np.unique(raw.view("V16").ravel(), return_inverse=True)
    names = [str(UUID(bytes=one.tobytes())) for one in distinct]
    collection = index.astype(np.int64)
    is_alone = ~np.asarray(raw.any(axis=1), np.bool_)
    (alone,) = is_alone.nonzero()
    numbers: dict[str, int] = {}
    for at in alone.tolist():
        collection[at] = len(names) + numbers.setdefault(_cell_name_of(marks[at]), len(numbers))
    return [*names, *numbers], collection


def _cell_name_of(mark: np.void) -> str:
    """Return the name of the collection of a picture without a sequence."""
    place = places.place_of(LonLat(mark["lon_e6"] / 1e6, mark["lat_e6"] / 1e6))
    policy = places.POLICIES[mark["policy"]]
    return cell_month_of(policy, place.h3_r15, int(mark["captured_ms"])).name
