"""Writes positions beside a video: GPX, NMEA, BlackVue's `.gps`, 70mai's log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import quoteattr

from dashlight.model import Fix

KNOT_MPS = 1852.0 / 3600.0
_70MAI_BIAS_S = 8 * 3600  # The firmware takes its clock for China's.


def write_gpx(fixes: Iterable[Fix], out_path: Path) -> Path:
    """Write a GPX 1.1 track and return `out_path`."""
    points = []
    for fix in fixes:
        lat, lon = quoteattr(f"{fix.position.lat:.9f}"), quoteattr(f"{fix.position.lon:.9f}")
        elevation = "" if fix.altitude_m is None else f"<ele>{fix.altitude_m:.3f}</ele>"
        dilution = "" if fix.accuracy_m is None else f"<hdop>{fix.accuracy_m / 5.0:.2f}</hdop>"
        time = fix.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        points.append(f"<trkpt lat={lat} lon={lon}>{elevation}<time>{time}</time>{dilution}</trkpt>")
    body = "\n".join(points)
    out_path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="dashlight" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>\n'
        f"{body}\n</trkseg></trk></gpx>\n",
        encoding="utf-8",
    )
    return out_path


def sentence(body: str) -> str:
    """Return an NMEA sentence with its checksum."""
    checksum = 0
    for char in body:
        checksum ^= ord(char)
    return f"${body}*{checksum:02X}"


def _angle(degrees: float, width: int, positive: str, negative: str) -> str:
    whole = int(abs(degrees))
    minutes = (abs(degrees) - whole) * 60
    if f"{minutes:.5f}" == "60.00000":
        whole, minutes = whole + 1, 0.0
    return f"{whole:0{width}}{minutes:08.5f},{negative if degrees < 0 else positive}"


def sentences_of(fix: Fix) -> tuple[str, str]:
    """Return the RMC and GGA sentences of a fix."""
    time = f"{fix.at:%H%M%S}.{fix.at.microsecond // 10_000:02}"
    where = f"{_angle(fix.position.lat, 2, 'N', 'S')},{_angle(fix.position.lon, 3, 'E', 'W')}"
    status = "A" if fix.is_valid else "V"
    knots = f"{(fix.speed_mps or 0.0) / KNOT_MPS:.3f}"
    course = "" if fix.course_deg is None else f"{fix.course_deg:.2f}"
    dilution = "" if fix.accuracy_m is None else f"{fix.accuracy_m / 5.0:.2f}"
    altitude = f"{fix.altitude_m or 0.0:.1f}"
    return (
        sentence(f"GNRMC,{time},{status},{where},{knots},{course},{fix.at:%d%m%y},,,{status}"),
        sentence(f"GNGGA,{time},{where},{1 if fix.is_valid else 0},08,{dilution},{altitude},M,0.0,M,,"),
    )


def write_nmea(fixes: Iterable[Fix], out_path: Path) -> Path:
    """Write a log of RMC and GGA sentences and return `out_path`."""
    lines = [line for fix in fixes for line in sentences_of(fix)]
    out_path.write_text("\r\n".join(lines) + "\r\n", encoding="ascii", newline="")
    return out_path


def blackvue_log(fixes: Sequence[Fix], *, utc_offset: timedelta = timedelta(0)) -> str:
    """Return the text that BlackVue cameras write: each sentence behind the camera's clock in milliseconds."""
    lines: list[str] = []
    for fix in fixes:
        clock_ms = round((fix.at + utc_offset).timestamp() * 1000)
        lines.extend(f"[{clock_ms}]{line}" for line in sentences_of(fix))
    return "\r\n".join(lines) + "\r\n"


def write_blackvue(fixes: Sequence[Fix], out_path: Path, *, utc_offset: timedelta = timedelta(0)) -> Path:
    """Write a `.gps` file and return `out_path`.

    Args:
        fixes: In order of time.
        out_path: Where to.
        utc_offset: Of the camera's clock.
    """
    out_path.write_text(blackvue_log(fixes, utc_offset=utc_offset), encoding="ascii", newline="")
    return out_path


def write_70mai(drives: Iterable[tuple[str, datetime, Sequence[Fix]]], out_path: Path) -> Path:
    """Write a card's `GPSData000001.txt` and return `out_path`.

    Args:
        drives: The name of each video, when it starts, and its fixes.
        out_path: Where to.
    """
    lines: list[str] = []
    for name, _, fixes in drives:
        lines.append("$V02")
        for fix in fixes:
            clock_s = int(fix.at.timestamp()) - _70MAI_BIAS_S
            status = "A" if fix.is_valid else "V"
            where = f"{fix.position.lat:.6f},{fix.position.lon:.6f}"
            motion = f"{round((fix.course_deg or 0.0) * 100)},{round((fix.speed_mps or 0.0) * 100)}"
            lines.append(f"{clock_s},{status},{where},{motion},0,100,0,{name},0,0,0")
    out_path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return out_path
