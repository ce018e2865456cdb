"""Writes a camera motion metadata (CAMM) track; https://developers.google.com/streetview/publish/camm-spec."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from dashlight.model import Fix
from dashlight.sim.mux.mp4 import Rewriter, TimedTrack

_GPS_EPOCH_S = 315_964_800.0
_LEAP_S = 18.0


def sample_of(fix: Fix) -> bytes:
    """Return the sample of type 6 for a fix."""
    speed, course = fix.speed_mps or 0.0, math.radians(fix.course_deg or 0.0)
    accuracy_m = 0.0 if fix.accuracy_m is None else fix.accuracy_m
    return struct.pack(
        "<HHdIdd7f",
        0,
        6,
        fix.at.timestamp() - _GPS_EPOCH_S + _LEAP_S,
        3 if fix.is_valid else 0,
        fix.position.lat,
        fix.position.lon,
        fix.altitude_m or 0.0,
        accuracy_m,
        0.0,
        speed * math.sin(course),
        speed * math.cos(course),
        0.0,
        0.0,
    )


def mux_camm(video_path: Path, fixes: Sequence[Fix], out_path: Path, *, video_start: datetime | None = None) -> Path:
    """Write an MP4 with the frames of `video_path` and `fixes` as a CAMM track.

    Args:
        video_path: An MP4 or MOV.
        fixes: In order of time.
        out_path: Where to.
        video_start: UTC of the first frame; that of the first fix when not given.

    Returns:
        `out_path`.
    """
    start = video_start or fixes[0].at
    samples = [((fix.at - start).total_seconds(), sample_of(fix)) for fix in fixes if fix.at >= start]
    rewriter = Rewriter(video_path)
    rewriter.write(out_path, track=TimedTrack(b"camm", b"camm", samples, b"CameraMetadataMotionHandler"))
    rewriter.finish(out_path)
    return out_path
