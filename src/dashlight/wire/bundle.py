"""Bundle v1: the unit of upload, resumption, signing and storage (docs/reference/bundle.md).

Members in order: `manifest.json` (RFC 8785), `manifest.sig` (Ed25519, 64 bytes, by the bundle's own key), then
`0000.jpg`, `0000.thumb.jpg`, `0001.jpg` ... The manifest names each picture's SHA-256, so that the signature
covers every byte. There is no free text in it and no identifier of the contributor, and the pictures carry no
metadata (`wire.jpeg`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashlight.errors import Corrupt, InputError, TooLarge
from dashlight.model import PictureClaim, Policy, RedactedPicture, Redaction
from dashlight.wire import keys, tar
from dashlight.wire.canonical import decode_json, encode_json
from dashlight.wire.jpeg import check_jpeg
from dashlight.wire.manifest import Manifest, PictureEntry, manifest_from_json, manifest_to_json

MAX_PICTURES = 300
MAX_PICTURES_PERSONAL = 10
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
MAX_MANIFEST_BYTES = 2 * 1024 * 1024
MEDIA_TYPE = "application/vnd.dashlight.bundle.v1+tar"
_PURPOSE = "bundle"


@dataclass(frozen=True, slots=True)
class BundlePicture:
    """A picture on its way into a bundle."""

    picture: RedactedPicture
    claim: PictureClaim
    deletion_commitment: bytes


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A picture in a bundle, as byte ranges of the archive."""

    entry: PictureEntry
    offset: int
    thumbnail_offset: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose structure, signature and hashes were verified.

    Attributes:
        sha256: Of the whole archive, lower-case hex; its name everywhere.
        size_bytes: Of the whole archive.
        manifest: What it says.
        pictures: In the manifest's order.
    """

    sha256: str
    size_bytes: int
    manifest: Manifest
    pictures: tuple[PlacedPicture, ...]


def max_pictures(policy: Policy) -> int:
    """Return how many pictures a bundle of `policy` may hold."""
    return MAX_PICTURES_PERSONAL if policy is Policy.PERSONAL else MAX_PICTURES


def encode_bundle(
    pictures: Sequence[BundlePicture],
    key: Ed25519PrivateKey,
    *,
    policy: Policy,
    license_id: str,
    sequence: UUID | None = None,
    attribution: str | None = None,
) -> bytes:
    """Return the archive of redacted pictures, signed with the bundle's own key.

    The same arguments always give the same bytes.

    Raises:
        InputError: When there is no picture, or a member is outside what the policy may carry.
        TooLarge: When there are more pictures, or more bytes, than a bundle may hold.
    """
    manifest = Manifest(
        policy=policy,
        license_id=license_id,
        public_key=keys.public_bytes(key),
        sequence=sequence,
        attribution=attribution,
        pictures=tuple(_entry(p) for p in pictures),
    )
    return _archive(manifest, [(p.picture.jpeg, p.picture.thumbnail_jpeg) for p in pictures], key)


def relicensed(
    archive: bytes | memoryview, key: Ed25519PrivateKey, *, license_id: str, attribution: str | None = None
) -> bytes:
    """Return a bundle with the same pictures under another licence, signed with the same key.

    Args:
        archive: The whole archive, of a bundle that was never sent.
        key: The bundle's own.
        license_id: SPDX identifier.
        attribution: The name a mapper chose (`open` only), or None.

    Raises:
        Corrupt: When the archive is not as `encode_bundle` writes it, or of another key.
        InputError: When licence or attribution is outside what the policy may carry.
    """
    view = memoryview(archive)
    bundle = decode_bundle(view)
    if bundle.manifest.public_key != keys.public_bytes(key):
        raise Corrupt("the bundle was sealed with another key", code="bad-key")
    manifest = replace(bundle.manifest, license_id=license_id, attribution=attribution)
    contents = [
        (
            bytes(view[placed.offset : placed.offset + placed.entry.size_bytes]),
            bytes(view[placed.thumbnail_offset : placed.thumbnail_offset + placed.entry.thumbnail_size_bytes]),
        )
        for placed in bundle.pictures
    ]
    return _archive(manifest, contents, key)


def _archive(manifest: Manifest, contents: Sequence[tuple[bytes, bytes]], key: Ed25519PrivateKey) -> bytes:
    _check_count(len(manifest.pictures), manifest.policy)
    encoded = encode_json(manifest_to_json(manifest))
    members = [("manifest.json", encoded), ("manifest.sig", keys.sign(key, _PURPOSE, encoded))]
    for number, (picture, thumbnail) in enumerate(contents):
        members += [(f"{number:04}.jpg", picture), (f"{number:04}.thumb.jpg", thumbnail)]
    archive, _ = tar.write(members)
    if len(archive) > MAX_BUNDLE_BYTES:
        raise TooLarge(f"a bundle of {len(archive)} bytes is over {MAX_BUNDLE_BYTES}")
    return archive


def _entry(bundled: BundlePicture) -> PictureEntry:
    picture = bundled.picture
    return PictureEntry(
        claim=bundled.claim,
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.jpeg),
        sha256=hashlib.sha256(picture.jpeg).digest(),
        thumbnail_width=picture.thumbnail_width,
        thumbnail_height=picture.thumbnail_height,
        thumbnail_size_bytes=len(picture.thumbnail_jpeg),
        thumbnail_sha256=hashlib.sha256(picture.thumbnail_jpeg).digest(),
        redactions=tuple(Redaction(r.kind, r.bbox_xyxy, round(r.score, 3)) for r in picture.redactions),
        deletion_commitment=bundled.deletion_commitment,
    )


def _check_count(count: int, policy: Policy) -> None:
    if count == 0:
        raise InputError("a bundle without pictures", code="empty-bundle")
    if count > max_pictures(policy):
        raise TooLarge(
            f"{count} pictures; a {policy} bundle holds at most {max_pictures(policy)}",
            code="too-many-pictures",
        )


def decode_bundle(archive: bytes | memoryview, *, sha256: str | None = None, digest: str | None = None) -> Bundle:
    """Return what an archive holds, having verified structure, signature and every hash.

    The pictures themselves are not copied: they are byte ranges of `archive`.

    Args:
        archive: The whole archive.
        sha256: What its hash must be (lower-case hex), or None to only compute it.
        digest: What its hash is, from who computed it while the archive came, or None to compute it here.

    Raises:
        Corrupt: When anything is not as `encode_bundle` writes it.
        TooLarge: When it has more bytes or pictures than a bundle may hold.
    """
    view = memoryview(archive)
    if len(view) > MAX_BUNDLE_BYTES:
        raise TooLarge(f"a bundle of {len(view)} bytes is over {MAX_BUNDLE_BYTES}")
    digest = digest or hashlib.sha256(view).hexdigest()
    if sha256 is not None and digest != sha256:
        raise Corrupt(f"the bundle's SHA-256 is {digest}, not {sha256}", code="bad-hash")
    placed = tuple(tar.members(view))
    if len(placed) < 2 or (placed[0].name, placed[1].name) != ("manifest.json", "manifest.sig"):
        raise Corrupt("a bundle begins with manifest.json and manifest.sig", code="bad-order")
    manifest = _verified_manifest(view, placed[0], placed[1])
    _check_count(len(manifest.pictures), manifest.policy)
    return Bundle(digest, len(view), manifest, _placed_pictures(view, manifest, placed[2:]))


def _verified_manifest(view: memoryview, manifest: tar.Member, signature: tar.Member) -> Manifest:
    if manifest.size_bytes > MAX_MANIFEST_BYTES:
        raise TooLarge(f"a manifest of {manifest.size_bytes} bytes is over {MAX_MANIFEST_BYTES}")
    encoded = _content(view, manifest)
    parsed = manifest_from_json(decode_json(encoded))
    keys.verify(parsed.public_key, _PURPOSE, encoded, _content(view, signature))
    return parsed


def _content(view: memoryview, member: tar.Member) -> bytes:
    return bytes(view[member.offset : member.offset + member.size_bytes])


def _placed_pictures(view: memoryview, manifest: Manifest, placed: tuple[tar.Member, ...]) -> tuple[PlacedPicture, ...]:
    if len(placed) != 2 * len(manifest.pictures):
        raise Corrupt(f"{len(placed)} picture files for the {len(manifest.pictures)} pictures of the manifest")
    found = []
    for number, entry in enumerate(manifest.pictures):
        full, thumbnail = placed[2 * number], placed[2 * number + 1]
        content = _checked_content(view, full, f"{number:04}.jpg", entry.size_bytes, entry.sha256)
        check_jpeg(content, entry.width, entry.height, full.name)
        content = _checked_content(
            view, thumbnail, f"{number:04}.thumb.jpg", entry.thumbnail_size_bytes, entry.thumbnail_sha256
        )
        check_jpeg(content, entry.thumbnail_width, entry.thumbnail_height, thumbnail.name)
        found.append(PlacedPicture(entry, full.offset, thumbnail.offset))
    return tuple(found)


def _checked_content(view: memoryview, member: tar.Member, name: str, size_bytes: int, sha256: bytes) -> memoryview:
    if member.name != name:
        raise Corrupt(f"the member {member.name!r} stands where {name!r} is due", code="bad-order")
    if member.size_bytes != size_bytes:
        raise Corrupt(f"{name} has {member.size_bytes} bytes; the manifest says {size_bytes}")
    content = view[member.offset : member.offset + size_bytes]
    if hashlib.sha256(content).digest() != sha256:
        raise Corrupt(f"{name} does not have the SHA-256 of the manifest", code="bad-hash")
    return content
