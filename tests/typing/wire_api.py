"""Bundles, receipts and keys as an edge or a server of somebody else's would write and read them."""

from typing import Any, assert_type
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashlight.model import CapturedAt, PictureClaim, Policy, RedactedPicture
from dashlight.wire import (
    MAX_BUNDLE_BYTES,
    MAX_PICTURES,
    MAX_PICTURES_PERSONAL,
    MEDIA_TYPE,
    SEED_SIZE_BYTES,
    Bundle,
    BundlePicture,
    Manifest,
    PictureEntry,
    PlacedPicture,
    Receipt,
    bundle_key,
    captured_from_text,
    captured_to_text,
    decode_bundle,
    decode_json,
    deletion_commitment,
    deletion_secret,
    encode_bundle,
    encode_json,
    encode_receipt,
    from_base64url,
    max_pictures,
    public_bytes,
    published_sequence,
    relicensed,
    sign,
    to_base64url,
    verify,
    verify_receipt,
)


def bounds_are_whole_numbers() -> tuple[int, ...]:
    assert_type(max_pictures(Policy.PERSONAL), int)
    return MAX_BUNDLE_BYTES, MAX_PICTURES, MAX_PICTURES_PERSONAL, SEED_SIZE_BYTES


def the_media_type_is_a_header() -> dict[str, str]:
    return {"Content-Type": MEDIA_TYPE}


def keys_follow_from_the_seed(seed: bytes) -> Ed25519PrivateKey:
    secret = deletion_secret(seed, 1, 0)
    assert_type(secret, bytes)
    assert_type(deletion_commitment(secret), bytes)
    key = bundle_key(seed, 1)
    signature = sign(key, "forget", b"a message")
    assert_type(signature, bytes)
    verify(public_bytes(key), "forget", b"a message", signature)
    return key


def an_edge_writes_a_bundle(
    picture: RedactedPicture, claim: PictureClaim, key: Ed25519PrivateKey, sequence: UUID
) -> bytes:
    bundled = BundlePicture(picture, claim, deletion_commitment(b"secret"))
    archive = encode_bundle(
        [bundled], key, policy=Policy.OPEN, license_id="CC0-1.0", sequence=sequence, attribution="Zoë M."
    )
    return assert_type(archive, bytes)


def it_is_sealed_again_under_another_licence(archive: bytes, key: Ed25519PrivateKey) -> bytes:
    return assert_type(relicensed(archive, key, license_id="CC0-1.0", attribution=None), bytes)


def a_server_reads_it(archive: bytes) -> Manifest:
    bundle = decode_bundle(memoryview(archive), sha256="0" * 64)
    assert_type(bundle, Bundle)
    assert_type(bundle.pictures, tuple[PlacedPicture, ...])
    assert_type(bundle.pictures[0].entry, PictureEntry)
    assert_type(bundle.pictures[0].offset, int)
    assert_type(bundle.manifest.sequence, UUID | None)
    assert_type(bundle.manifest.attribution, str | None)
    assert_type(published_sequence(UUID(int=0)), UUID)
    return bundle.manifest


def and_signs_that_it_has_it(key: Ed25519PrivateKey, sha256: str) -> Receipt:
    encoded = encode_receipt(Receipt(sha256, pictures=1, picture_ids=("a",)), key)
    assert_type(encoded, bytes)
    receipt = verify_receipt(encoded, server_key=public_bytes(key), sha256=sha256)
    assert_type(receipt.picture_ids, tuple[str, ...])
    return receipt


def what_is_parsed_is_not_trusted(text: str) -> None:
    assert_type(decode_json(encode_json({"a": 1})), Any)
    assert_type(from_base64url(to_base64url(b"a"), size=1), bytes)
    assert_type(captured_from_text(text), CapturedAt)
    assert_type(captured_to_text(captured_from_text(text)), str)
