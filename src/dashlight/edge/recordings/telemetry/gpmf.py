"""GoPro's GPMF track, through `mapillary_tools` (BSD-2-Clause); https://github.com/gopro/gpmf-parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dashlight.edge.recordings.telemetry.foreign import called
from dashlight.edge.recordings.telemetry.reading import (
    ACCURACY_PER_DOP_M,
    Reading,
    Telemetry,
    TelemetryClock,
    position_of,
    speed_of,
)
from dashlight.edge.recordings.telemetry.sample_tables import has_track


def read(path: Path) -> Telemetry | None:
    """Return the positions of a GoPro's file, or None when it has no such track.

    A payload of about 18 positions carries one UTC time, that of its first position; only that one gets it.

    Raises:
        Corrupt: When the container or the track is damaged.
        HostError: When the file cannot be read.
    """
    if not has_track(path, b"gpmd"):
        return None
    from mapillary_tools.gpmf.gpmf_parser import extract_gopro_info  # noqa: PLC0415 -- slow to import

    info = called("GPMF", extract_gopro_info, path)
    if info is None or not info.gps:
        return None
    readings: list[Reading] = []
    last_epoch_s: float | None = None
    for point in info.gps:
        reading = _reading(point, is_first=point.epoch_time != last_epoch_s)
        last_epoch_s = point.epoch_time
        if reading is not None:
            readings.append(reading)
    if not readings:
        return None
    has_clock = any(reading.clock_s is not None for reading in readings)
    return Telemetry("GPMF", tuple(readings), TelemetryClock.UTC if has_clock else TelemetryClock.NONE)


def _reading(point: Any, *, is_first: bool) -> Reading | None:
    position = position_of(point.lon, point.lat)
    if position is None:
        return None
    has_fix = point.fix is None or point.fix.value > 0
    return Reading(
        position,
        clock_s=point.epoch_time if is_first and has_fix else None,
        offset_s=point.time,
        speed_mps=speed_of(point.ground_speed),
        accuracy_m=None if point.precision is None else point.precision / 100.0 * ACCURACY_PER_DOP_M,
        is_valid=has_fix,
        altitude_m=point.alt,
    )
