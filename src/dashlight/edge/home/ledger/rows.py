"""The rows of the ledger, and the states that bundles and recordings go through."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class BundleState(StrEnum):
    """Where a bundle is on its way."""

    SPOOLED = "spooled"
    RECEIVED = "received"
    REFUSED = "refused"
    FORGOTTEN = "forgotten"


class RecordingState(StrEnum):
    """How far a recording has come."""

    OPEN = "open"  # Begun; pictures of it may be missing.
    DONE = "done"  # All its pictures are in bundles; it is skipped from now on.
    WAITING = "waiting"  # The policy does not let anything of it be told yet.
    REJECTED = "rejected"  # Nothing can be made of it.
    FORGOTTEN = "forgotten"  # Its owner took it back; it is never taken again.


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture that is in a bundle.

    Attributes:
        recording: Fingerprint of its recording.
        offset_ms: Where in it; with `recording` the picture's name on this machine.
        lon: As claimed.
        lat: As claimed.
        heading_deg: As claimed.
        bundle: The bundle's number; 0 before it is in one.
        number: Its place in the bundle.
        picture_id: The server's name for it, when the receipt told one.
    """

    recording: str
    offset_ms: int
    lon: float
    lat: float
    heading_deg: float
    bundle: int = 0
    number: int = 0
    picture_id: str | None = None


@dataclass(frozen=True, slots=True)
class BundleRow:
    """A bundle as the ledger knows it; times are Unix seconds."""

    number: int
    sha256: str
    size_bytes: int
    pictures: int
    policy: str
    sequence: str | None
    state: BundleState
    not_before: float
    attempts: int = 0
    reason: str = ""
    code: str = ""
    receipt: bytes | None = field(default=None, repr=False)
    forget_at: float | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a bundle's manifest says of its licence: SPDX identifier, and the name that a mapper chose."""

    license_id: str
    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording as the ledger knows it; times are Unix seconds.

    Attributes:
        fingerprint: Of its bytes; see `edge.home.fingerprint`.
        path: Where it was seen last.
        state: How far it has come.
        reason: Why it was rejected, in words.
        code: The stable name of that reason.
        day: Of its first frame, UTC.
        drive: Fingerprint of the first recording of its drive.
        started_at: Of its first frame.
        ended_at: Of its last one.
        clock: How the clocks were aligned, in words.
        camera: Which camera of a pair.
        open_sequence: The sequence that its end belongs to, which a recording that continues it goes on with.
    """

    fingerprint: str
    path: str
    state: RecordingState
    reason: str = ""
    code: str = ""
    day: str | None = None
    drive: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    clock: str = ""
    camera: str = ""
    open_sequence: str | None = None
