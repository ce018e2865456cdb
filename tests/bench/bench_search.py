"""How long a STAC search of a box of 2 km takes over HTTP, in the country of `bench_tiles`.

The boxes lie around pictures drawn at random, so that dense towns come as often as they have pictures. The server is
`dashlight serve` in a process of its own, the client this one, over one kept connection.
"""

import http.client
import json
import math
import random
import sqlite3
import statistics
import time

import country
from servers import ServerProcess

NAMES = ("search.limit10_p50_ms", "search.limit100_p50_ms")
BOXES = 200
RUNS = 3
HALF_M = 1_000.0
M_PER_DEG = 111_195.0


def boxes(path, seed):
    """Return boxes of 2 km around pictures drawn at random."""
    rng = random.Random(seed)
    found = []
    with sqlite3.connect(path) as connection:
        last = connection.execute("SELECT MAX(number) FROM picture").fetchone()[0]
        while len(found) < BOXES:
            row = connection.execute(
                "SELECT lon_e6, lat_e6 FROM picture WHERE number = ?", (rng.randint(1, last),)
            ).fetchone()
            lon, lat = row[0] / 1e6, row[1] / 1e6
            north = HALF_M / M_PER_DEG
            east = north / math.cos(math.radians(lat))
            found.append(f"{lon - east:.6f},{lat - north:.6f},{lon + east:.6f},{lat + north:.6f}")
    connection.close()
    return found


def timed(connection, box, limit):
    began = time.perf_counter()
    connection.request("GET", f"/api/search?bbox={box}&limit={limit}")
    reply = connection.getresponse()
    content = reply.read()
    elapsed_ms = (time.perf_counter() - began) * 1000
    assert reply.status == 200, content[:200]
    assert json.loads(content)["numberReturned"] > 0
    return elapsed_ms


def run():
    """Yield the two figures."""
    folder = country.data()
    medians = {10: [], 100: []}
    for number in range(RUNS):
        server = ServerProcess(folder, "--recheck-share", "0").start()
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        drawn = boxes(folder / "dashlight.sqlite", number)
        for limit, found in medians.items():
            for box in drawn[:20]:  # Not the first touch of a new process.
                timed(connection, box, limit)
            found.append(statistics.median(timed(connection, box, limit) for box in drawn))
        connection.close()
        server.stop()
    for limit, found in medians.items():
        first, _, third = statistics.quantiles(found, n=4, method="inclusive")
        yield {
            "name": f"search.limit{limit}_p50_ms",
            "value": round(statistics.median(found), 2),
            "unit": "ms",
            "input": f"{country.PICTURES} pictures, {BOXES} boxes of 2 km, over HTTP",
            "runs": RUNS,
            "spread": round(third - first, 2),
        }
