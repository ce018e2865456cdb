"""Pictures as Arrow columns; pure. What a reader is told of a picture over HTTP, and no finer.

Everything is computed for all rows at once: texts are cut out of one buffer of bytes, not made one by one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dashlight.model import DAY_MS
from dashlight.store.exporting import Extra, Ints, Pictures, Terms
from dashlight.store.schema import Precision

PICTURE_EXTRAS = (Extra.H3_R15, Extra.ACCURACY, Extra.RANK, Extra.TERMS, Extra.WIDTH, Extra.HEIGHT)
WKB_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
_HEX = np.frombuffer(b"".join(b"%02x" % n for n in range(256)), "S2")
_UUID_BYTES, _UUID_CHARACTERS = 16, 36
_GROUPS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))  # Of digits, between the dashes.
_WORD = pa.dictionary(pa.int32(), pa.string())
_MOMENT = pa.timestamp("ms", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("geometry", pa.binary(), nullable=False),
        pa.field(
            "bbox",
            pa.struct([pa.field(name, pa.float64(), nullable=False) for name in ("xmin", "ymin", "xmax", "ymax")]),
            nullable=False,
        ),
        pa.field("datetime", _MOMENT, nullable=False),
        pa.field("end_datetime", _MOMENT, nullable=False),
        pa.field("captured_precision", _WORD, nullable=False),
        pa.field("heading_deg", pa.float32(), nullable=False),
        pa.field("accuracy_m", pa.float32()),
        pa.field("policy", _WORD, nullable=False),
        pa.field("license", _WORD, nullable=False),
        pa.field("attribution", _WORD),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("sequence", pa.string()),
        pa.field("rank", pa.int32()),
        pa.field("h3_r15", pa.uint64(), nullable=False),
    ]
)


def picture_table(pictures: Pictures, terms: Mapping[int, Terms]) -> pa.Table:
    """Return pictures as the rows of `SCHEMA`; they were read with `PICTURE_EXTRAS`."""
    marks, extras = pictures.marks, pictures.extras
    lon, lat = marks["lon_e6"] / 1e6, marks["lat_e6"] / 1e6
    begin_ms = np.ascontiguousarray(marks["captured_ms"])
    precision = marks["precision"]
    heading = marks["heading_ddeg"].astype(np.float32) / np.float32(10)
    policy, license_id, attribution = terms_columns(extras[Extra.TERMS], terms)
    return pa.Table.from_arrays(
        [
            uuid_texts(marks["id"]),
            wkb_points(lon, lat),
            pa.StructArray.from_arrays([pa.array(v) for v in (lon, lat, lon, lat)], fields=list(SCHEMA.field(2).type)),
            pa.array(begin_ms).cast(_MOMENT),
            pa.array(end_of(begin_ms, precision)).cast(_MOMENT),
            words(precision.astype(np.int32), [each.name.lower() for each in Precision]),
            pa.array(heading),
            _one_less(extras[Extra.ACCURACY], scale=10),
            policy,
            license_id,
            attribution,
            pa.array(extras[Extra.WIDTH].astype(np.int32)),
            pa.array(extras[Extra.HEIGHT].astype(np.int32)),
            uuid_texts(marks["sequence"], is_optional=True),
            _one_less(extras[Extra.RANK]),
            pa.array(extras[Extra.H3_R15].astype(np.uint64)),
        ],
        schema=SCHEMA,
    )


def end_of(begin_ms: Ints, precision: npt.NDArray[np.uint8]) -> Ints:
    """Return the last millisecond of `(N,)` times that begin at `begin_ms`, as `store.times.end_ms` does for one."""
    end = begin_ms.astype(np.int64)
    is_week, is_month = precision == Precision.WEEK, precision == Precision.MONTH
    end[is_week] += 7 * DAY_MS - 1
    months = begin_ms[is_month].astype("datetime64[ms]").astype("datetime64[M]") + 1
    end[is_month] = months.astype("datetime64[ms]").astype(np.int64) - 1
    return end


def uuid_texts(raw: npt.NDArray[np.uint8], *, is_optional: bool = False) -> pa.Array:
    """Return `(N, 16)` bytes as texts with dashes; where it is optional, none for 16 zero bytes."""
    count = len(raw)
    digits = _HEX[raw].view(np.uint8).reshape(count, 2 * _UUID_BYTES)
    letters = np.full((count, _UUID_CHARACTERS), ord("-"), np.uint8)
    for number, (first, end) in enumerate(_GROUPS):
        letters[:, first:end] = digits[:, first - number : end - number]
    if not is_optional:
        return _texts(letters, np.ones(count, bool))
    return _texts(letters, (raw != 0).any(axis=1))


def _texts(letters: npt.NDArray[np.uint8], is_there: npt.NDArray[np.bool_]) -> pa.Array:
    offsets = np.zeros(len(letters) + 1, np.int32)
    np.cumsum(is_there * letters.shape[1], out=offsets[1:], dtype=np.int32)
    absent = None
    if not is_there.all():
        letters, absent = letters[is_there], pa.py_buffer(np.packbits(is_there, bitorder="little").tobytes())
    buffers = [absent, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters))]
    return pa.Array.from_buffers(pa.string(), len(is_there), buffers)


def wkb_points(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> pa.Array:
    """Return positions as well-known binary: little-endian points."""
    points = np.empty(len(lon), WKB_POINT)
    points["order"], points["kind"], points["x"], points["y"] = 1, 1, lon, lat
    offsets = np.arange(len(lon) + 1, dtype=np.int32) * np.int32(WKB_POINT.itemsize)
    return pa.Array.from_buffers(pa.binary(), len(lon), [None, pa.py_buffer(offsets), pa.py_buffer(points)])


def words(index: npt.NDArray[np.int32], known: list[str]) -> pa.DictionaryArray:
    """Return texts of which there are few."""
    return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(known, pa.string()))


def terms_columns(numbers: Ints, terms: Mapping[int, Terms]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return policy, licence and attribution of each picture; no attribution where nobody chose a name."""
    used, index = np.unique(numbers, return_inverse=True)
    of_each = [terms[int(number)] for number in used]
    columns = []
    for values in (
        [each.policy for each in of_each],
        [each.license_id for each in of_each],
        [each.attribution for each in of_each],
    ):
        known = sorted(set(values) - {""})
        codes = np.array([known.index(value) if value else -1 for value in values], np.int32)[index.astype(np.intp)]
        # Absent rather than empty: the mask is of the index.
        index_array = pa.array(codes, mask=codes < 0)
        columns.append(pa.DictionaryArray.from_arrays(index_array, pa.array(known, pa.string())))
    return columns[0], columns[1], columns[2]


def _one_less(column: Ints, *, scale: int = 1) -> pa.Array:
    """Return a number that was stored one greater, so that 0 is none; divided by `scale`, if that is not 1."""
    is_absent = column == 0
    if scale == 1:
        return pa.array((column - 1).astype(np.int32), mask=is_absent)
    return pa.array((column - 1).astype(np.float32) / np.float32(scale), mask=is_absent)
