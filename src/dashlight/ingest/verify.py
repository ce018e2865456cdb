"""Is a staged archive a bundle that keeps the policy it claims? Pure but for reading the archive."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dashlight.errors import PrivacyError
from dashlight.model import Policy, Redaction
from dashlight.publication.checks import check_bundle
from dashlight.publication.claims import told_claim
from dashlight.store.publish import NewPicture
from dashlight.wire import Bundle, Manifest, PlacedPicture, decode_bundle


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle that may be published once the detectors have had their second look."""

    bundle: Bundle

    @property
    def policy(self) -> Policy:
        """The policy that it claims and keeps."""
        return self.bundle.manifest.policy

    @property
    def head_bytes(self) -> int:
        """How many bytes stand before the first picture: manifest and signature."""
        return self.bundle.pictures[0].offset


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture that the detectors look at again."""

    number: int
    jpeg: bytes
    thumbnail_jpeg: bytes
    redactions: tuple[Redaction, ...]


def verify_bundle(
    archive: memoryview, *, sha256: str, digest: str, now: datetime, active_enrolments: int | None
) -> Verified:
    """Return what an archive holds, having checked structure, signature, hashes, pictures and policy.

    Args:
        archive: The whole archive, hostile.
        sha256: The name it came under.
        digest: Its SHA-256, computed while it came.
        now: The server's clock.
        active_enrolments: Of `personal`, which decides whether weeks may be told.

    Raises:
        Corrupt: When it is not a bundle, or a picture holds more than a picture.
        TooLarge: When it is over a limit.
        PrivacyError: When it breaks the policy that it claims.
    """
    bundle = decode_bundle(archive, sha256=sha256, digest=digest)
    manifest = bundle.manifest
    violations = check_bundle(
        manifest.policy,
        [entry.claim for entry in manifest.pictures],
        manifest.sequence,
        now=now,
        sizes=[(entry.width, entry.height) for entry in manifest.pictures],
        active_enrolments=active_enrolments,
    )
    if violations:
        first = violations[0]
        where = "" if first.picture is None else f"picture {first.picture}: "
        raise PrivacyError(
            f"the bundle breaks the policy {manifest.policy} that it claims: {where}{first.message}"
            + (f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""),
            hint="nothing of it was kept; the edge's policy and clock have to be looked at",
            code=f"policy-{first.code}",
        )
    return Verified(bundle)


def drawn_numbers(secret: bytes, sha256: str, count: int, share: float) -> list[int]:
    """Return which of a bundle's pictures the second look is at: the same whenever the bundle comes, and a secret.

    Args:
        secret: Of this server; who knows it knows what is looked at.
        sha256: Of the bundle, hex.
        count: How many pictures it has.
        share: Of them that are looked at, 0..1.
    """

    def chance(number: int) -> float:
        drawn = hmac.digest(secret, bytes.fromhex(sha256) + number.to_bytes(4, "big"), hashlib.sha256)
        return float((int.from_bytes(drawn[:8], "big") >> 11) / (1 << 53))

    return [number for number in range(count) if chance(number) < share]


def drawn_pictures(archive: memoryview, bundle: Bundle, numbers: Sequence[int]) -> list[Drawn]:
    """Return the pictures of those numbers and their thumbnails, copied out of the archive."""
    drawn = []
    for number in numbers:
        placed = bundle.pictures[number]
        jpeg = bytes(archive[placed.offset : placed.offset + placed.entry.size_bytes])
        thumbnail_end = placed.thumbnail_offset + placed.entry.thumbnail_size_bytes
        thumbnail = bytes(archive[placed.thumbnail_offset : thumbnail_end])
        drawn.append(Drawn(number, jpeg, thumbnail, placed.entry.redactions))
    return drawn


def new_picture(placed: PlacedPicture, manifest: Manifest, picture_id: UUID) -> NewPicture:
    """Return the picture as it is published from the archive itself.

    Edges used to seal the accuracy of `personal` pictures too, and such a bundle may wait for months: it is
    taken, and what it may not tell is left out here.
    """
    entry = placed.entry
    return NewPicture(
        id=picture_id.bytes,
        claim=told_claim(manifest.policy, entry.claim),
        license_id=manifest.license_id,
        attribution=manifest.attribution or "",
        width=entry.width,
        height=entry.height,
        offset=placed.offset,
        size_bytes=entry.size_bytes,
        thumbnail_offset=placed.thumbnail_offset,
        thumbnail_size_bytes=entry.thumbnail_size_bytes,
        redactions=entry.redactions,
        deletion_commitment=entry.deletion_commitment,
    )
