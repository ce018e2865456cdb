"""GPX 1.0 and 1.1 sidecars, by gpxpy; https://www.topografix.com/GPX/1/1/."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

from dashlight.edge.recordings.telemetry.reading import (
    ACCURACY_PER_DOP_M,
    MAX_READINGS,
    Reading,
    Telemetry,
    TelemetryClock,
    position_of,
    speed_of,
)
from dashlight.edge.recordings.telemetry.sidecar import text_of
from dashlight.errors import Corrupt


def read(path: Path) -> Telemetry | None:
    """Return the track points of a GPX file that carry a time; None when none does.

    Raises:
        Corrupt: When it is not GPX.
        TooLarge: When it is larger than a sidecar may be.
        HostError: When it cannot be read.
    """
    return parsed(text_of(path))


def parsed(text: str) -> Telemetry | None:
    """Return the same of GPX text."""
    import gpxpy  # noqa: PLC0415 -- only when there is one
    import gpxpy.gpx  # noqa: PLC0415

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Corrupt("a GPX file that defines entities is not read", code="bad-telemetry")
    try:
        gpx = gpxpy.parse(text)
    except (gpxpy.gpx.GPXException, ValueError, TypeError, AttributeError, OverflowError, LookupError) as exc:
        raise Corrupt("the GPX file is damaged", code="bad-telemetry") from exc
    readings: list[Reading] = []
    for track in gpx.tracks:
        for segment in track.segments:
            for point in segment.points:
                reading = _reading(point)
                if reading is not None and len(readings) < MAX_READINGS:
                    readings.append(reading)
    if not readings:
        return None
    return Telemetry("GPX", tuple(readings), TelemetryClock.UTC, is_whole_drive=True)


def _reading(point: Any) -> Reading | None:
    position = position_of(point.longitude, point.latitude)
    if position is None or point.time is None:
        return None
    at = point.time if point.time.tzinfo is not None else point.time.replace(tzinfo=UTC)
    dilution = point.horizontal_dilution
    return Reading(
        position,
        clock_s=at.timestamp(),
        speed_mps=speed_of(point.speed),
        accuracy_m=None if dilution is None else dilution * ACCURACY_PER_DOP_M,
        altitude_m=point.elevation,
        is_valid=point.type_of_gpx_fix != "none",
    )
