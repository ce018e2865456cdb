"""How many pictures a second become rows of a GeoParquet snapshot: read, sorted, written, synced.

The country is that of `bench_tiles`. What is timed is what `dashlight export geoparquet --output` does once Python has
started: all parts of the export into a new folder, in one process, with its default two threads.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import country

from dashlight.catalog.exports.job import write_to_folder
from dashlight.catalog.exports.snapshot import Snapshot
from dashlight.store.sqlite import SqliteDatabase

NAMES = ("export.geoparquet_rows_per_s",)
RUNS = 3


def run():
    """Yield the figure."""
    folder = country.data()
    database = SqliteDatabase(folder / "dashlight.sqlite")
    rates, size_bytes, rows = [], 0, 0
    try:
        for _ in range(RUNS):
            output = Path(tempfile.mkdtemp(dir=country.CACHE)) / "export"
            began = time.perf_counter()
            made = write_to_folder(Snapshot(), database, output)
            rates.append(made.pictures / (time.perf_counter() - began))
            size_bytes, rows = made.size_bytes, made.pictures
            shutil.rmtree(output.parent)
    finally:
        database.close()
    first, _, third = statistics.quantiles(rates, n=4, method="inclusive")
    yield {
        "name": NAMES[0],
        "value": round(statistics.median(rates)),
        "unit": "rows/s",
        "input": f"{rows} pictures of SQLite, {size_bytes / max(1, rows):.0f} bytes a row, to a local disk",
        "runs": RUNS,
        "spread": round(third - first),
    }
