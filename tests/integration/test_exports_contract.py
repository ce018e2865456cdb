"""Exports over every pair of stores: the same files, and the same promise when a picture is taken back."""

import export_readers
import made_bundles
import pytest
from servers import personal_archive, served
from stores import PAIRS

from dashlight.catalog.exports.names import NAMES
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy


@pytest.fixture(params=PAIRS)
def server(request, tmp_path, backends):
    with served(tmp_path, **backends.settings(request.param)) as running:
        running.folder = tmp_path
        yield running


def test_what_is_exported_and_withdrawn_does_not_depend_on_the_store(server):
    receipt = server.publish(made_bundles.archive(5, bundle_number=1))
    server.publish(personal_archive(2, 2), policy=Policy.PERSONAL)
    publish_staged(server.store.database, server.store.objects)
    export_readers.make(server, server.folder, *NAMES)
    features = server.client.get("/v1/pictures", params={"limit": 500}).json()["features"]
    told = {each["id"]: each["properties"] for each in features}

    for name in ("geoparquet", "partitions", "bundles"):
        rows = {row["id"]: row for row in export_readers.rows(server, name)}
        assert rows.keys() == told.keys()
        for picture, row in rows.items():
            assert row["heading_deg"] == pytest.approx(told[picture]["view:azimuth"])
            for member in ("policy", "license", "attribution", "width", "height", "sequence"):
                assert row[member] == told[picture][member], member
    assert export_readers.tiles(server).get(0, 0, 0)

    export_readers.erase(server, receipt, 1, seed=made_bundles.SEED, bundle_number=1)
    withdrawn = {
        (name, file["path"]) for name in NAMES for file in export_readers.files(server, name) if file["is_withdrawn"]
    }
    assert {name for name, _ in withdrawn} == set(NAMES)
    for name, path in withdrawn:
        assert server.client.get(f"/v1/exports/{name}/{path}").status_code == 503

    export_readers.make(server, server.folder)
    for name in ("geoparquet", "partitions", "bundles"):
        assert {row["id"] for row in export_readers.rows(server, name)} == told.keys() - {receipt.picture_ids[1]}
