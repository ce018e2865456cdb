"""`edge.realtime_factor`: how much faster than it was driven a recording goes the whole way to its receipts.

Beside the factor stands `cpu_s`, the processor time of the edge alone: on a machine that has other work it tells more.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from made_recordings import FOOTAGE, recording
from servers import ServerProcess

NAMES = ("edge.realtime_factor",)
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench"
SECONDS = 24
RUNS = 3


def input_recording():
    """Return a cached 1080p30 H.264 recording at 15 m/s and what it is, in words."""
    is_real = FOOTAGE.is_file()
    path = CACHE / f"edge-1080p30-{'real' if is_real else 'drawn'}-{SECONDS}s.mp4"
    if not path.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_name("part-" + path.name)
        recording(part, SECONDS, size=(1920, 1080), rate=30, is_real=is_real)
        part.replace(path)
    footage = "real road footage scaled up and repeated" if is_real else "drawn footage"
    return path, f"{SECONDS} s of 1080p30 H.264 ({footage}) at 15 m/s, a picture each 5 m, server on the same 2 cores"


def run():
    """Yield what was measured."""
    path, words = input_recording()
    factors, cpu_s = [], []
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder, "server"), env={"DASHLIGHT_SERVER_RECHECK_SHARE": "0.002"}).start()
        for n in range(RUNS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds, summary = imported(path, Path(folder, f"home-{n}"), server)
            if summary["uploaded_pictures"] != summary["pictures"] or not summary["pictures"]:
                raise RuntimeError(f"the import did not go through: {summary}")
            factors.append(summary["driven_s"] / seconds)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        server.stop()
    yield row(
        "edge.realtime_factor",
        factors,
        "driven/elapsed",
        words,
        pictures=summary["pictures"],
        cpu_s=round(statistics.median(cpu_s), 1),
    )


def imported(path, home, server):
    """Import the recording with a fresh home; return the seconds of the whole command and its summary."""
    dashlight = (sys.executable, "-m", "dashlight")
    invite = [*dashlight, "invite", "create", "--data", str(server.folder), "--policy", "fleet"]
    code = subprocess.run(invite, check=True, capture_output=True, text=True).stdout.strip()
    command = [
        *(*dashlight, "edge", "import", str(path), "--home", str(home), "--json"),
        *("--server", server.url, "--invite", code, "--policy", "fleet"),
    ]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, json.loads(done.stdout.splitlines()[-1])


def row(name, values, unit, words, **more):
    """Return a row of the table."""
    quartiles = statistics.quantiles(values, n=4)
    return {
        "name": name,
        "value": round(statistics.median(values), 3),
        "unit": unit,
        "input": words,
        "runs": len(values),
        "spread": round(quartiles[2] - quartiles[0], 3),
        **more,
    }
