"""The published schema says what the reader takes."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from made_bundles import archive

from dashlight.model import LICENSES, Policy, RedactionKind
from dashlight.wire import decode_bundle
from dashlight.wire.manifest import MAX_PICTURE_BYTES, MAX_REDACTIONS, MAX_SIDE_PX, manifest_to_json

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs" / "reference" / "manifest.schema.json").read_text(encoding="utf-8")
)
BUNDLES = [
    archive(2),
    archive(1, policy=Policy.OPEN, attribution="Zoë M."),
    archive(2, policy=Policy.PERSONAL),
]


@pytest.fixture(scope="module")
def validator():
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_manifest_fits_the_schema(validator, bundle):
    validator.validate(manifest_to_json(decode_bundle(bundle).manifest))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(note="x"),
        lambda m: m.update(policy="personal"),
        lambda m: m.update(attribution="Bus 7"),
        lambda m: m["pictures"][0].update(captured="2026-W48"),
        lambda m: m["pictures"][0].update(owner="me"),
        lambda m: m["pictures"][0].update(heading_deg=360),
        lambda m: m["pictures"][0]["redactions"][0].update(text="ABC 123"),
        lambda m: m.update(pictures=[]),
    ],
)
def test_what_the_reader_refuses_does_not_fit(validator, change):
    manifest = deepcopy(manifest_to_json(decode_bundle(BUNDLES[0]).manifest))
    change(manifest)

    assert not validator.is_valid(manifest)


def test_the_schema_has_the_bounds_of_the_code():
    definitions = SCHEMA["$defs"]

    assert SCHEMA["properties"]["policy"]["enum"] == [str(p) for p in Policy]
    assert SCHEMA["properties"]["license"]["enum"] == list(LICENSES)
    assert definitions["redaction"]["properties"]["kind"]["enum"] == [str(k) for k in RedactionKind]
    assert definitions["pixels"]["maximum"] == MAX_SIDE_PX
    assert definitions["bytes"]["maximum"] == MAX_PICTURE_BYTES
    assert definitions["picture"]["properties"]["redactions"]["maxItems"] == MAX_REDACTIONS
