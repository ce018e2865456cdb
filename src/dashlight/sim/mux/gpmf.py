"""Writes GoPro's GPMF track with positions (GPS5); https://github.com/gopro/gpmf-parser."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from dashlight.model import Fix
from dashlight.sim.mux.mp4 import Rewriter, TimedTrack

_SCALES = (10_000_000, 10_000_000, 1000, 1000, 100)


def _klv(key: bytes, kind: bytes, size: int, repeat: int, content: bytes) -> bytes:
    return key + kind + struct.pack(">BH", size, repeat) + content.ljust((len(content) + 3) // 4 * 4, b"\0")


def _nested(key: bytes, content: bytes) -> bytes:
    return _klv(key, b"\0", 1, len(content), content)


def payload_of(fixes: Sequence[Fix]) -> bytes:
    """Return one payload: fixes of one second with the time and precision of the first."""
    first = fixes[0]
    written = f"{first.at:%y%m%d%H%M%S}.{first.at.microsecond // 1000:03}".encode("ascii")
    dilution = 9999 if first.accuracy_m is None else round(first.accuracy_m / 5.0 * 100)
    rows = b"".join(
        struct.pack(
            ">5i",
            round(fix.position.lat * _SCALES[0]),
            round(fix.position.lon * _SCALES[1]),
            round((fix.altitude_m or 0.0) * _SCALES[2]),
            round((fix.speed_mps or 0.0) * _SCALES[3]),
            round((fix.speed_mps or 0.0) * _SCALES[4]),
        )
        for fix in fixes
    )
    stream = b"".join(
        (
            _klv(b"GPSF", b"L", 4, 1, struct.pack(">I", 3 if first.is_valid else 0)),
            _klv(b"GPSU", b"U", 16, 1, written),
            _klv(b"GPSP", b"S", 2, 1, struct.pack(">H", dilution)),
            _klv(b"SCAL", b"l", 4, 5, struct.pack(">5i", *_SCALES)),
            _klv(b"GPS5", b"l", 20, len(fixes), rows),
        )
    )
    device = _klv(b"DVID", b"L", 4, 1, struct.pack(">I", 1)) + _klv(b"DVNM", b"c", 1, 9, b"Simulated")
    return _nested(b"DEVC", device + _nested(b"STRM", stream))


def mux_gpmf(video_path: Path, fixes: Sequence[Fix], out_path: Path, *, video_start: datetime | None = None) -> Path:
    """Write an MP4 with the frames of `video_path` and `fixes` as a GPMF track, one payload a second.

    Args:
        video_path: An MP4 or MOV.
        fixes: In order of time, evenly spaced.
        out_path: Where to.
        video_start: UTC of the first frame; that of the first fix when not given.

    Returns:
        `out_path`.
    """
    start = video_start or fixes[0].at
    timed = [((fix.at - start).total_seconds(), fix) for fix in fixes if fix.at >= start]
    samples: list[tuple[float, bytes]] = []
    for _, group in groupby(timed, key=lambda item: int(item[0] + 1e-6)):
        members = list(group)
        samples.append((members[0][0], payload_of([fix for _, fix in members])))
    rewriter = Rewriter(video_path)
    rewriter.write(out_path, track=TimedTrack(b"meta", b"gpmd", samples, b"GoPro MET"))
    rewriter.finish(out_path)
    return out_path
