"""The `freeGPS` blocks of Novatek cameras (Viofo, Vantrue, Nextbase and many) in MP4, MOV and TS.

Nobody publishes the format. A block is a big-endian length, `freeGPS `, and little-endian fields whose places and
order differ between models. What is common to most: six integers of a time, then the letters of status and
hemispheres with a zero, then latitude, longitude, speed in knots and course as 32-bit floats, the angles as
DDDMM.MMMM. So this reader looks for the letters. An MP4 lists the blocks in `moov/gps `; else they are searched for.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path

from dashlight.edge.recordings.telemetry.boxes import find_box
from dashlight.edge.recordings.telemetry.nmea import readings_of_sentences
from dashlight.edge.recordings.telemetry.reading import (
    KNOT_MPS,
    MAX_READINGS,
    Reading,
    Telemetry,
    TelemetryClock,
    course_of,
    degrees_of_ddmm,
    position_of,
    seconds_of,
    speed_of,
)
from dashlight.edge.recordings.telemetry.transport import is_transport_stream, private_payloads
from dashlight.edge.recordings.telemetry.video_index import offsets_of_bytes
from dashlight.errors import Corrupt, HostError
from dashlight.model import LonLat

MAGIC = b"freeGPS "
MAX_BLOCK_BYTES = 0x20000  # Cameras write 0x4000 or 0x8000.
UNLISTED_WITHIN = 32 * 2**20  # The first unlisted block comes within 2 MB of the media; a film has none at all.
MAX_BLOCKS = 200_000

_LETTERS = re.compile(rb"[AV](?:[NS][EW]|\x00\x00)\x00")
_RMC = re.compile(rb"\$G[A-Z]RMC,[ -~]{10,90}")


@dataclass(frozen=True, slots=True)
class Block:
    """One decoded block; the time in both orders that cameras use, for the whole file to decide between."""

    clock_as_hms_first_s: float | None
    clock_as_ymd_first_s: float | None
    position: LonLat | None
    speed_mps: float | None
    course_deg: float | None
    is_valid: bool
    altitude_m: float | None = None


def read(path: Path) -> Telemetry | None:
    """Return the positions of a Novatek camera's file, or None when it has no such block.

    Raises:
        Corrupt: When there are blocks, but of a layout (or scrambling) that is not known.
        HostError: When the file cannot be read.
    """
    try:
        with path.open("rb") as file, closing(mmap(file.fileno(), 0, access=ACCESS_READ)) as content:
            if is_transport_stream(content):
                return _of_transport(content)
            places = blocks_of_mp4(content)
            if not places:
                return None
            contents = [bytes(content[start : start + min(size, 1024)]) for start, size in places]
    except OSError as exc:
        raise HostError(f"the file cannot be read: {exc.strerror or exc}", code="unreadable") from exc
    except ValueError as exc:
        raise Corrupt("an empty file has no telemetry", code="empty") from exc
    offsets = offsets_of_bytes(path, [start for start, _ in places])
    return telemetry_of(contents, offsets)


def telemetry_of(contents: Sequence[bytes], offsets: Sequence[float | None]) -> Telemetry | None:
    """Return the positions in blocks, given where in the video each lies.

    Raises:
        Corrupt: When no block is of a known layout.
    """
    decoded = [(decoded_block(content), offset) for content, offset in zip(contents, offsets, strict=True)]
    if any(block is not None for block, _ in decoded):
        return _assembled([(block, offset) for block, offset in decoded if block is not None])
    spoken = _nmea_in(contents, offsets)
    if spoken:
        return Telemetry("Novatek freeGPS (NMEA)", tuple(spoken), TelemetryClock.UTC)
    if not contents:
        return None
    raise Corrupt(
        f"{len(contents)} freeGPS blocks are of an unknown or scrambled layout",
        code="unknown-telemetry",
        hint="Install exiftool 13 or newer, which knows more cameras; or put a GPX file beside the video.",
    )


def _of_transport(content: mmap) -> Telemetry | None:
    contents: list[bytes] = []
    offsets: list[float | None] = []
    for payload, offset_s in private_payloads(content):
        if _LETTERS.search(payload[:512]) or _RMC.search(payload[:512]):
            contents.append(payload)
            offsets.append(offset_s)
        if len(contents) >= MAX_BLOCKS:
            break
    if not any(decoded_block(block) for block in contents) and not _nmea_in(contents, offsets):
        return None
    return telemetry_of(contents, offsets)


def blocks_of_mp4(content: bytes | mmap) -> list[tuple[int, int]]:
    """Return (offset, size) of each block: those listed in `moov/gps `, or found by searching."""
    listed = find_box(content, b"moov", b"gps ")
    places: list[tuple[int, int]] = []
    if listed is not None and listed.end - listed.start >= 8:
        (count,) = struct.unpack_from(">I", content, listed.start + 4)
        count = min(count, (listed.end - listed.start - 8) // 8, MAX_BLOCKS)
        for index in range(count):
            start, size = struct.unpack_from(">II", content, listed.start + 8 + 8 * index)
            if (
                start + 92 <= len(content)
                and 92 <= size <= MAX_BLOCK_BYTES
                and content[start + 4 : start + 12] == MAGIC
            ):
                places.append((start, size))
    return places or list(_searched(content))


def _searched(content: bytes | mmap) -> Iterator[tuple[int, int]]:
    at = content.find(MAGIC, 0, UNLISTED_WITHIN)
    for _ in range(MAX_BLOCKS):
        if at < 4:
            return
        (size,) = struct.unpack_from(">I", content, at - 4)
        if 92 <= size <= MAX_BLOCK_BYTES:
            yield at - 4, size
        at = content.find(MAGIC, at + 8)


def decoded_block(content: bytes) -> Block | None:
    """Return what a block holds, or None when its layout is not known."""
    for match in _LETTERS.finditer(content[:512]):
        block = _time_before(content, match) or _time_after(content, match)
        if block is not None:
            return block
    return _wide(content) or _spread(content)


def _times(values: Sequence[int]) -> tuple[float | None, float | None]:
    a, b, c, d, e, f = values
    return seconds_of(d, e, f, a, b, c), seconds_of(a, b, c, d, e, f)


def _block(
    times: tuple[float | None, float | None], letters: bytes, numbers: Sequence[float], altitude_m: float | None = None
) -> Block | None:
    """Return the block of latitude, longitude (DDDMM.MMMM), knots and course, if they can be such."""
    if times == (None, None):
        return None
    is_valid = letters[:1] == b"A"
    lat, lon, knots, course = numbers
    is_angle = (
        abs(lat) <= 9000 and abs(lon) <= 18000 and abs(lat) % 100 <= 60 and abs(lon) % 100 <= 60
    )  # 60 by rounding
    position = None
    if is_angle:
        south, west = letters[1:2] == b"S", letters[2:3] == b"W"
        lat, lon = abs(degrees_of_ddmm(lat)), abs(degrees_of_ddmm(lon))
        position = position_of(-lon if west else lon, -lat if south else lat)
    if position is None and is_valid:
        return None
    return Block(*times, position, speed_of(knots * KNOT_MPS), course_of(course), is_valid, altitude_m)


def _time_before(content: bytes, match: re.Match[bytes]) -> Block | None:
    """Read time, letters, floats: at 0x30 (Viofo A119), at 0x10 (A119 V3), at 0 or 0xa4 in TS."""
    start = match.start() - 24
    if start < 0 or match.end() + 16 > len(content):
        return None
    times = _times(struct.unpack_from("<6I", content, start))
    return _block(times, match.group(), struct.unpack_from("<4f", content, match.end()))


def _time_after(content: bytes, match: re.Match[bytes]) -> Block | None:
    """Read letters, year to second, longitude before latitude (Vantrue S1)."""
    if match.end() + 44 > len(content):
        return None
    values = struct.unpack_from("<6I", content, match.end())
    lon, lat, knots, course, altitude_m = struct.unpack_from("<5f", content, match.end() + 24)
    if not 1 <= values[1] <= 12:
        return None
    times = (None, _times(values)[1])
    return _block(times, match.group(), (lat, lon, knots, course), altitude_m)


def _wide(content: bytes) -> Block | None:
    """Read doubles with each letter in eight bytes (Vantrue N4)."""
    if len(content) < 0x5C or content[0x1C:0x20] not in (b"A\0\0\0", b"V\0\0\0"):
        return None
    letters = content[0x1C:0x1D] + content[0x28:0x29] + content[0x38:0x39]
    hour, minute, second = struct.unpack_from("<3I", content, 0x10)
    (lat,), (lon,) = struct.unpack_from("<d", content, 0x20), struct.unpack_from("<d", content, 0x30)
    knots, course = struct.unpack_from("<2d", content, 0x40)
    year, month, day = struct.unpack_from("<3I", content, 0x50)
    clock_s = seconds_of(year, month, day, hour, minute, second)
    return _block((clock_s, None), letters, (lat, lon, knots, course))


def _spread(content: bytes) -> Block | None:
    """Read floats with each letter in four bytes; the speed's unit is not known and left out (Akaso and kin)."""
    if len(content) < 0x64 or content[0x3C:0x40] not in (b"A\0\0\0", b"V\0\0\0"):
        return None
    letters = content[0x3C:0x3D] + content[0x44:0x45] + content[0x4C:0x4D]
    hour, minute, second = struct.unpack_from("<3I", content, 0x30)
    (lat,), (lon,) = struct.unpack_from("<f", content, 0x40), struct.unpack_from("<f", content, 0x48)
    year, month, day = struct.unpack_from("<3I", content, 0x58)
    clock_s = seconds_of(year, month, day, hour, minute, second)
    return _block((clock_s, None), letters, (lat, lon, float("nan"), float("nan")))


def _assembled(blocks: Sequence[tuple[Block, float | None]]) -> Telemetry:
    """Choose the order of the times for the whole file: the one in which most are times and they go by seconds."""
    hms = [block.clock_as_hms_first_s for block, _ in blocks]
    ymd = [block.clock_as_ymd_first_s for block, _ in blocks]
    clocks = hms if _roughness(hms) <= _roughness(ymd) else ymd
    readings = [
        Reading(
            block.position or LonLat(0.0, 0.0),
            clock_s=clock_s,
            offset_s=offset_s,
            speed_mps=block.speed_mps,
            course_deg=block.course_deg,
            is_valid=block.is_valid and block.position is not None,
            altitude_m=block.altitude_m,
        )
        for (block, offset_s), clock_s in zip(blocks[:MAX_READINGS], clocks, strict=False)
    ]
    has_clock = any(reading.clock_s is not None and reading.is_valid for reading in readings)
    clock = TelemetryClock.LOCAL_OR_UTC if has_clock else TelemetryClock.NONE
    return Telemetry("Novatek freeGPS", tuple(readings), clock)


def _roughness(clocks: Iterable[float | None]) -> tuple[int, float]:
    known = [clock_s for clock_s in clocks if clock_s is not None]
    missing = sum(1 for clock_s in clocks if clock_s is None)
    steps = sorted(abs(b - a - 1.0) for a, b in pairwise(known))
    return missing, steps[len(steps) // 2] if steps else 0.0


def _nmea_in(contents: Sequence[bytes], offsets: Sequence[float | None]) -> list[Reading]:
    readings: list[Reading] = []
    for content, offset_s in zip(contents, offsets, strict=True):
        match = _RMC.search(content)
        if match is not None:
            readings.extend(readings_of_sentences([(match.group().decode("ascii", "replace"), offset_s)]))
    return readings
