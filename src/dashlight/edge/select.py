"""Which moments of a drive may become pictures: one each few metres, none while standing. Pure."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashlight.edge.track import Motion
from dashlight.errors import UsageError
from dashlight.model import LonLat

EVERY_M = 5.0  # Neighbouring pictures of a street still show the same signs from two sides.
MIN_SPEED_MPS = 0.8  # A slow walk; below it a receiver's positions wander more than the camera moves.
WINDOW_SHARE = 0.5  # Of the distance between pictures; the sharpest frame of this stretch is taken.
MAX_WINDOW_S = 1.0  # Walking pace: more candidates make a picture no sharper.


class NotTaken(StrEnum):
    """Why no picture was made of a place although no rule of the publication policy hides it."""

    STANDING = "standing"
    NO_HEADING = "no-heading"
    NO_FRAME = "no-frame"
    KNOWN = "known"
    TAKEN_BACK = "taken-back"
    STOPPED = "stopped"


NOT_TAKEN: Mapping[NotTaken, str] = {
    NotTaken.STANDING: "The vehicle stood here, or crept.",
    NotTaken.NO_HEADING: "The positions do not tell which way the camera looked.",
    NotTaken.NO_FRAME: "The video has no readable frame of this moment.",
    NotTaken.KNOWN: "An earlier import dealt with this part of the recording.",
    NotTaken.TAKEN_BACK: "It was taken back or hidden while it was being made.",
    NotTaken.STOPPED: "The import was stopped before it; the next one goes on here.",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place along the drive of which one picture may be made.

    Attributes:
        at: When the vehicle was there, aware UTC.
        position: Where.
        travelled_m: Metres along the drive.
        earliest: The first moment whose frame may be taken.
        latest: The last one; windows never overlap.
        is_standing: Whether the vehicle stood there or crept: it has the neighbour before it, and none is wanted.
    """

    at: datetime
    position: LonLat
    travelled_m: float
    earliest: datetime
    latest: datetime
    is_standing: bool


class Tally:
    """Counts the candidates of a recording, and why those that became no picture did not.

    Every candidate ends as a picture or is left out for one reason; reasons are those of `NotTaken`, of
    `publication.HiddenBy`, or `policy-` and the code of a `publication.Violation`. They may come from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards left_out
        self.candidates = 0
        self.pictures = 0
        self.left_out: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many candidates have not come to an end yet."""
        return self.candidates - self.pictures - self.left_out.total()

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count so many that become no picture."""
        with self._lock:
            self.left_out[reason] += count

    def leave_out_rest(self, reason: str) -> None:
        """Count all that have not come to an end yet as left out."""
        if self.open > 0:
            self.leave_out(reason, self.open)


def candidates_along(
    motion: Motion, *, every_m: float = EVERY_M, min_speed_mps: float = MIN_SPEED_MPS, window: float = WINDOW_SHARE
) -> Iterator[Candidate]:
    """Yield the places, `every_m` apart, in order of time.

    Places are counted from the start of each stretch without a gap.

    Raises:
        UsageError: When `every_m` is not 0.5..1000 or `window` not 0..1.
    """
    if not 0.5 <= every_m <= 1000.0:
        raise UsageError(f"a picture every {every_m} m is outside 0.5..1000 m")
    if not 0.0 <= window <= 1.0:
        raise UsageError(f"a window of {window} is outside 0..1 of the distance between pictures")
    half_m = every_m * window / 2
    for first_m, last_m in motion.travelled_spans():
        for index in range(math.floor((last_m - first_m) / every_m) + 1):
            place = _place(motion, first_m + index * every_m, half_m, (first_m, last_m), min_speed_mps)
            if place is not None:
                yield place


def _place(
    motion: Motion, travelled_m: float, half_m: float, span_m: tuple[float, float], min_speed_mps: float
) -> Candidate | None:
    at = motion.time_at_travelled(travelled_m)
    if at is None:
        return None
    position = motion.position_at(at)
    earliest = motion.time_at_travelled(max(span_m[0], travelled_m - half_m))
    latest = motion.time_at_travelled(min(span_m[1], travelled_m + half_m))
    if position is None or earliest is None or latest is None:
        return None
    reach = timedelta(seconds=MAX_WINDOW_S / 2)
    speed_mps = motion.speed_at(at)
    is_standing = speed_mps is None or speed_mps < min_speed_mps
    return Candidate(at, position, travelled_m, max(earliest, at - reach), min(latest, at + reach), is_standing)
