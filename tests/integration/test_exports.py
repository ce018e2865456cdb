"""Exports over real HTTP: what is in them, who can read them, and that what is taken back is not in them."""

import errno
import gzip
import io
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import export_readers
import geoparquet_validator
import httpx
import made_bundles
import pyarrow.parquet as pq
import pytest
from pmtiles.tile import zxy_to_tileid
from servers import personal_archive, served

from dashlight.catalog.exports.job import StoreExport, write_to_folder
from dashlight.catalog.exports.making import format_of
from dashlight.catalog.exports.names import NAMES
from dashlight.catalog.exports.snapshot import Snapshot
from dashlight.catalog.exports.tileset import Tileset, tiles_of
from dashlight.catalog.exports.turn import turn
from dashlight.errors import Busy, Gone, HostError, InputError, Unavailable
from dashlight.ingest.personal import publish_staged
from dashlight.model import PictureClaim, Policy, destination
from dashlight.store import exports, reports
from dashlight.store.backup import back_up
from dashlight.store.moderated import Decision, Ruling
from dashlight.store.upkeep import sweep
from dashlight.wire import BundlePicture, bundle_key, encode_bundle

FLEET, PERSONAL = 30, 4


@pytest.fixture
def server(tmp_path):
    with served(tmp_path) as running:
        running.folder = tmp_path
        yield running


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A server with a drive, personal pictures and every export, for tests that only read."""
    folder = tmp_path_factory.mktemp("exports")
    with served(folder) as running:
        running.folder = folder
        running.receipt = running.publish(made_bundles.archive(FLEET, bundle_number=1))
        running.publish(personal_archive(PERSONAL, 2), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        export_readers.make(running, folder, *NAMES)
        yield running


@pytest.fixture
def snapshot(shown, tmp_path):
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(export_readers.content(shown, "geoparquet", "part-00000.parquet"))
    return path


def features(server):
    page = server.client.get("/v1/pictures", params={"limit": 500}).json()
    return {each["id"]: each for each in page["features"]}


def test_the_snapshot_holds_what_readers_are_told_of_each_picture(shown):
    told = features(shown)

    rows = export_readers.rows(shown, "geoparquet")

    assert {row["id"] for row in rows} == set(told)
    assert len(rows) == FLEET + PERSONAL
    for row in rows:
        feature = told[row["id"]]
        properties = feature["properties"]
        assert export_readers.point(row["geometry"]) == tuple(feature["geometry"]["coordinates"])
        assert row["heading_deg"] == pytest.approx(properties["view:azimuth"])
        assert row["accuracy_m"] == (properties["accuracy_m"] and pytest.approx(properties["accuracy_m"]))
        assert row["captured_precision"] == properties["captured_precision"]
        assert row["datetime"].date().isoformat() == properties["day"]
        for name in ("policy", "license", "attribution", "width", "height", "sequence", "rank"):
            assert row[name] == properties[name], name


def test_times_end_where_stac_says(shown):
    rows = export_readers.rows(shown, "geoparquet")

    assert len(rows) == FLEET + PERSONAL
    for row in rows:
        reply = shown.client.get("/api/search", params={"ids": row["id"]}).json()
        properties = reply["features"][0]["properties"]
        assert row["datetime"] == datetime.fromisoformat(properties["datetime"])
        assert row["end_datetime"] == datetime.fromisoformat(properties.get("end_datetime", properties["datetime"]))


def test_the_snapshot_conforms_to_geoparquet(snapshot):
    done = subprocess.run(
        [Path(sys.executable).with_name("geoparquet-validator"), "check", str(snapshot)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "=> core: 13 pass, 0 fail" in done.stdout
    assert "=> covering: 6 pass, 0 fail" in done.stdout
    assert geoparquet_validator


def test_the_geo_metadata_says_what_the_file_holds(snapshot):
    metadata = pq.read_metadata(snapshot)

    geo = json.loads(metadata.metadata[b"geo"])

    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert column["encoding"] == "WKB"
    assert column["geometry_types"] == ["Point"]
    west, south, east, north = column["bbox"]
    for row in pq.read_table(snapshot).to_pylist():
        assert west <= row["bbox"]["xmin"] == row["bbox"]["xmax"] <= east
        assert south <= row["bbox"]["ymin"] == row["bbox"]["ymax"] <= north
        assert export_readers.point(row["geometry"]) == (row["bbox"]["xmin"], row["bbox"]["ymin"])
    group = metadata.row_group(0)
    assert {group.column(n).compression for n in range(group.num_columns)} == {"ZSTD"}


def test_duckdb_reads_the_snapshot(snapshot):
    ((count,),) = export_readers.query("SELECT count(*) FROM {}", snapshot)
    by_policy = export_readers.query("SELECT policy, count(*) FROM {} GROUP BY policy ORDER BY policy", snapshot)
    inside = export_readers.query(
        "SELECT count(*) FROM {} WHERE bbox.xmin BETWEEN -3.71 AND -3.70 AND policy = 'fleet'", snapshot
    )

    assert count == FLEET + PERSONAL
    assert by_policy == [("fleet", FLEET), ("personal", PERSONAL)]
    assert inside == [(FLEET,)]


def test_rows_are_in_the_order_of_the_map_and_then_of_random_ids(server):
    for number in (1, 2, 3, 4):  # Each time at the same places.
        server.publish(made_bundles.archive(5, bundle_number=number))
    export_readers.make(server, server.folder, "geoparquet")

    rows = export_readers.rows(server, "geoparquet")

    places = [row["geometry"] for row in rows]
    assert len(set(places)) == 5
    for place in set(places):
        ids = [row["id"] for row in rows if row["geometry"] == place]
        assert len(ids) == 4
        assert ids == sorted(ids)
        first = places.index(place)
        assert places[first : first + 4] == [place] * 4


def test_nothing_of_a_file_says_when_what_came(server):
    server.publish(personal_archive(PERSONAL, 2), policy=Policy.PERSONAL)
    publish_staged(server.store.database, server.store.objects)
    export_readers.make(server, server.folder, *NAMES)

    written = [path for path in (server.folder / "objects" / "exports").rglob("*") if path.is_file()]

    assert len(written) == len(NAMES)
    assert {path.stat().st_mtime for path in written} == {0.0}
    for name in ("geoparquet", "partitions", "bundles"):
        for row in export_readers.rows(server, name):
            assert not {"number", "object", "received", "published", "bundle"} & set(row)
            assert row["datetime"] == datetime(2026, 10, 1, tzinfo=UTC)
            assert row["end_datetime"] == datetime(2026, 11, 1, tzinfo=UTC) - timedelta(milliseconds=1)


def test_what_lies_with_what_of_personal_pictures_is_not_told(shown):
    personal = [row for row in export_readers.rows(shown, "bundles") if row["policy"] == "personal"]

    assert len(personal) == PERSONAL
    for row in personal:
        assert row["url"] == f"{shown.url}/v1/pictures/{row['id']}/picture.jpg"
        assert row["offset_bytes"] == row["thumbnail_offset_bytes"] == 0
    with shown.store.database.read() as connection:
        keys = connection.exec_driver_sql("SELECT key FROM object WHERE key LIKE 'personal/%'").scalars().all()
    assert keys
    for key in keys:
        assert shown.client.get(f"/v1/objects/{key}", headers={"Range": "bytes=0-9"}).status_code == 404


def test_partitions_are_by_what_is_told_of_the_time(shown):
    paths = [file["path"] for file in export_readers.files(shown, "partitions")]

    assert {path.split("/")[0] for path in paths} == {"day=2026-11-23", "month=2026-10"}
    assert sum(file["pictures"] for file in export_readers.files(shown, "partitions")) == FLEET + PERSONAL
    key = {row["id"]: row for row in export_readers.rows(shown, "geoparquet")}
    assert {row["id"]: row for row in export_readers.rows(shown, "partitions")} == key


def test_the_archive_has_every_tile_of_the_server_and_no_other(shown):
    reader = export_readers.tiles(shown)
    header = reader.header()

    assert (header["min_zoom"], header["max_zoom"]) == (0, 15)
    assert [layer["id"] for layer in reader.metadata()["vector_layers"]] == ["coverage", "streets", "pictures"]
    count = 0
    for zoom in range(16):
        with shown.store.database.read() as connection:
            x, y = tiles_of(connection, zoom, (0, exports.QK_END))
        for at_x, at_y in zip(x.tolist(), y.tolist(), strict=True):
            reply = shown.client.get(f"/v1/tiles/{zoom}/{at_x}/{at_y}.mvt", headers={"Accept-Encoding": "identity"})
            packed = reader.get(zoom, at_x, at_y)
            assert (gzip.decompress(packed) if packed else b"") == reply.content, (zoom, at_x, at_y)
            count += packed is not None
    assert count == header["addressed_tiles_count"] > 16
    assert zxy_to_tileid(0, 0, 0) == 0


def test_a_large_map_is_an_overview_and_regions_of_which_one_is_withdrawn(server):
    receipts = {number: server.publish(archive_at(number, east_m)) for number, east_m in ((1, 0.0), (2, 2_000_000.0))}
    with turn(server.store.database, server.folder):
        StoreExport(server.store.database, server.store.objects, today=0).make(Tileset(single_pictures=1))
    before = {file["path"]: file for file in export_readers.files(server, "pmtiles")}
    assert len(before) == 3
    assert sum(file["pictures"] for file in before.values()) == 12
    readers = {path: export_readers.tiles(server, path) for path in before}
    for zoom in range(16):
        with server.store.database.read() as connection:
            x, y = tiles_of(connection, zoom, (0, exports.QK_END))
        for at_x, at_y in zip(x.tolist(), y.tolist(), strict=True):
            reply = server.client.get(f"/v1/tiles/{zoom}/{at_x}/{at_y}.mvt", headers={"Accept-Encoding": "identity"})
            found = [packed for reader in readers.values() if (packed := reader.get(zoom, at_x, at_y))]
            assert [gzip.decompress(packed) for packed in found] == ([reply.content] if reply.content else [])

    export_readers.erase(server, receipts[1], 0, seed=made_bundles.SEED, bundle_number=1)

    after = {file["path"]: file for file in export_readers.files(server, "pmtiles")}
    assert after["overview.pmtiles"]["is_withdrawn"]
    assert sum(file["is_withdrawn"] for file in after.values()) == 2
    export_readers.make(server, server.folder)
    assert sum(file["pictures"] for file in export_readers.files(server, "pmtiles")) == 11


def test_a_program_streams_pictures_by_the_list_of_bundles(shown):
    rows = export_readers.rows(shown, "bundles")

    assert len(rows) == FLEET + PERSONAL
    for row in rows:
        for kind, name in (("", "picture.jpg"), ("thumbnail_", "thumb.jpg")):
            start, size = row[f"{kind}offset_bytes"], row[f"{kind}size_bytes"]
            reply = httpx.get(
                row[f"{kind}url"], headers={"Range": f"bytes={start}-{start + size - 1}"}, trust_env=False
            )
            assert reply.status_code == 206
            assert reply.content == shown.client.get(f"/v1/pictures/{row['id']}/{name}").content


def test_one_range_brings_many_pictures_of_a_bundle(shown):
    rows = [row for row in export_readers.rows(shown, "bundles") if row["policy"] == "fleet"]
    assert len({row["url"] for row in rows}) == 1
    assert [row["offset_bytes"] for row in rows] == sorted(row["offset_bytes"] for row in rows)
    start, end = rows[0]["offset_bytes"], rows[-1]["offset_bytes"] + rows[-1]["size_bytes"]

    reply = httpx.get(rows[0]["url"], headers={"Range": f"bytes={start}-{end - 1}"}, trust_env=False)

    assert reply.status_code == 206
    for row in rows:
        at = row["offset_bytes"] - start
        assert reply.content[at : at + 2] == b"\xff\xd8"


def test_a_bundle_gives_out_neither_its_manifest_nor_what_is_hidden(server):
    receipt = server.publish(made_bundles.archive(3, bundle_number=1))
    export_readers.make(server, server.folder, "bundles")
    rows = {row["id"]: row for row in export_readers.rows(server, "bundles")}
    hidden, *others = (rows[name] for name in receipt.picture_ids)
    url = hidden["url"].removeprefix(server.url)

    def get(row):
        start = row["offset_bytes"]
        return server.client.get(url, headers={"Range": f"bytes={start}-{start + row['size_bytes'] - 1}"})

    assert get(hidden).status_code == 206
    server.client.post(f"/v1/pictures/{hidden['id']}/report", json={"issue": "privacy"})

    assert get(hidden).status_code == 410
    assert [get(row).status_code for row in others] == [206, 206]
    whole = {"Range": f"bytes={min(r['offset_bytes'] for r in rows.values())}-"}
    assert server.client.get(url, headers=whole).status_code == 410
    assert server.client.get(url, headers={"Range": "bytes=0-100"}).status_code == 410, "the manifest tells of it too"
    assert server.client.get(url).json()["type"].endswith("/range-required")


@pytest.mark.parametrize("kind", ["objects", "exports"])
@pytest.mark.parametrize("failure", [Gone("it is taken back", code="gone"), Unavailable("busy", code="busy")])
def test_a_download_that_is_taken_back_ends_the_connection_and_is_no_crash(server, monkeypatch, caplog, kind, failure):
    caplog.set_level(logging.INFO, logger="dashlight")
    monkeypatch.setattr(logging.getLogger("dashlight"), "propagate", True)  # A command of another test may end it.
    server.publish(made_bundles.archive(40, bundle_number=1))
    export_readers.make(server, server.folder, "bundles")
    rows = export_readers.rows(server, "bundles")
    begin, end = rows[0]["offset_bytes"], max(row["offset_bytes"] + row["size_bytes"] for row in rows)
    url = rows[0]["url"] if kind == "objects" else f"{server.url}/v1/exports/bundles/bundles-00000.parquet"
    headers = {"Range": f"bytes={begin}-{end - 1}"} if kind == "objects" else {}
    monkeypatch.setattr("dashlight.catalog.exports.routes._CHUNK_BYTES", 1_000)
    objects, read = server.store.objects, server.store.objects.read
    reads = []

    def failing(key, at, size, *, most):
        reads.append(at)
        if len(reads) > most:
            raise failure
        return read(key, at, size)

    monkeypatch.setattr(type(objects), "read", lambda _, *where: failing(*where, most=2))
    with server.client.stream("GET", url, headers=headers) as reply:
        assert reply.status_code == (206 if kind == "objects" else 200)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            reply.read()
    monkeypatch.setattr(type(objects), "read", lambda _, *where: failing(*where, most=0))
    refused = server.client.get(url, headers=headers)

    assert refused.status_code == (410 if failure.code == "gone" else 503), "the first piece is read before the reply"
    ended = [record for record in caplog.records if record.getMessage() == "download.ended"]
    assert {record.reason for record in ended} == {failure.code}
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL") or record.exc_info]


def test_a_file_comes_in_ranges_and_not_twice(shown):
    url = "/v1/exports/geoparquet/part-00000.parquet"
    whole = shown.client.get(url)

    part = shown.client.get(url, headers={"Range": "bytes=-4"})
    other = shown.client.get(url, headers={"Range": "bytes=0-3", "If-Range": '"another"'})
    head = shown.client.head(url)

    assert (whole.content[:4], part.content, part.status_code) == (b"PAR1", b"PAR1", 206)
    assert (
        part.headers["content-range"] == f"bytes {len(whole.content) - 4}-{len(whole.content) - 1}/{len(whole.content)}"
    )
    assert other.status_code == 200
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(whole.content)
    assert shown.client.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert shown.client.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416
    assert shown.client.get("/v1/exports/geoparquet/part-00099.parquet").status_code == 404
    assert shown.client.get("/v1/exports/nothing").status_code == 404
    assert shown.client.get("/v1/exports/geoparquet", params={"cursor": "%"}).status_code == 400


def test_exports_are_listed_as_assets_of_a_stac_collection(shown):
    index = shown.client.get("/v1/exports").json()
    collection = shown.client.get("/v1/exports/stac").json()

    assert {each["format"] for each in index["exports"]} == set(NAMES)
    assert index["being_made"] == []
    assert index["stac"] == f"{shown.url}/v1/exports/stac"
    for asset in collection["assets"].values():
        reply = httpx.get(asset["href"], trust_env=False)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == asset["type"]
    assert {"geoparquet-part-00000", "pmtiles-pictures", "bundles-bundles-00000"} <= set(collection["assets"])


@pytest.mark.parametrize("name", NAMES)
def test_an_erased_picture_vanishes_from_exports(server, name):
    receipt = server.publish(made_bundles.archive(6, bundle_number=1))
    export_readers.make(server, server.folder, name)
    (file,) = export_readers.files(server, name)
    before = export_readers.content(server, name, file["path"])

    export_readers.erase(server, receipt, 2, seed=made_bundles.SEED, bundle_number=1)

    reply = server.client.get(f"/v1/exports/{name}/{file['path']}")
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    assert export_readers.files(server, name)[0]["is_withdrawn"]
    assert server.client.get("/v1/exports/stac").json()["assets"] == {}
    assert not [path for path in (server.folder / "objects" / "exports").rglob("*") if path.is_file()]

    export_readers.make(server, server.folder)  # What the server does by itself: nothing new, what is withdrawn.

    (file,) = export_readers.files(server, name)
    assert file["pictures"] == 5
    after = export_readers.content(server, name, file["path"])
    if name == "pmtiles":
        assert after != before
    else:
        ids = {row["id"] for row in export_readers.rows(server, name)}
        assert ids == set(receipt.picture_ids) - {receipt.picture_ids[2]}


def test_a_hidden_picture_vanishes_and_one_that_is_put_back_comes_with_the_next_export(server):
    receipt = server.publish(made_bundles.archive(3, bundle_number=1))
    export_readers.make(server, server.folder, "geoparquet", "partitions")
    hidden = receipt.picture_ids[0]

    server.client.post(f"/v1/pictures/{hidden}/report", json={"issue": "privacy"})
    export_readers.make(server, server.folder)
    for name in ("geoparquet", "partitions"):
        assert hidden not in {row["id"] for row in export_readers.rows(server, name)}

    server.store.database.write(lambda t: reports.decide(t, UUID(hidden), Ruling(Decision.RESTORE), day=0))
    reports.carry_out(server.store.database, server.store.objects)
    export_readers.make(server, server.folder, "geoparquet", "partitions")
    for name in ("geoparquet", "partitions"):
        assert hidden in {row["id"] for row in export_readers.rows(server, name)}


def test_only_the_part_that_held_the_picture_is_withdrawn(server):
    receipts = {}
    for number, east_m in ((1, 0.0), (2, 300_000.0)):
        receipts[number] = server.publish(archive_at(number, east_m))
    make_in_parts(server, 4)
    parts = export_readers.files(server, "geoparquet")
    assert len(parts) >= 2

    export_readers.erase(server, receipts[1], 0, seed=made_bundles.SEED, bundle_number=1)

    withdrawn = [file for file in export_readers.files(server, "geoparquet") if file["is_withdrawn"]]
    assert len(withdrawn) == 1
    left = {row["id"] for file in parts if file["path"] != withdrawn[0]["path"] for row in read(server, file)}
    assert left >= set(receipts[2].picture_ids)


def archive_at(number, east_m):
    """Return a bundle of six pictures that far to the east."""
    pictures = []
    for n in range(6):
        one = made_bundles.bundled(n, bundle_number=number)
        claim = PictureClaim(destination(one.claim.position, 90.0, east_m + n * 20.0), one.claim.captured, 90.0, 3.5)
        pictures.append(BundlePicture(one.picture, claim, one.deletion_commitment))
    key = bundle_key(made_bundles.SEED, number)
    return encode_bundle(pictures, key, policy=Policy.FLEET, license_id="CC-BY-SA-4.0", sequence=UUID(int=number))


def make_in_parts(server, pictures):
    with turn(server.store.database, server.folder):
        StoreExport(server.store.database, server.store.objects, today=0).make(Snapshot(part_pictures=pictures))


def read(server, file):
    return pq.read_table(io.BytesIO(export_readers.content(server, "geoparquet", file["path"]))).to_pylist()


def test_a_picture_that_is_erased_while_it_is_written_is_in_no_file(server):
    receipt = server.publish(made_bundles.archive(6, bundle_number=1))

    class Slow(Snapshot):
        """Is told of an erasure after it has read the pictures."""

        erased = 0

        def write(self, *args, **options):
            counts = super().write(*args, **options)
            if self.erased < 2:
                export_readers.erase(server, receipt, self.erased, seed=made_bundles.SEED, bundle_number=1)
                self.erased += 1
            return counts

    with turn(server.store.database, server.folder):
        made = StoreExport(server.store.database, server.store.objects, today=0).make(Slow())

    assert made.pictures == 4
    assert {row["id"] for row in export_readers.rows(server, "geoparquet")} == set(receipt.picture_ids[2:])
    assert len([path for path in (server.folder / "objects" / "exports").rglob("*") if path.is_file()]) == 1


def test_unchanged_partitions_stay_and_changed_ones_are_written(server):
    server.publish(archive_at(1, 0.0))
    server.publish(archive_at(2, 300_000.0))
    export_readers.make(server, server.folder, "partitions")
    before = {file["path"]: file["sha256"] for file in export_readers.files(server, "partitions")}
    assert len(before) == 2
    keys = set((server.folder / "objects" / "exports").rglob("*.parquet"))

    server.publish(archive_at(3, 0.0))
    export_readers.make(server, server.folder, "partitions")

    after = {file["path"]: file["sha256"] for file in export_readers.files(server, "partitions")}
    assert after.keys() == before.keys()
    assert sum(after[path] == before[path] for path in before) == 1
    assert len(keys & set((server.folder / "objects" / "exports").rglob("*.parquet"))) == 1
    assert len(export_readers.rows(server, "partitions")) == 18


def test_a_new_export_takes_the_place_of_the_old_one_whole(server):
    server.publish(made_bundles.archive(3, bundle_number=1))
    make_in_parts(server, 1)
    old = {file["path"] for file in export_readers.files(server, "geoparquet")}
    seen = []

    class Watched(Snapshot):
        def write(self, *args, **options):
            seen.append({file["path"] for file in export_readers.files(server, "geoparquet")})
            return super().write(*args, **options)

    server.publish(made_bundles.archive(3, bundle_number=2))
    with turn(server.store.database, server.folder):
        StoreExport(server.store.database, server.store.objects, today=1).make(Watched(part_pictures=2))

    assert seen
    assert all(paths == old for paths in seen)
    assert len(export_readers.rows(server, "geoparquet")) == 6
    written = list((server.folder / "objects" / "exports").rglob("*.parquet"))
    assert len(written) == len(export_readers.files(server, "geoparquet"))


def test_an_interrupted_export_goes_on_where_it_was(server):
    server.publish(made_bundles.archive(6, bundle_number=1))
    calls = []

    class Stopped(Exception):
        pass

    def check():
        calls.append(1)
        if len(calls) == 8:
            raise Stopped

    database, objects = server.store.database, server.store.objects
    with pytest.raises(Stopped), turn(database, server.folder):
        StoreExport(database, objects, today=0, check=check).make(Snapshot(part_pictures=1))
    index = server.client.get("/v1/exports").json()
    assert index["exports"] == []
    done = index["being_made"][0]["pictures_done"]
    assert 0 < done < 6
    assert server.client.get("/v1/exports/geoparquet").status_code == 404
    assert server.client.get("/v1/exports/geoparquet/part-00000.parquet").status_code == 404

    told = []
    with turn(database, server.folder):
        StoreExport(database, objects, today=0, tell=told.append).make(Snapshot(part_pictures=1))

    assert told[0].pictures_done == done + 1
    assert len(export_readers.rows(server, "geoparquet")) == 6


def test_two_exports_are_not_made_at_once(server):
    with turn(server.store.database, server.folder), pytest.raises(Busy):
        export_readers.make(server, server.folder, "geoparquet")


def test_files_of_exports_are_no_orphans(shown):
    sweep(shown.store.database, shown.store.objects)

    for name in NAMES:
        for file in export_readers.files(shown, name):
            export_readers.content(shown, name, file["path"])


def test_an_empty_server_has_empty_exports(server):
    export_readers.make(server, server.folder, *NAMES)

    assert export_readers.rows(server, "geoparquet") == []
    assert export_readers.rows(server, "bundles") == []
    assert export_readers.files(server, "partitions") == []
    assert export_readers.tiles(server).header()["addressed_tiles_count"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_the_operators_own_holds_the_same(shown, tmp_path, name):
    output = tmp_path / "out"

    made = write_to_folder(format_of(name, base_url=shown.url), shown.store.database, output)

    written = {path.relative_to(output).as_posix(): path for path in output.rglob("*") if path.is_file()}
    assert written.keys() == {file["path"] for file in export_readers.files(shown, name)}
    assert made.pictures == FLEET + PERSONAL
    assert all(any(folder.iterdir()) for folder in output.rglob("*") if folder.is_dir()), "an empty folder"
    for path, file in written.items():
        assert file.read_bytes() == export_readers.content(shown, name, path)
    with pytest.raises(InputError, match="not an empty folder"):
        write_to_folder(format_of(name, base_url=shown.url), shown.store.database, output)
    assert list(tmp_path.iterdir()) == [output]


def test_removed_exports_are_gone(server):
    server.publish(made_bundles.archive(3, bundle_number=1))
    export_readers.make(server, server.folder, *NAMES)

    server.store.database.write(exports.remove_exports)
    sweep(server.store.database, server.store.objects)

    assert server.client.get("/v1/exports").json()["exports"] == []
    assert not list((server.folder / "objects" / "exports").rglob("*.*"))


def test_a_full_disk_is_told_and_nothing_of_it_is_listed(server):
    server.publish(made_bundles.archive(3, bundle_number=1))

    class Full(Snapshot):
        def write(self, *_args, **_options):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(HostError, match="No space left"), turn(server.store.database, server.folder):
        StoreExport(server.store.database, server.store.objects, today=0).make(Full())

    assert server.client.get("/v1/exports").json()["exports"] == []
    assert not list((server.folder / "staging").iterdir())


def test_a_backup_leaves_exports_out(server, tmp_path_factory):
    copy = tmp_path_factory.mktemp("backup") / "copy"
    server.publish(made_bundles.archive(3, bundle_number=1))
    export_readers.make(server, server.folder, *NAMES)

    back_up(server.folder, copy)

    with served(copy) as restored:
        assert restored.client.get("/v1/exports").json()["exports"] == []
        assert len(features(restored)) == 3
    assert not (copy / "objects" / "exports").exists()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/exports/%00",
        "/v1/exports/geoparquet/%00",
        "/v1/exports/geoparquet/%ED%A0%80",
        "/v1/exports/geoparquet/../../server.key",
        "/v1/exports/geoparquet/%2e%2e%2f%2e%2e%2fserver.key",
        "/v1/objects/%00",
        "/v1/objects/bundles/%00",
        "/v1/objects/bundles/%ED%A0%80",
        "/v1/objects/../server.key",
    ],
)
def test_a_name_that_cannot_be_is_not_found(shown, path):
    assert shown.client.get(path, headers={"Range": "bytes=0-9"}).status_code == 404
