"""The bytes that both sides agree on: bundles, receipts, signatures, canonical JSON.

Pure: no clock, no file, no network. Whatever arrives is hostile until `decode_bundle` or `verify_receipt` has
returned; they raise only `dashlight.errors`.
"""

from dashlight.wire.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_PICTURES,
    MAX_PICTURES_PERSONAL,
    MEDIA_TYPE,
    Bundle,
    BundlePicture,
    PlacedPicture,
    decode_bundle,
    encode_bundle,
    max_pictures,
    relicensed,
)
from dashlight.wire.canonical import decode_json, encode_json, from_base64url, to_base64url
from dashlight.wire.keys import (
    SEED_SIZE_BYTES,
    bundle_key,
    deletion_commitment,
    deletion_secret,
    public_bytes,
    sign,
    verify,
)
from dashlight.wire.manifest import Manifest, PictureEntry, captured_from_text, captured_to_text, published_sequence
from dashlight.wire.receipt import Receipt, encode_receipt, verify_receipt

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_PICTURES",
    "MAX_PICTURES_PERSONAL",
    "MEDIA_TYPE",
    "SEED_SIZE_BYTES",
    "Bundle",
    "BundlePicture",
    "Manifest",
    "PictureEntry",
    "PlacedPicture",
    "Receipt",
    "bundle_key",
    "captured_from_text",
    "captured_to_text",
    "decode_bundle",
    "decode_json",
    "deletion_commitment",
    "deletion_secret",
    "encode_bundle",
    "encode_json",
    "encode_receipt",
    "from_base64url",
    "max_pictures",
    "public_bytes",
    "published_sequence",
    "relicensed",
    "sign",
    "to_base64url",
    "verify",
    "verify_receipt",
]
