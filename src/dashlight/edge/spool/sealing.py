"""Redacted pictures become bundles in the spool: number, key, archive, file, row, in this order.

crash after            what is left                                 what the next run does
the number             a gap in the numbers                         goes on with the next one
the file               a file that no row knows; it was not sent    sweeps it, makes the pictures again
the row                a bundle                                     sends it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from dashlight.edge.home.ledger import BundleRow, BundleState, Ledger, PictureRow, Terms
from dashlight.edge.spool.spool import Spool
from dashlight.model import PictureClaim, Policy, RedactedPicture
from dashlight.publication import Violation, check_bundle, told_claim
from dashlight.wire import (
    BundlePicture,
    bundle_key,
    deletion_commitment,
    deletion_secret,
    encode_bundle,
)

MAX_ARCHIVE_BYTES = 60 * 1024 * 1024  # Leaves room for the manifest and the archive's own blocks.


@dataclass(frozen=True, slots=True)
class ReadyPicture:
    """A redacted picture, what is told of it, and where it came from; `at_s` is Unix seconds."""

    picture: RedactedPicture
    claim: PictureClaim
    recording: str
    offset_ms: int
    at_s: float

    @property
    def size_bytes(self) -> int:
        """What it takes in a bundle, about."""
        return len(self.picture.jpeg) + len(self.picture.thumbnail_jpeg) + 4096


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A picture that is not in its bundle: it breaks the policy, or (None) its owner took it back or hid it."""

    picture: ReadyPicture
    violation: Violation | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What became of pictures: those in the bundle, in its order, and the others."""

    pictures: tuple[ReadyPicture, ...]
    left_out: tuple[LeftOut, ...]


class Sealer:
    """Makes bundles.

    Args:
        ledger: Gives numbers, keeps rows.
        spool: Keeps files.
        seed: Keys and deletion secrets follow from it.
        policy: Of every bundle.
        license_id: Of every bundle.
        attribution: Of every bundle (`open`), or None.
        now: Unix seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        spool: Spool,
        seed: bytes,
        *,
        policy: Policy,
        license_id: str,
        attribution: str | None,
        now: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._seed = seed
        self._policy = policy
        self._terms = Terms(license_id, attribution)
        self._now = now

    def seal(
        self,
        pictures: Sequence[ReadyPicture],
        *,
        sequence: UUID | None,
        not_before: float = 0.0,
        slots: Sequence[str] = (),
    ) -> Sealed:
        """Write one bundle durably; return which pictures are in it, and why the others were left out.

        What ingest would refuse under the policy is left out here, before it could be sent, and so is what its owner
        took back or hid since it was redacted.

        Raises:
            SpoolFull: When there is no room; call again with the same pictures later.
            HostError: When the disk fails.
        """
        kept, left_out = self._obedient(pictures, sequence)
        while kept:
            withdrawn = self._written(kept, sequence, not_before=not_before, slots=slots)
            if not withdrawn:
                break
            left_out += [LeftOut(kept[n], None) for n in sorted(withdrawn)]
            kept, more = self._obedient([p for n, p in enumerate(kept) if n not in withdrawn], sequence)
            left_out += more
        return Sealed(tuple(kept), tuple(left_out))

    def _written(
        self, kept: Sequence[ReadyPicture], sequence: UUID | None, *, not_before: float, slots: Sequence[str]
    ) -> frozenset[int]:
        """Write one bundle; return the places of pictures that may not be in it, and then nothing is left of it."""
        number = self._ledger.reserve_bundle_number()
        archive = encode_bundle(
            [
                BundlePicture(
                    p.picture,
                    told_claim(self._policy, p.claim),
                    deletion_commitment(deletion_secret(self._seed, number, n)),
                )
                for n, p in enumerate(kept)
            ],
            bundle_key(self._seed, number),
            policy=self._policy,
            license_id=self._terms.license_id,
            sequence=sequence,
            attribution=self._terms.attribution,
        )
        sha256 = self._spool.put(archive)
        row = BundleRow(
            number=number,
            sha256=sha256,
            size_bytes=len(archive),
            pictures=len(kept),
            policy=str(self._policy),
            sequence=None if sequence is None else str(sequence),
            state=BundleState.SPOOLED,
            not_before=not_before,
        )
        withdrawn = self._ledger.add_bundle(
            row, [_row(p) for p in kept], now=self._now(), slots=slots, terms=self._terms
        )
        if withdrawn:
            self._spool.drop(sha256)
        return withdrawn

    def _obedient(
        self, pictures: Sequence[ReadyPicture], sequence: UUID | None
    ) -> tuple[list[ReadyPicture], list[LeftOut]]:
        kept, left_out = list(pictures), list[LeftOut]()
        while kept:
            violations = check_bundle(
                self._policy,
                [p.claim for p in kept],
                sequence,
                now=datetime.fromtimestamp(self._now(), UTC),
                sizes=[(p.picture.width, p.picture.height) for p in kept],
            )
            if not violations:
                break
            # One at a time: leaving a picture out often mends what its neighbour was blamed for.
            first = violations[0]
            left_out.append(LeftOut(kept.pop(-1 if first.picture is None else first.picture), first))
        return kept, left_out


def _row(picture: ReadyPicture) -> PictureRow:
    claim = picture.claim
    return PictureRow(picture.recording, picture.offset_ms, claim.position.lon, claim.position.lat, claim.heading_deg)


def rounded(claim: PictureClaim) -> PictureClaim:
    """Return a claim as the wire tells it, so that what is checked is what is sent."""
    position = claim.position
    return replace(
        claim,
        position=type(position)(round(position.lon, 6), round(position.lat, 6)),
        heading_deg=round(claim.heading_deg, 1) % 360.0,
        accuracy_m=None if claim.accuracy_m is None else round(claim.accuracy_m, 1),
    )
