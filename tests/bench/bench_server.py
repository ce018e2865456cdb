"""Taking bundles in over HTTP with durable receipts, how soon the map shows them, and how large the server is.

The server is `dashlight serve` in a process of its own with its defaults (the second look at 0.2 % of the pictures
included, in its own process); the client is this process. Bundles hold 300 pictures of 1280x720 of about 128 KB and
their thumbnails. `ingest.pictures_per_s` counts from the first byte sent until the last receipt is verified.
"""

import http.client
import json
import shutil
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import cv2
import made_bundles
import mapbox_vector_tile
import numpy as np
import simplejpeg
from servers import ServerProcess, draw_tokens

from dashlight.model import PictureClaim, Policy, destination, thumbnail_size_of, tile_xy
from dashlight.model.frame import _SEAL, RedactedPicture
from dashlight.wire import (
    MEDIA_TYPE,
    BundlePicture,
    bundle_key,
    deletion_commitment,
    deletion_secret,
    encode_bundle,
    from_base64url,
    verify_receipt,
)

NAMES = ("ingest.pictures_per_s", "live.receipt_to_map_s", "server.idle_mb", "server.ingest_mb")
BUNDLES, PICTURES, SENDERS, RUNS = 10, 300, 3, 3
PICTURE_BYTES = 128_000
CACHE = Path(".cache/bench/ingest-v2")
INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}  # The server's modules are compiled once, as pip leaves them.


def _scene(number):
    """Return 720p pixels that compress like a street: smooth shapes, edges and grain."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(40, 200, (19, 33, 3)).astype(np.float32)
    image = np.kron(coarse, np.ones((40, 40, 1), np.float32))[:720, :1280]
    return image, rng


def _picture(number):
    image, rng = _scene(number)
    low, high = 0.0, 60.0
    for _ in range(7):  # As much grain as makes 128 KB at the usual quality.
        grain = (low + high) / 2
        noisy = np.clip(image + rng.normal(0, grain, image.shape), 0, 255).astype(np.uint8)
        jpeg = simplejpeg.encode_jpeg(noisy, quality=85, colorspace="RGB", colorsubsampling="420")
        low, high = (grain, high) if len(jpeg) < PICTURE_BYTES else (low, grain)
    thumb = cv2.resize(noisy, thumbnail_size_of((1280, 720)), interpolation=cv2.INTER_AREA)
    thumb_jpeg = simplejpeg.encode_jpeg(thumb, quality=85, colorspace="RGB", colorsubsampling="420")
    return RedactedPicture(jpeg, thumb_jpeg, 1280, 720, thumb.shape[1], thumb.shape[0], (), _SEAL)


def _bundle(number, count, pictures):
    start = made_bundles.START - timedelta(hours=1 + number)
    origin = destination(made_bundles.HERE, 0.0, 200.0 * number)
    return encode_bundle(
        [
            BundlePicture(
                pictures[n % len(pictures)],
                PictureClaim(destination(origin, 90.0, 5.0 * n), start + timedelta(milliseconds=333 * n), 90.0, 3.0),
                deletion_commitment(deletion_secret(made_bundles.SEED, number, n)),
            )
            for n in range(count)
        ],
        bundle_key(made_bundles.SEED, number),
        policy=Policy.FLEET,
        license_id="CC-BY-SA-4.0",
        sequence=UUID(int=number + 1, version=4),
    )


def bundles():
    """Return the archives; made once."""
    if not CACHE.exists():
        part = CACHE.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        pictures = [_picture(n) for n in range(12)]
        for number in range(BUNDLES):
            (part / f"{number}.tar").write_bytes(_bundle(number, PICTURES, pictures))
        part.rename(CACHE)
    return [path.read_bytes() for path in sorted(CACHE.iterdir())]


def put(server, archive, sha256, token):
    """Send a bundle until it is taken and return its verified receipt and when it came."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
        connection.request("PUT", f"/v1/bundles/{sha256}", body=archive, headers=headers)
        reply = connection.getresponse()
        content = reply.read()
        arrived = time.perf_counter()
        connection.close()
        if reply.status != 503:
            break
        time.sleep(0.05)
    assert reply.status == 201, content
    return verify_receipt(content, server_key=server.key, sha256=sha256), arrived


def started(folder):
    server = ServerProcess(folder, env=INSTALLED).start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/v1/instance")
    server.key = from_base64url(json.loads(connection.getresponse().read())["server_key"])
    connection.close()
    return server


def peak_mb(server):
    with Path(f"/proc/{server.process.pid}/status").open() as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def ingest_run(archives, names):
    """Return pictures a second, the idle size and the largest size of one server's life."""
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        tokens = draw_tokens(folder, len(archives))
        server = started(folder)
        idle_mb = server.resident_mb()
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as pool:
            receipts = list(pool.map(put, [server] * len(archives), archives, names, tokens))
        seconds = time.perf_counter() - began
        largest_mb = peak_mb(server)
        server.stop()
    return sum(receipt.pictures for receipt, _ in receipts) / seconds, idle_mb, largest_mb


class Live(threading.Thread):
    """A reader of `/live` that notes when each picture came."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self.connection.request("GET", "/live")
        self.reply = self.connection.getresponse()
        self.came = {}
        self.waiting = threading.Condition()
        assert self.reply.readline().startswith(b"id:")

    def run(self):
        for line in iter(self.reply.readline, b""):
            if line.startswith(b"data: ") and b'"id"' in line:
                with self.waiting:
                    self.came[json.loads(line[6:])["id"]] = time.perf_counter()
                    self.waiting.notify_all()

    def when_all(self, ids):
        with self.waiting:
            assert self.waiting.wait_for(lambda: set(ids) <= self.came.keys(), 30)
            return max(self.came[i] for i in ids)


def live_runs(runs):
    """Yield the seconds from a receipt until a live reader and a fresh tile have every picture of it."""
    pictures = [replace(made_bundles.redacted(s)) for s in range(20)]
    zoom, count = 15, 20
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        tokens = draw_tokens(folder, runs)
        server = started(folder)
        live = Live(server)
        live.start()
        for number, token in enumerate(tokens):
            archive = _bundle(1_000 + number, count, pictures)
            receipt, arrived = put(server, archive, made_bundles.sha256_of(archive), token)
            origin = destination(made_bundles.HERE, 0.0, 200.0 * (1_000 + number))
            tiles = {tile_xy(destination(origin, 90.0, 5.0 * n), zoom) for n in range(count)}
            shown = set()
            for x, y in tiles:
                connection = http.client.HTTPConnection("127.0.0.1", server.port)
                connection.request("GET", f"/v1/tiles/{zoom}/{x}/{y}.mvt")
                content = connection.getresponse().read()
                connection.close()
                shown |= {f["properties"]["id"] for f in mapbox_vector_tile.decode(content)["pictures"]["features"]}
            fresh = time.perf_counter()
            assert set(receipt.picture_ids) <= shown, "a fresh tile lacks a picture that has its receipt"
            yield max(fresh, live.when_all(receipt.picture_ids)) - arrived
        server.stop()
        live.join(10)
        live.connection.close()


def row(name, values, unit, what, digits=1):
    """Return one figure as `make bench` prints it: the median, and the distance between the quartiles."""
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return {
        "name": name,
        "value": round(statistics.median(values), digits),
        "unit": unit,
        "input": what,
        "runs": len(values),
        "spread": round(third - first, digits),
    }


def run():
    """Yield the four figures."""
    archives = bundles()
    names = [made_bundles.sha256_of(a) for a in archives]
    size_kb = sum(map(len, archives)) / len(archives) / PICTURES / 1000
    what = f"{BUNDLES} bundles of {PICTURES} pictures, {size_kb:.0f} kB a picture with thumbnail, {SENDERS} at once"
    found = [ingest_run(archives, names) for _ in range(RUNS)]
    yield row("ingest.pictures_per_s", [f[0] for f in found], "pictures/s", what, 0)
    yield row("server.idle_mb", [f[1] for f in found], "MB", "resident, just started")
    yield row("server.ingest_mb", [f[2] for f in found], "MB", "largest resident, " + what)
    live = list(live_runs(10))
    yield row("live.receipt_to_map_s", live, "s", "20 pictures; live reader and every fresh z15 tile", 3)
