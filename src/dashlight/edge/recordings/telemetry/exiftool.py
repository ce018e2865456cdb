"""Any other camera's telemetry, through the exiftool that the user has installed (13 or newer); never needed.

exiftool runs with `-ee` on one file, its output is read as JSON, and it is stopped after a while.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashlight.edge.recordings.telemetry.reading import (
    MAX_READINGS,
    Reading,
    Telemetry,
    TelemetryClock,
    course_of,
    position_of,
    seconds_of,
    speed_of,
)
from dashlight.errors import Corrupt, HostError, TooLarge

MIN_VERSION = 13.0
TIMEOUT_S = 120.0
MAX_OUTPUT_BYTES = 64 * 1024 * 1024  # Six hours at 10 Hz; in memory it takes some times as much.
_TAGS = (
    "GPSLatitude", "GPSLongitude", "GPSDateTime", "GPSSpeed", "GPSSpeedRef", "GPSTrack", "GPSAltitude", "SampleTime",
    "GPSHPositioningError",
)  # fmt: skip
_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d(?:\.\d+)?)Z?")
_KMH_MPS = 1 / 3.6
_SPEED_UNITS = {"K": _KMH_MPS, "km/h": _KMH_MPS, "M": 0.44704, "mph": 0.44704, "N": 1852 / 3600, "knots": 1852 / 3600}


@functools.cache
def program() -> str | None:
    """Return where a new enough exiftool is, or None."""
    found = shutil.which("exiftool")
    if found is None:
        return None
    try:
        said = subprocess.run([found, "-ver"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
        version = float(said.stdout.strip() or 0)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # An exiftool that does not run is one that is not there.
    return found if version >= MIN_VERSION else None


def read(path: Path) -> Telemetry | None:
    """Return what exiftool finds, or None when it finds no positions or is not installed.

    Raises:
        HostError: When exiftool cannot be run, or takes longer than two minutes.
        Corrupt: When its output is not what it documents.
        TooLarge: When it writes more than any recording's positions take.
    """
    found = program()
    if found is None:
        return None
    tags = [f"-{tag}" for tag in _TAGS]
    command = [found, "-ee", "-n", "-json", "-G3", "-api", "LargeFileSupport=1", *tags, "--", str(path.resolve())]
    return parsed(_output(command))


def _output(command: Sequence[str]) -> bytes:
    """Return what a program writes; one that writes too much or takes too long is ended, with all that it started."""
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as exc:
        raise HostError(f"exiftool cannot be run: {exc.strerror or exc}", code="exiftool") from exc
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        _end(process)

    timer = threading.Timer(TIMEOUT_S, end)
    timer.start()
    try:
        with process:
            output = process.stdout.read(MAX_OUTPUT_BYTES + 1) if process.stdout else b""
            if len(output) > MAX_OUTPUT_BYTES:
                _end(process)
            process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        timer.cancel()
    if is_late.is_set():
        raise HostError(f"exiftool took longer than {TIMEOUT_S:g} s", code="exiftool")
    if len(output) > MAX_OUTPUT_BYTES:
        raise TooLarge(f"exiftool wrote more than {MAX_OUTPUT_BYTES} bytes about one file", code="exiftool")
    return output


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started: a script around exiftool is not all of it."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # It leads a group of its own.
    else:
        process.kill()


def parsed(output: bytes) -> Telemetry | None:
    """Return the positions in exiftool's JSON, one a document (`Doc1:GPSLatitude`, ...).

    Raises:
        Corrupt: When it is not such JSON.
    """
    if not output.strip():
        return None
    try:
        entries = json.loads(output)
    except (ValueError, RecursionError) as exc:
        raise Corrupt("what exiftool wrote is no JSON", code="exiftool") from exc
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        raise Corrupt("what exiftool wrote is not a list of files", code="exiftool")
    documents: dict[str, dict[str, Any]] = {}
    for key, value in entries[0].items():
        group, _, tag = key.rpartition(":")
        if group.startswith("Doc"):
            documents.setdefault(group, {})[tag] = value
    readings = [reading for reading in map(_reading, documents.values()) if reading is not None][:MAX_READINGS]
    if not readings:
        return None
    has_clock = any(reading.clock_s is not None for reading in readings)
    return Telemetry("exiftool", tuple(readings), TelemetryClock.LOCAL_OR_UTC if has_clock else TelemetryClock.NONE)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _reading(tags: dict[str, Any]) -> Reading | None:
    lat, lon = _number(tags.get("GPSLatitude")), _number(tags.get("GPSLongitude"))
    position = None if lat is None or lon is None else position_of(lon, lat)
    if position is None:
        return None
    match = _TIME.match(str(tags.get("GPSDateTime", "")))
    clock_s = None
    if match is not None:
        year, month, day, hour, minute = (int(group) for group in match.groups()[:5])
        clock_s = seconds_of(year, month, day, hour, minute, float(match.group(6)))
    speed = _number(tags.get("GPSSpeed"))
    unit = _SPEED_UNITS.get(str(tags.get("GPSSpeedRef", "K")), _KMH_MPS)
    return Reading(
        position,
        clock_s=clock_s,
        offset_s=_number(tags.get("SampleTime")),
        speed_mps=None if speed is None else speed_of(speed * unit),
        course_deg=course_of(_number(tags.get("GPSTrack"))),
        accuracy_m=_number(tags.get("GPSHPositioningError")),
        altitude_m=_number(tags.get("GPSAltitude")),
    )
