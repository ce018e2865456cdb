"""What fifty times as many pictures change: the cost of taking one in, and of a tile, over that at a million.

Both countries are `road_network`s of the same density, so the larger one has more towns and roads. Bundles are as large
as those of `bench_server`; they lie along the country's streets, where their pictures meet rows that are there, and are
new in each run. Their rows stay in the two countries (0.02 % of the larger one in ten runs), their objects do not.
Tiles are those of `bench_tiles`; the figure is the sum of the five zooms' medians over the same at a million.
"""

import http.client
import secrets
import sqlite3
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import bench_server
import bench_tiles
import country
import made_bundles
from servers import ServerProcess, draw_tokens

from dashlight.model import LonLat, PictureClaim, Policy, destination
from dashlight.wire import BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle

NAMES = ("growth.ingest", "growth.tiles")
BUNDLES, PICTURES, RUNS = 8, 300, 3


def archives(path, pictures):
    """Return new bundles that begin at pictures of the country."""
    with sqlite3.connect(path) as connection:
        last = connection.execute("SELECT MAX(number) FROM picture").fetchone()[0]
        numbers = [1 + secrets.randbelow(last) for _ in range(BUNDLES)]
        marks = ",".join("?" * len(numbers))
        origins = connection.execute(f"SELECT lon_e6, lat_e6 FROM picture WHERE number IN ({marks})", numbers)
        places = [LonLat(lon / 1e6, lat / 1e6) for lon, lat in origins.fetchall()]
    connection.close()
    return [_archive(place, secrets.randbits(30), pictures) for place in places]


def _archive(origin, number, pictures):
    start = made_bundles.START - timedelta(hours=1)
    made = [
        BundlePicture(
            pictures[n % len(pictures)],
            PictureClaim(destination(origin, 90.0, 5.0 * n), start + timedelta(milliseconds=333 * n), 90.0, 3.0),
            deletion_commitment(deletion_secret(made_bundles.SEED, number, n)),
        )
        for n in range(PICTURES)
    ]
    key = bundle_key(made_bundles.SEED, number)
    sequence = UUID(bytes=secrets.token_bytes(16), version=4)
    return encode_bundle(made, key, policy=Policy.FLEET, license_id="CC-BY-SA-4.0", sequence=sequence)


def ingest_seconds(folder, pictures):
    """Return the seconds that a picture takes, in one life of a server."""
    made = archives(folder / "dashlight.sqlite", pictures)
    names = [made_bundles.sha256_of(archive) for archive in made]
    objects = folder / "objects"
    before = set(objects.rglob("*"))
    tokens = draw_tokens(folder, len(made))
    server = bench_server.started(folder)
    began = time.perf_counter()
    with ThreadPoolExecutor(bench_server.SENDERS) as pool:
        receipts = list(pool.map(bench_server.put, [server] * len(made), made, names, tokens))
    seconds = time.perf_counter() - began
    server.stop()
    for path in set(objects.rglob("*")) - before:
        if path.is_file():
            path.unlink()
    return seconds / sum(receipt.pictures for receipt, _ in receipts)


def tile_medians(folder, tiles, seed):
    """Return the median milliseconds of each zoom, in one life of a server."""
    server = ServerProcess(folder, "--recheck-share", "0", env=bench_tiles.UNCACHED).start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    medians = {zoom: bench_tiles.median_ms(connection, zoom, tiles[zoom], seed) for zoom in bench_tiles.ZOOMS}
    connection.close()
    server.stop()
    return medians


def run():
    """Yield the two figures; both countries are asked in turn, so that what else runs here touches both alike."""
    folders = country.data(country.SMALL), country.data(country.GROWN)
    pictures = [bench_server._picture(n) for n in range(12)]
    held = [
        {zoom: bench_tiles.held_tiles(folder / "dashlight.sqlite", zoom) for zoom in bench_tiles.ZOOMS}
        for folder in folders
    ]
    tiles, zooms, ingest = [], [], []
    for number in range(RUNS):
        small, grown = (tile_medians(folder, each, number) for folder, each in zip(folders, held, strict=True))
        tiles.append(sum(grown.values()) / sum(small.values()))
        zooms.append({zoom: grown[zoom] / small[zoom] for zoom in small})
        small_s, grown_s = (ingest_seconds(folder, pictures) for folder in folders)
        ingest.append(grown_s / small_s)
    what = f"{country.GROWN} pictures over {country.SMALL}"
    yield bench_server.row("growth.ingest", ingest, "", f"{what}, {BUNDLES} bundles of {PICTURES}", 2)
    each = ", ".join(f"z{zoom} {statistics.median(run[zoom] for run in zooms):.2f}" for zoom in bench_tiles.ZOOMS)
    yield bench_server.row("growth.tiles", tiles, "", f"{what}, sum of the medians of the zooms; {each}", 2)
