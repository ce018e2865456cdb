"""What every reader of telemetry returns: positions as the camera wrote them, before any clock is believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dashlight.model import LonLat

KNOT_MPS = 1852.0 / 3600.0
ACCURACY_PER_DOP_M = 5.0  # A receiver's horizontal error in the open, by which its dilution is multiplied.
MAX_READINGS = 2_000_000  # A day and a half at 18 Hz; more is a hostile file.


class TelemetryClock(StrEnum):
    """How the times of readings were known."""

    UTC = "utc"  # The receiver's own time.
    LOCAL_OR_UTC = "local-or-utc"  # The camera writes the receiver's time, moved to its zone or not: to be found out.
    NONE = "none"  # Only offsets into the video.


@dataclass(frozen=True, slots=True)
class Reading:
    """One position as the camera wrote it.

    Attributes:
        position: Where.
        clock_s: The written time, as seconds since 1970 as if it were UTC; None when there is none.
        offset_s: Seconds from the first frame of the video, when the container ties the two.
        speed_mps: Over the ground.
        course_deg: The receiver's, 0 <= c < 360.
        accuracy_m: Horizontal, when known.
        is_valid: Whether the receiver says that it has a fix.
        altitude_m: As the source has it.
    """

    position: LonLat
    clock_s: float | None = None
    offset_s: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    accuracy_m: float | None = None
    is_valid: bool = True
    altitude_m: float | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """All positions of one source.

    Attributes:
        source: For a person: `GPMF`, `CAMM`, `Novatek freeGPS`, `GPX`, ...
        readings: In the order of the source; not empty.
        clock: How `clock_s` was known.
        is_whole_drive: Whether the source may hold more than this recording (a log of a card, a day's GPX).
        other_clock_shifts_s: By how much `clock_s` may be wrong by a known habit of the firmware, beside zero.
    """

    source: str
    readings: tuple[Reading, ...]
    clock: TelemetryClock
    is_whole_drive: bool = False
    other_clock_shifts_s: tuple[float, ...] = ()


def seconds_of(year: int, month: int, day: int, hour: int, minute: int, second: float) -> float | None:
    """Return seconds since 1970 of a written time as if UTC; None when there is no such time.

    Second 60 (a leap second) is the start of the next minute. Years 0..79 are 2000..2079.
    """
    if 0 <= year < 80:
        year += 2000
    if not (
        1970 <= year <= 2200 and math.isfinite(second) and 0 <= second < 61 and 0 <= hour < 24 and 0 <= minute < 60
    ):
        return None
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None  # The 31st of June: the caller keeps the position and tells that its time is unknown.
    return midnight.timestamp() + hour * 3600 + minute * 60 + second


def position_of(lon: float, lat: float) -> LonLat | None:
    """Return the position, or None when the numbers are none."""
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180.0 and abs(lat) <= 90.0):
        return None
    return LonLat(lon, lat)


def degrees_of_ddmm(value: float) -> float:
    """Return degrees of the DDDMM.MMMM that NMEA and Novatek write, sign kept."""
    if not math.isfinite(value):
        return math.nan
    whole, minutes = divmod(abs(value), 100.0)
    return math.copysign(whole + minutes / 60.0, value)


def speed_of(mps: float | None) -> float | None:
    """Return a speed that is a number and not negative, else None."""
    return mps if mps is not None and math.isfinite(mps) and mps >= 0.0 else None


def course_of(degrees: float | None) -> float | None:
    """Return a course folded to 0 <= c < 360, None when it is no number."""
    return degrees % 360.0 % 360.0 if degrees is not None and math.isfinite(degrees) else None
