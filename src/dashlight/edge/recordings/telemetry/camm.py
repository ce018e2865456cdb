"""Camera motion metadata (CAMM) tracks, through `mapillary_tools` (BSD-2-Clause).

Format: https://developers.google.com/streetview/publish/camm-spec
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from dashlight.edge.recordings.telemetry.foreign import called
from dashlight.edge.recordings.telemetry.reading import (
    Reading,
    Telemetry,
    TelemetryClock,
    position_of,
    speed_of,
)
from dashlight.edge.recordings.telemetry.sample_tables import has_track

GPS_EPOCH_S = 315_964_800.0  # 1980-01-06T00:00:00Z
LEAP_S = 18.0  # GPS time runs ahead of UTC by this since 2017.
LATEST_S = 2_051_222_400.0  # 2035-01-01: a time after it was written as Unix time, as several cameras do.


def _utc_s(written_s: float) -> float | None:
    """Return UTC of a CAMM time, read as the specification has it unless that lies after 2034."""
    if not math.isfinite(written_s) or written_s <= 0.0:
        return None
    utc_s = written_s + GPS_EPOCH_S - LEAP_S
    return written_s if utc_s > LATEST_S else utc_s


def read(path: Path) -> Telemetry | None:
    """Return the positions of a file with a CAMM track, or None when it has none.

    Raises:
        Corrupt: When the container or the track is damaged.
        HostError: When the file cannot be read.
    """
    if not has_track(path, b"camm"):
        return None
    from mapillary_tools.camm.camm_parser import extract_camm_info  # noqa: PLC0415 -- slow to import

    info = called("CAMM", extract_camm_info, path)
    if info is None:
        return None
    # Version 0.14.7 files its full points under `mini_gps`, too; they are told apart by what they carry.
    points = [*(info.gps or ()), *(info.mini_gps or ())]
    full = [point for point in points if hasattr(point, "time_gps_epoch")]
    readings = [reading for reading in map(_full, full) if reading is not None]
    if not readings:
        for point in points:
            position = position_of(point.lon, point.lat)
            if position is not None:
                readings.append(Reading(position, offset_s=point.time, altitude_m=point.alt))
    if not readings:
        return None
    has_clock = any(reading.clock_s is not None for reading in readings)
    return Telemetry(
        "CAMM",
        tuple(readings),
        TelemetryClock.UTC if has_clock else TelemetryClock.NONE,
        other_clock_shifts_s=(LEAP_S - GPS_EPOCH_S,),
    )


def _full(point: Any) -> Reading | None:
    position = position_of(point.lon, point.lat)
    if position is None:
        return None
    accuracy = point.horizontal_accuracy
    return Reading(
        position,
        clock_s=_utc_s(point.time_gps_epoch),
        offset_s=point.time,
        speed_mps=speed_of(math.hypot(point.velocity_east, point.velocity_north)),
        accuracy_m=accuracy if math.isfinite(accuracy) and accuracy > 0 else None,
        is_valid=point.gps_fix_type > 0,
        altitude_m=point.alt,
    )
