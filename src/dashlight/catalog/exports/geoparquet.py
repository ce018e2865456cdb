"""Writing GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0): points as WKB, boxes as the covering, zstd.

Rows come in the order of the map's keys, so that each row group is a compact place and a reader of a box skips the
others by their statistics. Nothing in a file says when it was made.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dashlight.store.places import Marks

ROW_GROUP = 65_536
_LEVEL = 2  # Of zstd: two hundredths larger than level 3, and a fifth quicker.
_PLAIN = ("id", "geometry", "h3_r15")  # Columns in which hardly anything comes twice.


class GeoParquetFile:
    """A file that is being written, in pieces; used as a context.

    Args:
        path: Of the file.
        schema: Its columns; `geometry` and `bbox` among them where it is about places.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Open it."""
        names = [name for name in schema.names if name not in (*_PLAIN, "bbox")]
        self._has_places = "geometry" in schema.names
        self._bounds: list[tuple[float, float, float, float]] = []
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=names,
            write_statistics=True,
            store_schema=False,
        )
        self.rows = 0

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def write(self, table: pa.Table, marks: Marks) -> None:
        """Append rows.

        Args:
            table: They.
            marks: Of the same pictures, for the bounds.
        """
        if len(marks):
            lon, lat = marks["lon_e6"], marks["lat_e6"]
            corners = (lon.min(), lat.min(), lon.max(), lat.max())
            self._bounds.append((corners[0] / 1e6, corners[1] / 1e6, corners[2] / 1e6, corners[3] / 1e6))
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        self.rows += len(table)

    def __exit__(
        self, kind: type[BaseException] | None, _exc: BaseException | None, _where: TracebackType | None
    ) -> None:
        """Write what a reader looks at first, and close."""
        if kind is None and self._has_places:
            self._writer.add_key_value_metadata({"geo": json.dumps(geo_metadata(self._bounds))})
        self._writer.close()


def geo_metadata(bounds: list[tuple[float, float, float, float]]) -> dict[str, Any]:
    """Return the `geo` metadata of points in OGC:CRS84, which is what a file without a `crs` is in."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "covering": {"bbox": {name: ["bbox", name] for name in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if bounds:
        table = np.array(bounds)
        column["bbox"] = [*table[:, :2].min(axis=0).tolist(), *table[:, 2:].max(axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
