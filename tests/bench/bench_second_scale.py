"""The second scale: taking bundles in with PostgreSQL and S3 behind two servers.

PostgreSQL and SeaweedFS run on the same machine with what a receipt promises: PostgreSQL with fsync, SeaweedFS syncing
each write of the bucket. Bundles are as in `bench_server`, sent to both servers in turn.
"""

import http.client
import json
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import bench_server
import made_bundles
import postgres
import s3
from servers import ServerProcess

from dashlight.config import ServerSettings
from dashlight.model import Policy
from dashlight.store import tokens
from dashlight.store.upkeep import open_store
from dashlight.wire import from_base64url

NAMES = ("ingest.scaled.pictures_per_s",)
SERVERS, SENDERS, RUNS = 2, 4, 3


@contextmanager
def synced_bucket():
    """Run an S3 server that syncs each write before it answers, as deploy/compose.yaml has it."""
    with s3.running() as bucket:
        subprocess.run(
            [s3.binary(), "shell", f"-master=127.0.0.1:{bucket.master}", f"-filer=127.0.0.1:{bucket.filer}"],
            input=b"fs.configure -locationPrefix=/buckets/dashlight/ -fsync -apply\n",
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield bucket


def tokens_of(folder, settings, count):
    store = open_store(folder, settings)
    try:
        invite = store.database.write(lambda t: tokens.create_invite(t, Policy.FLEET))
        credential = store.database.write(lambda t: tokens.enrol(t, invite, Policy.FLEET, "CC-BY-SA-4.0"))
        return store.database.write(lambda t: tokens.draw_tokens(t, credential, count, day=0, per_day=count))
    finally:
        store.database.close()


def key_of(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/v1/instance")
    key = from_base64url(json.loads(connection.getresponse().read())["server_key"])
    connection.close()
    return key


def ingest_run(cluster, bucket, archives, names):
    """Return pictures a second of one life of the servers."""
    with tempfile.TemporaryDirectory(dir=bench_server.CACHE.parent) as name:
        folder = Path(name)
        settings = ServerSettings(
            database_url=cluster.url(),
            objects_url=bucket.url(),
            objects_key_id=s3.KEY_ID,
            objects_secret=s3.SECRET,
            key_file=folder / "server.key",
        )
        drawn = tokens_of(folder / "tokens", settings, len(archives))
        env = bench_server.INSTALLED | {
            f"DASHLIGHT_SERVER_{name.upper()}": str(getattr(settings, name))
            for name in ("database_url", "objects_url", "objects_key_id", "objects_secret", "key_file")
        }
        servers = [ServerProcess(folder / str(n), env=env).start() for n in range(SERVERS)]
        for server in servers:
            server.key = key_of(server)
        chosen = [servers[n % SERVERS] for n in range(len(archives))]
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as pool:
            receipts = list(pool.map(bench_server.put, chosen, archives, names, drawn))
        seconds = time.perf_counter() - began
        for server in servers:
            server.stop()
    return sum(receipt.pictures for receipt, _ in receipts) / seconds


def run():
    """Yield the figure."""
    if why := postgres.why_not() or s3.why_not():
        raise SystemExit(why)
    archives = bench_server.bundles()
    names = [made_bundles.sha256_of(archive) for archive in archives]
    with postgres.running(is_durable=True) as cluster, synced_bucket() as bucket:
        found = [ingest_run(cluster, bucket, archives, names) for _ in range(RUNS)]
    what = (
        f"{len(archives)} bundles of {bench_server.PICTURES}, {SENDERS} senders, {SERVERS} servers, "
        "PostgreSQL and SeaweedFS on the same machine, both syncing"
    )
    yield bench_server.row("ingest.scaled.pictures_per_s", found, "pictures/s", what, 0)
