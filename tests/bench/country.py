"""The country of the benchmarks: how many pictures it has, and its data, made once and kept.

`DASHLIGHT_BENCH_PICTURES` (or `tools/bench.py --pictures`) makes another size. The rows are those that publishing
writes (a test compares them), put into the tables in bulk: 10 million take about four minutes of two cores and 4.1 GB.
"""

import os
import shutil
from pathlib import Path

import road_network

CACHE = Path(".cache/bench")
PICTURES = int(os.environ.get("DASHLIGHT_BENCH_PICTURES", "10000000"))
GROWN = int(os.environ.get("DASHLIGHT_BENCH_GROWN", "50000000"))  # For `growth.*`.


def data(pictures=None):
    """Return the folder of the country's data; made when it is not there."""
    pictures = PICTURES if pictures is None else pictures
    folder = CACHE / f"country-{pictures}-v1"
    if not folder.exists():
        part = CACHE / f"country-{pictures}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        road_network.build(part / "dashlight.sqlite", pictures)
        part.rename(folder)
    return folder
