"""Exports of a running server, read by the programs that people have."""

import io
import struct
from datetime import UTC, datetime

import duckdb
import pyarrow.parquet as pq
from pmtiles.reader import MemorySource, Reader

from dashlight.catalog.exports.making import make_exports
from dashlight.model import day_of
from dashlight.wire import deletion_secret, to_base64url


def make(server, folder, *names, today=None, **options):
    """Make exports beside a running server, as `dashlight export` does."""
    day = day_of(datetime.now(UTC)) if today is None else today
    return make_exports(server.store, folder, names, base_url=server.url, today=day, **options)


def files(server, name):
    """Return the files of an export as the server lists them, over all pages."""
    found, cursor = [], {}
    while True:
        page = server.client.get(f"/v1/exports/{name}", params={"limit": 50, **cursor}).json()
        found += page["files"]
        if "next" not in page:
            return found
        cursor = {"cursor": page["next"]}


def content(server, name, path):
    reply = server.client.get(f"/v1/exports/{name}/{path}")
    assert reply.status_code == 200, reply.text
    return reply.content


def rows(server, name):
    """Return the rows of all Parquet files of an export."""
    found = []
    for file in files(server, name):
        found += pq.read_table(io.BytesIO(content(server, name, file["path"]))).to_pylist()
    return found


def tiles(server, path="pictures.pmtiles"):
    """Return a reader of an archive of tiles."""
    return Reader(MemorySource(content(server, "pmtiles", path)))


def query(sql, path):
    """Return what DuckDB answers over a Parquet file; `{}` in the question stands for it."""
    with duckdb.connect() as connection:
        return connection.execute(sql.format(f"read_parquet('{path}')")).fetchall()


def point(wkb):
    """Return the position of a point in well-known binary."""
    order, kind, x, y = struct.unpack("<BIdd", wkb)
    assert (order, kind) == (1, 1)
    return x, y


def erase(server, receipt, number, *, seed, bundle_number):
    """Erase a picture with its own secret, as its contributor does."""
    secret = to_base64url(deletion_secret(seed, bundle_number, number))
    reply = server.client.delete(
        f"/v1/pictures/{receipt.picture_ids[number]}", headers={"Dashlight-Deletion-Secret": secret}
    )
    assert reply.status_code == 204, reply.text
