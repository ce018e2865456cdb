"""Schemathesis, which other people wrote, over everything that the OpenAPI names: no 500, nothing against its schemas.

Two minutes in `make test`, twenty in `make soak`. `/live` is left out, as its reply has no end: what it refuses is in
tests/integration/test_bad_input.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import made_bundles
import pytest
from servers import personal_archive, served

from dashlight.config import environment
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy

SUPPORT = Path(__file__).parents[1] / "support"
SECONDS = int(environment().get("DASHLIGHT_SOAK_FUZZ_S", "120"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


@pytest.mark.soak
def test_nothing_that_the_openapi_allows_breaks_the_server(tmp_path, record_property):
    with served(tmp_path / "server") as running:
        running.publish(made_bundles.archive(30, bundle_number=1))
        running.publish(personal_archive(5, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        command = [str(Path(sys.executable).with_name("st")), "run", running.url + "/v1/openapi.json"]
        command += ["--max-time", str(SECONDS), "--phases", "examples,coverage,fuzzing", "--exclude-path", "/live"]
        command += ["--checks", ",".join(CHECKS), "--continue-on-failure", "--suppress-health-check", "all"]
        # One worker: in Python 3.11 two that call `ast.parse` at once fail, as Hypothesis does (python/cpython#106905).
        command += ["--workers", "1", "--warnings", "off", "--request-timeout", "30"]
        env = {**environment(), "NO_PROXY": "*", "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(SUPPORT)}
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)

    sys.stdout.write("\n".join(line[:500] for line in ran.stdout.splitlines()) + ran.stderr[-2_000:])
    asked = re.search(r"(\d+) generated", ran.stdout)
    record_property("requests", asked[1] if asked else 0)
    record_property("for_s", SECONDS)
    assert asked
    assert int(asked[1]) > 1_000
    assert ran.returncode == 0
