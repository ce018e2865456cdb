"""Which moments of a drive become pictures: one each few metres, none while standing. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashlight.edge.track import Motion
from dashlight.errors import UsageError
from dashlight.model import LonLat

EVERY_M = 5.0  # Neighbouring pictures of a street still show the same signs from two sides.
MIN_SPEED_MPS = 0.8  # A slow walk; below it a receiver's positions wander more than the camera moves.
WINDOW_SHARE = 0.5  # Of the distance between pictures; the sharpest frame of this stretch is taken.
MAX_WINDOW_S = 1.0  # Walking pace: more candidates make a picture no sharper.


@dataclass(frozen=True, slots=True)
class Wanted:
    """A place along the drive from which one picture is wanted.

    Attributes:
        at: When the vehicle was there, aware UTC.
        position: Where.
        travelled_m: Metres along the drive.
        earliest: The first moment whose frame may be taken.
        latest: The last one; windows never overlap.
    """

    at: datetime
    position: LonLat
    travelled_m: float
    earliest: datetime
    latest: datetime


def wanted_places(
    motion: Motion, *, every_m: float = EVERY_M, min_speed_mps: float = MIN_SPEED_MPS, window: float = WINDOW_SHARE
) -> Iterator[Wanted]:
    """Yield the places, `every_m` apart, in order of time.

    Places are counted from the start of each stretch without a gap. A place that the vehicle passed slower than
    `min_speed_mps` (it stood there, or crept) is left out: it has the neighbour before it.

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
            wanted = _place(motion, first_m + index * every_m, half_m, (first_m, last_m))
            if wanted is None:
                continue
            speed_mps = motion.speed_at(wanted.at)
            if speed_mps is not None and speed_mps >= min_speed_mps:
                yield wanted


def _place(motion: Motion, travelled_m: float, half_m: float, span_m: tuple[float, float]) -> Wanted | None:
    at = motion.time_at_travelled(travelled_m)
    if at is None:
        return None
    position = motion.position_at(at)
    earliest = motion.time_at_travelled(max(span_m[0], travelled_m - half_m))
    latest = motion.time_at_travelled(min(span_m[1], travelled_m + half_m))
    if position is None or earliest is None or latest is None:
        return None
    reach = timedelta(seconds=MAX_WINDOW_S / 2)
    return Wanted(at, position, travelled_m, max(earliest, at - reach), min(latest, at + reach))
