"""How long a thumbnail takes over HTTP, of pictures drawn at random from the country of `bench_tiles`.

The row of each is looked up among all by its identifier; the bytes of all lie in one object, which the system keeps in
memory: what is measured is the server and its database, not a disk. One kept connection.
"""

import http.client
import random
import sqlite3
import statistics
import time
from uuid import UUID

import bench_server
import country
from servers import ServerProcess

NAMES = ("pictures.thumbnail_p50_ms",)
DRAWN, RUNS = 1_000, 5


def object_of(folder):
    """Write the object that every row names, with a thumbnail where they say."""
    path = folder / "objects" / "bundles" / "00" / "none"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        jpeg = bench_server._picture(1).thumbnail_jpeg
        path.write_bytes(bytes(country.THUMBNAIL_AT) + jpeg.ljust(country.THUMBNAIL_BYTES, b"\0"))


def identifiers(path, seed):
    """Return pictures drawn at random."""
    rng = random.Random(seed)
    with sqlite3.connect(path) as connection:
        drawn = [
            connection.execute(
                "SELECT id FROM picture WHERE number = ?", (rng.randint(1, country.PICTURES),)
            ).fetchone()[0]
            for _ in range(DRAWN)
        ]
    connection.close()
    return [UUID(bytes=each) for each in drawn]


def timed(connection, name):
    began = time.perf_counter()
    connection.request("GET", f"/v1/pictures/{name}/thumb.jpg")
    reply = connection.getresponse()
    content = reply.read()
    elapsed_ms = (time.perf_counter() - began) * 1000
    assert (reply.status, len(content)) == (200, country.THUMBNAIL_BYTES), content[:200]
    return elapsed_ms


def run():
    """Yield the figure."""
    folder = country.data()
    object_of(folder)
    medians = []
    for number in range(RUNS):
        drawn = identifiers(folder / "dashlight.sqlite", number)
        server = ServerProcess(folder, "--recheck-share", "0").start()
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for name in drawn[:50]:  # Not the first touch of a new process.
            timed(connection, name)
        medians.append(statistics.median(timed(connection, name) for name in drawn[50:]))
        connection.close()
        server.stop()
    what = f"{country.PICTURES} pictures, {DRAWN} drawn at random, {country.THUMBNAIL_BYTES} bytes each, over HTTP"
    yield bench_server.row(NAMES[0], medians, "ms", what, 2)
