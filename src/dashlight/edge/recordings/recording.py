"""What is known of a video file before a frame of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from dashlight.model import compass_deg


class CameraPosition(StrEnum):
    """Which way a camera of a pair looks."""

    FRONT = "front"
    REAR = "rear"
    INTERIOR = "interior"  # Never a source of pictures.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recording:
    """One video file as the camera wrote it.

    Attributes:
        path: The file.
        container: `mp4`, `mov`, `ts` or another demuxer's name.
        codec: As FFmpeg names it: `h264`, `hevc`, ...
        width: Pixels as coded, before rotation.
        height: Pixels as coded, before rotation.
        duration_s: Seconds; 0 when the container does not tell.
        named_at: The camera's wall clock (no zone) in the file's name, when it is there.
        created_at: The wall clock in the container (cameras write local time there as often as UTC; no zone).
        modified_s: The file's modification time, seconds since 1970.
        camera_position: Which camera of a pair.
        is_parking: Recorded by a parked car; never a source of pictures.
        sidecars: Files beside it that may hold its positions, likeliest first.
        size_bytes: Of the file.
    """

    path: Path
    container: str
    codec: str
    width: int
    height: int
    duration_s: float
    named_at: datetime | None
    created_at: datetime | None
    modified_s: float
    camera_position: CameraPosition
    is_parking: bool
    sidecars: tuple[Path, ...]
    size_bytes: int

    @property
    def is_source(self) -> bool:
        """Whether pictures may come from it: neither a parked car nor its interior is a street."""
        return not self.is_parking and self.camera_position is not CameraPosition.INTERIOR

    def looks_deg(self, course_deg: float) -> float:
        """Return which way its camera looks while the vehicle goes `course_deg`; 0 <= h < 360."""
        return compass_deg(course_deg + (180.0 if self.camera_position is CameraPosition.REAR else 0.0))


@dataclass(frozen=True, slots=True)
class Drive:
    """Recordings of one camera that continue each other, in order of time; never empty."""

    recordings: tuple[Recording, ...]
