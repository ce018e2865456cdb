"""Timed positions of one drive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashlight.errors import InputError
from dashlight.model.lonlat import LonLat


@dataclass(frozen=True, slots=True)
class Fix:
    """One position as a receiver told it.

    Attributes:
        at: When, aware UTC.
        position: Where.
        speed_mps: Over the ground, when the receiver tells it.
        course_deg: The receiver's own course, 0 <= c < 360, when it tells one; the heading of a picture is not
            taken from it but from a chord of positions.
        accuracy_m: Horizontal, one sigma or the receiver's dilution times 5 m, when known.
        is_valid: Whether the receiver itself says that it has a fix.
        altitude_m: Above the ellipsoid or sea level, as the source has it.
    """

    at: datetime
    position: LonLat
    speed_mps: float | None = None
    course_deg: float | None = None
    accuracy_m: float | None = None
    is_valid: bool = True
    altitude_m: float | None = None

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise InputError(f"the time {self.at!r} of a fix is not aware UTC", code="bad-time")


@dataclass(frozen=True, slots=True)
class Track:
    """Fixes of one drive, strictly increasing in time; may be empty."""

    fixes: tuple[Fix, ...]

    def __post_init__(self) -> None:
        for earlier, later in zip(self.fixes, self.fixes[1:], strict=False):
            if earlier.at >= later.at:
                raise InputError(f"fixes at {earlier.at} and {later.at} are not in order", code="bad-time")
