"""How long a tile takes at 10 million pictures, over HTTP, with no tile in any cache of ours.

The country is `road_network`: towns with a street each 150 m and roads between them, a picture each 5 m. At each zoom
200 tiles are drawn at random from those that hold pictures. The server is `dashlight serve` in a process of its own,
without its tile cache, the client this one, over one kept connection; the time is from the first byte sent to the last
byte received. Reported is the worst of the five zooms.
"""

import http.client
import random
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import country
from servers import ServerProcess

from dashlight.model import qk_range

NAMES = ("tiles.p50_ms", "tiles.p95_ms")
ZOOMS = (5, 8, 11, 14, 15)
TILES = 200
RUNS = 3
UNCACHED = {"DASHLIGHT_SERVER_TILE_CACHE_MB": "0"}


def held_tiles(path, zoom):
    """Return the tiles of a zoom that hold pictures."""
    shift = 2 * (24 - zoom)
    with sqlite3.connect(path) as connection:
        keys = [
            row[0] for row in connection.execute("SELECT DISTINCT qk >> ? FROM cover WHERE resolution = 11", (shift,))
        ]
    connection.close()
    tiles = []
    for key in keys:
        x = sum((key >> 2 * bit & 1) << bit for bit in range(zoom))
        y = sum((key >> 2 * bit + 1 & 1) << bit for bit in range(zoom))
        assert qk_range(zoom, x, y)[0] == key << shift
        tiles.append((x, y))
    return sorted(tiles)


def timed(connection, zoom, x, y):
    began = time.perf_counter()
    connection.request("GET", f"/v1/tiles/{zoom}/{x}/{y}.mvt", headers={"Accept-Encoding": "gzip"})
    reply = connection.getresponse()
    content = reply.read()
    elapsed_ms = (time.perf_counter() - began) * 1000
    assert reply.status in (200, 204), reply.status
    return elapsed_ms, len(content)


def times_ms(connection, zoom, tiles, seed):
    """Return how long tiles take that are drawn at random, sorted."""
    drawn = random.Random(seed).choices(tiles, k=TILES)
    return sorted(timed(connection, zoom, x, y)[0] for x, y in drawn)


def median_ms(connection, zoom, tiles, seed):
    """Return the median of such times."""
    return statistics.median(times_ms(connection, zoom, tiles, seed))


def run():
    """Yield the two figures."""
    folder = country.data()
    tiles = {zoom: held_tiles(folder / "dashlight.sqlite", zoom) for zoom in ZOOMS}
    yield from measured(lambda _own: ServerProcess(folder, "--recheck-share", "0", env=UNCACHED), tiles)


def measured(make_server, tiles):
    """Yield the two figures of servers that `make_server` makes, each with an empty folder."""
    p50, p95 = {zoom: [] for zoom in ZOOMS}, {zoom: [] for zoom in ZOOMS}
    for number in range(RUNS):
        with tempfile.TemporaryDirectory() as own:
            server = make_server(Path(own)).start()
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            for zoom in ZOOMS:
                times = times_ms(connection, zoom, tiles[zoom], number)
                p50[zoom].append(statistics.median(times))
                p95[zoom].append(times[min(len(times) - 1, round(0.95 * len(times)))])
            connection.close()
            server.stop()
    for name, found in (("tiles.p50_ms", p50), ("tiles.p95_ms", p95)):
        medians = {zoom: statistics.median(values) for zoom, values in found.items()}
        worst = max(medians, key=medians.get)
        first, _, third = statistics.quantiles(found[worst], n=4, method="inclusive")
        yield {
            "name": name,
            "value": round(medians[worst], 2),
            "unit": "ms",
            "input": f"{country.PICTURES} pictures, {TILES} tiles a zoom, over HTTP, uncached; worst is z{worst}; "
            + ", ".join(f"z{zoom} {value:.2f}" for zoom, value in medians.items()),
            "runs": RUNS,
            "spread": round(third - first, 2),
        }
