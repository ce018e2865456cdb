"""Writes `freeGPS` blocks as Novatek cameras do: in MP4 between the frames and listed in `moov/gps `, in TS as PES."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from dashlight.model import Fix
from dashlight.sim.mux.mp4 import Box, Interleaved, Rewriter

KNOT_MPS = 1852.0 / 3600.0
BLOCK_BYTES = 0x8000
_TS_PID = 0x300


class NovatekLayout(StrEnum):
    """Which model's block is written."""

    A119 = "a119"  # Hour first, at 0x30.
    A119_V3 = "a119-v3"  # Hour first, at 0x10.
    YEAR_FIRST = "year-first"  # Year to second at 0x30.
    S1 = "s1"  # Letters, then year to second, then longitude before latitude.


def _ddmm(degrees: float) -> float:
    whole = int(abs(degrees))
    return whole * 100 + (abs(degrees) - whole) * 60


def record_of(fix: Fix, *, utc_offset: timedelta, layout: NovatekLayout) -> bytes:
    """Return what follows a block's header, from 0x10."""
    at = fix.at + utc_offset
    date, clock = (at.year - 2000, at.month, at.day), (at.hour, at.minute, at.second)
    letters = b"A" if fix.is_valid else b"V"
    letters += b"S" if fix.position.lat < 0 else b"N"
    letters += b"W" if fix.position.lon < 0 else b"E"
    letters += b"\0"
    lat, lon = (_ddmm(fix.position.lat), _ddmm(fix.position.lon)) if fix.is_valid else (0.0, 0.0)
    knots, course = (fix.speed_mps or 0.0) / KNOT_MPS, fix.course_deg or 0.0
    plain = struct.pack("<4f", lat, lon, knots, course)
    match layout:
        case NovatekLayout.A119:
            return bytes(0x20) + struct.pack("<6I", *clock, *date) + letters + plain
        case NovatekLayout.A119_V3:
            return struct.pack("<6I", *clock, *date) + letters + plain
        case NovatekLayout.YEAR_FIRST:
            return bytes(0x20) + struct.pack("<6I", *date, *clock) + letters + plain
        case NovatekLayout.S1:
            times = struct.pack("<6I", at.year - 2000, *date[1:], *clock)
            numbers = struct.pack("<5f", lon, lat, knots, course, fix.altitude_m or 0.0)
            return bytes(0x20) + b"horsontech".ljust(16, b"\0") + letters + times + numbers


def block_of(fix: Fix, *, utc_offset: timedelta, layout: NovatekLayout, size_bytes: int = BLOCK_BYTES) -> bytes:
    """Return a whole block: a `free` box whose content starts with `GPS `."""
    record = record_of(fix, utc_offset=utc_offset, layout=layout)
    head = struct.pack(">I", size_bytes) + b"freeGPS " + struct.pack("<I", len(record))
    return (head + record).ljust(size_bytes, b"\0")


def mux_novatek(
    video_path: Path,
    fixes: Sequence[Fix],
    out_path: Path,
    *,
    video_start: datetime | None = None,
    utc_offset: timedelta = timedelta(0),
    layout: NovatekLayout = NovatekLayout.A119,
    is_listed: bool = True,
) -> Path:
    """Write an MP4 with the frames of `video_path` and `fixes` as a Novatek camera would.

    Args:
        video_path: An MP4 or MOV.
        fixes: In order of time; a camera writes one a second.
        out_path: Where to.
        video_start: UTC of the first frame; that of the first fix when not given.
        utc_offset: Of the camera's clock; the blocks and the container's creation time are in it, as of most cameras.
        layout: Which model's block.
        is_listed: Whether `moov` lists the blocks; some cameras do not.

    Returns:
        `out_path`.
    """
    start = video_start or fixes[0].at
    rewriter = Rewriter(video_path, created_at=(start + utc_offset).replace(tzinfo=None))
    blocks = [
        Interleaved((fix.at - start).total_seconds(), block_of(fix, utc_offset=utc_offset, layout=layout))
        for fix in fixes
    ]
    placed = rewriter.write(out_path, interleaved=blocks)
    listing = struct.pack(">II", 0x101, len(placed)) + b"".join(
        struct.pack(">II", place.offset, place.size_bytes) for place in placed
    )
    rewriter.finish(out_path, moov_boxes=[Box(b"gps ", listing)] if is_listed else [])
    return out_path


def mux_novatek_ts(
    video_path: Path,
    fixes: Sequence[Fix],
    out_path: Path,
    *,
    video_start: datetime | None = None,
    utc_offset: timedelta = timedelta(0),
) -> Path:
    """Write a transport stream with the records of `fixes` as private PES packets (a Viofo A119 V3 in TS mode).

    The video is copied when it is H.264 or HEVC.
    """
    import av  # noqa: PLC0415 -- the rest of this package needs no codec

    start = video_start or fixes[0].at
    with av.open(str(video_path)) as source, av.open(str(out_path), "w", format="mpegts") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                target.mux(packet)
    stream_bytes = out_path.read_bytes()
    first = _first_pts(stream_bytes)
    waiting = [((fix.at - start).total_seconds(), fix) for fix in fixes]
    counter = 0
    with out_path.open("wb") as out:
        for at in range(0, len(stream_bytes), 188):
            cell = stream_bytes[at : at + 188]
            pts = _pts_of(cell)
            while waiting and pts is not None and pts - first >= waiting[0][0] - 1e-6:
                at_s, fix = waiting.pop(0)
                record = record_of(fix, utc_offset=utc_offset, layout=NovatekLayout.A119_V3).ljust(96, b"\0")
                out.write(_ts_packet(record, first + at_s, counter))
                counter = (counter + 1) % 16
            out.write(cell)
    return out_path


def _pts_of(packet: bytes) -> float | None:
    """Return the presentation time of a packet that starts a video frame."""
    if not packet[1] & 0x40:
        return None
    at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if packet[at : at + 3] != b"\0\0\x01" or not 0xE0 <= packet[at + 3] < 0xF0 or not packet[at + 7] & 0x80:
        return None
    raw = packet[at + 9 : at + 14]
    ticks = (raw[0] >> 1 & 7) << 30 | (raw[1] << 8 | raw[2]) >> 1 << 15 | (raw[3] << 8 | raw[4]) >> 1
    return ticks / 90_000.0


def _first_pts(content: bytes) -> float:
    times = (_pts_of(content[at : at + 188]) for at in range(0, len(content), 188))
    return min(time_s for time_s in times if time_s is not None)


def _ts_packet(record: bytes, pts_s: float, counter: int) -> bytes:
    ticks = round(pts_s * 90_000)
    stamp = bytes(
        [
            0x21 | (ticks >> 29 & 0x0E),
            ticks >> 22 & 0xFF,
            0x01 | (ticks >> 14 & 0xFE),
            ticks >> 7 & 0xFF,
            0x01 | (ticks << 1 & 0xFE),
        ]
    )
    payload = b"\0\0\x01\xbd" + struct.pack(">H", 8 + len(record)) + b"\x80\x80\x05" + stamp + record
    stuffing = 184 - len(payload)
    adaptation = bytes([stuffing - 1]) + (b"\0" + b"\xff" * (stuffing - 2) if stuffing > 1 else b"")
    return struct.pack(">BHB", 0x47, 0x4000 | _TS_PID, 0x30 | counter) + adaptation + payload
