"""The list of bundles: in which bytes of which address each picture lies, for programs that stream many.

Pictures that came as `fleet` or `open` lie in the bundles in which they came, one after the other, so that one request
for a range brings many of them. Of `personal` pictures it is told where each can be had and nothing else: which of them
lie together would tell which came on the same day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dashlight.catalog.exports.columns import SCHEMA as PICTURES
from dashlight.catalog.exports.columns import end_of, terms_columns, uuid_texts, words
from dashlight.catalog.exports.formats import Group, Plan
from dashlight.catalog.exports.geoparquet import GeoParquetFile
from dashlight.catalog.exports.snapshot import chunks, parts
from dashlight.store import exporting
from dashlight.store.database import Database
from dashlight.store.exporting import Extra, Pictures, Terms
from dashlight.store.exports import ExportFile
from dashlight.store.places import policy_code
from dashlight.store.schema import Precision

PART_PICTURES = 1_000_000
_EXTRAS = (
    Extra.TERMS,
    Extra.WIDTH,
    Extra.HEIGHT,
    Extra.OBJECT,
    Extra.OFFSET,
    Extra.SIZE,
    Extra.THUMBNAIL_OFFSET,
    Extra.THUMBNAIL_SIZE,
)
_LIKE_PICTURES = (
    "datetime",
    "end_datetime",
    "captured_precision",
    "heading_deg",
    "policy",
    "license",
    "attribution",
    "width",
    "height",
    "sequence",
)
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("offset_bytes", pa.int64(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("thumbnail_url", pa.string(), nullable=False),
        pa.field("thumbnail_offset_bytes", pa.int64(), nullable=False),
        pa.field("thumbnail_size_bytes", pa.int64(), nullable=False),
        pa.field("lon", pa.float64(), nullable=False),
        pa.field("lat", pa.float64(), nullable=False),
        *(PICTURES.field(name) for name in _LIKE_PICTURES),
    ]
)


class Bundles:
    """Where the bytes of pictures lie.

    Args:
        base_url: What addresses begin with; empty for relative ones.
    """

    name = "bundles"

    def __init__(self, *, base_url: str) -> None:
        """Say where the server is."""
        self._base_url = base_url

    def plan(self, database: Database, *, done: Sequence[ExportFile], before: Sequence[ExportFile]) -> Plan:
        """Return parts from where the last one ended."""
        del before
        return Plan(parts(database, done, pictures=PART_PICTURES, form="bundles-{:05}.parquet"))

    def write(
        self, database: Database, group: Group, paths: Sequence[Path], *, check: Callable[[], None]
    ) -> list[int | None]:
        """Write one part."""
        (planned,), (path,) = group, paths
        with GeoParquetFile(path, SCHEMA) as file:
            for pictures, terms in chunks(database, planned.coverage, _EXTRAS):
                check()
                file.write(self._table(database, pictures, terms), pictures.marks)
        return [file.rows]

    def _table(self, database: Database, pictures: Pictures, terms: Mapping[int, Terms]) -> pa.Table:
        """Return the rows: those of bundles in the order of their bytes, and then the others in that of the map."""
        is_personal = pictures.marks["policy"] == policy_code("personal")
        bundled, alone = pictures.chosen(~is_personal), pictures.chosen(is_personal)
        numbers = np.unique(bundled.extras[Extra.OBJECT])
        with database.read() as connection:
            keys = exporting.object_keys(connection, numbers.tolist())
        # One that was erased just now has no object any more: the whole file is withdrawn then.
        names = np.array([keys.get(int(number), "") for number in numbers], np.str_)
        name_of_each = names[np.searchsorted(numbers, bundled.extras[Extra.OBJECT])]
        order = np.lexsort((bundled.extras[Extra.OFFSET], name_of_each))
        bundled, name_of_each = bundled.chosen(order), name_of_each[order]
        urls = pc.binary_join_element_wise(
            pa.scalar(f"{self._base_url}/v1/objects/"), pa.array(name_of_each, pa.string()), ""
        )
        of_bundles = self._rows(
            bundled, terms, (urls, urls), bundled.extras[Extra.OFFSET], bundled.extras[Extra.THUMBNAIL_OFFSET]
        )
        return pa.concat_tables([of_bundles, self._rows_alone(alone, terms)])

    def _rows_alone(self, pictures: Pictures, terms: Mapping[int, Terms]) -> pa.Table:
        ids = uuid_texts(pictures.marks["id"])
        before = pa.scalar(f"{self._base_url}/v1/pictures/")
        urls = [
            pc.binary_join_element_wise(before, ids, pa.scalar(after), "") for after in ("/picture.jpg", "/thumb.jpg")
        ]
        from_the_start = np.zeros(len(pictures), np.int64)
        return self._rows(pictures, terms, (urls[0], urls[1]), from_the_start, from_the_start)

    @staticmethod
    def _rows(
        pictures: Pictures,
        terms: Mapping[int, Terms],
        urls: tuple[pa.Array, pa.Array],
        offsets: npt.NDArray[np.int64],
        thumbnail_offsets: npt.NDArray[np.int64],
    ) -> pa.Table:
        marks, extras = pictures.marks, pictures.extras
        begin_ms = np.ascontiguousarray(marks["captured_ms"])
        moments = (begin_ms, end_of(begin_ms, marks["precision"]))
        policy, license_id, attribution = terms_columns(extras[Extra.TERMS], terms)
        return pa.Table.from_arrays(
            [
                uuid_texts(marks["id"]),
                urls[0],
                pa.array(offsets),
                pa.array(extras[Extra.SIZE]),
                urls[1],
                pa.array(thumbnail_offsets),
                pa.array(extras[Extra.THUMBNAIL_SIZE]),
                pa.array(marks["lon_e6"] / 1e6),
                pa.array(marks["lat_e6"] / 1e6),
                *(pa.array(each).cast(PICTURES.field("datetime").type) for each in moments),
                words(marks["precision"].astype(np.int32), [each.name.lower() for each in Precision]),
                pa.array(marks["heading_ddeg"].astype(np.float32) / np.float32(10)),
                policy,
                license_id,
                attribution,
                pa.array(extras[Extra.WIDTH].astype(np.int32)),
                pa.array(extras[Extra.HEIGHT].astype(np.int32)),
                uuid_texts(marks["sequence"], is_optional=True),
            ],
            schema=SCHEMA,
        )
