"""The log that 70mai cameras keep at the root of their card, `GPSData000001.txt`, since `$V02`.

A line a second: a time, `A` or `V`, latitude, longitude, course and speed in hundredths (of degrees, of m/s), three
accelerations, and on newer models the name of the clip being recorded. The firmware computes the time as if its
zone were China's: eight hours are missing. Some versions do not.
"""

from __future__ import annotations

import math
from pathlib import Path

from dashlight.edge.recordings.telemetry.reading import (
    MAX_READINGS,
    Reading,
    Telemetry,
    TelemetryClock,
    course_of,
    position_of,
    speed_of,
)
from dashlight.edge.recordings.telemetry.sidecar import text_of
from dashlight.model import LonLat

BIAS_S = 8 * 3600.0
MARK = "$V02"


def read(path: Path, clip: str = "") -> Telemetry | None:
    """Return the positions of a card's log; only those of `clip` when lines name it.

    Raises:
        TooLarge: When it is larger than a sidecar may be.
        HostError: When it cannot be read.
    """
    return parsed(text_of(path), clip)


def parsed(text: str, clip: str = "") -> Telemetry | None:
    """Return the same of text; lines that are none of the format are passed over."""
    if MARK not in text[:4096]:
        return None
    everything: list[Reading] = []
    of_clip: list[Reading] = []
    wanted = _moment_of(clip)
    for line in text.splitlines():
        fields = line.split(",")
        reading = _reading(fields)
        if reading is None or len(everything) >= MAX_READINGS:
            continue
        everything.append(reading)
        if wanted and any(_moment_of(field) == wanted for field in fields[9:10]):
            of_clip.append(reading)
    readings = of_clip or everything
    if not readings:
        return None
    return Telemetry(
        "70mai log", tuple(readings), TelemetryClock.UTC, is_whole_drive=True, other_clock_shifts_s=(-BIAS_S,)
    )


def _moment_of(name: str) -> str:
    """Return a clip's name without what differs between the cameras of one moment."""
    stem = name.strip().lower().rpartition(".")[0]
    return stem.rstrip("fbri") if stem.startswith(("no", "ev", "pa", "lp")) else ""


def _reading(fields: list[str]) -> Reading | None:
    if len(fields) < 6 or fields[1] not in ("A", "V"):
        return None
    clock_s, lat, lon, course, speed = (_number(fields[index]) for index in (0, 2, 3, 4, 5))
    if clock_s is None or not 0 < clock_s < 1e11:
        return None
    position = None if lon is None or lat is None else position_of(lon, lat)
    if position is None and fields[1] == "A":
        return None
    return Reading(
        position or LonLat(0.0, 0.0),
        clock_s=clock_s + BIAS_S,
        speed_mps=None if speed is None else speed_of(speed / 100.0),
        course_deg=None if course is None else course_of(course / 100.0),
        is_valid=fields[1] == "A" and position is not None,
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None  # A line cut by a power loss; its neighbours tell the same.
    return value if math.isfinite(value) else None
