"""What `stac-api-validator`, which other people wrote, finds in the STAC API: nothing."""

import subprocess
import sys
from pathlib import Path

import made_bundles
import pytest
from servers import personal_archive, served

from dashlight.config import environment
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy

ROOT = Path(__file__).parents[2]
VALIDATOR = ROOT / ".cache/clients/bin/python"
SCHEMAS = ROOT / "../shared/data/stac-schemas"
OFFLINE = ROOT / "../shared/tools/offline_schemas.py"
AROUND = '{"type":"Polygon","coordinates":[[[-10,35],[3,35],[3,44],[-10,44],[-10,35]]]}'

pytestmark = [
    pytest.mark.skipif(not SCHEMAS.is_dir() or not OFFLINE.is_file(), reason="../shared has no STAC schemas here"),
    pytest.mark.skipif(not VALIDATOR.exists(), reason="`make test` puts stac-api-validator into .cache/clients"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("stac")) as running:
        running.publish(made_bundles.archive(30, bundle_number=1))
        running.publish(personal_archive(5, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        yield running


@pytest.mark.parametrize("kind", ["fleet", "personal"])
def test_the_validator_finds_no_error(server, kind):
    collections = server.client.get("/api/collections").json()["collections"]
    name = next(c["id"] for c in collections if kind in c["keywords"])
    command = [str(VALIDATOR), str(OFFLINE), "stac_api_validator.__main__:main", "--log-level", "WARN"]
    command += ["--root-url", server.url + "/api", "--collection", name, "--geometry", AROUND]
    for conformance in ("core", "collections", "features", "item-search"):
        command += ["--conformance", conformance]

    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**environment(), "NO_PROXY": "*"}, check=False
    )

    sys.stdout.write(ran.stdout + ran.stderr)
    assert "Errors: none" in ran.stdout + ran.stderr
    assert "schemas answered with {}: []" in ran.stderr
    assert ran.returncode == 0
