"""Bundles that an edge made when wire v1 was fixed: every later server reads them, and every later edge writes them."""

import hashlib
from pathlib import Path

import pytest
from made_bundles import SEED

from dashlight.model import Policy, RedactedPicture
from dashlight.model.frame import _SEAL
from dashlight.wire import BundlePicture, bundle_key, decode_bundle, encode_bundle

FOLDER = Path(__file__).parent
STORED = {
    "bundle-fleet.tar": (Policy.FLEET, 3, "2026-11-23 10:00:01+00:00"),
    "bundle-open.tar": (Policy.OPEN, 1, "2026-11-23 10:00:00+00:00"),
    "bundle-personal.tar": (Policy.PERSONAL, 2, "Week(year=2026, number=48)"),
}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_bundle_is_read(name):
    stored = (FOLDER / name).read_bytes()
    policy, count, captured = STORED[name]

    bundle = decode_bundle(stored, sha256=hashlib.sha256(stored).hexdigest())

    assert bundle.manifest.policy is policy
    assert len(bundle.pictures) == count
    assert str(bundle.pictures[-1].entry.claim.captured) == captured


@pytest.mark.parametrize("name", STORED)
def test_what_was_read_is_written_with_the_same_bytes(name):
    stored = (FOLDER / name).read_bytes()
    bundle = decode_bundle(stored)
    pictures = []
    for placed in bundle.pictures:
        entry = placed.entry
        picture = RedactedPicture(
            stored[placed.offset :][: entry.size_bytes],
            stored[placed.thumbnail_offset :][: entry.thumbnail_size_bytes],
            entry.width,
            entry.height,
            entry.thumbnail_width,
            entry.thumbnail_height,
            entry.redactions,
            _SEAL,
        )
        pictures.append(BundlePicture(picture, entry.claim, entry.deletion_commitment))

    again = encode_bundle(
        pictures,
        bundle_key(SEED, 1),
        policy=bundle.manifest.policy,
        license_id=bundle.manifest.license_id,
        sequence=bundle.manifest.sequence,
        attribution=bundle.manifest.attribution,
    )

    assert again == stored
