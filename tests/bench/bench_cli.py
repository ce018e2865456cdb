"""How long `dashlight --help` takes: from the start of the process to its end, as a shell sees it."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

NAMES = ("cli.help_ms",)
RUNS = 15


def run():
    command = [str(Path(sys.executable).parent / "dashlight"), "--help"]
    times_ms = []
    for _ in range(RUNS + 2):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times_ms.append(1000 * (time.perf_counter() - started))
    warm = times_ms[2:]
    first, median, third = statistics.quantiles(warm, n=4)
    yield {
        "name": "cli.help_ms",
        "value": round(median, 1),
        "unit": "ms",
        "input": "dashlight --help, warm disk cache",
        "runs": RUNS,
        "spread": round(third - first, 1),
    }
