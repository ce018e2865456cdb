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

from dashlight.edge.home.ledger import BundleRow, BundleState, Ledger, PictureRow
from dashlight.edge.spool.spool import Spool
from dashlight.model import PictureClaim, Policy, RedactedPicture
from dashlight.publication import Violation, check_bundle
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
        self._license_id = license_id
        self._attribution = attribution
        self._now = now

    def seal(
        self,
        pictures: Sequence[ReadyPicture],
        *,
        sequence: UUID | None,
        not_before: float = 0.0,
        slots: Sequence[str] = (),
    ) -> tuple[int, tuple[Violation, ...]]:
        """Write one bundle durably; return how many pictures it has, and why others were left out.

        What ingest would refuse under the policy is left out here, before it could be sent, and so is what its owner
        took back or hid since it was redacted.

        Raises:
            SpoolFull: When there is no room; call again with the same pictures later.
            HostError: When the disk fails.
        """
        kept, violations = self._obedient(pictures, sequence)
        while kept:
            withdrawn = self._written(kept, sequence, not_before=not_before, slots=slots)
            if not withdrawn:
                break
            kept, more = self._obedient([p for n, p in enumerate(kept) if n not in withdrawn], sequence)
            violations += more
        return len(kept), violations

    def _written(
        self, kept: Sequence[ReadyPicture], sequence: UUID | None, *, not_before: float, slots: Sequence[str]
    ) -> frozenset[int]:
        """Write one bundle; return the places of pictures that may not be in it, and then nothing is left of it."""
        number = self._ledger.reserve_bundle_number()
        archive = encode_bundle(
            [
                BundlePicture(p.picture, p.claim, deletion_commitment(deletion_secret(self._seed, number, n)))
                for n, p in enumerate(kept)
            ],
            bundle_key(self._seed, number),
            policy=self._policy,
            license_id=self._license_id,
            sequence=sequence,
            attribution=self._attribution,
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
        withdrawn = self._ledger.add_bundle(row, [_row(p) for p in kept], now=self._now(), slots=slots)
        if withdrawn:
            self._spool.drop(sha256)
        return withdrawn

    def _obedient(
        self, pictures: Sequence[ReadyPicture], sequence: UUID | None
    ) -> tuple[list[ReadyPicture], tuple[Violation, ...]]:
        kept, found = list(pictures), []
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
            found.append(violations[0])
            # One at a time: leaving a picture out often mends what its neighbour was blamed for.
            kept.pop(violations[0].picture if violations[0].picture is not None else len(kept) - 1)
        return kept, tuple(found)


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
