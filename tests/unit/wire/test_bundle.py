"""Bundle v1: what is written is read, and nothing else is."""

import io
import tarfile

import pytest
from made_bundles import HERE, SEED, SEQUENCE, START, archive, bundled, jpeg, redacted, sha256_of

from dashlight.errors import Corrupt, InputError, TooLarge
from dashlight.model import PictureClaim, Policy, Week
from dashlight.wire import (
    MAX_BUNDLE_BYTES,
    BundlePicture,
    Manifest,
    bundle_key,
    decode_bundle,
    decode_json,
    encode_bundle,
    encode_json,
    keys,
    max_pictures,
    public_bytes,
    published_sequence,
    relicensed,
    sign,
    tar,
    to_base64url,
)


def members_of(encoded):
    return [(m.name, encoded[m.offset : m.offset + m.size_bytes]) for m in tar.members(memoryview(encoded))]


def packed(members):
    return tar.write(members)[0]


def resigned(encoded, change, *, seed=SEED):
    """Return a bundle whose manifest was changed and signed again, as a hostile edge can."""
    members = members_of(encoded)
    manifest = decode_json(members[0][1])
    change(manifest)
    manifest["key"] = to_base64url(public_bytes(bundle_key(seed, 1)))
    text = encode_json(manifest)
    return packed([("manifest.json", text), ("manifest.sig", sign(bundle_key(seed, 1), "bundle", text)), *members[2:]])


@pytest.mark.parametrize("policy", Policy)
def test_a_bundle_reads_as_it_was_written(policy):
    encoded = archive(3, policy=policy)

    bundle = decode_bundle(encoded, sha256=sha256_of(encoded))

    assert (bundle.sha256, bundle.size_bytes) == (sha256_of(encoded), len(encoded))
    assert bundle.manifest.policy is policy
    assert bundle.manifest.sequence == (None if policy is Policy.PERSONAL else SEQUENCE)
    assert bundle.manifest.public_key == public_bytes(bundle_key(SEED, 1))
    for number, placed in enumerate(bundle.pictures):
        picture = bundled(number, policy=policy)
        entry = placed.entry
        assert encoded[placed.offset :][: entry.size_bytes] == picture.picture.jpeg
        assert encoded[placed.thumbnail_offset :][: entry.thumbnail_size_bytes] == picture.picture.thumbnail_jpeg
        assert entry.claim.captured == picture.claim.captured
        assert entry.claim.position.lon == pytest.approx(picture.claim.position.lon, abs=5e-7)
        assert entry.redactions[0].score == 0.877
        assert entry.deletion_commitment == picture.deletion_commitment


def test_the_same_pictures_always_make_the_same_bytes():
    assert archive(3) == archive(3)


def test_any_tar_program_unpacks_it():
    with tarfile.open(fileobj=io.BytesIO(archive(2))) as unpacked:
        assert unpacked.getnames() == [
            "manifest.json",
            "manifest.sig",
            "0000.jpg",
            "0000.thumb.jpg",
            "0001.jpg",
            "0001.thumb.jpg",
        ]
        assert unpacked.extractfile("0001.jpg").read() == redacted(1).jpeg
        assert {m.mode for m in unpacked} == {0o644}


def test_a_mapper_may_sign_with_a_name():
    encoded = archive(1, policy=Policy.OPEN, attribution="Zoë M.")

    assert decode_bundle(encoded).manifest.attribution == "Zoë M."


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"policy": Policy.PERSONAL, "sequence": SEQUENCE}, "no sequence"),
        ({"policy": Policy.FLEET, "attribution": "Bus 7"}, "no name"),
        ({"policy": Policy.OPEN, "attribution": "x"}, "2 to 80"),
        ({"policy": Policy.OPEN, "attribution": "mail@example.org"}, "2 to 80"),
        ({"license_id": "WTFPL"}, "licence"),
    ],
)
def test_a_manifest_that_its_policy_does_not_allow_is_not_written(options, word):
    with pytest.raises(InputError, match=word):
        archive(1, **options)


@pytest.mark.parametrize(("policy", "most"), [(Policy.FLEET, 300), (Policy.OPEN, 300), (Policy.PERSONAL, 10)])
def test_a_bundle_holds_so_many_and_no_more(policy, most):
    assert max_pictures(policy) == most
    assert len(decode_bundle(archive(most, policy=policy)).pictures) == most
    with pytest.raises(TooLarge, match=f"{most + 1} pictures"):
        archive(most + 1, policy=policy)


def test_a_bundle_of_301_pictures_is_not_read():
    def more(manifest):
        manifest["pictures"] = manifest["pictures"] * 301

    with pytest.raises(TooLarge, match="301 pictures"):
        decode_bundle(resigned(archive(1), more))


def test_an_empty_bundle_is_neither_written_nor_read():
    with pytest.raises(InputError, match="without pictures"):
        archive(0)
    with pytest.raises(InputError, match="without pictures"):
        decode_bundle(resigned(archive(1), lambda m: m.update(pictures=[])))


def test_a_bundle_over_64_mib_is_neither_written_nor_read(monkeypatch):
    with pytest.raises(TooLarge, match="67108865"):
        decode_bundle(bytes(MAX_BUNDLE_BYTES + 1))
    monkeypatch.setattr("dashlight.wire.bundle.MAX_BUNDLE_BYTES", 4_096)
    with pytest.raises(TooLarge, match="over 4096"):
        archive(3)


def test_a_manifest_over_2_mib_is_not_read():
    members = members_of(archive(1))

    with pytest.raises(TooLarge, match="over 2097152"):
        decode_bundle(packed([("manifest.json", bytes(2 * 1024 * 1024 + 1)), *members[1:]]))


def test_a_wrong_hash_is_refused():
    with pytest.raises(Corrupt, match="SHA-256"):
        decode_bundle(archive(1), sha256="0" * 64)


def test_a_changed_manifest_is_refused():
    encoded = archive(1).replace(b'"lat":40.41', b'"lat":41.41')

    with pytest.raises(Corrupt, match="signature"):
        decode_bundle(encoded)


def test_a_signature_of_another_purpose_is_refused():
    members = members_of(archive(1))
    forged = sign(bundle_key(SEED, 1), "forget", members[0][1])

    with pytest.raises(Corrupt, match="signature"):
        decode_bundle(packed([members[0], ("manifest.sig", forged), *members[2:]]))


def test_another_picture_of_the_same_length_is_refused():
    encoded = archive(1)
    offset = decode_bundle(encoded).pictures[0].offset + 200

    with pytest.raises(Corrupt, match="SHA-256 of the manifest"):
        decode_bundle(encoded[:offset] + bytes([encoded[offset] ^ 1]) + encoded[offset + 1 :])


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ([1, 0, 2, 3, 4, 5], "bad-order"),
        ([0, 1, 3, 2, 4, 5], "bad-order"),
        ([0, 1, 4, 5, 2, 3], "bad-order"),
        ([0, 1, 2, 3], "corrupt"),
        ([0, 1, 2, 3, 4, 5, 5], "duplicate-member"),
        ([0], "bad-order"),
        ([], "bad-order"),
    ],
)
def test_members_stand_in_their_order(order, code):
    members = members_of(archive(2))

    with pytest.raises(Corrupt) as caught:
        decode_bundle(packed([members[n] for n in order]))

    assert caught.value.code == code


def test_a_picture_of_another_length_is_refused():
    members = members_of(archive(1))

    with pytest.raises(Corrupt, match="the manifest says"):
        decode_bundle(packed([*members[:2], ("0000.jpg", jpeg(64, 36, 3) + b"\0"), members[3]]))


EXIF = b"\xff\xe1\x00\x10Exif\0\0MM\0*\0\0\0\x08"


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"<svg/>", "not-jpeg"),
        (b"\xff\xd8", "not-jpeg"),
        (b"\xff\xd8\xff\xd9", "bad-size"),
        (jpeg(64, 36)[:2] + EXIF + jpeg(64, 36)[2:], "jpeg-metadata"),
        (jpeg(64, 36)[:2] + b"\xff\xfe\x00\x06home" + jpeg(64, 36)[2:], "jpeg-metadata"),
        (jpeg(64, 36)[:2] + b"\xff\xe0\x00\x08JFXX\0\0" + jpeg(64, 36)[2:], "jpeg-metadata"),
        (jpeg(64, 36)[:-2] + b"\xff\xfe\x00\x06home\xff\xd9", "jpeg-metadata"),
        (jpeg(64, 36) + b"PK\x03\x04", "jpeg-metadata"),
        (jpeg(64, 36)[:-2], "not-jpeg"),
        (jpeg(64, 36)[:2] + b"\xff\xdb\x00\x01" + jpeg(64, 36)[2:], "not-jpeg"),
        (jpeg(64, 36)[:2] + b"\xff\xdb\xff\xff" + jpeg(64, 36)[2:], "not-jpeg"),
        (jpeg(64, 36)[:2] + b"\xff\xc0\x00\x04\0\0" + jpeg(64, 36)[2:], "not-jpeg"),
        (jpeg(64, 36)[:20] + b"\xff\xc0\x00\x0b\x08\x00\x24\x00\x40\x01\0\0\0" + jpeg(64, 36)[20:], "not-jpeg"),
        (jpeg(64, 40), "bad-size"),
    ],
    ids=[
        "svg",
        "two bytes",
        "no frame",
        "exif",
        "comment",
        "preview",
        "late comment",
        "zip behind",
        "no end",
        "short segment",
        "long segment",
        "short frame header",
        "two frame headers",
        "other size",
    ],
)
def test_a_picture_that_is_no_plain_jpeg_of_its_size_is_refused(picture, code):
    other = archive(1)
    members = members_of(other)

    def swap(manifest):
        manifest["pictures"][0].update(size_bytes=len(picture), sha256=to_base64url(bytes.fromhex(sha256_of(picture))))

    changed = members_of(resigned(other, swap))
    with pytest.raises(Corrupt) as caught:
        decode_bundle(packed([*changed[:2], ("0000.jpg", picture), members[3]]))

    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(version=2),
        lambda m: m.update(version=True),
        lambda m: m.update(policy="secret"),
        lambda m: m.update(license="MIT"),
        lambda m: m.update(note="my home"),
        lambda m: m.pop("license"),
        lambda m: m.update(license=7),
        lambda m: m.update(license="x" * 201),
        lambda m: m.update(sequence="no uuid"),
        lambda m: m.update(sequence=str(SEQUENCE).upper()),
        lambda m: m.update(attribution="Bus 7"),
        lambda m: m.update(pictures={}),
        lambda m: m.update(pictures=[7]),
        lambda m: m["pictures"][0].update(lon=180.5),
        lambda m: m["pictures"][0].update(lat="40"),
        lambda m: m["pictures"][0].update(heading_deg=360),
        lambda m: m["pictures"][0].update(heading_deg=-1),
        lambda m: m["pictures"][0].update(captured="yesterday"),
        lambda m: m["pictures"][0].update(captured="2026-02-30T10:00:00.000Z"),
        lambda m: m["pictures"][0].update(captured="2026-02-03T10:00:00Z"),
        lambda m: m["pictures"][0].update(captured="2026-W60"),
        lambda m: m["pictures"][0].update(captured="2026-13"),
        lambda m: m["pictures"][0].update(width=0),
        lambda m: m["pictures"][0].update(width=64.5),
        lambda m: m["pictures"][0].update(sha256="AAAA"),
        lambda m: m["pictures"][0].update(sha256="*" * 43),
        lambda m: m["pictures"][0].update(deletion="é"),
        lambda m: m["pictures"][0].update(owner="me"),
        lambda m: m["pictures"][0].update(thumbnail=None),
        lambda m: m["pictures"][0]["thumbnail"].update(x=1),
        lambda m: m["pictures"][0]["thumbnail"].update(width=32, height=18),
        lambda m: m["pictures"][0].update(width=16_384, height=16_384),
        lambda m: m["pictures"][0].update(redactions=[{}] * 1_001),
        lambda m: m["pictures"][0]["redactions"][0].update(kind="name"),
        lambda m: m["pictures"][0]["redactions"][0].update(text="ABC 123"),
        lambda m: m["pictures"][0]["redactions"][0].update(score=1.01),
        lambda m: m["pictures"][0]["redactions"][0].update(bbox_xyxy=[0, 0, 65, 1]),
        lambda m: m["pictures"][0]["redactions"][0].update(bbox_xyxy=[3, 0, 3, 1]),
        lambda m: m["pictures"][0]["redactions"][0].update(bbox_xyxy=[0, 0, 1]),
        lambda m: m["pictures"][0]["redactions"][0].update(bbox_xyxy=[0, 0, 1, True]),
    ],
)
def test_a_manifest_with_a_wrong_member_is_refused(change):
    with pytest.raises(Corrupt):
        decode_bundle(resigned(archive(1), change))


@pytest.mark.parametrize(
    "text", [b"{}", b"[]", b"null", b'{"version":NaN}', b'{"a":1,"a":1}', b'{"version": 1}', b"\xff", b"[" * 5_000]
)
def test_a_manifest_that_is_no_canonical_object_is_refused(text):
    members = members_of(archive(1))

    with pytest.raises(Corrupt):
        decode_bundle(packed([("manifest.json", text), *members[1:]]))


def test_a_month_is_read():
    def change(manifest):
        manifest["pictures"][0].update(captured="2026-11")
        manifest["pictures"][0].pop("accuracy_m")

    entry = decode_bundle(resigned(archive(1, policy=Policy.PERSONAL), change)).manifest.pictures[0]

    assert entry.claim.captured.label == "2026-11"
    assert entry.claim.accuracy_m is None


def test_what_is_not_known_is_left_out():
    known = bundled(0)
    unknown = BundlePicture(known.picture, PictureClaim(HERE, START, 0.0), known.deletion_commitment)

    encoded = encode_bundle([unknown], bundle_key(SEED, 1), policy=Policy.OPEN, license_id="CC0-1.0")

    manifest = decode_json(members_of(encoded)[0][1])
    assert not {"sequence", "attribution"} & set(manifest)
    assert "accuracy_m" not in manifest["pictures"][0]
    assert decode_bundle(encoded).manifest.sequence is None


def test_the_bundle_tells_no_contributor():
    first, second = archive(1, bundle_number=1), archive(1, bundle_number=2)
    keys_told = {decode_bundle(b).manifest.public_key for b in (first, second)}

    assert len(keys_told) == 2
    assert Week(2026, 48) == decode_bundle(archive(1, policy=Policy.PERSONAL)).manifest.pictures[0].claim.captured


def test_a_manifest_as_a_value_is_checked_as_well():
    with pytest.raises(InputError, match="licence"):
        Manifest(Policy.FLEET, "", bytes(32), None, None, ())


def test_a_position_is_told_to_a_tenth_of_a_metre():
    encoded = encode_bundle([bundled(1)], keys.bundle_key(SEED, 1), policy=Policy.FLEET, license_id="CC0-1.0")

    manifest = decode_json(members_of(encoded)[0][1])

    assert manifest["pictures"][0]["lat"] == round(HERE.lat, 6)
    assert len(str(manifest["pictures"][0]["lon"]).split(".")[1]) <= 6
    assert manifest["pictures"][0]["captured"] == START.replace(microsecond=500_000).isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")


def test_who_reads_a_published_sequence_does_not_know_the_one_that_is_sent():
    sent = SEQUENCE

    assert str(published_sequence(sent)) == str(published_sequence(sent)) != str(sent)
    assert published_sequence(sent).version == 5


def test_a_bundle_under_another_licence_is_the_bundle_that_was_never_under_the_first():
    pictures = [bundled(n) for n in range(3)]
    how = {"policy": Policy.FLEET, "sequence": SEQUENCE}
    first = encode_bundle(pictures, bundle_key(SEED, 1), license_id="CC-BY-SA-4.0", **how)

    changed = relicensed(first, bundle_key(SEED, 1), license_id="CC0-1.0")

    assert changed == encode_bundle(pictures, bundle_key(SEED, 1), license_id="CC0-1.0", **how)
    with pytest.raises(Corrupt, match="another key"):
        relicensed(first, bundle_key(SEED, 2), license_id="CC0-1.0")
