"""GDAL, which QGIS reads with, reads the features; `make gdal` installs it on Debian."""

import json
import subprocess

import made_bundles
import pytest
from servers import personal_archive, served

from dashlight.config import environment
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy

PICTURES, PERSONAL = 230, 5  # More than two pages.


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("gdal")) as running:
        running.receipt = running.publish(made_bundles.archive(PICTURES, bundle_number=1))
        running.publish(personal_archive(PERSONAL, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        yield running


@pytest.fixture(scope="module")
def gdal(server, program, tmp_path_factory):
    """Return a function that has ogr2ogr read a layer into GeoJSON, and returns its features."""
    folder, path = tmp_path_factory.mktemp("read"), program("ogr2ogr")

    def read(layer, *options):
        out = folder / f"{len(list(folder.iterdir()))}.geojson"
        command = [path, "-f", "GeoJSON", str(out), f"OAPIF:{server.url}/ogc", layer, *options]
        env = {**environment(), "NO_PROXY": "*", "GDAL_HTTP_TIMEOUT": "30"}
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, check=False)
        assert ran.returncode == 0, ran.stderr
        assert "ERROR" not in ran.stderr
        return json.loads(out.read_text())["features"]

    return read


def test_it_lists_the_layers_with_their_geometry(server, program):
    command = [program("ogrinfo"), f"OAPIF:{server.url}/ogc"]

    said = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**environment(), "NO_PROXY": "*"}, check=True
    ).stdout

    assert "1: pictures (title: Pictures) (Point)" in said
    assert "2: sequences (title: Sequences) (Line String)" in said


def test_it_reads_every_picture_once_through_all_pages(gdal, server):
    features = gdal("pictures")

    assert len({one["properties"]["id"] for one in features}) == len(features) == PICTURES + PERSONAL
    assert {str(one) for one in server.receipt.picture_ids} <= {one["properties"]["id"] for one in features}
    assert {one["geometry"]["type"] for one in features} == {"Point"}


def test_it_reads_lines_through_the_pictures_in_their_order(gdal, server):
    (line,) = gdal("sequences")

    pictures = {one["properties"]["id"]: one["geometry"]["coordinates"] for one in gdal("pictures")}
    assert line["geometry"]["type"] == "LineString"
    assert line["geometry"]["coordinates"] == [pictures[str(one)] for one in server.receipt.picture_ids]
    assert line["properties"]["pictures"] == PICTURES


def test_a_box_and_a_condition_are_answered_by_the_server(gdal):
    lon, lat = made_bundles.HERE.lon, made_bundles.HERE.lat

    boxed = gdal("pictures", "-spat", str(lon - 0.01), str(lat - 0.01), str(lon + 0.0005), str(lat + 0.01))
    personal = gdal("pictures", "-where", "policy = 'personal'")

    assert 0 < len(boxed) < PICTURES
    assert all(one["geometry"]["coordinates"][0] <= lon + 0.0005 for one in boxed)
    assert len(personal) == PERSONAL
    assert all(one["properties"]["sequence"] is None for one in personal)
