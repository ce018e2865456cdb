"""Bundles made for tests, from pictures of plain colours."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

import numpy as np
import simplejpeg

from dashlight.model import (
    LonLat,
    PictureClaim,
    Policy,
    RedactedPicture,
    Redaction,
    RedactionKind,
    Week,
    destination,
    thumbnail_size_of,
)
from dashlight.model.frame import _SEAL
from dashlight.wire import BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle

SEED = bytes(range(32))
START = datetime(2026, 11, 23, 10, tzinfo=UTC)
SEQUENCE = UUID("8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c")
HERE = LonLat(-3.7038, 40.4168)


@cache
def jpeg(width, height, shade=90):
    """Return a JPEG of one colour, as the redactor's encoder writes it."""
    pixels = np.full((height, width, 3), shade, np.uint8)
    return simplejpeg.encode_jpeg(pixels, quality=85, colorspace="RGB", colorsubsampling="420")


def redacted(shade=90, *, width=64, height=36):
    """Return a picture with one redaction, as only the redactor makes it."""
    small = thumbnail_size_of((width, height))
    return RedactedPicture(
        jpeg(width, height, shade),
        jpeg(*small, shade),
        width,
        height,
        *small,
        (Redaction(RedactionKind.PLATE, (1, 2, 11, 6), 0.87654),),
        _SEAL,
    )


def bundled(number, *, policy=Policy.FLEET, bundle_number=1):
    """Return the picture of that number of a drive to the east."""
    apart_m, captured = (5.0, START + timedelta(seconds=number / 2))
    if policy is Policy.PERSONAL:
        apart_m, captured = 2_001.0, Week(2026, 48)
    claim = PictureClaim(destination(HERE, 90.0, number * apart_m), captured, 90.0, 3.5)
    commitment = deletion_commitment(deletion_secret(SEED, bundle_number, number))
    return BundlePicture(redacted(number % 200), claim, commitment)


def archive(count=3, *, policy=Policy.FLEET, bundle_number=1, **options):
    """Return the bytes of a bundle of `count` pictures."""
    if policy is not Policy.PERSONAL:
        options.setdefault("sequence", SEQUENCE)
    return encode_bundle(
        [bundled(n, policy=policy, bundle_number=bundle_number) for n in range(count)],
        bundle_key(SEED, bundle_number),
        policy=policy,
        license_id=options.pop("license_id", "CC-BY-SA-4.0"),
        **options,
    )


def sha256_of(content):
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
