"""Lines of sequences: which of the pictures in a tile follow each other, and where a line breaks; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dashlight.catalog import mvt
from dashlight.catalog.mvt import EXTENT, Attribute, Ints
from dashlight.model import DAY_MS, world_xy
from dashlight.store.places import Marks
from dashlight.store.samples import Samples, Step

MOST_APART_M = 150.0  # Further apart, two neighbours of a sequence in a tile have left it in between.
_STROKE = 12.0  # Units of a tile, a pixel and a half: how long a sequence is drawn of which one picture is known.
_METRES_PER_E6 = 0.111_195  # A millionth of a degree of latitude.
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Path:
    """Pictures in the order of lines.

    Attributes:
        lon_e6: `(N,) int64`.
        lat_e6: `(N,) int64`.
        captured_ms: `(N,) int64`.
        heading_ddeg: `(N,) int64`.
        sequence: `(N,) int64`, index into `ids`.
        ids: `(M, 16) uint8`.
        is_first: `(N,) bool`, where a line begins.
    """

    lon_e6: Ints
    lat_e6: Ints
    captured_ms: Ints
    heading_ddeg: Ints
    sequence: Ints
    ids: npt.NDArray[np.uint8]
    is_first: Bools


def path_of_marks(marks: Marks) -> Path:
    """Return the path of all pictures of a tile; those without a sequence are on none."""
    marks = marks[np.asarray(marks["sequence"].any(axis=1))]
    raw = np.ascontiguousarray(marks["sequence"]).view("V16").ravel()
    distinct, sequence = np.unique(raw, return_inverse=True)
    order = np.lexsort((marks["captured_ms"], sequence))
    marks, sequence = marks[order], sequence[order].astype(np.int64)
    lon_e6, lat_e6 = marks["lon_e6"].astype(np.int64), marks["lat_e6"].astype(np.int64)
    east_m = np.diff(lon_e6) * _METRES_PER_E6 * np.cos(np.radians(lat_e6[1:] / 1e6))
    is_near = np.hypot(east_m, np.diff(lat_e6) * _METRES_PER_E6) <= MOST_APART_M
    return Path(
        lon_e6,
        lat_e6,
        marks["captured_ms"].astype(np.int64),
        marks["heading_ddeg"].astype(np.int64),
        sequence,
        distinct.view(np.uint8).reshape(-1, 16),
        _firsts(sequence, is_near),
    )


def path_of_samples(samples: Samples, *, step: Step) -> Path:
    """Return the path of every so many pictures; where one is missing in between, the line breaks."""
    return Path(
        samples.lon_e6,
        samples.lat_e6,
        samples.captured_ms,
        samples.heading_ddeg,
        samples.sequence,
        samples.ids,
        _firsts(samples.sequence, np.diff(samples.rank) == step),
    )


def _firsts(sequence: Ints, is_joined: Bools) -> Bools:
    is_first = np.ones(len(sequence), np.bool_)
    is_first[1:] = (np.diff(sequence) != 0) | ~is_joined
    return is_first


def sequences_layer(path: Path, zoom: int, x: int, y: int, *, account: str) -> bytes:
    """Return the `sequences` layer of a tile: a line a run of pictures; at zoom 6 without properties."""
    (starts,) = path.is_first.nonzero()
    if not len(starts):
        return b""
    n = 1 << zoom
    world_x, world_y = world_xy(path.lon_e6 / 1e6, path.lat_e6 / 1e6)
    at_x, at_y = (world_x * n - x) * EXTENT, (world_y * n - y) * EXTENT
    turn = np.rint((at_x - EXTENT / 2) / (n * EXTENT)) * (n * EXTENT)  # What lies near across the antimeridian.
    at = np.floor(np.stack([at_x - turn, at_y], axis=1)).astype(np.int64)
    attributes = _attributes(path, starts, account) if zoom > 6 else []
    vertices, begins = _with_strokes(at, starts, path.heading_ddeg)
    return mvt.layer("sequences", mvt.line_features(vertices, begins, attributes), attributes)


def _with_strokes(at: Ints, starts: Ints, heading_ddeg: Ints) -> tuple[Ints, Ints]:
    """Return vertices and where each line begins, with a second vertex for those that have one."""
    single = starts[np.diff(np.append(starts, len(at))) == 1]
    heading = np.radians(heading_ddeg[single] / 10)
    stroke = np.rint(_STROKE * np.stack([np.sin(heading), -np.cos(heading)], axis=1)).astype(np.int64)
    vertices = np.insert(at, single + 1, at[single] + stroke, axis=0)
    return vertices, starts + np.searchsorted(single, starts)


def _attributes(path: Path, starts: Ints, account: str) -> list[Attribute]:
    sequence = path.sequence[starts]
    days, day_index = np.unique(path.captured_ms[starts] // DAY_MS, return_inverse=True)
    dates = np.datetime_as_string(days.astype("datetime64[D]"))
    nothing = np.zeros(len(starts), np.int64)
    return [
        replace(mvt.shared_uuids("id", path.ids[sequence]), present=None),
        mvt.words("account_id", nothing, [account]),
        mvt.words("type", nothing, ["flat"]),
        mvt.words("date", day_index.astype(np.int64), [str(date) for date in dates]),
    ]
