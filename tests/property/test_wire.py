"""Round trips of the wire, and hostile bytes: whatever arrives, only our errors come out."""

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_bundles import SEED, archive, redacted, sha256_of

from dashlight.errors import Corrupt, DashlightError
from dashlight.model import LICENSES, LonLat, Month, PictureClaim, Policy, Week, distance_m
from dashlight.wire import (
    BundlePicture,
    Receipt,
    bundle_key,
    captured_from_text,
    captured_to_text,
    decode_bundle,
    decode_json,
    encode_bundle,
    encode_json,
    encode_receipt,
    from_base64url,
    public_bytes,
    tar,
    to_base64url,
    verify_receipt,
)
from dashlight.wire.jpeg import check_jpeg
from dashlight.wire.manifest import manifest_from_json, manifest_to_json

positions = st.builds(LonLat, st.floats(-180, 180), st.floats(-90, 90))
headings = st.floats(0, 360, exclude_max=True)
instants = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))  # noqa: DTZ001
weeks = st.builds(Week, st.integers(1, 9999), st.integers(1, 52))
months = st.builds(Month, st.integers(1, 9999), st.integers(1, 12))
accuracies = st.none() | st.floats(0, 10_000)
exact_claims = st.builds(PictureClaim, positions, instants, headings, accuracies)
coarse_claims = st.builds(PictureClaim, positions, weeks | months, headings, accuracies)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
ARCHIVES = (archive(2), archive(2, policy=Policy.PERSONAL))
RECEIPT = encode_receipt(Receipt("ab" * 32, 1, ("x",)), bundle_key(SEED, 0))


@given(st.lists(exact_claims, min_size=1, max_size=5), st.sampled_from(LICENSES))
@example([PictureClaim(LonLat(179.99999999, -90.0), datetime(999, 1, 1, tzinfo=UTC), 359.99)], LICENSES[0])
@settings(max_examples=60)
def test_every_claim_survives_the_wire_to_its_precision(claims, license_id):
    pictures = [BundlePicture(redacted(), c, bytes(32)) for c in claims]

    encoded = encode_bundle(pictures, bundle_key(SEED, 0), policy=Policy.FLEET, license_id=license_id)
    bundle = decode_bundle(encoded, sha256=sha256_of(encoded))

    for claim, placed in zip(claims, bundle.pictures, strict=True):
        told = placed.entry.claim
        assert distance_m(told.position, claim.position) < 0.12
        assert abs((told.captured - claim.captured).total_seconds()) < 0.001
        assert 0.0 <= told.heading_deg < 360.0
        assert min(abs(told.heading_deg - claim.heading_deg), 360 - abs(told.heading_deg - claim.heading_deg)) <= 0.0501
        assert (told.accuracy_m is None) == (claim.accuracy_m is None)
    assert manifest_from_json(manifest_to_json(bundle.manifest)) == bundle.manifest


@given(st.lists(coarse_claims, min_size=1, max_size=3))
@settings(max_examples=40)
def test_a_coarse_time_survives_exactly(claims):
    pictures = [BundlePicture(redacted(), c, bytes(32)) for c in claims]

    bundle = decode_bundle(encode_bundle(pictures, bundle_key(SEED, 0), policy=Policy.PERSONAL, license_id="CC0-1.0"))

    assert [p.entry.claim.captured for p in bundle.pictures] == [c.captured for c in claims]


@given(st.sampled_from(ARCHIVES), st.data())
@settings(max_examples=400)
def test_a_changed_bundle_is_refused_with_our_error(encoded, data):
    hostile = bytearray(encoded)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(hostile) - 1))
        match data.draw(st.sampled_from(("flip", "cut", "insert", "copy", "zero"))):
            case "flip":
                hostile[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del hostile[at : at + data.draw(st.integers(1, 1_024))]
            case "insert":
                hostile[at:at] = data.draw(st.binary(min_size=1, max_size=600))
            case "copy":
                start = data.draw(st.integers(0, len(hostile)))
                hostile[at:at] = hostile[start : start + 512]
            case "zero":
                end = min(at + 512, len(hostile))
                hostile[at:end] = bytes(end - at)
        if not hostile:
            break

    try:
        bundle = decode_bundle(bytes(hostile))
    except DashlightError:
        return
    assert bytes(hostile) == encoded
    assert bundle.sha256 == sha256_of(encoded)


@given(st.binary(max_size=3_000))
@example(bytes(1_024))
def test_random_bytes_are_no_bundle(noise):
    try:
        decode_bundle(noise)
    except DashlightError:
        return
    raise AssertionError(noise)


@given(json_values)
@settings(max_examples=300)
def test_any_signed_json_is_a_manifest_or_refused(value):
    try:
        manifest_from_json(value)
    except Corrupt:
        return
    raise AssertionError(value)


@given(st.data())
@settings(max_examples=300)
def test_a_manifest_with_any_member_exchanged_is_read_or_refused(data):
    manifest = manifest_to_json(decode_bundle(data.draw(st.sampled_from(ARCHIVES))).manifest)
    place = manifest
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        deeper = place[key]
        if not isinstance(deeper, dict | list) or not deeper or data.draw(st.booleans()):
            break
        place = deeper
    place[key] = data.draw(json_values)

    try:
        read = manifest_from_json(manifest)
    except Corrupt:
        return
    assert manifest_from_json(manifest_to_json(read)) == read


@given(st.lists(st.binary(max_size=1_500), max_size=5))
def test_any_members_survive_the_tar(contents):
    encoded, placed = tar.write([(f"{n}.jpg", c) for n, c in enumerate(contents)])

    assert tuple(tar.members(memoryview(encoded))) == placed
    assert [encoded[m.offset : m.offset + m.size_bytes] for m in placed] == contents


@given(json_values)
def test_canonical_json_round_trips(value):
    encoded = encode_json(value)

    assert encode_json(decode_json(encoded)) == encoded


@given(st.binary(max_size=200))
def test_random_bytes_are_json_in_one_spelling_or_refused(noise):
    try:
        value = decode_json(noise)
    except Corrupt:
        return
    assert encode_json(value) == noise


@given(st.binary(max_size=100))
def test_base64url_round_trips(raw):
    assert from_base64url(to_base64url(raw)) == raw


@given(st.text(max_size=30))
def test_any_text_is_base64url_in_one_spelling_or_refused(text):
    try:
        raw = from_base64url(text)
    except Corrupt:
        return
    assert to_base64url(raw) == text


@given(st.text(max_size=30) | instants.map(captured_to_text) | (weeks | months).map(captured_to_text))
def test_any_text_is_a_time_in_one_spelling_or_refused(text):
    try:
        captured = captured_from_text(text)
    except DashlightError:
        return
    assert captured_to_text(captured) == text


@given(st.data())
@settings(max_examples=200)
def test_a_changed_receipt_is_refused(data):
    at = data.draw(st.integers(0, len(RECEIPT) - 1))
    hostile = RECEIPT[:at] + data.draw(st.binary(max_size=4)) + RECEIPT[at + data.draw(st.integers(0, 4)) :]

    try:
        verify_receipt(hostile, server_key=public_bytes(bundle_key(SEED, 0)), sha256="ab" * 32)
    except Corrupt:
        return
    assert hostile == RECEIPT


@given(st.data())
@settings(max_examples=300)
def test_a_changed_jpeg_is_read_or_refused(data):
    jpeg = redacted(width=64, height=36).jpeg
    at = data.draw(st.integers(0, len(jpeg) - 1))
    hostile = jpeg[:at] + data.draw(st.binary(max_size=4)) + jpeg[at + data.draw(st.integers(0, 4)) :]

    try:
        check_jpeg(memoryview(hostile), 64, 36, "0000.jpg")
    except Corrupt:
        return
    assert hostile.endswith(b"\xff\xd9")
    assert b"Exif" not in hostile
